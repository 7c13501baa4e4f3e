"""The names of query parameters, in every form in which clients write them.

Libraries write a list as ``filter[names][]=a``, as ``filter[names][0]=a``, or as ``filter[names]=a`` several times. A
filter that a list knows means the same in all of these forms, or is refused. It is never ignored, because the answer
would be a list of everything. A strict list also refuses filters that it does not know.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments

FILTERING = ("filter", "search")
SEARCH = "q"
# Stands for any number in the name of a parameter.
NUMBER = "0"
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
Parts = tuple[str, ...]


class Understood:
    """Query parameters under the names by which a list knows them."""

    def __init__(self) -> None:
        """No parameters yet."""
        self._values: dict[str, list[str]] = {}

    def add(self, name: str, values: list[str]) -> None:
        """Add values of a parameter."""
        self._values.setdefault(name, []).extend(values)

    def get(self, key: str) -> str | None:
        """The first value."""
        values = self._values.get(key)
        return values[0] if values else None

    def getlist(self, key: str) -> list[str]:
        """All values."""
        return self._values.get(key, [])

    def __contains__(self, key: object) -> bool:
        """Whether it is given."""
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._values)


@dataclass(frozen=True)
class Known:
    """The parameters that a list knows, and further names for some of them; ``is_strict`` if it refuses others."""

    names: Collection[str]
    also_named: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False

    @cached_property
    def patterns(self) -> Mapping[Parts, str]:
        """The known name for each name in words: ``filter[project_id]`` is ``filter[project][id]``, too."""
        named = {**self.also_named, **{name: name for name in self.names}}
        return {_words(_parts(other)): name for other, name in named.items()}

    @cached_property
    def families(self) -> frozenset[Parts]:
        """How the names begin. What begins in the same way was meant to be one of them."""
        return frozenset(_parts(name)[:2] for name in (*self.names, *self.also_named))

    def understand(self, arguments: Arguments) -> Arguments:
        """The arguments under their known names; 400 for one that can't be understood."""
        if all(key in self.names or not self._filters(key) for key in arguments):
            return arguments
        found, numbered = Understood(), _Numbered()
        for key in sorted(arguments, key=_in_order):
            name, number = self._meant(key)
            values = arguments.getlist(key)
            if name is not None and NUMBER in _parts(name):
                numbered.add(key, name, number, values)
            elif name is not None and name != key and name in arguments:
                raise BadParameter(f"{key} and {name} mean the same; send one of them", parameter=key)
            else:
                found.add(name or key, values)
        numbered.pour(found)
        return found

    def _filters(self, key: str) -> bool:
        root = key.partition("[")[0]
        return root in FILTERING or (self.is_strict and root == SEARCH) or ("[" in key and (root,) in self.patterns)

    def _meant(self, key: str) -> tuple[str | None, str]:
        """The known name, and the number in it if it has one; no name if the parameter is none of the list's."""
        if key in self.names:
            return key, NUMBER
        if not self._filters(key):
            return None, ""
        parts = _parts(key)
        for pattern, name in self.patterns.items():
            number = _match(_words(parts), pattern)
            if number is not None:
                return name, number
        if self.is_strict or parts[:2] in self.families:
            listed = ", ".join(sorted({*self.names, *self.also_named})) or "none"
            raise BadParameter(f"{key} is not known here; this list knows: {listed}", parameter=key)
        return None, ""


class _Numbered:
    """Parameters with a number, such as ``filter[tagged][0][key]``: what has the same number belongs together."""

    def __init__(self) -> None:
        self._by_number: dict[str, dict[str, list[str]]] = {}
        # Without numbers, all first values belong together, then all second ones.
        self._in_turn: dict[str, list[str]] = {}
        self._first: str | None = None

    def add(self, key: str, name: str, number: str, values: list[str]) -> None:
        self._first = self._first or key
        group = self._by_number.setdefault(number.lstrip("0"), {}) if number else self._in_turn
        group.setdefault(name, []).extend(values)

    def pour(self, found: Understood) -> None:
        """Add the parameters, with numbers without gaps."""
        lengths = {len(values) for values in self._in_turn.values()}
        if len(lengths) > 1 or (self._in_turn and self._by_number):
            message = "It is not clear which keys and values belong together; number them with [0], [1] and so on"
            raise BadParameter(message, parameter=self._first)
        for name, values in self._in_turn.items():
            for index, value in enumerate(values):
                found.add(_numbered(name, index), [value])
        for index, number in enumerate(sorted(self._by_number, key=lambda number: (len(number), number))):
            for name, values in self._by_number[number].items():
                found.add(_numbered(name, index), values)


def _parts(name: str) -> Parts:
    """``filter[current_run][status]`` as ``("filter", "current-run", "status")``; of a malformed name the beginning."""
    found = _NAME.fullmatch(name)
    if found is None:
        root, _, rest = name.partition("[")
        return (root, re.split(r"[\[\]]", rest)[0].replace("_", "-"), "]")
    return (found[1], *(part.replace("_", "-") for part in _PART.findall(found[2])))


def _words(parts: Parts) -> Parts:
    return tuple(word for part in parts for word in part.split("-"))


def _match(parts: Parts, pattern: Parts) -> str | None:
    """The number in the place of ``NUMBER``, or the empty text without one; None if the parts don't match the pattern.

    Numbers and empty parts at the end are those of a list.
    """
    number, at = "", 0
    for wanted in pattern:
        part = parts[at] if at < len(parts) else None
        if wanted == NUMBER:
            if part is not None and _is_of_list(part):
                number, at = part, at + 1
        elif part == wanted:
            at += 1
        else:
            return None
    return number if all(map(_is_of_list, parts[at:])) else None


def _is_of_list(part: str) -> bool:
    return part == "" or (part.isascii() and part.isdecimal())


def _numbered(name: str, number: int) -> str:
    return name.replace(f"[{NUMBER}]", f"[{number}]")


def _in_order(key: str) -> list[tuple[int, str]]:
    """The numbers in a name, so that ``[2]`` comes before ``[10]``."""
    numbers = (part.lstrip("0") for part in _PART.findall(key) if _is_of_list(part))
    return [(len(number), number) for number in numbers]
