"""Reading run tasks."""

from collections.abc import Iterable
from typing import Final

from app.authz.permissions import P
from app.models.organizations import Organization
from app.models.run_tasks import RunTask, WorkspaceTask
from app.models.workspaces import Workspace
from app.resources.run_tasks.tasks.schema import TaskSchema
from app.web.listing import Listing, plain
from app.web.policy import visible
from app.web.related_ids import Link, RelatedIds

_LINK: Final = WorkspaceTask.__table__


def _links() -> Iterable[Link]:
    # A task must not reveal workspaces that the caller can't see.
    yield Link(
        "workspace_task_ids",
        WorkspaceTask.task_id,
        WorkspaceTask.id,
        Workspace.name,
        _LINK.join(Workspace.__table__, Workspace.__table__.c.id == WorkspaceTask.workspace_id),
        visible(P.WORKSPACE_READ, Workspace),
    )


TASKS: Final = Listing(
    schema=TaskSchema,
    model=RunTask,
    columns={
        **plain(
            RunTask,
            "id organization_id name description url enabled global_enabled global_stages global_enforcement_level "
            "created_at updated_at",
        ),
        "organization_name": Organization.name,
    },
    joined=RunTask.__table__.join(Organization.__table__, Organization.__table__.c.id == RunTask.organization_id),
    order=(RunTask.name, RunTask.__table__.c.id),
    complete=RelatedIds(("workspace_task_ids",), _links),
)
