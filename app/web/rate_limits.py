"""How many requests a second a token may send, and all tokens of an organization together.

Each process counts in memory, so an ordinary request costs no statement. Once a second, a thread of each process writes
how much those ask of it that ask a lot, and reads what they ask of the other processes, on this host and on others. A
process then allows its share: as much of the limit as it gets of the requests.
"""

import logging
import secrets
import time
from hashlib import sha256
from typing import Final

from flask import Flask, Response, current_app, g, request
from sqlalchemy import bindparam, func, select

from app.authentication.callers import ANONYMOUS, Caller, OrganizationRef
from app.jsonapi.errors import RateLimitExceeded
from app.models.request_counts import RequestCount
from app.persistence import Base, database_now, fold_case, in_values, upsert
from app.services import services
from app.web.seldom import SeldomLog

logger = logging.getLogger(__name__)

EXTENSION: Final = "groundplan.rate_limits"
PING: Final = "/api/v2/ping"
FLOODING: Final = "groundplan.flooding"
"""The key of a WSGI environment for a client that goes on although it is refused; no header can set it."""
FLOODS_AFTER: Final = 20
# Agents, runs and run tasks work for many people at once.
OF_MACHINES: Final = 1000
MACHINES: Final = frozenset({"agent", "run", "task"})
# A client that is refused waits for so long: else each request would find the place of one.
PAUSE_SECONDS: Final = 0.1
EVERY_SECONDS: Final = 1.0
# Whoever asks less than this part of its limit of a process is no matter to the others.
WORTH_TELLING: Final = 1 / 20
FORGOTTEN_AFTER: Final = 10.0
FRESH_SECONDS: Final = 3.0

_COUNTS: Final = Base.metadata.tables[RequestCount.__tablename__]
_OF_OTHERS: Final = (
    select(_COUNTS.c.key, func.sum(_COUNTS.c.per_second).label("per_second"))
    .where(_COUNTS.c.process != bindparam("own"), _COUNTS.c.counted_at > database_now(-FRESH_SECONDS))
    .group_by(_COUNTS.c.key)
)
_failures: Final = SeldomLog(logger, "the rates of requests could not be exchanged")


class Bucket:
    """Requests that are allowed at once, and become more again as time passes."""

    __slots__ = ("allowed", "asked", "at", "closed_until", "key", "left", "limit", "refused")

    def __init__(self, key: str, limit: int, moment: float) -> None:
        self.key = key
        self.limit = limit
        self.allowed = self.left = float(limit)
        """How many a second this process allows, and how many at this moment."""
        self.at = moment
        self.closed_until = 0.0
        self.asked = self.refused = 0

    def take(self, moment: float) -> bool:
        """Whether one more request is allowed."""
        self.asked += 1
        if moment >= self.closed_until:
            left = min(self.allowed, self.left + (moment - self.at) * self.allowed)
            self.at = moment
            if left >= 1:
                self.left = left - 1
                return True
            self.left = left
            self.closed_until = moment + PAUSE_SECONDS
        self.refused += 1
        return False


