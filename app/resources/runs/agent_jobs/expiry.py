"""Ends or repeats the jobs of agents that are silent or too slow. A thread of each worker does this every few seconds.

Nothing but the database is asked, so any number of workers may do it at once: each job is locked before it is changed.
"""

import logging
import secrets
import time
from datetime import timedelta
from typing import Final

from flask import Flask

from app.persistence.database import new_session
from app.resources.runs.agent_jobs.operations import expire, expired_jobs
from app.resources.runs.configuration_versions.retention import archive_unused_configurations
from app.resources.runs.runs.retention import remove_old_plan_files
from app.services import services
from app.web.context import act_as_service
from app.web.transaction import record_event, transaction

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 5.0
CLEAN_SECONDS: Final = 600.0


def expire_jobs(app: Flask) -> int:
    """Look for such jobs once; returns how many were dealt with."""
    with app.app_context():
        act_as_service()
        grace = timedelta(seconds=services().settings.apply_grace_seconds)
        with new_session() as session:
            found = expired_jobs(session, grace)
        dealt_with = 0
        for job_id, run_id in found:
            with transaction() as session:
                expired = expire(session, job_id, run_id, grace)
                if expired is not None:
                    run, before, after = expired
                    record_event(session, "runs.lose-agent", run, {"status": [before, after]})
                    dealt_with += 1
        return dealt_with


def expire_forever(app: Flask) -> None:
    """Look for such jobs again and again, also after the database was away for a while."""
    cleaned_at = time.monotonic()
    while True:
        time.sleep(EVERY_SECONDS * (0.5 + secrets.randbelow(1000) / 1000))
        try:
            expire_jobs(app)
            if time.monotonic() - cleaned_at > CLEAN_SECONDS:
                cleaned_at = time.monotonic()
                remove_old_plan_files(app)
                archive_unused_configurations(app)
        except Exception:
            logger.exception("jobs of silent agents could not be looked for")
