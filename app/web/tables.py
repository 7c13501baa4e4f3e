"""Answers as tables of comma-separated values, for people with a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from flask import Response, g

TABLE: Final = "text/csv"
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def wants_table() -> bool:
    """Whether the client would rather have a table than a document, from a view that has both."""
    return bool(g.get("wants_table"))


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text of a table."""
    written = StringIO()
    # All in quotation marks: some spreadsheets begin a cell, and perhaps a formula, at each semicolon.
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(head)
    writer.writerows(map(cell, row) for row in rows)
    return written.getvalue()


def table_response(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The answer with a table, which browsers save as a file of this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(table(head, rows), headers=headers, content_type=f"{TABLE}; charset=utf-8")
