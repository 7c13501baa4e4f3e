"""The daily sweep as a background task."""

import logging

from app.models.background_tasks import DueTask
from app.services import services
from app.storage.sweeping import sweep

logger = logging.getLogger(__name__)


def sweep_objects(_task: DueTask) -> None:
    """Remove objects that nothing names."""
    own = services()
    count = sweep(own.engines, own.vault)
    if count:
        logger.info("removed %d objects that nothing named", count)
