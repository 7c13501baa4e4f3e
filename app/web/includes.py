"""Related resources that a document includes, read through the listing of their model.

A domain imports only the domains below it. If a document includes resources of a domain above its own, it asks for them
here, by their model; ``app.resources.install`` registers the listings. Nothing else is reached in this way.
"""

from collections.abc import Callable, Iterable
from typing import Any

from app.persistence import Base

Load = Callable[[Iterable[str]], list[dict[str, Any]]]

_LOADERS: dict[type[Base], Load] = {}


def register_included(model: type[Base], load: Load) -> None:
    """Register ``load`` for this model: it gets ids and returns the resource objects that the caller can see."""
    _LOADERS[model] = load


def load_included(model: type[Base], identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """The resource objects with these ids that the caller can see."""
    return _LOADERS[model](identifiers)
