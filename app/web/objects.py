"""Storing objects for a request, and removing them after it."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from app.jsonapi.errors import ApiError
from app.storage.ledger import Condemned, Stored, enter
from app.storage.place import vault
from app.storage.store import Unavailable
from app.storage.sweeping import remove
from app.web.context import engines

logger = logging.getLogger(__name__)


@contextmanager
def stored(name: str, pieces: Iterable[bytes]) -> Iterator[Stored]:
    """The object with these bytes, stored under a new name. When the block begins, it survives a loss of power.

    The block must commit, with ``claim``, a row that names the object. If the block refuses it by an ``ApiError``, the
    object is removed. If the process dies before the commit, or it is not known whether the commit happened, the next
    sweep decides: it removes an object that no row names. There is never a row without its object.
    """
    enter(engines().writing, name)
    try:
        key = vault().put(name, pieces)
    except Unavailable:
        # It would refuse this as well, or do it before what it has not finished: the sweep comes when that is over.
        raise
    except Exception:
        discard([name])
        raise
    try:
        yield Stored(name, key)
    except (ApiError, Condemned):
        discard([name])
        raise


def discard(names: Sequence[str]) -> None:
    """Remove objects that no column names, now or later. A failure is logged, and the sweep will try again."""
    try:
        remove(engines(), vault(), names)
    except Exception:
        logger.exception("objects could not be removed")
