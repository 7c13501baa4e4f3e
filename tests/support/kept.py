"""Holds what kept statements find to what SQLAlchemy itself finds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Insert, Select, Update

from app.persistence import KeptStatement


@contextmanager
def compared() -> Iterator[list[Select[Any] | Insert | Update]]:
    """Within the block, SQLAlchemy executes each kept statement, too, and must find the same; gives the statements."""
    seen = []
    kept = KeptStatement.all

    def both(self: KeptStatement, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        # Some are given iterators, which are empty after the first time.
        values = {name: list(value) if isinstance(value, Iterator) else value for name, value in values.items()}
        found = kept(self, connection, values)
        expected = connection.execute(self.statement, values)
        names, rows = list(expected.keys()), expected.all()
        assert found == rows
        assert [[type(value) for value in row] for row in found] == [[type(value) for value in row] for row in rows]
        # A column without a name has none in a named tuple either.
        assert all(
            name in (own, f"_{place}")
            for row in found[:1]
            for place, (name, own) in enumerate(zip(row._fields, names, strict=True))
        )
        seen.append(self.statement)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptStatement, "all", both)
        yield seen
