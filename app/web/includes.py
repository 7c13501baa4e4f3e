"""Related resources that a document includes, read through the listing of their type.

A domain imports only the domains below it. What it includes from a domain above it, it asks for here by type;
``app.resources.install`` says which listing answers for which type.
"""

from collections.abc import Callable, Iterable
from typing import Any

Load = Callable[[Iterable[str]], list[dict[str, Any]]]

_LOADERS: dict[str, Load] = {}


def provide(type_: str, load: Load) -> None:
    """Let ``load`` answer for the resources of this type: ids in, resource objects that the caller can see out."""
    _LOADERS[type_] = load


def included(type_: str, identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """The resource objects with these ids that the caller can see."""
    return _LOADERS[type_](identifiers)
