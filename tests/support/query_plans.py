"""How the database would run what a request reads."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

from flask import Flask
from sqlalchemy import Connection, event

from app.persistence.engine import Engines
from app.services import services
from tests.support.api import Api

Known = dict[tuple[str, str], list[str]]
"""Plans by statement and parameters."""


def plans(
    app: Flask,
    api: Api,
    path: str,
    token: str,
    method: str = "GET",
    *,
    only_indexes: bool = False,
    known: Known | None = None,
) -> list[str]:
    """How the database would run each statement of the request, a line for each way it reads a table.

    Where many requests are asked about, three of four statements have been there before: the database is not asked
    again about what is ``known``.
    """

    def ask() -> None:
        assert api.raw(method, path, token).status_int < 300

    # The caller, and what they ask for.
    return plans_of(app, ask, at_least=2, only_indexes=only_indexes, known=known)


def plans_of(
    app: Flask,
    work: Callable[[], object],
    *,
    at_least: int = 1,
    only_indexes: bool = False,
    known: Known | None = None,
) -> list[str]:
    """The same for whatever reads by the engines of the application.

    With ``only_indexes``, PostgreSQL combines no bitmaps either and expects a fast disk, so that it names the index
    that would serve large tables.
    """
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        sent.append((statement, parameters))

    engines: Engines = services(app).engines
    for engine in (engines.reading, engines.writing):
        event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        for engine in (engines.reading, engines.writing):
            event.remove(engine, "before_cursor_execute", note)
    read = [each for each in sent if each[0].startswith(("SELECT", "WITH"))]
    assert len(read) >= at_least
    known = {} if known is None else known
    with engines.writing.connect() as connection:
        if connection.dialect.name == "postgresql":
            # What no index can do is then still done by reading the table from end to end, and shown.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            if only_indexes:
                connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
                connection.exec_driver_sql("SET LOCAL random_page_cost = 1.1")
        for statement, parameters in read:
            key = statement, repr(parameters)
            if key not in known:
                known[key] = _lines(connection, statement, parameters)
    return [line for statement, parameters in read for line in known[statement, repr(parameters)]]


def _lines(connection: Connection, statement: str, parameters: Any) -> list[str]:
    if connection.dialect.name == "sqlite":
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    return list(nodes(_plan(connection, statement, parameters)))


def _plan(connection: Connection, statement: str, parameters: Any) -> dict[str, Any]:
    explain = "EXPLAIN (FORMAT JSON)"
    if isinstance(parameters, tuple):
        # A kept statement is prepared, and planned without its values.
        connection.exec_driver_sql(f"PREPARE explained AS {statement.replace('%', '%%')}")
        values = f" ({', '.join(['NULL'] * len(parameters))})" if parameters else ""
        plan = connection.exec_driver_sql(f"{explain} EXECUTE explained{values}").scalar_one()[0]["Plan"]
        connection.exec_driver_sql("DEALLOCATE explained")
    else:
        plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).scalar_one()[0]["Plan"]
    return cast("dict[str, Any]", plan)


def nodes(plan: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan:
        # The words of SQLite for reading nothing but the index.
        covering = "COVERING " if plan["Node Type"] == "Index Only Scan" else ""
        index = f" USING {covering}INDEX {plan['Index Name']}" if "Index Name" in plan else ""
        yield f"{'SCAN' if plan['Node Type'] == 'Seq Scan' else 'SEARCH'} {plan['Relation Name']}{index}"
    for below in plan.get("Plans", []):
        yield from nodes(below)


def read_from_end_to_end(lines: list[str], tables: Collection[str]) -> list[str]:
    """Those lines that read a whole one of the tables."""
    # A table that a statement names twice has a number behind its name.
    return [line for line in lines if line.startswith("SCAN") and re.sub(r"_\d+$", "", line.split()[1]) in tables]
