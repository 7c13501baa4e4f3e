"""Migrations of the database, and the scripts of ``flask db migrate``, which must work on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    DowngradeOps,
    DropColumnOp,
    DropIndexOp,
    MigrateOperation,
    MigrationScript,
    ModifyTableOps,
    UpgradeOps,
)
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Column, Connection, DefaultClause, False_, MetaData, True_, text

from app import models
from app.companions import MIGRATIONS
from app.persistence import Base, Timestamp
from app.persistence.database import db

# What an operator reads where the tables are not those of the program.
UPGRADE: Final = "Run `groundplan admin db upgrade` (in a checkout: `flask db upgrade`)."
NEWER: Final = (
    "The tables are of a newer version ({version}) than this program knows. Install the version that made them, or go "
    "back with that version: `groundplan admin db downgrade`."
)

# Indexes with this prefix exist only where the extension pg_trgm is available.
OPTIONAL_INDEXES: Final = "trgm_"

# Changes that SQLite supports. For any other change of a table, Alembic copies the table there.
WITHOUT_COPY: Final = (AddColumnOp, DropColumnOp, CreateIndexOp, DropIndexOp)
COPIED: Final = (
    "SQLite copies this table, and the copy has none of the indexes over expressions, such as lower(name): drop them",
    "before it and create them again after it, as copied() does in 2026_11_21_people_and_places.py.",
)


def migrate(app: Flask) -> Migrate:
    """Register the ``flask db`` commands for the service's tables."""
    assert models.Project.metadata is db.metadata  # every table is known from here on
    return Migrate(app, db, directory=str(MIGRATIONS))


def schema_version() -> str:
    """The newest migration, which is the version of the tables that the code needs."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


@cache
def _known_versions() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def is_known_version(version: str) -> bool:
    """Whether this program has the migration; one that it does not have is newer."""
    return version in _known_versions()


class Note(MigrateOperation):
    """A comment in a generated migration."""

    def __init__(self, lines: Sequence[str]) -> None:
        """``lines`` are the lines of the comment."""
        self.lines = lines


@renderers.dispatch_for(Note)
def _render_note(_context: AutogenContext, note: Note) -> list[str]:
    return [f"# {line}" for line in note.lines]


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """The code for an item in a generated migration; False for Alembic's default.

    Our own column type is written as the plain type that it wraps, because a migration must not change when the
    application does. Boolean defaults are written so that both databases accept them: SQLite reads them as numbers.
    """
    if kind == "type" and isinstance(item, Timestamp):
        return "sa.DateTime(timezone=True)"
    if kind == "server_default" and isinstance(item, DefaultClause):
        if isinstance(item.arg, False_):
            return "sa.false()"
        if isinstance(item.arg, True_):
            return "sa.true()"
    return False


def review_script(script: MigrationScript, connection: Connection, metadata: MetaData = Base.metadata) -> bool:
    """Make a generated migration work on both databases, or refuse it; returns whether it has any changes."""
    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    assert upgrade is not None
    assert downgrade is not None
    _without_needless_copies(upgrade)
    _without_needless_copies(downgrade)
    for operation in _flat(upgrade.ops):
        if isinstance(operation, AddColumnOp):
            _check_added_column(operation.table_name, operation.column)
    if connection.dialect.name == "sqlite":
        _check_indexes(upgrade, connection, metadata)
    return not upgrade.is_empty()


def _without_needless_copies(operations: UpgradeOps | DowngradeOps) -> None:
    reviewed: list[MigrateOperation] = []
    for operation in operations.ops:
        if not isinstance(operation, ModifyTableOps):
            reviewed.append(operation)
        elif all(isinstance(each, WITHOUT_COPY) for each in operation.ops):
            reviewed += operation.ops
        else:
            reviewed += (Note(COPIED), operation)
    operations.ops[:] = reviewed


def _check_added_column(table: str, column: Column[Any]) -> None:
    if not column.nullable and column.server_default is None:
        raise CommandError(
            f"{table}.{column.name} has no value in the rows that are there: give it a server_default, or let it be "
            "null (a second migration may forbid that when the column is filled)"
        )


def _check_indexes(upgrade: UpgradeOps, connection: Connection, metadata: MetaData) -> None:
    """Refuse a new or removed index that can't be read back from SQLite, because Alembic leaves it out."""
    listed = text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    there = {name for name in connection.scalars(listed) if not name.startswith(OPTIONAL_INDEXES)}
    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    created = {each.index_name for each in _flat(upgrade.ops) if isinstance(each, CreateIndexOp)}
    dropped = {each.index_name for each in _flat(upgrade.ops) if isinstance(each, DropIndexOp)}
    left_out = (wanted - there - created) | (there - wanted - dropped)
    if left_out:
        raise CommandError(
            f"SQLite does not tell what these indexes are over: {', '.join(sorted(left_out))}. "
            "Generate this migration on PostgreSQL (python -m tests.support.databases starts a server)"
        )


def _flat(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    return [
        inner
        for operation in operations
        for inner in (_flat(operation.ops) if isinstance(operation, ModifyTableOps) else [operation])
    ]
