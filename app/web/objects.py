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
def stored_object(name: str, pieces: Iterable[bytes]) -> Iterator[Stored]:
    """The object with these bytes, stored under a new name. When the block begins, it survives a loss of power.

    The block must commit, with ``claim``, a row that names the object. If the block refuses it by an ``ApiError``, the
    object is removed. If the process dies before the commit, or it is not known whether the commit happened, the next
    sweep decides: it removes an object that no row names. There is never a row without its object.
    """
    register(services().engines.writing, name)
    try:
        key = services().vault.put(name, pieces)
    except StoreUnavailable:
        # It would refuse this as well, or do it before what it has not finished: the sweep comes when that is over.
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
    """Remove objects that no column names, now or later. A failure is logged, and the sweep will try again."""
    try:
        remove(services().engines, services().vault, names)
    except Exception:
        logger.exception("objects could not be removed")
