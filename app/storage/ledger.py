"""The list of every object that was ever begun, so that none is forgotten.

A row is committed before the first byte is stored and goes after the object has gone. So whatever happens to a process
in between, the object has a row; and a row that no column names is found and removed (see ``sweeping``).

A column that names an object is declared with ``info=OBJECT``: the sweep removes what no such column names.
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
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.persistence import Base, Timestamp, in_values, now

OBJECT: Final[dict[Any, Any]] = {"object": True}

# So many objects are removed with the request that let go of them; the sweep removes the rest.
AT_ONCE: Final = 100
TO_DELETE: Final = "groundplan.let_go"


class StoredObject(Base):
    """An object that is in the store, or on its way into it or out of it."""

    __tablename__ = "stored_objects"

    name: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # From then on no column may name it, and it can be removed at any moment.
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
    """An object in the store: its name and what opens it."""

    name: str
    key: str


class MarkedForDeletion(LookupError):
    """The object took so long that it was given up."""


def register(engine: Engine, name: str) -> None:
    """Note that an object will be stored under the name; committed when it returns."""
    with engine.begin() as connection:
        connection.execute(LEDGER.insert(), {"name": name})


def attach(session: Session, name: str) -> None:
    """Keep the object until the transaction ends, in which a column must come to name it."""
    kept = select(LEDGER.c.name).where(LEDGER.c.name == name, LEDGER.c.condemned_at.is_(None)).with_for_update()
    if session.execute(kept).one_or_none() is None:
        raise MarkedForDeletion(name)


def mark_for_deletion(session: Session, names: Select[Any] | CompoundSelect[Any]) -> None:
    """Let go of the objects with these names, in the transaction after which no column names them any longer.

    What owns them, a workspace for one, is locked by the caller: nobody can come to name another one meanwhile.
    When ``change()`` has committed it, the first of them are removed; the sweep takes the others without waiting.
    """
    gone = LEDGER.c.name.in_(names)
    done = session.connection().execute(
        update(LEDGER).where(gone, LEDGER.c.condemned_at.is_(None)).values(condemned_at=now()),
    )
    if done.rowcount:
        some = session.connection().scalars(select(LEDGER.c.name).where(gone).limit(AT_ONCE))
        session.info.setdefault(TO_DELETE, []).extend(some)


def objects_owned_by(owner: str, ids: Iterable[str]) -> CompoundSelect[Any]:
    """The names of the objects of all rows, of whatever table, that have one of the ids in the column ``owner``."""
    wanted = list(ids)
    return union_all(
        *(
            select(column).where(in_values(table.c[owner], wanted), column.is_not(None))
            for table, column in object_columns()
            if owner in table.c
        ),
    )


def object_columns() -> Iterator[tuple[Table, Column[str]]]:
    """The columns that name objects, as their models say."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("object"):
                yield table, column


def unreferenced() -> ColumnElement[bool]:
    """The condition that no column names the object."""
    return and_(*(~select(column).where(column == LEDGER.c.name).exists() for _, column in object_columns()))
