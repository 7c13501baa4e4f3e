"""Holding removals back: while a backup copies objects, none that it may still need goes.

A backup holds before it looks at the database. So what is removed meanwhile was decided on before, and the backup does
not name it. The hold is a row with an end, which the backup moves on; what a killed one leaves ends by itself.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Integer, Text, column, delete, insert, select, table, update

from app.persistence import Timestamp, database_now
from app.persistence.engine import Engines
from app.persistence.identifiers import random_text

PREFIX: Final = "backup-under-way-"
SECONDS: Final = 600
RENEW_SECONDS: Final = 60

# The model stands above this package.
_MARKS: Final = table("service_marks", column("name", Text), column("number", Integer), column("at", Timestamp))
_IS_HOLD: Final = _MARKS.c.name.startswith(PREFIX)


class HoldLost(Exception):
    """Removals were not held back all the time."""

    def __init__(self) -> None:
        super().__init__("removals of objects have gone on meanwhile, because the process was stopped for too long")


class Hold:
    """A hold on removals, to be renewed while it is needed."""

    def __init__(self, engines: Engines) -> None:
        """Hold removals back from now on."""
        self._engines = engines
        self._name = PREFIX + random_text(16)
        self._renewed_at = time.monotonic()
        with engines.writing.begin() as connection:
            connection.execute(delete(_MARKS).where(_IS_HOLD, _MARKS.c.at < database_now()))
            connection.execute(insert(_MARKS).values(name=self._name, number=0, at=database_now(SECONDS)))

    def renew(self) -> None:
        """Hold for longer, if it is time to say so."""
        if time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        with self._engines.writing.begin() as connection:
            renewed = connection.execute(
                update(_MARKS)
                .where(_MARKS.c.name == self._name, _MARKS.c.at >= database_now())
                .values(at=database_now(SECONDS)),
            )
        if renewed.rowcount != 1:
            # The process was stopped for so long that removals have gone on.
            raise HoldLost
        self._renewed_at = time.monotonic()

    def release(self) -> None:
        """Let removals go on."""
        with self._engines.writing.begin() as connection:
            connection.execute(delete(_MARKS).where(_MARKS.c.name == self._name))


@contextmanager
def removals_held(engines: Engines) -> Iterator[Hold]:
    """No object is removed within the block."""
    hold = Hold(engines)
    try:
        yield hold
    finally:
        hold.release()


def are_removals_held(engines: Engines) -> bool:
    """Whether a backup is under way."""
    with engines.reading.connect() as connection:
        return (
            connection.execute(select(_MARKS.c.name).where(_IS_HOLD, _MARKS.c.at > database_now())).first() is not None
        )
