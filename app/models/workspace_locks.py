"""The lock of a workspace, as far as tables are concerned."""

from app.models.workspaces import Workspace

TITLES = {"users": "User", "teams": "Team", "runs": "Run"}


def release(workspace: Workspace) -> None:
    """Remove the lock."""
    workspace.locked = False
    workspace.locked_by_type = workspace.locked_by_id = workspace.locked_by_name = None
    workspace.locked_reason = None
