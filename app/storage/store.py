"""What every place for objects can do. It gets bytes that are encrypted already and knows no keys."""

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

# Segments of letters, digits, hyphens and underscores: nothing that means something to a file system or in a URL.
NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class ObjectNotFound(LookupError):
    """There is no object of this name."""

    def __init__(self, name: str) -> None:
        """For the log; nobody else learns the names of objects."""
        super().__init__(f"the object {name} is not in the store")


class StoreUnavailable(Exception):
    """The place for objects can't be reached, or refuses; its cause says why. What was being stored may be there."""

    def __init__(self, *, is_transient: bool) -> None:
        """``is_transient`` says that trying again soon may help; otherwise somebody must repair something first."""
        super().__init__("the store of objects failed")
        self.is_transient = is_transient


class Store(Protocol):
    """A place for objects. An object is there whole or not at all, and is never changed; each has a name of its own.

    Whatever is wrong with the place itself is raised as ``StoreUnavailable``.
    """

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """Store the chunks; when it returns they survive a loss of power. What ``chunks`` raises leaves nothing."""

    def open(self, name: str) -> Iterator[bytes]:
        """The bytes in pieces of any size; ``ObjectNotFound`` is raised at once, not at the first piece."""

    def delete(self, name: str) -> None:
        """Remove the object or what there is of it; nothing happens when there is none."""

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""


def checked(name: str) -> str:
    """The name, which must be harmless wherever it is used."""
    if not NAME.fullmatch(name):
        raise ValueError("the name of an object has segments of letters, digits, hyphens and underscores")
    return name
