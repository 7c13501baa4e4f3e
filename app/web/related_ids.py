"""Completes the rows of a listing with the ids of related resources, read for a whole page in one statement."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Row,
    Select,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.persistence import Expression, in_values
from app.web.listing import Listing


class Link(NamedTuple):
    """The source of the ids of one relationship.

    ``name`` is the column of the row that gets the list of ids, ``owner_id`` the column with the id of the row, and
    ``related_id`` the column with the related id. ``order`` sorts the ids, ``table`` has these columns, and
    ``condition`` selects the ids that the caller may see.
    """

    name: str
    owner_id: Expression
    related_id: Expression
    order: Expression
    table: FromClause
    condition: ColumnElement[bool]


@dataclass(frozen=True)
class RelatedIds:
    """Adds lists of ids to rows, for a listing's ``complete``.

    ``lists`` are the names of the lists; ``links`` returns the sources of the ids that the caller may see.
    """

    lists: Sequence[str]
    links: Callable[[], Iterable[Link]]

    def __call__(self, listing: Listing, rows: Sequence[Row[Any]], source: Connection | Session) -> list[Any]:
        """Add the lists to the rows, by one statement, or none without rows."""
        ids: dict[str, dict[str, list[str]]] = {row.id: {name: [] for name in self.lists} for row in rows}
        if ids:
            for owner_id, name, related_id, _ in source.execute(_statement(self.links(), list(ids))):
                ids[owner_id][name].append(related_id)
        row_type = completed_row(*listing.names, *self.lists)
        return [row_type(*row[: len(listing.names)], **ids[row.id]) for row in rows]


@cache
def completed_row(*names: str) -> Any:  # noqa: ANN401 - a class made from the columns
    """The class of rows with these columns."""
    return namedtuple("CompletedRow", names)  # noqa: PYI024 - the names are known only here


def _statement(links: Iterable[Link], identifiers: Sequence[str]) -> CompoundSelect[Any]:
    parts: Iterable[Select[*tuple[Any, ...]]] = (
        select(
            link.owner_id.label("owner_id"),
            literal(link.name).label("list"),
            link.related_id.label("related_id"),
            link.order.label("position"),
        )
        .select_from(link.table)
        .where(in_values(link.owner_id, identifiers), link.condition)
        for link in links
    )
    return union_all(*parts).order_by(literal_column("position"), literal_column("related_id"))
