"""Reading policy sets, with the ids of their policies and of the places where they count."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import func, literal, select, true

from app.authz.permissions import P
from app.models.organizations import Organization
from app.models.policies import (
    OPA,
    Policy,
    PolicySet,
    PolicySetPolicy,
    PolicySetProject,
    PolicySetProjectExclusion,
    PolicySetWorkspace,
    PolicySetWorkspaceExclusion,
)
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.policies.policies.listing import POLICIES
from app.resources.policies.policy_sets.schema import PolicySetSchema
from app.resources.projects.projects.listing import PROJECTS
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.filters import Contains, Holds, OneOf
from app.web.listing import Counted, Listing, ResourceObject, plain
from app.web.policy import visible
from app.web.related_ids import Link, RelatedIds

LISTS: Final = ("policy_ids", "workspace_ids", "project_ids", "workspace_exclusion_ids", "project_exclusion_ids")


def _links() -> Iterable[Link]:
    # A set must not reveal workspaces and projects that the caller can't see.
    workspaces, projects = Workspace.__table__, Project.__table__
    yield Link(
        "policy_ids",
        PolicySetPolicy.policy_set_id,
        Policy.id,
        Policy.name,
        PolicySetPolicy.__table__.join(Policy.__table__),
        true(),
    )
    seen = visible(P.WORKSPACE_READ, Workspace)
    for name, table in (
        ("workspace_ids", PolicySetWorkspace),
        ("workspace_exclusion_ids", PolicySetWorkspaceExclusion),
    ):
        joined = table.__table__.join(workspaces)
        yield Link(name, table.policy_set_id, Workspace.id, Workspace.name, joined, seen)
    seen = visible(P.PROJECT_READ, Project)
    for name, of_projects in (
        ("project_ids", PolicySetProject),
        ("project_exclusion_ids", PolicySetProjectExclusion),
    ):
        joined = of_projects.__table__.join(projects)
        yield Link(name, of_projects.policy_set_id, Project.id, Project.name, joined, seen)


POLICY_SETS: Final = Listing(
    schema=PolicySetSchema,
    model=PolicySet,
    columns={
        **plain(
            PolicySet,
            "id organization_id name description is_global overridable policy_tool_version created_at updated_at",
        ),
        "organization_name": Organization.name,
        "policy_count": select(func.count())
        .where(PolicySetPolicy.policy_set_id == PolicySet.id)
        .correlate(PolicySet)
        .scalar_subquery(),
        "workspace_count": Counted(
            P.WORKSPACE_READ,
            Workspace,
            PolicySetWorkspace.policy_set_id == PolicySet.id,
            linked=PolicySetWorkspace,
        ),
        "project_count": Counted(
            P.PROJECT_READ, Project, PolicySetProject.policy_set_id == PolicySet.id, linked=PolicySetProject
        ),
    },
    joined=PolicySet.__table__.join(Organization.__table__),
    order=(case_folded(PolicySet.name), PolicySet.id),
    filters=(
        Contains("search[name]", (PolicySet.name,)),
        OneOf("filter[kind]", literal(OPA)),
        Holds("filter[versioned]", PolicySet.id.is_(None)),
    ),
    complete=RelatedIds(LISTS, _links),
)

Rows = Sequence[Any]
Shown = list[ResourceObject]


def _of(name: str) -> Callable[[Rows], set[str]]:
    return lambda rows: {identifier for row in rows for identifier in getattr(row, name)}


LOADERS: Final[dict[str, Callable[[Rows], Shown]]] = {
    "policies": lambda rows: POLICIES.find_many(_of("policy_ids")(rows)),
    "workspaces": lambda rows: WORKSPACES.find_many(_of("workspace_ids")(rows)),
    "projects": lambda rows: PROJECTS.find_many(_of("project_ids")(rows)),
    "workspace_exclusions": lambda rows: WORKSPACES.find_many(_of("workspace_exclusion_ids")(rows)),
    "project_exclusions": lambda rows: PROJECTS.find_many(_of("project_exclusion_ids")(rows)),
}
# Clients ask for the versions, but no set has one here.
INCLUDES: Final = (*LOADERS, "current_version", "newest_version")


def including(wanted: set[str]) -> Callable[[Rows, Shown], Shown] | None:
    """A function that reads the included resources for policy sets, each once."""
    if not wanted:
        return None

    def load(rows: Rows, _shown: Shown) -> Shown:
        found = [each for name in LOADERS if name in wanted for each in LOADERS[name](rows)]
        return list({(each["type"], each["id"]): each for each in found}.values())

    return load
