"""What people are told about auto-destroy, through the notification configurations of the workspace."""

from sqlalchemy.orm import Session

from app.models.runs import Run
from app.models.workspaces import Workspace


def remind(session: Session, workspace: Workspace) -> None:
    """Tell that the workspace is destroyed soon."""


def tell_result(session: Session, workspace: Workspace, run: Run) -> None:
    """Tell how the run that was to destroy the workspace ended."""


def tell_failure(session: Session, workspace: Workspace, reason: str) -> None:
    """Tell why the run that was to destroy the workspace could not be created."""
