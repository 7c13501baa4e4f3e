"""The changes that a plan in terraform's JSON form would make, as a list that people can read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

UNKNOWN: Final = "(known after apply)"
SENSITIVE: Final = "(sensitive)"
ABSENT: Final = object()
# The longest value that is shown as a whole, and the most attributes of one resource.
VALUE_LENGTH: Final = 2_000
ATTRIBUTES: Final = 200
SIGNS: Final[Mapping[tuple[str, ...], tuple[str, str]]] = {
    ("create",): ("+", "create"),
    ("update",): ("~", "change"),
    ("delete",): ("\N{MINUS SIGN}", "destroy"),
    ("delete", "create"): ("∓", "replace"),
    ("create", "delete"): ("±", "replace"),
    ("read",): ("≤", "read"),
    ("forget",): ("·", "forget"),
}


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """The value of an attribute before and after, as texts; None where it is absent."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What would happen to one resource."""

    address: str
    sign: str
    word: str
    reason: str
    attributes: list[AttributeChange]


def changes_of(plan: Mapping[str, Any]) -> list[ResourceChange]:
    """The changes of the plan's resources, without those that nothing happens to."""
    return [
        ResourceChange(
            address=each.get("address", ""),
            sign=sign,
            word=word,
            reason=str(each.get("action_reason", "")).replace("_", " "),
            attributes=list(attribute_changes(each.get("change", {}))),
        )
        for each in plan.get("resource_changes", ())
        for sign, word in [SIGNS.get(tuple(each.get("change", {}).get("actions", ())), ("", ""))]
        if word
    ]


def attribute_changes(change: Mapping[str, Any]) -> Iterator[AttributeChange]:
    """The attributes that differ, by name."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    hidden_before, hidden_after = change.get("before_sensitive"), change.get("after_sensitive")
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return
    names = sorted({*before, *after, *(unknown if isinstance(unknown, dict) else ())})
    found = 0
    for name in names:
        old = _shown(before.get(name, ABSENT), _part(hidden_before, name))
        new = UNKNOWN if _is_any(_part(unknown, name)) else _shown(after.get(name, ABSENT), _part(hidden_after, name))
        is_hidden = SENSITIVE in (old, new)
        if old == new and not (is_hidden and before.get(name) != after.get(name)):
            continue
        found += 1
        if found > ATTRIBUTES:
            return
        yield AttributeChange(name, old, new)


def _part(marks: object, name: str) -> object:
    return marks if isinstance(marks, bool) else marks.get(name, False) if isinstance(marks, dict) else False


def _is_any(marks: object) -> bool:
    """Whether anything below is marked."""
    if isinstance(marks, dict):
        return any(map(_is_any, marks.values()))
    return any(map(_is_any, marks)) if isinstance(marks, list) else marks is True


def _shown(value: object, sensitive: object) -> str | None:
    if value is ABSENT or value is None:
        return None
    # One sensitive part hides the whole value: its neighbours may tell it.
    return SENSITIVE if _is_any(sensitive) else shown_value(value)


def shown_value(value: object) -> str | None:
    """A value as text, cut if it is long; None for what is absent or null."""
    if value is ABSENT or value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}… ({len(text):,} characters)"
