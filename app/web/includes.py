"""Related resources that a document includes, read through the listing of their type.

A domain imports only the domains below it. It asks for resources of a domain above it here, by their type;
``app.resources.install`` registers the listing of each type.
"""

from collections.abc import Callable, Iterable
from typing import Any

Load = Callable[[Iterable[str]], list[dict[str, Any]]]

_LOADERS: dict[str, Load] = {}


def provide(type_: str, load: Load) -> None:
    """Register ``load`` for this type: it gets ids and returns the resource objects that the caller can see."""
    _LOADERS[type_] = load


def included(type_: str, identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """The resource objects with these ids that the caller can see."""
    return _LOADERS[type_](identifiers)
