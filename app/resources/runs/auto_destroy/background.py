"""The timer of auto-destroy as a background task."""

import logging

from app.models.background_tasks import DueTask
from app.resources.runs.auto_destroy.timer import look

logger = logging.getLogger(__name__)


def destroy_due_workspaces(_task: DueTask) -> None:
    """Remind of what comes soon, and queue the runs that destroy what is due."""
    count = look()
    if count:
        logger.info("auto-destroy queued %d runs", count)
