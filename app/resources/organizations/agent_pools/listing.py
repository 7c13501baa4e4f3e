"""Reading agent pools, with the ids of the projects and workspaces that use them or may use them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.query import Arguments, text_of
from app.models.agent_pools import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.models.agents import Agent, is_alive
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import Expression, case_folded, fold_case
from app.resources.inheritance.agent_pools import open_to_project, open_to_workspace
from app.resources.organizations.agent_pools.schema import AgentPoolSchema
from app.web.filters import Contains, Filter, FilterClause
from app.web.listing import Listing, plain
from app.web.policy import visible
from app.web.related_ids import Link, RelatedIds

_NAME = case_folded(AgentPool.name)


@dataclass(frozen=True)
class OpenTo(Filter):
    """The name of a workspace or project that the caller can see; finds the pools that it may use."""

    model: type[Workspace | Project]
    permission: P
    description = "An exact name, without regard to case: the pools open to what is called so"

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The pool is open to a resource of this name."""
        name = text_of(arguments, self.parameter)
        if name is None:
            return None
        levels = rules.grant_levels(caller, self.permission, self.model, organization_id)
        table = self.model.__tablename__
        return FilterClause(
            ("open to", table, levels),
            lambda: [self._condition(f"open_to_{table}", levels)],
            {f"open_to_{table}": fold_case(name), **rules.visibility_parameters(caller, self.permission, levels)},
        )

    def _condition(self, name: str, levels: rules.GrantLevels) -> ColumnElement[bool]:
        model = self.model
        of_project = open_to_project(Project.id)
        is_open = of_project if model is Project else open_to_workspace(Workspace.id, Workspace.project_id)
        return (
            exists()
            .where(
                model.organization_id == AgentPool.organization_id,
                case_folded(model.name) == bindparam(name),
                rules.visibility_clause(self.permission, model, levels),
                is_open,
            )
            .correlate(AgentPool.__table__)
        )


def _agent_count() -> Expression:
    # A caller who sees the pool sees its agents.
    counted = select(func.count()).select_from(Agent).where(Agent.pool == AgentPool.id, is_alive())
    return counted.correlate(AgentPool).scalar_subquery()


def _links() -> Iterable[Link]:
    # A pool must not reveal workspaces and projects that the caller can't see.
    workspace_seen = visible(P.WORKSPACE_READ, Workspace)
    project_seen = visible(P.PROJECT_READ, Project)
    workspaces, projects = Workspace.__table__, Project.__table__
    yield Link("workspace_ids", Workspace.own_agent_pool_id, Workspace.id, Workspace.name, workspaces, workspace_seen)
    for name, table in (("allowed_workspace_ids", AllowedWorkspace), ("excluded_workspace_ids", ExcludedWorkspace)):
        joined = table.__table__.join(workspaces)
        yield Link(name, table.agent_pool_id, Workspace.id, Workspace.name, joined, workspace_seen)
    yield Link(
        "allowed_project_ids",
        AllowedProject.agent_pool_id,
        Project.id,
        Project.name,
        AllowedProject.__table__.join(projects),
        project_seen,
    )


AGENT_POOLS = Listing(
    schema=AgentPoolSchema,
    model=AgentPool,
    columns={
        **plain(AgentPool, "id organization_id name organization_scoped max_concurrent_runs created_at"),
        "organization_name": Organization.name,
        "agent_count": _agent_count(),
    },
    joined=AgentPool.__table__.join(Organization.__table__),
    order=(_NAME,),
    sorts={"name": (_NAME,), "created-at": (AgentPool.created_at,)},
    filters=(
        Contains("q", (AgentPool.name,)),
        OpenTo("filter[allowed_workspaces][name]", Workspace, P.WORKSPACE_READ),
        OpenTo("filter[allowed_projects][name]", Project, P.PROJECT_READ),
    ),
    counted_by_status=True,
    complete=RelatedIds(
        ("workspace_ids", "allowed_workspace_ids", "excluded_workspace_ids", "allowed_project_ids"), _links
    ),
)
