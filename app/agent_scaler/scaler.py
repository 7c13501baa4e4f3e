"""The loop: asks the service what waits, asks Kubernetes which Jobs there are, and makes those that are missing.

It keeps nothing in memory, so any number of scalers may run: the name of a Job follows from what it is for, and
Kubernetes takes a name once. It deletes nothing: Jobs end by themselves, and Kubernetes forgets those that have ended.
"""

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kubernetes import client as kubernetes
from urllib3.exceptions import HTTPError

from app.agent.client import BEAT, Client, Refused, Unavailable
from app.agent_scaler.jobs import INSTANCE, MANAGED_BY, OF_JOB, OWN_NAME, Document, attempt_of, job_of

logger = logging.getLogger(__name__)

PAGE: Final = 500
KEY_LENGTH: Final = 20
ALREADY_EXISTS: Final = 409
# A job whose Job ended without taking it gets another one, at first soon and then more and more rarely.
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)
REQUEST_SECONDS: Final = (10, 30)


@dataclass(frozen=True, slots=True)
class Known:
    """The Jobs that were made for one job of the queue."""

    is_active: bool
    last_attempt: int
    ended_at: datetime | None


class Scaler:
    """Keeps as many Jobs as there are jobs that wait, up to a maximum."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it stands on
        self,
        service: Client,
        batch: Any,  # noqa: ANN401 - the library has no types
        template: Document,
        instance: str,
        namespace: str,
        maximum: int,
    ) -> None:
        self._service = service
        self._batch = batch
        self._template = template
        self._instance = instance
        self._namespace = namespace
        self._maximum = maximum

    def run(self, seconds: float, ended: threading.Event) -> None:
        """Look again and again, until it is asked to end."""
        while not ended.is_set():
            try:
                self.turn()
            except (Unavailable, Refused) as error:
                logger.warning("The service does not say what waits: %s", error)
            except kubernetes.ApiException as error:
                logger.warning("Kubernetes refuses: %s %s", error.status, error.reason)
            except (HTTPError, OSError) as error:
                logger.warning("Kubernetes can't be reached: %s", type(error).__name__)
            ended.wait(seconds)

    def turn(self) -> int:
        """Make the Jobs that are missing now; returns how many."""
        _, answer, _ = self._service.call("GET", "/queue", timeout=BEAT)
        waiting = [_key(each) for each in (answer or {}).get("jobs", [])]
        if not waiting:
            return 0
        known = self._known()
        active = sum(each.is_active for each in known.values())
        made = 0
        for key in waiting:
            if active + made >= self._maximum:
                logger.info("There are %d Jobs, as many as may be at once.", self._maximum)
                break
            made += self._make(key, known.get(key))
        return made

    def _make(self, key: str, known: Known | None) -> bool:
        attempt = 0
        if known is not None:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(known.last_attempt, 10))
            if known.is_active or known.ended_at is None or known.ended_at + pause > datetime.now(UTC):
                return False
            attempt = known.last_attempt + 1
        job = job_of(self._template, self._instance, key, attempt)
        try:
            self._batch.create_namespaced_job(self._namespace, job, _request_timeout=REQUEST_SECONDS)
        except kubernetes.ApiException as error:
            if error.status == ALREADY_EXISTS:
                # Another scaler was faster.
                return False
            raise
        logger.info("Made the Job %s.", job["metadata"]["name"])
        return True

    def _known(self) -> dict[str, Known]:
        of_key: dict[str, list[Any]] = defaultdict(list)
        for job in self._jobs():
            of_key[(job.metadata.labels or {}).get(OF_JOB, "")].append(job)
        return {key: _summary(jobs) for key, jobs in of_key.items()}

    def _jobs(self) -> Iterable[Any]:
        following = None
        while True:
            page = self._batch.list_namespaced_job(
                self._namespace,
                label_selector=f"{MANAGED_BY}={OWN_NAME},{INSTANCE}={self._instance}",
                limit=PAGE,
                _continue=following,
                _request_timeout=REQUEST_SECONDS,
            )
            yield from page.items
            following = page.metadata._continue  # noqa: SLF001 - the library's name for a word of Python
            if not following:
                return


def _summary(jobs: list[Any]) -> Known:
    ends = [_end(job) for job in jobs]
    return Known(
        is_active=None in ends,
        # Kubernetes may have forgotten the first ones.
        last_attempt=max(attempt_of(job.metadata.name) for job in jobs),
        ended_at=max((end for end in ends if end is not None), default=None),
    )


def _end(job: Any) -> datetime | None:  # noqa: ANN401 - the library has no types
    """When the Job has ended; None while it has not."""
    for condition in (job.status and job.status.conditions) or []:
        if condition.type in {"Complete", "Failed"} and condition.status == "True":
            moment: datetime = condition.last_transition_time or job.metadata.creation_timestamp
            return moment
    return None


def _key(name: str) -> str:
    # Names in Kubernetes have small letters alone, and ids differ by their capital ones.
    return hashlib.sha256(name.encode()).hexdigest()[:KEY_LENGTH]
