"""The command ``groundplan-worker``: does background tasks until it is told to end.

It has the same settings as the service. ``GROUNDPLAN_WORKER_THREADS`` is how many tasks it does at once.
"""

import argparse
import logging
import os
import signal
import sys
from dataclasses import replace
from types import FrameType
from typing import Final

from app.application import create_app
from app.config import Settings
from app.persistence.watching import LIMITS_OF_TASKS
from app.services import services
from app.start_faults import check_database, tell_in_one_sentence
from app.worker.handlers import HANDLERS, periods_of
from app.worker.worker import Worker

logger = logging.getLogger("app.worker")

# Requests are waited for, tasks are not.
NICE: Final = 10


def main(arguments: list[str] | None = None) -> int:
    """Read the settings, work until a signal, and return the exit status."""
    argparse.ArgumentParser("groundplan-worker", description=__doc__.strip()).parse_args(arguments)
    tell_in_one_sentence()
    settings = Settings.from_environment()
    # Each thread has a connection, and so has the one that takes tasks.
    app = create_app(replace(settings, pool_size=max(settings.pool_size, settings.worker_threads + 1)))
    services(app).engines.watch.limits = LIMITS_OF_TASKS
    check_database(app)
    parent = os.environ.get("GROUNDPLAN_WORKER_PARENT")
    worker = Worker(app, HANDLERS, periods_of(settings), int(parent) if parent else None)

    def end(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    os.nice(NICE)
    logger.info("the worker %s begins", worker.owner)
    worker.run()
    services(app).engines.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
