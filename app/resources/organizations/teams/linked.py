"""Teams and memberships refer to each other; the ids for a whole page are read at once."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, select
from sqlalchemy.orm import Session

from app.models.teams import TeamMember
from app.persistence import AnyRow, Base, Expression, in_values
from app.web.context import reader
from app.web.listing import Listing, ResourceObject
from app.web.policy import visible

Link = Row[*tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class TeamMembershipListing(Listing):
    """A listing of one side of team membership, whose rows carry the ids of those on the other side.

    ``near`` and ``far`` are the columns of ``TeamMember`` that name this side and the other one, ``other`` is the
    model there, ``linked_if`` the condition for naming it to the caller and ``link_columns`` what is read of it,
    ``linked_id`` among them. ``lists`` makes the ids that the schema shows, by the names of its columns.
    """

    near: Expression
    far: Expression
    other: type[Base]
    linked_if: Callable[[], ColumnElement[bool]]
    link_columns: Mapping[str, Expression]
    lists: Mapping[str, Callable[[Sequence[Link]], list[str]]]

    def linked(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> Any:  # noqa: ANN401
        """The row of ``one``, with the ids on the other side."""
        return self._linked([self.one(conditions, source)], source)[0]

    def show(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> ResourceObject:
        """The resource object of ``one``, with the ids on the other side."""
        return self.shown(self.linked(conditions, source))

    def some(self, identifiers: Iterable[str]) -> list[ResourceObject]:
        """The resource objects of those rows that the caller can see, with the ids on the other side; one statement."""
        statement = (
            select(*self._labelled(self._reach(None)), *self._links())
            .select_from(
                self.joined.outerjoin(TeamMember.__table__, self.near == self.identifier).outerjoin(
                    self.other.__table__,
                    and_(self.far == self._other_id, self.linked_if()),
                ),
            )
            .where(in_values(self.identifier, identifiers), visible(self.visible_by, self.model))
            .order_by(*self.order, self._other_id)
        )
        rows: dict[str, tuple[Any, list[Link]]] = {}
        for row in reader().execute(statement):
            links = rows.setdefault(row.id, (row, []))[1]
            if row.linked_id is not None:
                links.append(row)
        return [self.shown(self._with(row, links)) for row, links in rows.values()]

    def _completed(self, rows: Sequence[Row[Any]]) -> list[Any]:
        return self._linked(rows)

    def _linked(self, rows: Sequence[Any], source: Connection | Session | None = None) -> list[Any]:
        links: dict[str, list[Link]] = {row.id: [] for row in rows}
        if links:
            statement: Select[*tuple[Any, ...]] = (
                select(self.near.label("near_id"), *self._links())
                .select_from(TeamMember.__table__.join(self.other.__table__, self.far == self._other_id))
                .where(in_values(self.near, links), self.linked_if())
                .order_by(self._other_id)
            )
            for link in (source or reader()).execute(statement):
                links[link.near_id].append(link)
        return [self._with(row, links[row.id]) for row in rows]

    def _with(self, row: AnyRow, links: Sequence[Link]) -> AnyRow:
        return self._row_type(*row[: len(self.names)], *(make(links) for make in self.lists.values()))

    @cached_property
    def _row_type(self) -> Any:  # noqa: ANN401 - a class made from the columns
        return namedtuple("LinkedRow", (*self.names, *self.lists))  # noqa: PYI024 - the names are known only here

    @property
    def _other_id(self) -> Expression:
        return self.other.__table__.c.id

    def _links(self) -> list[Expression]:
        return [expression.label(name) for name, expression in self.link_columns.items()]
