"""Putting objects into the store for a request, and taking them out after it."""

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
    """The pieces in the store under a new name, safe against a loss of power; gone again when the block refuses them.

    The block commits, with ``claim``, the row that names the object. A process that dies before leaves an object that
    nobody can open and that the next sweep removes, never a row without its object. So does a commit whose answer is
    lost: whether it happened is not known here, and the sweep sees it.
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
    """Remove objects that no column names or ever will. A failure is logged; the sweep will try again."""
    try:
        remove(engines(), vault(), names)
    except Exception:
        logger.exception("objects could not be removed")
