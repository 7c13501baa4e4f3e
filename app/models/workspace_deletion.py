"""Deleting one or many workspaces, with everything in them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.models.recovery import keep_workspaces, objects_to_delete
from app.models.runs import APPLYING, Run
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.storage.ledger import mark_for_deletion


def lock_workspaces(session: Session, condition: ColumnElement[bool]) -> Sequence[Workspace]:
    """The workspaces that match the condition, locked until the transaction ends.

    They are locked in the same order as by requests that move workspaces, so that two requests can't deadlock.
    """
    return session.scalars(select(Workspace).where(condition).order_by(Workspace.id).with_for_update()).all()


def applying_run(session: Session, workspaces: Iterable[Workspace]) -> str | None:
    """The id of a run that is applying in one of the workspaces, which the caller has locked; None if there is none."""
    holding = [workspace.locked_by_id for workspace in workspaces if workspace.locked_by_type == "runs"]
    if not holding:
        return None
    columns = Run.__table__.c
    found = select(columns.id).where(
        in_values(columns.id, [each for each in holding if each]), columns.status == APPLYING
    )
    return session.scalar(found.limit(1))


def delete_workspaces(
    session: Session, workspaces: Sequence[Workspace], deleted_by: str | None, *, is_kept: bool = False
) -> None:
    """Delete these workspaces, which the caller has locked, and mark their objects for deletion.

    They can be recovered for some days, by who may delete them by force; if one ``is_kept`` already, as a part of its
    project, it has no item of its own.
    """
    if not is_kept:
        keep_workspaces(session, workspaces, deleted_by)
    ids = [workspace.id for workspace in workspaces]
    mark_for_deletion(session, objects_to_delete("workspace_id", ids))
    session.execute(
        delete(Workspace).where(in_values(Workspace.__table__.c.id, ids)),
        execution_options={"synchronize_session": False},
    )
    for workspace in workspaces:
        session.expunge(workspace)
