"""Reading the run tasks of workspaces."""

from typing import Final

from app.models.run_tasks import WorkspaceTask
from app.models.workspaces import Workspace
from app.resources.run_tasks.workspace_tasks.schema import WorkspaceTaskSchema
from app.web.listing import Listing, plain

_LINK: Final = WorkspaceTask.__table__

WORKSPACE_TASKS: Final = Listing(
    schema=WorkspaceTaskSchema,
    model=WorkspaceTask,
    columns={
        **plain(
            WorkspaceTask, "id organization_id workspace_id task_id stages enforcement_level created_at updated_at"
        ),
        "project_id": Workspace.project_id,
    },
    joined=_LINK.join(Workspace.__table__, Workspace.__table__.c.id == WorkspaceTask.workspace_id),
    order=(WorkspaceTask.created_at, _LINK.c.id),
)
