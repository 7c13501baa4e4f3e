"""Keeping what is deleted for some days, so that it can be recovered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from app.models.projects import Project
from app.models.recoverable_items import RecoverableItem, RecoverableObject, RecoverableRows
from app.models.recoverable_rows import Taking
from app.models.workspaces import Workspace
from app.persistence import in_values, now
from app.services import services
from app.storage.ledger import mark_for_deletion, objects_owned_by

IS_DRY: Final = "is_dry"
"""In a session: its transaction is rolled back at the end, so that nothing needs to be kept."""
# So many workspaces are read at once.
AT_ONCE: Final = 100


def keep_workspaces(session: Session, workspaces: Sequence[Workspace], deleted_by: str | None) -> None:
    """Keep each of these workspaces, which the caller has locked and is about to delete, in an item of its own."""
    if not _is_to_be_kept(session):
        return
    for begin in range(0, len(workspaces), AT_ONCE):
        some = workspaces[begin : begin + AT_ONCE]
        items = {each.id: _item(each, each.resource_count, deleted_by) for each in some}
        session.add_all(items.values())
        session.flush()
        Taking(session, {"workspaces": items}).take()


def keep_project(session: Session, project: Project, workspaces: Sequence[Workspace], deleted_by: str | None) -> None:
    """Keep a project and its workspaces, which the caller has locked and is about to delete, in one item."""
    if not _is_to_be_kept(session):
        return
    item = _item(project, sum(each.resource_count for each in workspaces), deleted_by)
    session.add(item)
    session.flush()
    Taking(
        session, {"projects": {project.id: item}, "workspaces": dict.fromkeys((each.id for each in workspaces), item)}
    ).take()


def _is_to_be_kept(session: Session) -> bool:
    return bool(services().settings.recoverable_days) and not session.info.get(IS_DRY)


def give_up(session: Session, items: Sequence[RecoverableItem], status: str) -> None:
    """Delete what these items, which the caller has locked, keep; only what became of them stays."""
    ids = [each.id for each in items]
    mark_for_deletion(session, objects_owned_by("item_id", ids))
    for model in (RecoverableRows, RecoverableObject):
        session.execute(
            delete(model).where(in_values(model.__table__.c.item_id, ids)),
            execution_options={"synchronize_session": False},
        )
    for each in items:
        each.status, each.ended_at = status, now()


def objects_to_delete(owner: str, ids: Sequence[str]) -> Select[Any]:
    """The names of the objects of ``objects_owned_by`` that no item keeps."""
    names = objects_owned_by(owner, ids).subquery().c[0]
    return select(names).where(~select(1).where(RecoverableObject.kept_object == names).exists())


def _item(deleted: Project | Workspace, resource_count: int, deleted_by: str | None) -> RecoverableItem:
    moment = now()
    if isinstance(deleted, Project):
        place = {"project_id": deleted.id, "environment_id": ""}
    else:
        place = {name: getattr(deleted, name) for name in ("project_id", "environment_id", "cell")}
    return RecoverableItem(
        organization_id=deleted.organization_id,
        **place,
        recoverable_type=type(deleted).__tablename__,
        recoverable_id=deleted.id,
        name=deleted.name,
        resource_count=resource_count,
        deleted_by_id=deleted_by,
        deleted_at=moment,
        expires_at=moment + timedelta(days=services().settings.recoverable_days),
    )
