"""The kinds of attributes and relationships. Each checks the value that is sent, and shows the value in answers.

Messages are predicates ("can't be blank"). The schema puts the attribute's name before them, because clients show these
sentences to people.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import marshmallow
from marshmallow import ValidationError
from marshmallow_jsonapi import fields as jsonapi

from app.authz.permissions import P
from app.jsonapi.body import identifier_of
from app.jsonapi.templates import fill_template
from app.persistence import SEPARATOR

BLANK = "can't be blank"
EMAIL_LENGTH = 254
EMAIL_PATTERN = r"[^@\s]+@[^@\s]+"
MESSAGES = {"required": BLANK, "null": BLANK, "invalid": "is invalid"}


def format_timestamp(moment: datetime | None) -> str | None:
    """The time in the form that clients parse: UTC, with milliseconds and a literal ``Z``."""
    if moment is None:
        return None
    # isoformat is faster than strftime, because it is written in C; the slice leaves the milliseconds.
    text = moment.isoformat()
    return f"{text[:23]}Z" if text[19] == "." else f"{text[:19]}.000Z"


class BaseAttribute(marshmallow.fields.Field[Any]):
    """The base of all kinds of attributes: ``shown_to`` is the permission to see the value.

    Callers without it see null, find no row by a filter on the attribute, and see "(hidden)" in recorded events. All
    three are derived from this one declaration.

    ``description`` says what the value means, in sentences for people; ``example`` is a value that a client can send.
    ``has_effect`` is false for what is only stored and shown, because nothing in the service acts on it yet.
    """

    def __init__(
        self,
        *,
        shown_to: P | None = None,
        description: str = "",
        example: Any = None,  # noqa: ANN401 - any JSON value
        has_effect: bool = True,
        **options: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        """Without ``shown_to``, everybody who sees the resource sees the attribute."""
        super().__init__(**options)
        self.shown_to = shown_to
        self.description = description
        self.example = example
        self.has_effect = has_effect

    def columns_read(self, name: str) -> Sequence[str]:
        """The names of the columns that the value is made of; ``name`` is the field's name in its schema."""
        return (self.attribute or name,)

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The value, or null for a caller who may not see it."""
        if self.shown_to is not None and self.shown_to not in obj.held:
            return None
        return super().serialize(attr, obj, accessor, **options)


class Attribute(BaseAttribute):
    """An attribute that is shown as it is stored, and that clients can't set."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        """The attribute is read-only unless the options say otherwise."""
        super().__init__(**{"dump_only": True, **options})


