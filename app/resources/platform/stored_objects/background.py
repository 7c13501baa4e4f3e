"""The daily sweep as a background task."""

import logging

from app.models.background_tasks import DueTask, RetryLaterError
from app.services import services
from app.storage.holding import are_removals_held
from app.storage.sweeping import sweep

logger = logging.getLogger(__name__)

SECONDS_BETWEEN = 10 * 60


def sweep_objects(_task: DueTask) -> None:
    """Remove objects that nothing names."""
    own = services()
    if are_removals_held(own.engines):
        raise RetryLaterError("A backup is under way, and nothing is removed meanwhile", SECONDS_BETWEEN)
    count = sweep(own.engines, own.vault)
    if count:
        logger.info("removed %d objects that nothing named", count)