class RateLimits:
    """The limits of one application in one process."""

    def __init__(self, of_token: int, of_organization: int) -> None:
        """0 is no limit."""
        self.of_token = of_token
        self._of_organization = of_organization
        # No lock guards the numbers: what two threads count at the same instant may count as one.
        self._buckets: dict[str, Bucket] = {}
        self._closed: dict[bytes, Bucket] = {}
        self._exchanged_at = time.monotonic()
        # Not before it is needed: processes that are forked later must not share it.
        self._name = ""

    def check_before(self, authorization: str) -> None:
        """Refuse a token that was refused a moment ago, before anything is asked about it."""
        if not self._closed:
            return
        digest = _digest(authorization)
        bucket = self._closed.get(digest)
        if bucket is None:
            return
        if time.monotonic() >= bucket.closed_until:
            self._closed.pop(digest, None)
            return
        bucket.asked += 1
        bucket.refused += 1
        self._refuse(bucket)

    def check(self, caller: Caller, authorization: str) -> None:
        """Count the request of this caller, once, or refuse it."""
        if "rate" in g or caller.kind == ANONYMOUS:
            return
        moment = time.monotonic()
        is_machine = caller.kind in MACHINES
        own = None
        if self.of_token:
            key = caller.token_id or f"{caller.kind}:{caller.id}"
            own = self._bucket(key, max(self.of_token, OF_MACHINES) if is_machine else self.of_token, moment)
        everyone = None
        if self._of_organization and not is_machine:
            # Where nobody knows which of several organizations is meant, all tokens of the user count together.
            organization = _organization(caller)
            counted = f"all of {caller.kind}:{caller.id}" if organization is None else organization.id
            everyone = self._bucket(counted, self._of_organization, moment)
        for bucket in (own, everyone):
            if bucket is not None:
                if not bucket.take(moment):
                    self._closed[_digest(authorization)] = bucket
                    self._refuse(bucket)
                g.setdefault("rate", bucket)

    def _refuse(self, bucket: Bucket) -> None:
        g.rate = g.rate_refused = bucket
        if bucket.refused > FLOODS_AFTER:
            request.environ[FLOODING] = True
        raise RateLimitExceeded

    def _bucket(self, key: str, limit: int, moment: float) -> Bucket:
        return self._buckets.get(key) or self._buckets.setdefault(key, Bucket(key, limit, moment))

    def exchange(self, app: Flask) -> None:
        """Tell the other processes who asks a lot of this one, and learn what they ask of the others."""
        busy = self._rates()
        if not busy:
            return
        self._name = self._name or secrets.token_hex(16)
        told = [
            {"key": key, "process": self._name, "per_second": rate, "counted_at": database_now()}
            for key, rate in busy.items()
        ]
        new = upsert(_COUNTS).values(told)
        new = new.on_conflict_do_update(
            index_elements=[_COUNTS.c.key, _COUNTS.c.process],
            set_={"per_second": new.excluded.per_second, "counted_at": new.excluded.counted_at},
        )
        with services(app).engines.writing.begin() as connection:
            connection.execute(new)
            others = {
                row.key: row.per_second
                for row in connection.execute(
                    _OF_OTHERS.where(in_values(_COUNTS.c.key, set(busy))), {"own": self._name}
                )
            }
        for key, rate in busy.items():
            bucket = self._buckets.get(key)
            if bucket is not None:
                share = rate / (rate + others.get(key, 0.0))
                bucket.allowed = bucket.limit * max(share, WORTH_TELLING)

    def _rates(self) -> dict[str, float]:
        """The callers that ask a lot, and how much a second. Those that ask nothing for a while are forgotten."""
        moment = time.monotonic()
        elapsed, self._exchanged_at = max(moment - self._exchanged_at, 0.001), moment
        busy: dict[str, float] = {}
        for key, bucket in list(self._buckets.items()):
            rate = bucket.asked / elapsed
            bucket.asked = bucket.refused = 0
            if rate > bucket.limit * WORTH_TELLING:
                busy[key] = rate
            else:
                bucket.allowed = float(bucket.limit)
                if moment - bucket.at > FORGOTTEN_AFTER:
                    self._buckets.pop(key, None)
        for digest, bucket in list(self._closed.items()):
            if moment >= bucket.closed_until:
                self._closed.pop(digest, None)
        return busy


def _organization(caller: Caller) -> OrganizationRef | None:
    """The caller's organization that the request is about; for those with several, only its address tells."""
    name = (request.view_args or {}).get("organization")
    if name is not None and (named := caller.organizations.get(fold_case(name))) is not None:
        return named
    return next(iter(caller.organizations.values())) if len(caller.organizations) == 1 else None


def _digest(authorization: str) -> bytes:
    return sha256(authorization.encode(errors="surrogatepass")).digest()


def install(app: Flask) -> None:
    """Limit requests, unless the operator has turned that off."""
    settings = services(app).settings
    is_limited = settings.requests_per_second or settings.organization_requests_per_second
    app.extensions[EXTENSION] = (
        RateLimits(settings.requests_per_second, settings.organization_requests_per_second) if is_limited else None
    )

    @app.after_request
    def tell(response: Response) -> Response:
        bucket: Bucket | None = g.get("rate")
        if bucket is not None:
            _tell(response, bucket)
        elif request.path == PING and (limits := limits_of_app()) is not None and limits.of_token:
            # Clients of HashiCorp ask here how fast they may be.
            response.headers["X-RateLimit-Limit"] = str(limits.of_token)
        return response


def _tell(response: Response, bucket: Bucket) -> None:
    moment = time.monotonic()
    left = min(bucket.allowed, bucket.left + (moment - bucket.at) * bucket.allowed)
    full_in = (bucket.allowed - left) / bucket.allowed
    if "rate_refused" in g:
        left, full_in = 0.0, max(bucket.closed_until - moment, 0.001)
    headers = response.headers
    headers["X-RateLimit-Limit"] = str(bucket.limit)
    headers["X-RateLimit-Remaining"] = str(int(left))
    headers["X-RateLimit-Reset"] = f"{full_in:.3f}"


def limits_of_app() -> RateLimits | None:
    """The limits of the running application; None if there are none."""
    found: RateLimits | None = current_app.extensions[EXTENSION]
    return found


def exchange_forever(app: Flask) -> None:
    """Exchange rates with the other processes, until this one ends."""
    limits: RateLimits | None = app.extensions[EXTENSION]
    while limits is not None:
        time.sleep(EVERY_SECONDS)
        try:
            limits.exchange(app)
        except Exception as error:  # noqa: BLE001 - whatever it is, each process goes on with what it knows
            _failures.note(error)
