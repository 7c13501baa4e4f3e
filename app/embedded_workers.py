"""The workers that gunicorn starts beside itself, which do background tasks."""

import os

from app.config import Settings
from app.doorbells import FOLDER, OF_WORKER
from app.embedded import Embedded


class EmbeddedWorkers(Embedded):
    """Workers beside the service, with the service's own settings."""

    what = "worker"
    module = "app.worker.main"
    # A task that is not done by then is done again.
    stop_seconds = 2.0
    bell = OF_WORKER

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.workers, settings.home / FOLDER)

    def environment(self, number: int) -> dict[str, str]:  # noqa: ARG002 - all are alike
        """What the service was told, because a worker does the service's own work."""
        return {**os.environ, "GROUNDPLAN_WORKER_PARENT": str(os.getpid())}
