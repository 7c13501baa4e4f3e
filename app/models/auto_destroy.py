"""When workspaces are destroyed by themselves. The time is a column, kept up to date by whatever changes it.

A fixed time counts as it was set. A duration counts from the last state that became current, and only while that state
has resources: a workspace that was destroyed waits for its next state. The project's duration counts for workspaces
that have nothing of their own.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, literal, null, or_, select, update
from sqlalchemy.orm import Session

from app.models import runs as run_statuses
from app.models.auto_destroy_notices import tell_result
from app.models.projects import Project
from app.models.runs import Run
from app.models.state_versions import StateVersion
from app.models.workspaces import Workspace
from app.persistence import AnyRow, Timestamp, in_values, later, now

# The source of the runs, and the reason that they show.
SOURCE: Final = "tfe-auto-destroy"
REASON: Final = "auto_destroy"
# Because nothing has happened for so long; something that happens now takes the reason away.
INACTIVITY: Final = "auto_destroy_inactivity"
REASONS: Final = frozenset({REASON, INACTIVITY})

# What becomes of a workspace whose time has come.
QUEUED: Final = "queued"
ERRORED: Final = "errored"
CANCELED: Final = "canceled"
APPLIED: Final = "applied"
HELD: Final = "held"
_ENDS: Final = {run_statuses.ERRORED: ERRORED, run_statuses.CANCELED: CANCELED, run_statuses.DISCARDED: CANCELED}

_WORKSPACES: Final = Workspace.__table__
_DURATION: Final = case(
    (
        Workspace.inherits_project_auto_destroy,
        select(Project.auto_destroy_activity_duration)
        .where(Project.__table__.c.id == Workspace.project_id)
        .correlate(_WORKSPACES)
        .scalar_subquery(),
    ),
    else_=Workspace.own_auto_destroy_activity_duration,
)
_IS_ENCRYPTED: Final = (
    select(StateVersion.__table__.c.id)
    .where(StateVersion.__table__.c.id == Workspace.current_state_version_id, StateVersion.__table__.c.encrypted)
    .correlate(_WORKSPACES)
    .exists()
)
# Nobody here can tell what an encrypted state has.
MANAGES_SOMETHING: Final = or_(Workspace.resource_count > 0, _IS_ENCRYPTED)
# What is overdue as soon as it is set is not destroyed before people could have heard of it.
GRACE: Final = "24h"


def _due() -> ColumnElement[Any]:
    """When a workspace is destroyed, from what its row and its project say now."""
    moment = literal(now(), Timestamp())
    by_duration = later(Workspace.state_changed_at, _DURATION)
    soon = case(
        (later(moment, _DURATION) < later(moment, literal(GRACE)), later(moment, _DURATION)),
        else_=later(moment, literal(GRACE)),
    )
    return case(
        (Workspace.own_auto_destroy_at.is_not(None), Workspace.own_auto_destroy_at),
        (MANAGES_SOMETHING, case((by_duration < moment, soon), else_=by_duration)),
        else_=null(),
    )


# The settings that the time depends on.
SETTINGS: Final = frozenset(
    {"own_auto_destroy_at", "own_auto_destroy_activity_duration", "inherits_project_auto_destroy"}
)


# A destruction that failed without changing the state is not tried again earlier than after this.
SHORTEST: Final = timedelta(hours=1)


def duration_of(workspace: Workspace) -> Any:  # noqa: ANN401 - a text, None, or an expression
    """How long the workspace may be without a change, by its own setting or its project's."""
    if not workspace.inherits_project_auto_destroy:
        return workspace.own_auto_destroy_activity_duration
    columns = Project.__table__.c
    inherited = select(columns.auto_destroy_activity_duration).where(columns.id == workspace.project_id)
    return inherited.scalar_subquery()


def time_after(workspace: AnyRow, moment: datetime, duration: Any, *, manages_something: bool) -> Any:  # noqa: ANN401
    """When the workspace is destroyed if nothing changes after this moment: a time, None, or an expression."""
    if workspace.own_auto_destroy_at is not None:
        return workspace.own_auto_destroy_at
    if duration is None or not manages_something:
        return None
    return later(literal(moment, Timestamp()), literal(duration) if isinstance(duration, str) else duration)


def arm(session: Session, workspace_ids: list[str]) -> None:
    """Compute the time of these workspaces anew, after their rows were flushed; for a change of settings or a move."""
    if workspace_ids:
        _compute(session, in_values(_WORKSPACES.c.id, workspace_ids))


def arm_inheriting(session: Session, project_id: str) -> None:
    """Compute the time of all workspaces that inherit the duration of the project, after it was flushed."""
    _compute(session, and_(_WORKSPACES.c.project_id == project_id, _WORKSPACES.c.inherits_project_auto_destroy))


def _compute(session: Session, condition: ColumnElement[bool]) -> None:
    session.execute(
        update(Workspace).where(condition).values(auto_destroy_due_at=_due(), auto_destroy_status=None),
        execution_options={"synchronize_session": False},
    )


def follow_end(session: Session, workspace: Workspace, run: Run) -> None:
    """Note how a run of the timer ended, and tell it.

    A run that failed before it changed the state is tried again after the whole duration; one that was stopped by
    somebody, and a fixed time, is not. What a run has destroyed before it failed is a new state, which has set the
    time already.
    """
    workspace.auto_destroy_status = _ENDS.get(run.status, APPLIED)
    if run.status == run_statuses.ERRORED:
        workspace.auto_destroy_error = f"{run.id} failed; its log says why"
        session.flush()
        session.refresh(workspace, ["auto_destroy_due_at"])
        if workspace.auto_destroy_due_at is None:
            again = time_after(workspace, now(), duration_of(workspace), manages_something=True)
            earliest = literal(now() + SHORTEST, Timestamp())
            workspace.auto_destroy_due_at = None if again is None else case((again < earliest, earliest), else_=again)
    tell_result(session, workspace, run)
