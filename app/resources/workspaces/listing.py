"""Reading workspaces."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, case, func

from app.authz.permissions import P
from app.resources.organizations.listing import ORGANIZATIONS
from app.resources.organizations.model import Organization
from app.resources.projects.listing import PROJECTS
from app.resources.projects.model import Project
from app.resources.workspaces.model import Workspace
from app.resources.workspaces.schema import WorkspaceSchema
from app.web.filters import Contains, Equals
from app.web.listing import Listing

_NAME = func.lower(Workspace.name)
_PLAIN = (
    "id",
    "organization_id",
    "project_id",
    "name",
    "description",
    "created_at",
    "updated_at",
    "auto_apply",
    "allow_destroy_plan",
    "inherits_project_auto_destroy",
    "own_execution_mode",
    "file_triggers_enabled",
    "global_remote_state",
    "locked",
    "queue_all_runs",
    "resource_count",
    "source",
    "speculative_enabled",
    "structured_run_output_enabled",
    "terraform_version",
    "working_directory",
)

WORKSPACES = Listing(
    schema=WorkspaceSchema,
    model=Workspace,
    visible_by=P.WORKSPACE_READ,
    columns={
        **{name: getattr(Workspace, name) for name in _PLAIN},
        "organization_name": Organization.name,
        # What is inherited is read from where it is set, so that a change there is here at once.
        "execution_mode": func.coalesce(
            Workspace.own_execution_mode,
            Project.own_execution_mode,
            Organization.default_execution_mode,
        ),
        "auto_destroy_activity_duration": case(
            (Workspace.inherits_project_auto_destroy, Project.auto_destroy_activity_duration),
            else_=Workspace.own_auto_destroy_activity_duration,
        ),
    },
    joined=Workspace.__table__.join(Project.__table__, Project.id == Workspace.project_id).join(
        Organization.__table__,
        Organization.id == Workspace.organization_id,
    ),
    order=(_NAME,),
    sorts={"name": (_NAME,)},
    filters=(
        Contains("search[name]", (Workspace.name,)),
        Equals("filter[project][id]", Workspace.project_id),
    ),
)


def including(included: set[str]) -> Callable[[Sequence[Row[Any]], list[dict[str, Any]]], list[dict[str, Any]]] | None:
    """What loads the wanted related resources of a page of workspaces; those the caller may not see are left out."""
    if not included:
        return None

    def load(rows: Sequence[Row[Any]], _shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        if "project" in included:
            found += PROJECTS.some({row.project_id for row in rows})
        if "organization" in included:
            found += ORGANIZATIONS.some({row.organization_id for row in rows})
        return found

    return load