class Text(BaseAttribute, marshmallow.fields.String):
    """A text with limits on its length in characters and, if given, a pattern that the whole text must match.

    With ``minimum=1``, an empty or blank text "can't be blank". Null is refused unless ``nullable``.
    """

    def __init__(
        self,
        *,
        maximum: int,
        minimum: int = 0,
        pattern: str | None = None,
        pattern_message: str = "is invalid",
        nullable: bool = False,
        **options: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        """Bounds are inclusive."""
        super().__init__(allow_none=nullable, error_messages={**MESSAGES, "invalid": "must be a string"}, **options)
        self.minimum = minimum
        self.maximum = maximum
        self.pattern = pattern
        self._compiled = re.compile(pattern) if pattern else None
        self.pattern_message = pattern_message

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:  # noqa: ANN401
        if not isinstance(value, str):
            raise self.make_error("invalid")
        faults = list(self._faults(value))
        if faults:
            raise ValidationError(faults)
        return value

    def _faults(self, value: str) -> Iterable[str]:
        if self.minimum and not value.strip():
            yield BLANK
            return
        if len(value) < self.minimum:
            yield f"is too short (minimum is {self.minimum} characters)"
        if len(value) > self.maximum:
            yield f"is too long (maximum is {self.maximum} characters)"
        if self._compiled and not self._compiled.fullmatch(value):
            yield self.pattern_message


class Email(Text):
    """An e-mail address. Only its format is checked, because only sent mail can show whether it exists."""

    def __init__(self, *, pattern: str = EMAIL_PATTERN, **options: Any) -> None:  # noqa: ANN401 - Text's own options
        """``pattern`` is for an attribute that accepts fewer addresses."""
        super().__init__(minimum=1, maximum=EMAIL_LENGTH, pattern=pattern, **options)


class Choice(BaseAttribute, marshmallow.fields.String):
    """One of a fixed set of texts."""

    def __init__(self, values: Iterable[str], *, message: str = "is not included in the list", **options: Any) -> None:  # noqa: ANN401
        """``message`` is the predicate for any other value."""
        super().__init__(error_messages={**MESSAGES, "invalid": message}, **options)
        self.values = tuple(values)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:  # noqa: ANN401
        if value not in self.values or not isinstance(value, str):
            raise self.make_error("invalid")
        return value


class Boolean(BaseAttribute, marshmallow.fields.Boolean):
    """``true`` or ``false`` in JSON; texts and numbers are refused."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        """See class."""
        super().__init__(error_messages={**MESSAGES, "invalid": "must be true or false"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:  # noqa: ANN401
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Integer(BaseAttribute, marshmallow.fields.Integer):
    """A whole number within limits."""

    def __init__(self, *, minimum: int, maximum: int, **options: Any) -> None:  # noqa: ANN401
        """Bounds are inclusive."""
        super().__init__(error_messages={**MESSAGES, "invalid": "must be an integer"}, **options)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:  # noqa: ANN401
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid")
        if not self.minimum <= value <= self.maximum:
            raise ValidationError(f"must be between {self.minimum} and {self.maximum}")
        return value


class DateTime(BaseAttribute):
    """A time: RFC 3339 when sent, with or without a fraction; ``format_timestamp`` in answers.

    A time without a zone means UTC.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        """See class."""
        super().__init__(error_messages={**MESSAGES, "invalid": "is not a valid ISO 8601 date and time"}, **options)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **options: Any) -> str | None:  # noqa: ANN401
        return format_timestamp(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:  # noqa: ANN401
        # A bare date is refused, because it would mean midnight.
        if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d", value):
            raise self.make_error("invalid")
        try:
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None


class Setting(BaseAttribute):
    """An object or value with its own check: ``read`` returns the value to store, or raises ``ValidationError``.

    The names in an object may be sent with ``_`` for ``-``, as those of attributes. If it ``keeps_names``, they are the
    client's own, and stay as they are.
    """

    def __init__(
        self,
        read: Callable[[Any], Any],
        *,
        schema: dict[str, Any],
        keeps_names: bool = False,
        **options: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        """``schema`` is its JSON Schema for the API document."""
        super().__init__(error_messages={**MESSAGES}, **options)
        self.read = read
        self.json_schema = schema
        self.keeps_names = keeps_names

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:  # noqa: ANN401
        if isinstance(value, dict) and not self.keeps_names:
            value = {name.replace("_", "-"): each for name, each in value.items()}
        return self.read(value)


class Computed(BaseAttribute):
    """An attribute that is computed from the row and the caller's permissions on it, and that clients can't set.

    ``make`` is called with the row (any object that has the listing's columns as attributes) and the set of
    permissions. ``schema`` is the JSON Schema of the result. With ``shown_to``, ``reads`` must name the columns that
    the result reveals, so that no filter and no order reveals them either.
    """

    _CHECK_ATTRIBUTE = False

    def __init__(
        self,
        make: Callable[[Any, Any], Any],
        *,
        schema: dict[str, Any],
        reads: Sequence[str] | None = None,
        **options: Any,  # noqa: ANN401 - the options of BaseAttribute
    ) -> None:
        """See class."""
        super().__init__(dump_only=True, **options)
        if self.shown_to is not None and reads is None:
            message = "a computed attribute with shown_to must name the columns that it reads"
            raise ValueError(message)
        self.make = make
        self.json_schema = schema
        self.reads = tuple(reads or ())

    def columns_read(self, name: str) -> Sequence[str]:
        """The columns in ``reads``."""
        return self.reads

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:  # noqa: ANN401
        return self.make(obj, obj.held)


class Constant(Computed):
    """An attribute that clients expect and that has the same value on every resource, without any effect."""

    def __init__(self, value: Any, *, schema: dict[str, Any] | None = None, **options: Any) -> None:  # noqa: ANN401
        """``schema`` defaults to the value itself."""
        super().__init__(lambda _row, _held: value, schema=schema or {"const": value}, has_effect=False, **options)
        self.value = value


class ToOne(jsonapi.BaseRelationship):
    """A relationship to one resource. The related id comes from a column of the row, never from a loaded object.

    ``column`` holds the related id (or null); ``related`` is a template over the row's columns for the link. For a
    relationship to several ``types``, ``type_column`` holds the type. If ``writable``, a client may send it; the loaded
    value is the id, or None for ``{"data": null}``, which is refused if it is ``required``. If ``typed``, the loaded
    value is the type and the id. ``also_named`` are further names by which a client may send it.
    """

    def __init__(  # noqa: PLR0913 - what a relationship declares
        self,
        *types: str,
        column: str | None = None,
        related: str | None = None,
        type_column: str | None = None,
        writable: bool = False,
        typed: bool = False,
        also_named: Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        """See class."""
        super().__init__(
            dump_only=not writable,
            attribute=column,
            error_messages={**MESSAGES, "invalid": "must be a resource identifier"},
            **options,
        )
        self.types = types
        self.column = column
        self.related = related
        self.type_column = type_column
        self.typed = typed
        self.also_named = also_named

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The relationship object for a row."""
        shown: dict[str, Any] = {"data": None}
        identifier = getattr(obj, self.column) if self.column else None
        if identifier is not None:
            kind = getattr(obj, self.type_column) if self.type_column else self.types[0]
            shown["data"] = {"id": identifier, "type": kind}
            if self.related:
                shown["links"] = {"related": fill_template(self.related, obj)}
        return shown

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The related id."""
        if value is marshmallow.missing:
            return super().deserialize(value, attr, data, **options)
        if not isinstance(value, dict) or "data" not in value:
            raise self.make_error("invalid")
        linkage = value["data"]
        if linkage is None:
            if self.required:
                raise self.make_error("null")
            return None
        named = identifier_of(linkage, self.types)
        if named is None:
            raise self.make_error("invalid")
        return named if self.typed else named[1]


class ToMany(jsonapi.BaseRelationship):
    """A relationship to many resources: only a link, or with ``column`` the ids that are listed in a column of the row.

    The column has a list or a text of ``string_agg``. With ``shown_to``, only callers with the permission see ids. With
    ``read``, a client may send it: the function gets the list under ``data`` and returns the value to store.
    """

    def __init__(
        self,
        type_: str,
        *,
        column: str | None = None,
        related: str | None = None,
        shown_to: P | None = None,
        read: Callable[[list[Any]], Any] | None = None,
        **options: Any,  # noqa: ANN401 - marshmallow's own options
    ) -> None:
        """See class."""
        super().__init__(
            dump_only=read is None,
            attribute=column,
            error_messages={**MESSAGES, "invalid": "must be an object with a data array"},
            **options,
        )
        self.types = (type_,)
        self.column = column
        self.related = related
        self.shown_to = shown_to
        self.read = read

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The relationship object for a row."""
        shown: dict[str, Any] = {}
        if self.column:
            listed = getattr(obj, self.column) or ()
            listed = listed.split(SEPARATOR) if isinstance(listed, str) else listed
            held = options.get("held", getattr(obj, "held", frozenset()))
            if self.shown_to is not None and self.shown_to not in held:
                listed = ()
            shown["data"] = [{"id": identifier, "type": self.types[0]} for identifier in listed]
        if self.related:
            shown["links"] = {"related": fill_template(self.related, obj)}
        return shown

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The result of ``read`` for the list; missing if the client sent only links, as answers may show them."""
        if value is marshmallow.missing or self.read is None:
            return super().deserialize(value, attr, data, **options)
        if isinstance(value, dict) and "links" in value and "data" not in value:
            return marshmallow.missing
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise self.make_error("invalid")
        return self.read(value["data"])


class Links(jsonapi.BaseRelationship):
    """A relationship that has only a link, and no ids in any answer."""

    def __init__(self, related: str, **options: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        """``related`` is a template over the row's columns."""
        super().__init__(dump_only=True, **options)
        self.related = related

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The relationship object for a row."""
        return {"links": {"related": fill_template(self.related, obj)}}
