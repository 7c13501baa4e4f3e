"""What is read from the JSON of a plan: counts, whether anything changes, and the redacted plan for the CLI.

Plans can be large, so they are read piece by piece and never held whole.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Self

import ijson

REDACTED = {True: "(sensitive value)", False: "(another sensitive value)"}


class BadPlan(Exception):
    """What Terraform has shown is no JSON."""


@dataclass
class Summary:
    """The figures of a plan."""

    additions: int = 0
    changes: int = 0
    destructions: int = 0
    imports: int = 0
    has_changes: bool = False
    generated: bool = False
    # The types of resources by provider, of which the redacted plan needs the schemas.
    types: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def redact(
    plan: IO[bytes],
    schemas: IO[bytes],
    target: IO[bytes],
    *,
    refresh_only: bool,
    mask: Callable[[str], str] = lambda text: text,
) -> Summary:
    """Read a plan and write its redacted form: what the CLI needs to show the changes, without sensitive values.

    `mask` takes out of a text what is sensitive though Terraform does not know it.
    """
    summary = Summary()
    try:
        _write(_Writer(target), plan, schemas, summary, _Redaction(mask), refresh_only=refresh_only)
    except ijson.JSONError as error:
        raise BadPlan(str(error)) from error
    return summary


def _write(  # noqa: PLR0913 - one step of the function above
    writer: "_Writer",
    plan: IO[bytes],
    schemas: IO[bytes],
    summary: Summary,
    redaction: "_Redaction",
    *,
    refresh_only: bool,
) -> None:
    writer.member("plan_format_version", _first(plan, "format_version"))
    for name in ("resource_changes", "resource_drift"):
        with writer.list(name) as items:
            for change in _items(plan, f"{name}.item"):
                provider = str(change.get("provider_name"))
                summary.types.setdefault(provider, set()).add((str(change.get("mode")), str(change.get("type"))))
                if name == "resource_changes":
                    _count(summary, change)
                elif refresh_only:
                    summary.has_changes = True
                items.add({**change, "change": redaction.change(change.get("change") or {})})
    with writer.list("relevant_attributes") as items:
        for attribute in _items(plan, "relevant_attributes.item"):
            items.add(attribute)
    with writer.object("output_changes") as members:
        for name, change in _members(plan, "output_changes"):
            if change.get("actions") not in (["no-op"], None):
                summary.has_changes = True
            members.add(name, redaction.change(change))
    applyable = _first(plan, "applyable")
    if isinstance(applyable, bool):
        summary.has_changes = applyable
    _write_schemas(writer, schemas, summary.types)
    writer.end()


def _write_schemas(writer: "_Writer", schemas: IO[bytes], types: dict[str, set[tuple[str, str]]]) -> None:
    writer.member("provider_format_version", _first(schemas, "format_version"))
    with writer.object("provider_schemas") as members:
        for provider, schema in _members(schemas, "provider_schemas"):
            if provider in types:
                members.add(provider, _needed(schema, types[provider]))


def _count(summary: Summary, change: dict[str, Any]) -> None:
    inner = change.get("change") or {}
    actions = inner.get("actions") or []
    if change.get("mode") == "managed":
        summary.additions += "create" in actions
        summary.changes += "update" in actions
        summary.destructions += "delete" in actions
        summary.imports += bool(inner.get("importing"))
        summary.generated = summary.generated or bool(inner.get("generated_config"))
        if actions not in (["no-op"], ["read"]) or inner.get("importing"):
            summary.has_changes = True


def _needed(schema: dict[str, Any], types: set[tuple[str, str]]) -> dict[str, Any]:
    kept = {name: schema[name] for name in ("provider",) if name in schema}
    for mode, member in (("managed", "resource_schemas"), ("data", "data_source_schemas")):
        names = {name for kind, name in types if kind == mode}
        kept[member] = {name: value for name, value in (schema.get(member) or {}).items() if name in names}
    return kept


class _Redaction:
    def __init__(self, mask: Callable[[str], str]) -> None:
        self.mask = mask

    def change(self, change: dict[str, Any]) -> dict[str, Any]:
        same = change.get("before") == change.get("after") or change.get("before") is None
        return {
            **change,
            "before": self.value(change.get("before"), change.get("before_sensitive"), first=True),
            "after": self.value(change.get("after"), change.get("after_sensitive"), first=same),
        }

    def value(self, value: Any, marks: Any, *, first: bool) -> Any:  # noqa: ANN401 - values are any JSON
        if marks is True:
            return _hide(value, first=first)
        if isinstance(value, dict):
            inner = marks if isinstance(marks, dict) else {}
            return {name: self.value(part, inner.get(name), first=first) for name, part in value.items()}
        if isinstance(value, list):
            known = marks if isinstance(marks, list) else []
            padded = known + [None] * (len(value) - len(known))
            return [self.value(part, mark, first=first) for part, mark in zip(value, padded, strict=False)]
        return self.mask(value) if isinstance(value, str) else value


def _hide(value: Any, *, first: bool) -> Any:  # noqa: ANN401
    """Something of the same type: the CLI reads it as the schema says, and shows that it is sensitive."""
    if value is None:
        return None
    if isinstance(value, bool):
        return first
    if isinstance(value, int | float):
        return 0 if first else 1
    if isinstance(value, dict):
        return {name: _hide(inner, first=first) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hide(inner, first=first) for inner in value]
    return REDACTED[first]


def _items(file: IO[bytes], prefix: str) -> Iterator[dict[str, Any]]:
    file.seek(0)
    yield from ijson.items(file, prefix, use_float=True)


def _members(file: IO[bytes], prefix: str) -> Iterator[tuple[str, Any]]:
    file.seek(0)
    yield from ijson.kvitems(file, prefix, use_float=True)


def _first(file: IO[bytes], prefix: str) -> Any:  # noqa: ANN401
    file.seek(0)
    return next(iter(ijson.items(file, prefix, use_float=True)), None)


class _Writer:
    """Writes a JSON object member by member."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.opening = b"{"

    def member(self, name: str, value: Any) -> None:  # noqa: ANN401
        self.begin(name)
        self.file.write(_dump(value))

    def begin(self, name: str) -> None:
        self.file.write(self.opening + _dump(name) + b":")
        self.opening = b","

    def list(self, name: str) -> "_Inner":
        self.begin(name)
        return _Inner(self.file, b"[", b"]")

    def object(self, name: str) -> "_Inner":
        self.begin(name)
        return _Inner(self.file, b"{", b"}")

    def end(self) -> None:
        self.file.write(b"}" if self.opening == b"," else b"{}")


class _Inner:
    def __init__(self, file: IO[bytes], opening: bytes, closing: bytes) -> None:
        self.file, self.opening, self.closing = file, opening, closing
        self.first = True

    def __enter__(self) -> Self:
        self.file.write(self.opening)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.write(self.closing)

    def add(self, *parts: Any) -> None:  # noqa: ANN401
        """Add an item of a list, or a name and a value."""
        self.file.write((b"" if self.first else b",") + b":".join(_dump(part) for part in parts))
        self.first = False


def _dump(value: Any) -> bytes:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
