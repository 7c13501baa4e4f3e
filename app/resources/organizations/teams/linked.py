"""Teams and memberships refer to each other; the ids for a whole page are read at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select
from sqlalchemy.orm import Session

from app.models.teams import TeamMember
from app.persistence import AnyRow, Base, Expression, in_values
from app.web.context import reader
from app.web.listing import Listing, ResourceObject
from app.web.related_ids import completed_row
from app.web.statements import labelled_columns, visible_rows

Link = Row[*tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class TeamMemberLinks:
    """Adds the ids of the other side of team membership to rows, for a listing's ``complete``.

    ``owner_id`` and ``related_id`` are the columns of ``TeamMember`` that refer to this side and the other one.
    ``other`` is the model of the other side, ``condition`` decides whether the caller sees its ids, and ``columns``
    makes what is read from it, ``linked_id`` among them. ``lists`` computes the ids that the schema shows, by column
    name.
    """

    owner_id: Expression
    related_id: Expression
    other: type[Base]
    condition: Callable[[], ColumnElement[bool]]
    columns: Callable[[], Mapping[str, Expression]]
    lists: Mapping[str, Callable[[Sequence[Link]], list[str]]]

    def __call__(self, listing: Listing, rows: Sequence[Row[Any]], source: Connection | Session) -> list[Any]:
        """Add the lists to the rows, by one statement, or none without rows."""
        links: dict[str, list[Link]] = {row.id: [] for row in rows}
        if links:
            statement: Select[*tuple[Any, ...]] = (
                select(self.owner_id.label("owner_id"), *self._columns())
                .select_from(TeamMember.__table__.join(self.other.__table__, self.related_id == self._other_id))
                .where(in_values(self.owner_id, links), self.condition())
                .order_by(self._other_id)
            )
            for link in source.execute(statement):
                links[link.owner_id].append(link)
        return [self._completed(listing, row, links[row.id]) for row in rows]

    def find_many(self, listing: Listing, identifiers: Iterable[str]) -> list[ResourceObject]:
        """Like ``Listing.find_many``, but by one statement instead of two."""
        visibility = listing.visibility()
        statement = (
            select(*labelled_columns(listing, visibility), *self._columns())
            .select_from(
                listing.joined.outerjoin(TeamMember.__table__, self.owner_id == listing.identifier).outerjoin(
                    self.other.__table__,
                    and_(self.related_id == self._other_id, self.condition()),
                ),
            )
            .where(in_values(listing.identifier, identifiers), visible_rows(listing, visibility))
            .order_by(*listing.order, self._other_id)
        )
        rows: dict[str, tuple[Any, list[Link]]] = {}
        for row in reader().execute(statement, visibility.parameters):
            links = rows.setdefault(row.id, (row, []))[1]
            if row.linked_id is not None:
                links.append(row)
        return [listing.to_resource(self._completed(listing, row, links)) for row, links in rows.values()]

    def _completed(self, listing: Listing, row: AnyRow, links: Sequence[Link]) -> AnyRow:
        row_type = completed_row(*listing.names, *self.lists)
        return row_type(*row[: len(listing.names)], *(make(links) for make in self.lists.values()))

    @property
    def _other_id(self) -> Expression:
        return self.other.__table__.c.id

    def _columns(self) -> list[Expression]:
        return [expression.label(name) for name, expression in self.columns().items()]
