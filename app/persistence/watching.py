"""Notices that PostgreSQL has stopped to answer, for which a driver would wait without end.

The server's own time-outs end a statement that takes long; they can't if the server hangs, or if the network to it is
gone. So each connection knows since when it waits, and a thread of the process looks at all of them. If one waits for
seconds, the thread tries to connect. If that takes too long as well, the database is away: all that wait are given up,
and nobody waits again until a connection can be made.
"""

import logging
import os
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from threading import Thread, current_thread
from typing import Any, Final

from sqlalchemy import Dialect, Engine, event

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# A wait that is longer makes the thread ask whether the server is there: hardly any statement takes so long.
SUSPICIOUS_SECONDS: Final = 2.0
# How long the server has to let somebody in; libpq takes a shorter time for two seconds as well.
PROBE_SECONDS: Final = 2
# So much later than the server should have ended a statement, its connection is given up.
GRACE_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """After how many seconds the server ends a statement, a wait for a lock, and a transaction that does nothing.

    0 is never.
    """

    statement: int = 0
    lock: int = 0
    idle: int = 0

    @property
    def options(self) -> str:
        """The limits as options of a connection."""
        return (
            f" -c statement_timeout={self.statement}s -c lock_timeout={self.lock}s"
            f" -c idle_in_transaction_session_timeout={self.idle}s"
        )


def limits_of_requests(statement_seconds: int) -> Limits:
    """The limits of a process that answers requests. A change of thousands of rows takes a few seconds."""
    return Limits(statement_seconds, (statement_seconds + 1) // 2, 3 * statement_seconds)


# A task may delete or read a lot; it is tried again if it has waited too long for a lock.
LIMITS_OF_TASKS: Final = Limits(15 * 60, 60, 15 * 60)


class DatabaseWatch:
    """The connections of one application, in one process, and whether the database answers."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.limits = Limits()
        """The limits of the connections that are opened from now on."""
        self.is_away = False
        # No lock guards this: a process that is forked meanwhile would inherit it locked.
        self._waiting: dict[int, weakref.ref[Any]] = {}
        self._probe: Callable[[], object] | None = None
        self._thread: Thread | None = None
        self._process = 0

    def listen(self, engine: Engine) -> None:
        """Watch the connections that the engine opens."""
        event.listen(engine, "do_connect", self._connect)

    def _connect(self, dialect: Dialect, _record: object, arguments: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401
        driver: Any = dialect.loaded_dbapi
        if self.is_away:
            message = "the database does not answer"
            raise driver.OperationalError(message)
        open_connection = _connecting(driver)
        self._probe = lambda: open_connection(*arguments, **{**options, "connect_timeout": PROBE_SECONDS}).close()
        connecting = _Connecting()
        self._watch(connecting)
        made = open_connection(*arguments, **{**options, "options": options.get("options", "") + self.limits.options})
        connecting.busy_since = None
        self._watch(made)
        return made

    def _watch(self, connection: Any) -> None:  # noqa: ANN401 - a driver's own, or one that is being made
        key = id(connection)
        self._waiting[key] = weakref.ref(connection, lambda _: self._waiting.pop(key, None))
        if self._thread is None or self._process != os.getpid() or not self._thread.is_alive():
            self._process = os.getpid()
            self._thread = Thread(target=_look_forever, args=(weakref.ref(self),), name="database-watch", daemon=True)
            self._thread.start()

    def look(self) -> bool:
        """Look at all connections once; returns whether to look again."""
        if self._thread is not current_thread():
            return False
        connections = [found for each in list(self._waiting.values()) if (found := each()) is not None]
        if self.is_away:
            self._end_waits(connections, 0.0)
            if self._answers():
                self.is_away = False
                logger.warning("the database answers again")
        elif _longest_wait(connections) > SUSPICIOUS_SECONDS:
            if self._answers():
                if self.limits.statement:
                    self._end_waits(connections, self.limits.statement + GRACE_SECONDS)
            else:
                self.is_away = True
                logger.error("the database does not answer: requests that need it are refused until it does")
                self._end_waits(connections, 0.0)
        return bool(connections) or self.is_away

    def _answers(self) -> bool:
        """Whether the server says anything in time, be it that it lets nobody in."""
        assert self._probe is not None
        begun = time.monotonic()
        with suppress(Exception):
            self._probe()
            return True
        return time.monotonic() - begun < PROBE_SECONDS - 0.5

    def _end_waits(self, connections: list[Any], longest: float) -> None:
        moment = time.monotonic()
        for each in connections:
            since = each.busy_since
            if since is not None and moment - since > longest and not isinstance(each, _Connecting):
                _shut_down(each)


class _Connecting:
    """A connection that is being made."""

    def __init__(self) -> None:
        self.busy_since: float | None = time.monotonic()


def _look_forever(of: "weakref.ref[DatabaseWatch]") -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        watch = of()
        if watch is None or not watch.look():
            return
        del watch


def _longest_wait(connections: list[Any]) -> float:
    moment = time.monotonic()
    return max((moment - each.busy_since for each in connections if each.busy_since is not None), default=0.0)


def _shut_down(connection: Any) -> None:  # noqa: ANN401 - a driver's own
    """End whatever the connection waits for, as if the server had closed it."""
    # It may be closed by its own thread meanwhile; then it waits no more.
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as own:
        own.shutdown(socket.SHUT_RDWR)


def _connecting(driver: Any) -> Callable[..., Any]:  # noqa: ANN401 - a module
    """The function of the driver that opens a connection which knows since when it waits."""
    if driver.__name__ == "psycopg":
        opening: Callable[..., Any] = _psycopg_connection().connect
        return opening
    # Here and not above, because an application on SQLite needs no driver.
    from app.persistence.watched_psycopg2 import connect  # noqa: PLC0415

    return connect


@cache
def _psycopg_connection() -> Any:  # noqa: ANN401 - a class of an extra that may not be installed
    from psycopg import Connection  # noqa: PLC0415

    class Watched(Connection[Any]):
        """Psycopg's connection, which knows since when it waits for the server."""

        busy_since: float | None = None

        def wait(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's own
            """Wait."""
            self.busy_since = time.monotonic()
            try:
                return super().wait(*arguments, **options)
            finally:
                self.busy_since = None

    return Watched
