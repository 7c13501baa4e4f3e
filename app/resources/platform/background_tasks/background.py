"""Forgetting what was given up long ago."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.models.background_tasks import DEAD, BackgroundTask, DueTask
from app.persistence import now

DEAD_KEPT: Final = timedelta(days=30)


def forget_dead_tasks(_task: DueTask) -> Callable[[Session], None]:
    """Delete tasks that have been dead for long."""
    return _forget


def _forget(session: Session) -> None:
    old = (BackgroundTask.status == DEAD) & (BackgroundTask.run_at < now() - DEAD_KEPT)
    session.execute(delete(BackgroundTask).where(old), execution_options={"synchronize_session": False})
