"""The rules of administering background tasks."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.doorbells import WORK, want_ring
from app.jsonapi.errors import Conflict
from app.models.background_tasks import WAITING, BackgroundTask
from app.persistence import database_now, now


class BackgroundTaskRunning(Conflict):
    """A worker does the task just now, so it need not be tried again."""

    code = "background-task-running"
    detail = "A worker does this just now; wait for its end, and then read the task again"


class BackgroundTaskPeriodic(Conflict):
    """What is done again and again can't be deleted: the next worker that starts would schedule it again."""

    code = "background-task-periodic"
    detail = "This is done again and again, so it can't be deleted; actions/retry has it done now"


def retry(session: Session, task: BackgroundTask) -> dict[str, list[str | int | None]]:
    """Have the task done now, with as many attempts as a new one has."""
    if is_running(task, now()):
        raise BackgroundTaskRunning
    changes: dict[str, list[str | int | None]] = {
        "status": [task.status, WAITING],
        "attempts": [task.attempts, 0],
    }
    task.status, task.attempts, task.run_at = WAITING, 0, database_now()
    task.lease_until = task.owner = None
    session.flush()
    want_ring(session.info, WORK)
    return {name: pair for name, pair in changes.items() if pair[0] != pair[1]}


def is_running(task: BackgroundTask, moment: datetime) -> bool:
    """Whether a worker has the task."""
    return task.lease_until is not None and task.lease_until > moment


def check_deletable(task: BackgroundTask) -> None:
    """Refuse to delete what is done again and again."""
    if task.every_seconds is not None:
        raise BackgroundTaskPeriodic
