"""The lock of a workspace, as far as tables are concerned."""

from typing import Final

from app.models.workspaces import Workspace

TITLES = {"users": "User", "teams": "Team", "runs": "Run"}


# The columns of the lock when nobody holds it.
FREE: Final = {
    "locked": False,
    "locked_by_type": None,
    "locked_by_id": None,
    "locked_by_name": None,
    "locked_reason": None,
}


def release(workspace: Workspace) -> None:
    """Remove the lock."""
    for name, value in FREE.items():
        setattr(workspace, name, value)
