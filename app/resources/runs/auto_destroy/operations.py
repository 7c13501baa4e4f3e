"""The rules of auto-destroy: what can be destroyed, and from which configuration."""

import gzip
import io
import tarfile
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from app.jsonapi.errors import ApiError
from app.models import auto_destroy
from app.models.auto_destroy_notices import tell_failure
from app.models.configuration_versions import ConfigurationVersion
from app.models.runs import FINAL, Run
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.runs.configuration_versions.operations import accept_archive, find_latest
from app.resources.runs.runs.creation import create_run_for
from app.resources.runs.runs.operations import check_parameters, check_runs_here
from app.storage.ledger import Stored

# How long after a destruction that could not even begin the next attempt is made.
RETRY_AFTER: Final = timedelta(hours=1)
MESSAGE: Final = "Destroyed by itself: the auto-destroy time of the workspace has come"
# People are told this long before.
FIRST_REMINDER, SECOND_REMINDER = 24, 12

_COLUMNS: Final = Workspace.__table__.c


def due_workspaces(session: Session, limit: int) -> list[str]:
    """The ids of workspaces whose time has come, the longest overdue first."""
    due = select(_COLUMNS.id).where(_COLUMNS.auto_destroy_due_at <= now()).order_by(_COLUMNS.auto_destroy_due_at)
    return list(session.scalars(due.limit(limit)))


def workspaces_to_remind(session: Session, limit: int) -> list[str]:
    """The ids of workspaces whose people were not reminded yet of what happens within a day, or within half a day."""
    moment = now()
    at = _COLUMNS.auto_destroy_due_at
    reminded = _COLUMNS.auto_destroy_reminded_of
    is_second = and_(
        _COLUMNS.auto_destroy_reminded_hours == FIRST_REMINDER, at <= moment + timedelta(hours=SECOND_REMINDER)
    )
    soon = (
        select(_COLUMNS.id)
        .where(at > moment, at <= moment + timedelta(hours=FIRST_REMINDER))
        .where(or_(reminded.is_(None), reminded != at, is_second))
        .order_by(at)
    )
    return list(session.scalars(soon.limit(limit)))


def claim(session: Session, workspace_id: str) -> Workspace | None:
    """The workspace, locked, if its time has come and no other timer was faster. The time is cleared."""
    claimed = session.execute(
        update(Workspace)
        .where(_COLUMNS.id == workspace_id, _COLUMNS.auto_destroy_due_at <= now())
        .values(auto_destroy_due_at=None)
        .returning(_COLUMNS.id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if claimed is None:
        return None
    return session.scalars(select(Workspace).where(_COLUMNS.id == workspace_id).with_for_update(of=Workspace)).one()


def manages_nothing(session: Session, workspace: Workspace) -> bool:
    """Whether there is nothing to destroy."""
    found = select(_COLUMNS.id).where(_COLUMNS.id == workspace.id, auto_destroy.MANAGES_SOMETHING)
    return session.scalar(found) is None


def is_being_destroyed(session: Session, workspace: Workspace) -> bool:
    """Whether an earlier run of the timer has not ended."""
    running = select(Run.id).where(
        Run.workspace_id == workspace.id,
        Run.status.not_in(sorted(FINAL)),
        Run.trigger_reason.in_(sorted(auto_destroy.REASONS)),
    )
    return session.scalar(running.limit(1)) is not None


def begin(session: Session, workspace: Workspace, empty: Stored | None, size: int) -> Run | None:
    """Create the run that destroys everything; None if it can't be, which is told and tried again later.

    ``empty`` is the archive of an empty configuration, for a workspace that has none: terraform can destroy from the
    state alone what needs no configured provider.
    """
    try:
        check_runs_here(session, workspace)
        check_parameters({"is_destroy": True}, workspace)
    except ApiError as error:
        fail(session, workspace, str(error.detail))
        return None
    run = _create(session, workspace, empty, size)
    workspace.own_auto_destroy_at = None
    workspace.auto_destroy_status, workspace.auto_destroy_error = auto_destroy.QUEUED, None
    session.flush()
    return run


def _create(session: Session, workspace: Workspace, empty: Stored | None, size: int) -> Run:
    version = find_latest(session, workspace.id)
    if version is None and empty is not None:
        version = ConfigurationVersion(
            organization_id=workspace.organization_id,
            workspace_id=workspace.id,
            source=auto_destroy.SOURCE,
            # Nobody's run is made from it unasked.
            provisional=True,
            auto_queue_runs=False,
        )
        version.status_timestamps = {}
        session.add(version)
        session.flush()
        accept_archive(session, version, empty, size)
    assert version is not None
    members = {
        "message": MESSAGE,
        "is_destroy": True,
        "plan_only": False,
        "auto_apply": True,
        "trigger_reason": auto_destroy.REASON if workspace.own_auto_destroy_at else auto_destroy.INACTIVITY,
    }
    return create_run_for(
        session, workspace, version, members, source=auto_destroy.SOURCE, created_by_id=None, may_apply=True
    )


def fail(session: Session, workspace: Workspace, reason: str) -> None:
    """Note that the destruction could not begin, tell it once, and try again later."""
    is_news = workspace.auto_destroy_error != reason
    workspace.auto_destroy_status, workspace.auto_destroy_error = auto_destroy.ERRORED, reason
    workspace.auto_destroy_due_at = due = now() + RETRY_AFTER
    # That it is tried again is no reminder.
    workspace.auto_destroy_reminded_of, workspace.auto_destroy_reminded_hours = due, SECOND_REMINDER
    session.flush()
    if is_news:
        tell_failure(session, workspace, reason)


def empty_archive(working_directory: str | None) -> bytes:
    """A configuration without a file of terraform's, and with the folder in which it is to run."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        folder = tarfile.TarInfo((working_directory or "").strip("/") or ".")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
    return packed.getvalue()
