"""Names for objects that this process has in the ledger already.

A name must be in the ledger, committed, before the first byte is stored. So that an upload need not begin with a
transaction for that alone, the transaction that keeps an object enters the name of the next one. Each name is given to
one upload and never again. Names that a process leaves when it ends are removed by the sweep.
"""

from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from app.persistence import NewRow, now
from app.persistence.identifiers import random_text
from app.storage.ledger import LEDGER, register

# Much less than the grace of the sweep, which an upload needs as well.
USABLE_FOR: Final = timedelta(hours=12)


class SpareNames:
    """The names that no upload of this process has taken yet."""

    def __init__(self) -> None:
        """There is none at first."""
        self._names: deque[tuple[str, datetime]] = deque()

    def take(self, engine: Engine) -> str:
        """A name that is in the ledger: a spare one, or else a new one, which is entered now."""
        oldest = now() - USABLE_FOR
        # Other threads take names, too. The newest goes first, so that what is not needed for long grows too old.
        with suppress(IndexError):
            while True:
                name, created_at = self._names.pop()
                if created_at > oldest:
                    return name
        name = new_name()
        register(engine, name)
        return name

    def add(self, row: NewRow) -> None:
        """Keep the name in this line of the ledger, which is committed."""
        self._names.append((row.values["name"], row.values["created_at"]))

    def all(self) -> set[str]:
        """All of these names."""
        return {name for name, _ in self._names}

    def clear(self) -> None:
        """Forget all names."""
        self._names.clear()


def new_name() -> str:
    """A new name for the object of a state.

    The months are folders: so these don't grow forever, and few uploads have to make one, which waits for the disk.
    """
    return f"states/{now():%Y-%m}/{random_text(24)}"


def line_of(name: str) -> NewRow:
    """The line of the ledger for the name."""
    return NewRow(LEDGER, {"name": name, "created_at": now(), "condemned_at": None})
