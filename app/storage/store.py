"""The interface of every object store. A store gets bytes that are encrypted already and knows no keys."""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

# Segments of letters, digits, hyphens and underscores: no character that is special in a file system or in a URL.
NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class ObjectNotFound(LookupError):
    """There is no object of this name."""

    def __init__(self, name: str) -> None:
        """The name is for the log; answers never contain names of objects."""
        super().__init__(f"the object {name} is not in the store")


class StoreUnavailable(Exception):
    """The store can't be reached, or refuses; the reason is the cause. An object that was being stored may exist."""

    def __init__(self, *, is_transient: bool) -> None:
        """``is_transient`` means that a retry may help soon; otherwise an operator must repair something first."""
        super().__init__("the store of objects failed")
        self.is_transient = is_transient


class Store(Protocol):
    """A store for objects. An object exists completely or not at all, and is never changed; each has its own name.

    Any failure of the store itself is raised as ``StoreUnavailable``.
    """

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Store the chunks durably before returning. If ``chunks`` raises, nothing is stored."""

    def open(self, name: str) -> Iterator[bytes]:
        """The bytes in pieces of any size; ``ObjectNotFound`` is raised at once, not at the first piece."""

    def delete(self, name: str) -> None:
        """Remove the object, even if it is incomplete; nothing happens if there is none."""

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""


def checked(name: str) -> str:
    """The name, after a check that it is harmless in every store."""
    if not NAME.fullmatch(name):
        raise ValueError("the name of an object has segments of letters, digits, hyphens and underscores")
    return name
