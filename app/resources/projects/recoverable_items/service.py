"""Use cases of recoverable items: each checks the caller, changes in one transaction and records its event."""

from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models.projects import Project
from app.models.recoverable_items import DELETED, RECOVERED, RecoverableItem, RecoverableObject, RecoverableRows
from app.models.recoverable_rows import MissingParent, put_back
from app.models.recovery import give_up
from app.models.workspaces import Workspace
from app.persistence import in_values, now, violated_constraint
from app.resources.projects.recoverable_items.operations import (
    NotRecoverable,
    adjust,
    adjust_project,
    check_kept,
    check_project,
    other_environment,
)
from app.web.policy import get_for_update, require
from app.web.transaction import record_event, record_events, transaction

NAMES: Final = {
    "uq_workspaces_organization_id_name": "A workspace of this organization has its name",
    "uq_projects_organization_id_name": "A project of this organization has its name",
    "uq_projects_organization_id_slug": "A project of this organization has its slug",
}


def recover(item_id: str) -> None:
    """Write what was deleted as it was, under its old id and name."""
    with transaction() as session:
        item = _item(session, item_id)
        check_kept(item)
        check_project(session, item)
        change = {Workspace.__tablename__: other_environment(session, item)}
        try:
            existing = put_back(session, item, change)
        except MissingParent:
            raise NotRecoverable("Something that it must belong to was deleted meanwhile") from None
        except IntegrityError as error:
            taken = NAMES.get(violated_constraint(error) or "")
            if taken is None:
                raise
            raise NotRecoverable(f"{taken} now. Rename that one, and recover then") from None
        workspace_ids, project_ids = (existing.written[model.__tablename__] for model in (Workspace, Project))
        adjust(session, workspace_ids, item.deleted_at)
        for each in project_ids:
            adjust_project(session, each)
        for model in (RecoverableRows, RecoverableObject):
            session.execute(delete(model).where(model.item_id == item.id))
        item.status, item.ended_at = RECOVERED, now()
        session.flush()
        workspaces = session.scalars(
            select(Workspace).where(in_values(Workspace.__table__.c.id, workspace_ids)).order_by(Workspace.id)
        ).all()
        projects = session.scalars(select(Project).where(in_values(Project.id, project_ids))).all()
        # What did not come back is told of the item itself.
        left = {f"left-out-{name.replace('_', '-')}": [None, count] for name, count in existing.left_out.items()}
        of_project = item.recoverable_type == Project.__tablename__
        record_events(session, "workspaces.recover", [(each, None if of_project else left) for each in workspaces])
        record_events(session, "projects.recover", [(each, left) for each in projects])


def delete_for_good(item_id: str) -> None:
    """Delete what is kept, so that it can't be recovered any more."""
    with transaction() as session:
        item = _item(session, item_id)
        check_kept(item)
        give_up(session, [item], DELETED)
        record_event(session, "recoverable-items.permanently-delete", item)


def _item(session: Session, item_id: str) -> RecoverableItem:
    item = get_for_update(session, RecoverableItem, item_id, P.WORKSPACE_FORCE_DELETE)
    if item.recoverable_type == Project.__tablename__:
        # The same as for deleting it with its workspaces.
        require(P.PROJECT_FORCE_DELETE, item, RecoverableItem)
    return item
