"""Taking the rows below a workspace or a project out of the database into recoverable items, and putting them back.

What is below is what the database deletes with it: the tables whose foreign keys say ON DELETE CASCADE, and those below
them. So a new table is kept without being named here.
"""

import zlib
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Row,
    Table,
    insert,
    select,
)
from sqlalchemy.orm import Session

from app.models.authentication_tokens import AuthenticationToken
from app.models.invitations import Invitation
from app.models.recoverable_items import RecoverableItem, RecoverableObject, RecoverableRows
from app.models.runs import FINAL, Run
from app.persistence import Base, Timestamp, in_values
from app.services import services
from app.storage.keyring import DecryptionError

ITEMS: Final = Base.metadata.tables[RecoverableItem.__tablename__]
ROWS: Final = Base.metadata.tables[RecoverableRows.__tablename__]
OBJECTS: Final = Base.metadata.tables[RecoverableObject.__tablename__]
ROOTS: Final = ("projects", "workspaces")
# What gives access to whoever has it ends with its project or workspace, and does not come back.
NOT_KEPT: Final = frozenset({AuthenticationToken.__tablename__, Invitation.__tablename__})
# A run that was under way is not begun again by itself; neither is what belongs to it.
ENDED: Final = {Run.__tablename__: Run.__table__.c.status.in_(sorted(FINAL))}
# The rows of items are compressed and written in pieces of about this size, and so many items' rows are read at once.
PIECE_BYTES: Final = 256 * 1024
BUFFER_BYTES: Final = 32 * 2**20
ROWS_AT_ONCE: Final = 500
PIECES_AT_ONCE: Final = 10
# Links that belong to what is at their other end, and the column that names it. Whoever manages that could not see them
# meanwhile, may want them no more, and is not asked: they come back only together with their owner.
OF_OTHERS: Final = {
    "agent_pool_allowed_projects": "agent_pool_id",
    "agent_pool_allowed_workspaces": "agent_pool_id",
    "agent_pool_excluded_workspaces": "agent_pool_id",
    "policy_set_project_exclusions": "policy_set_id",
    "policy_set_projects": "policy_set_id",
    "policy_set_workspace_exclusions": "policy_set_id",
    "policy_set_workspaces": "policy_set_id",
    "remote_state_consumers": "workspace_id",
    "run_triggers": "workspace_id",
    "varset_projects": "varset_id",
    "varset_workspaces": "varset_id",
}

Values = dict[str, Any]


class MissingParent(LookupError):
    """A row can't be put back, because what it must belong to is gone. ``args`` are its table and that of the other."""


@cache
def tables_below() -> Sequence[Table]:
    """The tables of the roots and of all that is below them, in the order in which their rows can be written."""
    found = set(ROOTS)
    tables = [each for each in Base.metadata.sorted_tables if each.name not in NOT_KEPT]
    # The order is that of foreign keys, so that one pass finds all.
    for table in tables:
        if any(key.referred_table.name in found for key in _cascading(table)):
            found.add(table.name)
    return [each for each in tables if each.name in found]


def _cascading(table: Table) -> Iterator[ForeignKeyConstraint]:
    return (each for each in table.foreign_key_constraints if each.ondelete == "CASCADE")


def _ends(key: ForeignKeyConstraint) -> tuple[Column[Any], Column[Any]]:
    """The column of a foreign key and that which it refers to; with several columns, the last ones."""
    element = key.elements[-1]
    return element.parent, element.column


