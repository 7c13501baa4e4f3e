"""Ends or repeats the jobs of agents that are silent or too slow. A thread of each process that serves does it.

It is no background task: an agent is silent only if there was somebody to hear it, and that this process served all
the time is what this process alone knows. Nothing but the database is asked, so any number of them may do it at once:
each job is locked before it is changed.
"""

import logging
import secrets
import time
from datetime import timedelta
from typing import Final

from flask import Flask

from app.persistence.database import new_session
from app.resources.runs.agent_jobs.operations import expire, expired_jobs
from app.services import services
from app.web.context import act_as_service
from app.web.seldom import SeldomLog
from app.web.transaction import record_event, transaction

logger = logging.getLogger(__name__)

# On average, and less if leases are short.
EVERY_SECONDS: Final = 5.0

_failures: Final = SeldomLog(logger, "jobs of silent agents could not be looked for")


def expire_jobs(app: Flask) -> int:
    """Look for such jobs once; returns how many were dealt with."""
    with app.app_context():
        act_as_service()
        grace = timedelta(seconds=services().settings.apply_grace_seconds)
        with new_session() as session:
            found = expired_jobs(session, grace)
        dealt_with = 0
        for job_id, run_id in found:
            try:
                dealt_with += _expire(job_id, run_id, grace)
            except Exception:
                # The others must not wait for it.
                logger.exception("the job %s of a silent agent could not be ended", job_id)
        return dealt_with


def _expire(job_id: str, run_id: str, grace: timedelta) -> bool:
    with transaction() as session:
        expired = expire(session, job_id, run_id, grace)
        if expired is None:
            return False
        action, run, before = expired
        record_event(session, action, run, {"status": [before, run.status]})
        return True


def expire_forever(app: Flask, away_until: float) -> None:
    """Look for such jobs again and again.

    After the service or its database was away, agents get the time of a lease to show that they are alive: they could
    not renew theirs. ``away_until`` is when the service started, by the monotonic clock of this host.
    """
    lease = services(app).settings.lease_seconds
    while True:
        time.sleep(min(EVERY_SECONDS, lease / 2) * (0.5 + secrets.randbelow(1000) / 1000))
        if time.monotonic() < away_until + lease:
            continue
        try:
            expire_jobs(app)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked for again
            away_until = time.monotonic()
            _failures.note(error)
