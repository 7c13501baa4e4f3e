"""Looks every few seconds whose time has come. Any number of workers may do it at once: each workspace is claimed."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from app.models import auto_destroy
from app.models.auto_destroy_notices import remind
from app.models.workspaces import Workspace
from app.persistence import now
from app.persistence.database import new_session
from app.resources.runs.auto_destroy import hold
from app.resources.runs.auto_destroy.operations import (
    FIRST_REMINDER,
    SECOND_REMINDER,
    begin,
    claim,
    due_workspaces,
    empty_archive,
    is_being_destroyed,
    manages_nothing,
    workspaces_to_remind,
)
from app.resources.runs.configuration_versions.operations import find_latest, object_name
from app.resources.runs.runs.creation import record_creation
from app.services import services
from app.storage.ledger import Stored
from app.web.objects import delete_objects, stored_object
from app.web.transaction import transaction

logger = logging.getLogger(__name__)

# At most so many in one look; the next look goes on.
AT_ONCE: Final = 200
_COLUMNS: Final = Workspace.__table__.c


def look() -> int:
    """Remind of what comes soon, and destroy what is due; returns how many runs were created."""
    with transaction() as session:
        is_held = hold.look(session, services().settings.home)
    with new_session() as session:
        to_remind, due = workspaces_to_remind(session, AT_ONCE), due_workspaces(session, AT_ONCE)
    for workspace_id in to_remind:
        _safely(_remind, workspace_id)
    if is_held:
        if due:
            _hold()
        return 0
    return sum(_safely(_destroy, workspace_id) for workspace_id in due)


def _safely(act: Callable[[str], bool], workspace_id: str) -> bool:
    try:
        return act(workspace_id)
    except Exception:
        # The others must not wait for it.
        logger.exception("auto-destroy of the workspace %s failed", workspace_id)
        return False


def _hold() -> None:
    with transaction() as session:
        session.execute(
            update(Workspace)
            .where(
                _COLUMNS.auto_destroy_due_at <= now(), _COLUMNS.auto_destroy_status.is_distinct_from(auto_destroy.HELD)
            )
            .values(auto_destroy_status=auto_destroy.HELD),
            execution_options={"synchronize_session": False},
        )


def _remind(workspace_id: str) -> bool:
    with transaction() as session:
        workspace = session.scalars(
            select(Workspace).where(_COLUMNS.id == workspace_id).with_for_update(of=Workspace)
        ).one_or_none()
        if workspace is None or workspace.auto_destroy_due_at is None:
            return False
        left = workspace.auto_destroy_due_at - now()
        hours = SECOND_REMINDER if left <= timedelta(hours=SECOND_REMINDER) else FIRST_REMINDER
        told = (workspace.auto_destroy_due_at, hours)
        if left > timedelta(hours=FIRST_REMINDER) or told == (
            workspace.auto_destroy_reminded_of,
            workspace.auto_destroy_reminded_hours,
        ):
            return False
        workspace.auto_destroy_reminded_of, workspace.auto_destroy_reminded_hours = told
        remind(session, workspace)
        return True


def _destroy(workspace_id: str) -> bool:
    with new_session() as session:
        folder = session.scalar(select(_COLUMNS.working_directory).where(_COLUMNS.id == workspace_id))
        has_configuration = find_latest(session, workspace_id) is not None
    if has_configuration:
        return _begin(workspace_id, None, 0)
    archive = empty_archive(folder)
    with stored_object(object_name(workspace_id), [archive]) as stored:
        begun = _begin(workspace_id, stored, len(archive))
        if not begun:
            delete_objects([stored.name])
        return begun


def _begin(workspace_id: str, empty: Stored | None, size: int) -> bool:
    with transaction() as session:
        workspace = claim(session, workspace_id)
        if workspace is None:
            return False
        if is_being_destroyed(session, workspace):
            workspace.own_auto_destroy_at = None
            return False
        if manages_nothing(session, workspace):
            workspace.own_auto_destroy_at = workspace.auto_destroy_status = workspace.auto_destroy_error = None
            return False
        run = begin(session, workspace, empty, size)
        if run is None:
            return False
        record_creation(session, run)
        return True