class Taking:
    """Copies the rows of projects and workspaces, and of all that is below them, into items.

    ``roots`` has the item of each project and workspace, by table and id; workspaces may be in the item of a project.
    """

    def __init__(self, session: Session, roots: Mapping[str, Mapping[str, RecoverableItem]]) -> None:
        """Nothing is read yet."""
        self._session = session
        self._items = {item.id: item for items in roots.values() for item in items.values()}
        # Which item each row belongs to, by table and id.
        self._owners: dict[str, dict[str, str]] = {
            name: {identifier: item.id for identifier, item in roots.get(name, {}).items()} for name in ROOTS
        }
        self._waiting: dict[str, list[tuple[Table, bytes]]] = defaultdict(list)
        self._sizes: dict[str, int] = defaultdict(int)
        self._numbers: dict[str, int] = defaultdict(int)

    def take(self) -> None:
        """Copy all rows, in the order in which they can be written again."""
        conditions: dict[str, list[ColumnElement[bool]]] = {}
        for table in tables_below():
            conditions[table.name] = self._conditions(table, conditions)
            known: set[tuple[Any, ...]] = set()
            # One statement for each way to belong to a root: with all in one, PostgreSQL would read whole tables.
            for condition in conditions[table.name]:
                found = select(table).where(condition).order_by(*_order(table))
                result = self._session.connection().execute(found, execution_options={"yield_per": ROWS_AT_ONCE})
                for some in result.partitions():
                    self._keep(table, some, known if len(conditions[table.name]) > 1 else None)
        for item_id in list(self._waiting):
            self._write(item_id)

    def _conditions(
        self, table: Table, conditions: Mapping[str, list[ColumnElement[bool]]]
    ) -> list[ColumnElement[bool]]:
        if table.name in ROOTS:
            found = [in_values(table.c.id, self._owners[table.name])]
        else:
            keys = [_ends(key) for key in _cascading(table)]
            to_roots = [(column, parent) for column, parent in keys if parent.table.name in ROOTS]
            whole = [pair for pair in to_roots if not pair[0].nullable]
            found = [in_values(column, self._owners[parent.table.name]) for column, parent in whole or to_roots]
            if not whole:
                found += [
                    column.in_(select(parent).where(condition))
                    for column, parent in keys
                    if parent.table.name not in ROOTS
                    for condition in conditions.get(parent.table.name, ())
                ]
        return [each & ENDED[table.name] for each in found] if table.name in ENDED else found

    def _keep(self, table: Table, rows: Sequence[Row[Any]], known: set[tuple[Any, ...]] | None) -> None:
        owners = self._owners.setdefault(table.name, {})
        parents = [(column.name, parent.table.name) for column, parent in map(_ends, _cascading(table))]
        names = [str(column.name) for column in table.columns]
        key = [str(column.name) for column in table.primary_key]
        objects = []
        for row in rows:
            values = dict(zip(names, row, strict=True))
            if known is not None:
                own = tuple(values[name] for name in key)
                if own in known:
                    continue
                known.add(own)
            item_id = owners.get(values.get("id", "")) or next(
                owner
                for name, parent in parents
                if (owner := self._owners.get(parent, {}).get(values[name])) is not None
            )
            if "id" in values:
                owners[values["id"]] = item_id
            objects += [(item_id, name, key_) for name, key_ in _objects_in(table, values)]
            piece = orjson.dumps(_unsealed(table, values))
            self._waiting[item_id].append((table, piece))
            self._sizes[item_id] += len(piece)
            if self._sizes[item_id] > PIECE_BYTES:
                self._write(item_id)
        if objects:
            named = [
                {
                    "item_id": item_id,
                    "organization_id": self._items[item_id].organization_id,
                    "kept_object": name,
                    "kept_key": sealed,
                }
                for item_id, name, sealed in objects
            ]
            self._session.connection().execute(insert(OBJECTS), named)
        if sum(self._sizes.values()) > BUFFER_BYTES:
            for item_id in list(self._waiting):
                self._write(item_id)

    def _write(self, item_id: str) -> None:
        pieces = [(table.name, orjson.Fragment(piece)) for table, piece in self._waiting.pop(item_id)]
        packed = zlib.compress(orjson.dumps(pieces))
        row = {"item_id": item_id, "number": self._numbers[item_id], "content": services().keyring.seal(packed)}
        self._session.connection().execute(insert(ROWS), row)
        self._numbers[item_id] += 1
        del self._sizes[item_id]


