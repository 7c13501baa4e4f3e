"""How a kind of background task is done."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app.models.background_tasks import DueTask

Finish = Callable[[Session], None]

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """How one kind of task is done.

    ``perform`` does what has to be done outside the database, without an open transaction. What it returns runs in the
    transaction that removes the task: such changes happen exactly once, everything else at least once. An attempt may
    take ``longest_seconds``; after that another worker may begin it. ``attempts`` is after how many a task is dead.
    """

    perform: Callable[[DueTask], Finish | None]
    # With the pauses between them, more than an hour.
    attempts: int = 12
    longest_seconds: float = 60.0
    first_pause_seconds: float = FIRST_PAUSE_SECONDS

    def pause(self, attempt: int) -> float:
        """How long to wait after this attempt has failed: twice as long each time, and never the same for many."""
        longest = min(LONGEST_PAUSE_SECONDS, self.first_pause_seconds * 2.0 ** min(attempt - 1, 20))
        return longest * (0.5 + secrets.randbelow(1000) / 2000)
