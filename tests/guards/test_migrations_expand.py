"""A migration after the last release takes nothing away from that release's code, which runs beside the new one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, inspect

from app.services import services
from tests.conftest import NewDatabase

# The newest migration of the last release: a release moves this on.
OF_LAST_RELEASE: Final = "4c7a90d2e6b8"
# What the last release no longer uses, so that a migration may drop it: tables and columns.
UNUSED: Final[frozenset[tuple[str, str]]] = frozenset()

Columns = dict[tuple[str, str], dict[str, Any]]
Uniques = dict[str, set[tuple[str | None, ...]]]


# A migration makes the same columns on both databases, and SQLite does not tell of indexes over expressions.
@pytest.mark.one_database("postgresql")
def test_the_last_release_goes_on_with_the_new_tables(
    new_database: NewDatabase, new_app: Callable[[str], AbstractContextManager[Flask]]
) -> None:
    with new_database() as url, new_app(url) as app, app.app_context():
        engine = services(app).engines.writing
        upgrade(revision=OF_LAST_RELEASE)
        columns, uniques = columns_of(engine), uniques_of(engine)
        upgrade()
        assert taken_away(columns, columns_of(engine)) == []
        found = uniques_of(engine)
        assert {table: found[table] - uniques[table] for table in uniques if found[table] - uniques[table]} == {}, (
            "the last release may write rows that break a new rule"
        )


def taken_away(before: Columns, after: Columns) -> list[str]:
    """What the code of ``before`` would miss in ``after``, or be refused for."""
    faults = [f"{table}.{column} is gone" for table, column in sorted(before.keys() - after.keys() - UNUSED)]
    for (table, column), new in sorted(after.items()):
        old = before.get((table, column))
        must_be_given = not new["nullable"] and new["default"] is None
        if old is None and must_be_given and any(name == table for name, _ in before):
            faults.append(f"{table}.{column} must be given by code that does not know it: give it a server_default")
        elif old is not None and old["nullable"] and not new["nullable"]:
            faults.append(f"{table}.{column} may no longer be null")
        elif old is not None and str(old["type"]) != str(new["type"]):
            faults.append(f"{table}.{column} has another type")
    return faults


def columns_of(engine: Engine) -> Columns:
    """All columns."""
    inspector = inspect(engine)
    return {
        (table, column["name"]): dict(column)
        for table in inspector.get_table_names()
        for column in inspector.get_columns(table)
    }


def uniques_of(engine: Engine) -> Uniques:
    """For each table, which columns are unique together."""
    inspector = inspect(engine)
    return {
        table: {tuple(each["column_names"]) for each in inspector.get_unique_constraints(table)}
        | {
            tuple(each.get("expressions") or each["column_names"])
            for each in inspector.get_indexes(table)
            if each["unique"]
        }
        for table in inspector.get_table_names()
    }


def test_what_is_a_fault() -> None:
    def column(*, nullable: bool = True, default: str | None = None, kind: str = "VARCHAR") -> dict[str, Any]:
        return {"nullable": nullable, "default": default, "type": kind}

    before: Columns = {("a", "kept"): column(), ("a", "gone"): column(), ("a", "tighter"): column()}
    after: Columns = {
        ("a", "kept"): column(kind="INTEGER"),
        ("a", "tighter"): column(nullable=False),
        ("a", "new"): column(nullable=False),
        ("a", "harmless"): column(nullable=False, default="''"),
        ("b", "of a new table"): column(nullable=False),
    }
    assert taken_away(before, after) == [
        "a.gone is gone",
        "a.kept has another type",
        "a.new must be given by code that does not know it: give it a server_default",
        "a.tighter may no longer be null",
    ]
