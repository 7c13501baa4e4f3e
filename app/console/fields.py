"""Fields of forms, made from the description of the API: names, kinds, choices and what each is for.

So a form has every attribute that the API takes, and explains it with the same words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from app.console.api import ROOT
from app.resources.accounts.sign_in.authorization import Parameters, single_value
from app.services import services

# Their values are not shown again when a form is refused.
SECRETS: Final = frozenset({"token", "value", "private-key", "hmac-key", "password", "key-secret"})
# Older forms of other attributes, and what can only be sent on creation, by clients.
LEFT_OUT: Final = frozenset(
    {"operations", "setting-overwrites", "vcs-repo", "source-name", "source-url", "hyok-enabled"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute in a form. ``kind`` is text, number, flag, choice, list or json."""

    name: str
    kind: str
    description: str
    choices: tuple[str, ...] = ()
    is_nullable: bool = False
    is_required: bool = False

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.replace("-", " ").replace("_", " ").capitalize()

    def shown(self, value: object) -> str:
        """A value of the API as the text in the form."""
        if value is None:
            return ""
        if self.kind == "flag":
            return "true" if value else ""
        if self.kind == "list" and isinstance(value, list):
            return "\n".join(map(str, value))
        return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

    def read(self, text: str) -> object:
        """The text in the form as a value of the API, which says what is wrong with one that can't be read."""
        if self.kind == "flag":
            return text == "true"
        if self.kind == "list":
            entries = [line.strip() for line in text.splitlines() if line.strip()]
            return entries or (None if self.is_nullable else [])
        if not text:
            return None if self.is_nullable else ""
        return _json(text) if self.kind in {"number", "json"} else text


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def fields_of(method: str, path: str) -> Sequence[Field]:
    """The attributes that this route takes; ``path`` is as in the description, below the root of the API."""
    return _fields(services().openapi(), method, path)


@lru_cache(maxsize=256)
def _fields(description: bytes, method: str, path: str) -> Sequence[Field]:
    document = _parsed(description)
    known = document["components"]["schemas"]

    def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = known[schema["$ref"].rpartition("/")[2]]
        return schema

    content = document["paths"][f"{ROOT}{path}"][method.lower()]["requestBody"]["content"]
    data = resolved(resolved(next(iter(content.values()))["schema"])["properties"]["data"])
    attributes = resolved(data["properties"].get("attributes", {}))
    required = attributes.get("required", ())
    return tuple(
        _field(name, resolved(schema), is_required=name in required)
        for name, schema in attributes.get("properties", {}).items()
        if name not in LEFT_OUT
    )


@lru_cache(maxsize=2)
def _parsed(description: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(description)
    return document


def _field(name: str, schema: Mapping[str, Any], *, is_required: bool) -> Field:
    given = schema.get("type", "string")
    types = [given] if isinstance(given, str) else list(given)
    choices = tuple(str(each) for each in schema.get("enum", ()) if isinstance(each, str))
    kind = (
        "choice"
        if choices
        else "flag"
        if "boolean" in types
        else "number"
        if "integer" in types
        else "list"
        if "array" in types and schema.get("items", {}).get("type", "string") == "string"
        else "json"
        if "object" in types or "array" in types
        else "text"
    )
    return Field(name, kind, str(schema.get("description", "")), choices, "null" in types, is_required)


def sent_attributes(
    sent: Parameters, fields: Iterable[Field], current: Mapping[str, Any] | None = None
) -> dict[str, object]:
    """The attributes in a form. With the ``current`` ones, only those that somebody has changed."""
    found: dict[str, object] = {}
    for field in fields:
        text = (single_value(sent, field.name) or "").replace("\r\n", "\n")
        if current is None:
            if text or field.is_required or field.kind == "flag":
                found[field.name] = field.read(text)
        elif text != field.shown(current.get(field.name)) and not (field.name in SECRETS and not text):
            found[field.name] = field.read(text)
    return found


def typed_values(sent: Parameters, fields: Iterable[Field]) -> dict[str, str]:
    """What somebody has typed, for showing the form again, without secrets."""
    return {field.name: single_value(sent, field.name) or "" for field in fields if field.name not in SECRETS}
