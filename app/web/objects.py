"""Storing objects for a request, and removing them after it."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from app.jsonapi.errors import ApiError
from app.services import services
from app.storage.ledger import MarkedForDeletion, Stored, register
from app.storage.store import StoreUnavailable
from app.storage.sweeping import remove

logger = logging.getLogger(__name__)


@contextmanager
def stored_object(name: str, pieces: Iterable[bytes], *, is_registered: bool = False) -> Iterator[Stored]:
    """Store an object with these bytes under a new name. When the block begins, it is safe on disk.

    The name is entered in the ledger first, unless it ``is_registered``.

    The block must commit, with ``claim``, a row that names the object. If the block raises an ``ApiError``, the object
    is removed. If the process dies before the commit, or it is unknown whether the commit happened, the next sweep
    decides: it removes an object that no row names. There is never a row without its object.
    """
    if not is_registered:
        register(services().engines.writing, name)
    try:
        key = services().vault.put(name, pieces)
    except StoreUnavailable:
        # The store would refuse a deletion as well, or run it before the unfinished write. The sweep runs later.
        raise
    except Exception:
        delete_objects([name])
        raise
    try:
        yield Stored(name, key)
    except (ApiError, MarkedForDeletion):
        delete_objects([name])
        raise


def delete_objects(names: Sequence[str]) -> None:
    """Remove objects that no column names or will name. A failure is logged, and the sweep will try again."""
    try:
        remove(services().engines, services().vault, names)
    except Exception:
        logger.exception("objects could not be removed")
