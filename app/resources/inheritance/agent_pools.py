"""Which projects and workspaces may use an agent pool, and whether any does."""

from typing import Any

from sqlalchemy import ColumnElement, Exists, SQLColumnExpression, and_, exists, or_, select
from sqlalchemy.orm import Session

from app.models.agent_pools import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.runs import FINAL, Run
from app.models.workspaces import Workspace

Id = SQLColumnExpression[Any] | str | None


def open_to_project(project_id: Id) -> ColumnElement[bool]:
    """The condition that a project may use the pool. A new project, which has no id, may use only pools open to all."""
    return or_(AgentPool.organization_scoped, _listed(AllowedProject, AllowedProject.project_id == project_id))


def open_to_workspace(workspace_id: Id, project_id: Id) -> ColumnElement[bool]:
    """The condition that a workspace of the project may use the pool, itself or because its project may."""
    return and_(
        or_(open_to_project(project_id), _listed(AllowedWorkspace, AllowedWorkspace.workspace_id == workspace_id)),
        ~_listed(ExcludedWorkspace, ExcludedWorkspace.workspace_id == workspace_id),
    )


def is_used(session: Session, pool: AgentPool) -> bool:
    """Whether the organization, a project, a workspace or a run uses the pool, whose row the caller has locked.

    A run that is not over needs an agent of the pool, also if its workspace has left the pool meanwhile.
    """
    users = (
        exists().where(Organization.id == pool.organization_id, Organization.default_agent_pool_id == pool.id),
        exists().where(Project.own_agent_pool_id == pool.id),
        exists().where(Workspace.own_agent_pool_id == pool.id),
        exists().where(
            Run.organization_id == pool.organization_id, Run.status.not_in(sorted(FINAL)), Run.pool == pool.id
        ),
    )
    return bool(session.scalar(select(or_(*users))))


def _listed(
    table: type[AllowedProject | AllowedWorkspace | ExcludedWorkspace], condition: ColumnElement[bool]
) -> Exists:
    around = (AgentPool.__table__, Project.__table__, Workspace.__table__)
    return exists().where(table.agent_pool_id == AgentPool.id, condition).correlate(*around)
