"""The rules of run triggers, and the runs that they start."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.run_triggers import RunTrigger
from app.models.workspaces import Workspace

SOURCES: Final = 20
SOURCEABLE: Final = "/data/relationships/sourceable"


class TooManySources(Unprocessable):
    """The workspace has as many sources as it can have."""

    code = "too-many-run-triggers"
    detail = f"A workspace can have at most {SOURCES} source workspaces; delete one of its run triggers"
    pointer = SOURCEABLE


class SourceNotFound(Unprocessable):
    """The source does not exist, or the caller may not read its runs."""

    code = "sourceable-not-found"
    detail = "Sourceable not found, or you are not authorized to read its runs"
    pointer = SOURCEABLE


def check_trigger(session: Session, workspace: Workspace, source_id: str) -> None:
    """Refuse a trigger of the workspace, whose row is locked, by itself, or one too many."""
    if source_id == workspace.id:
        raise InvalidAttribute("Sourceable can't be the workspace itself", pointer=SOURCEABLE)
    count = session.scalar(select(func.count()).select_from(RunTrigger).where(RunTrigger.workspace_id == workspace.id))
    if (count or 0) >= SOURCES:
        raise TooManySources
