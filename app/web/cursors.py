"""Cursors: where a row stands in a list, as clients send it back in ``page[after]`` and ``page[before]``.

A cursor has the values by which the list is sorted, so it also works when its row is gone. It is sealed, because a list
may be sorted by what its reader can't see elsewhere, such as when a run was created.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, Text, and_, bindparam, or_
from sqlalchemy.sql import coercions, roles
from sqlalchemy.types import TypeEngine

from app.jsonapi.errors import BadParameter
from app.jsonapi.query import CONTROL
from app.persistence import Expression, Timestamp
from app.services import services

# More than the longest names by which a list is sorted.
LIMIT = 4_000
PREFIX = "cursor_"
# What else the service seals is no cursor.
PURPOSE = "cursor"
# What every integer column can be compared with on PostgreSQL; no list is sorted by a larger number.
LEAST_BITS = 31


def encode(sort: Sequence[str], values: Sequence[object]) -> str:
    """The cursor of the row with these values, in a list sorted in this way."""
    return services().keyring.seal(orjson.dumps([PURPOSE, *sort, *map(_shown, values)]))


def decode(cursor: str, sort: Sequence[str], types: Sequence[TypeEngine[Any]], parameter: str) -> dict[str, Any]:
    """The values of a cursor, as parameters of ``beyond``; 400 names the parameter if no link of the list has it."""
    try:
        told = orjson.loads(services().keyring.unseal(cursor[:LIMIT]))
        values = [_read(value, type_) for value, type_ in zip(_unsorted(told, sort), types, strict=True)]
    except ValueError:
        detail = f"{parameter} must be a cursor from a link of this list, in the same order"
        raise BadParameter(detail, parameter=parameter) from None
    return {f"{PREFIX}{index}": value for index, value in enumerate(values)}


def beyond(keys: Sequence[Expression], is_descending: Sequence[bool], *, is_backward: bool) -> ColumnElement[bool]:
    """The SQL condition that a row comes after the cursor, or before it if the list is walked backward."""
    places = [bindparam(f"{PREFIX}{index}", type_=type_of(key)) for index, key in enumerate(keys)]
    strictly: ColumnElement[bool] | None = None
    for key, place, descends in reversed(list(zip(keys, places, is_descending, strict=True))):
        further = key < place if descends != is_backward else key > place
        strictly = further if strictly is None else or_(further, and_(key == place, strictly))
    assert strictly is not None
    # This follows from the rest, and an index can serve it.
    at_least = keys[0] <= places[0] if is_descending[0] != is_backward else keys[0] >= places[0]
    return and_(at_least, strictly)


def type_of(key: Expression) -> TypeEngine[Any]:
    """The type of an expression by which a list is sorted: a moment, a number, or else a text."""
    found: TypeEngine[Any] = coercions.expect(roles.ExpressionElementRole, key).type
    return found if isinstance(found, Timestamp | Integer) else Text()


def _shown(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _unsorted(told: object, sort: Sequence[str]) -> list[object]:
    """What follows the names by which the list is sorted."""
    named = [PURPOSE, *sort]
    if not isinstance(told, list) or told[: len(named)] != named:
        raise ValueError(told)
    return told[len(named) :]


def _read(value: object, type_: TypeEngine[Any]) -> object:
    if isinstance(type_, Timestamp) and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            try:
                return moment.astimezone(UTC)
            except OverflowError:
                raise ValueError(value) from None
    elif (isinstance(type_, Integer) and type(value) is int and abs(value) < 2**LEAST_BITS) or (
        isinstance(type_, Text) and isinstance(value, str) and not CONTROL.search(value)
    ):
        return value
    raise ValueError(value)