def put_back(session: Session, item: RecoverableItem, change: Mapping[str, Mapping[str, Any]]) -> "Existing":
    """Write the rows of an item again; returns what was written, and what was left out.

    ``change`` are other values for the columns of a table. A row whose parent is gone is left out, and so is one that
    belongs to something beside the item; a reference to something that is gone becomes null, as the deletion of that
    would have done.
    """
    existing = Existing(session)
    pieces = select(ROWS.c.content).where(ROWS.c.item_id == item.id).order_by(ROWS.c.number)
    for sealed in session.connection().execute(pieces, execution_options={"yield_per": PIECES_AT_ONCE}).scalars():
        found: dict[str, list[Values]] = {}
        for name, values in orjson.loads(zlib.decompress(services().keyring.unseal(sealed))):
            found.setdefault(name, []).append({**values, **change.get(name, {})})
        for name, rows in found.items():
            table = Base.metadata.tables[name]
            fitting = existing.fitting(table, [_sealed(table, each) for each in rows])
            if fitting:
                session.connection().execute(insert(table), fitting)
    return existing


class Existing:
    """Which rows are there to refer to."""

    def __init__(self, session: Session) -> None:
        """Nothing is known yet."""
        self._session = session
        self._known: dict[str, dict[str, bool]] = defaultdict(dict)
        self.written: dict[str, set[str]] = defaultdict(set)
        self.left_out: Counter[str] = Counter()

    def fitting(self, table: Table, rows: Sequence[Values]) -> list[Values]:
        """The rows without those whose parents are gone."""
        keys = [(*_ends(key), key.ondelete) for key in table.foreign_key_constraints]
        for column, parent, _ in keys:
            self._look_up(parent, {row[column.name] for row in rows if row.get(column.name) is not None})
        fitting = [row for row in rows if self._is_own(table, row) and self._fits(table, row, keys)]
        if len(fitting) < len(rows):
            self.left_out[table.name] += len(rows) - len(fitting)
        return fitting

    def _is_own(self, table: Table, row: Values) -> bool:
        owner = OF_OTHERS.get(table.name)
        if owner is None:
            return True
        [parent] = [parent for column, parent in map(_ends, _cascading(table)) if column.name == owner]
        return row[owner] in self.written[parent.table.name]

    def _fits(self, table: Table, row: Values, keys: Iterable[tuple[Column[Any], Column[Any], str | None]]) -> bool:
        for column, parent, ondelete in keys:
            value = row.get(column.name)
            there = parent.table.name
            if value is None or value in self.written[there] or self._known[there].get(value):
                continue
            if ondelete is None:
                raise MissingParent(table.name, there)
            if ondelete == "CASCADE":
                return False
            row[column.name] = None
        if "id" in row:
            self.written[table.name].add(row["id"])
        return True

    def _look_up(self, parent: Column[Any], values: Collection[str]) -> None:
        known = self._known[parent.table.name]
        unknown = [each for each in values if each not in known and each not in self.written[parent.table.name]]
        if unknown:
            found = set(self._session.connection().scalars(select(parent).where(in_values(parent, unknown))))
            known.update((each, each in found) for each in unknown)


def _order(table: Table) -> Iterable[Column[Any]]:
    # Rows that refer to others of their table refer to older ones.
    age = [table.c.created_at] if "created_at" in table.c else []
    return [*age, *table.primary_key]


def _objects_in(table: Table, values: Values) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        if column.info.get("object") and values[column.name] is not None:
            yield values[column.name], values[f"{column.name.removesuffix('_object')}_key"]


def _unsealed(table: Table, values: Values) -> Values:
    """The values as JSON has them. Sealed texts are opened: a change of master keys need only seal the rows again."""
    for column in table.columns:
        if column.info.get("sealed") and values[column.name]:
            values[column.name] = _opened(values[column.name])
    return values


def _opened(sealed: str) -> str | list[str]:
    try:
        return b64encode(services().keyring.unseal(sealed)).decode()
    except DecryptionError:
        # Its key was lost. What can't be read can still be deleted, and comes back as it is.
        return [sealed]


def _sealed(table: Table, values: Values) -> Values:
    """The values of the columns that the table has now."""
    made: Values = {}
    for column in table.columns:
        # A column that was added since has its default.
        if column.name not in values:
            continue
        value = values[column.name]
        if value and column.info.get("sealed"):
            value = value[0] if isinstance(value, list) else services().keyring.seal(b64decode(value))
        elif value is not None and isinstance(column.type, Timestamp):
            value = datetime.fromisoformat(value)
        made[column.name] = value
    return made
