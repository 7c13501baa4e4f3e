"""The list of every stored object, including unfinished ones, so that none is lost track of.

A row is committed before the first byte is stored, and deleted after the object is deleted. So even if a process dies
in between, the object has a row; a row whose object no column names is found and removed (see ``sweeping``).

A column that names an object is declared with ``info=OBJECT``: the sweep removes objects that no such column names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Engine,
    Index,
    Select,
    Table,
    and_,
    bindparam,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.persistence import Base, KeptStatement, Timestamp, in_values, now

OBJECT: Final[dict[Any, Any]] = {"object": True}

# How many objects are removed by the request that marked them for deletion; the sweep removes the rest.
AT_ONCE: Final = 100
TO_DELETE: Final = "groundplan.let_go"


class StoredObject(Base):
    """An object that is in the store, is being stored, or is being removed."""

    __tablename__ = "stored_objects"

    name: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # From then on no column may name the object, and it can be removed at any moment.
    condemned_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        Index(
            "ix_stored_objects_condemned",
            name,
            sqlite_where=condemned_at.is_not(None),
            postgresql_where=condemned_at.is_not(None),
        ),
    )


LEDGER: Final = Base.metadata.tables[StoredObject.__tablename__]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in the store: its name and its sealed data key."""

    name: str
    key: str


class MarkedForDeletion(LookupError):
    """Storing the object took so long that the sweep has marked it for deletion."""


def register(engine: Engine, name: str) -> None:
    """Commit a row for an object that will be stored under the name."""
    with engine.begin() as connection:
        connection.execute(LEDGER.insert(), {"name": name})


KEPT: Final = (
    select(LEDGER.c.name)
    .where(LEDGER.c.name == bindparam("kept_object"), LEDGER.c.condemned_at.is_(None))
    .with_for_update()
)
"""Locks the row of the object in the parameter ``kept_object``; finds nothing if it is marked for deletion."""

_KEPT: Final = KeptStatement(KEPT)


def attach(session: Session, name: str) -> None:
    """Lock the object's row against removal; a column must name the object before the transaction ends."""
    if _KEPT.one_or_none(session.connection(), {"kept_object": name}) is None:
        raise MarkedForDeletion(name)


def mark_for_deletion(session: Session, names: Select[Any] | CompoundSelect[Any]) -> None:
    """Mark the objects with these names for deletion, in the transaction that removes the last reference to them.

    The caller has locked their owner, such as a workspace, so that no other object can be added to it meanwhile. After
    ``transaction()`` has committed, the first of them are removed; the next sweep removes the others at any age.
    """
    gone = LEDGER.c.name.in_(names)
    done = session.connection().execute(
        update(LEDGER).where(gone, LEDGER.c.condemned_at.is_(None)).values(condemned_at=now()),
    )
    if done.rowcount:
        some = session.connection().scalars(select(LEDGER.c.name).where(gone).limit(AT_ONCE))
        session.info.setdefault(TO_DELETE, []).extend(some)


def objects_owned_by(owner: str, ids: Iterable[str]) -> CompoundSelect[Any]:
    """The names of the objects in all rows, of any table, that have one of the ids in the column ``owner``."""
    wanted = list(ids)
    return union_all(
        *(
            select(column).where(in_values(table.c[owner], wanted), column.is_not(None))
            for table, column in object_columns()
            if owner in table.c
        ),
    )


def object_columns() -> Iterator[tuple[Table, Column[str]]]:
    """The columns that name objects, as declared in their models."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("object"):
                yield table, column


def unreferenced() -> ColumnElement[bool]:
    """The condition that no column names the object."""
    return and_(*(~select(column).where(column == LEDGER.c.name).exists() for _, column in object_columns()))
