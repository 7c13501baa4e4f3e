"""How Alembic runs the migrations: on the engine of the application, one process at a time, all of them or none."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from alembic.operations import MigrationScript
from alembic.util import CommandError
from sqlalchemy import Connection, DefaultClause, Engine, FetchedValue, text

from app.migrate import NEWER, OPTIONAL_INDEXES, is_known_version, render_item, review_script
from app.persistence.database import db

# Any number that no other program uses for a lock in the same database.
LOCK = 4_702_111_234


def include_object(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001
    """Whether autogenerate looks at the item. It must not miss an index that exists only with an extension."""
    return not (kind == "index" and (name or "").startswith(OPTIONAL_INDEXES))


def review(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    """Review the changes that autogenerate has found, and write no file if there are none."""
    if not getattr(context.config.cmd_opts, "autogenerate", False):
        return
    connection = context.get_context().connection
    assert connection is not None
    if not review_script(directives[0], connection):
        directives[:] = []


def compare_default(_context: Any, _inspected: Any, column: Any, *_: Any) -> bool | None:  # noqa: ANN401 - Alembic's own
    """Whether the default differs; None has Alembic compare. What a trigger or a sequence gives is not compared."""
    default = column.server_default
    return False if isinstance(default, FetchedValue) and not isinstance(default, DefaultClause) else None


def settings() -> dict[str, Any]:
    """The options that both ways to run share."""
    return {
        "target_metadata": db.metadata,
        "include_object": include_object,
        "render_item": render_item,
        "process_revision_directives": review,
        "compare_type": True,
        "compare_server_default": compare_default,
        # SQLite can alter very little: Alembic copies the table there and issues plain ALTER elsewhere.
        "render_as_batch": True,
        # Alembic distrusts transactions around DDL on SQLite, but the engine opens them itself (BEGIN IMMEDIATE):
        # a migration that fails leaves nothing behind, and a second process waits for the first.
        "transactional_ddl": True,
    }


def run_offline() -> None:
    """Write the SQL to stdout, to be run by someone else."""
    context.configure(dialect_name=db.engine.dialect.name, literal_binds=True, **settings())
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run on the database of the application, in one transaction."""
    engine = db.engine
    # After waiting for the lock, the next statement must see what the other process has committed.
    online = engine.execution_options(isolation_level="READ COMMITTED") if is_postgresql(engine) else engine
    with online.connect() as connection, foreign_keys_off(connection):
        context.configure(connection=connection, **settings())
        with context.begin_transaction():
            if is_postgresql(engine):
                # Held until the commit, and therefore also safe behind a pooler that hands out transactions.
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            refuse_newer_tables()
            with without_warnings_about_indexes():
                context.run_migrations()
            if not is_postgresql(engine):
                refuse_dangling_rows(connection)


def refuse_newer_tables() -> None:
    """Fail if the tables are of a migration that is not there."""
    for version in context.get_context().get_current_heads():
        if not is_known_version(version):
            raise CommandError(NEWER.format(version=version))


def is_postgresql(engine: Engine) -> bool:
    """Whether the database is PostgreSQL; the other one is SQLite."""
    return engine.dialect.name == "postgresql"


@contextmanager
def without_warnings_about_indexes() -> Iterator[None]:
    """Indexes over expressions can't be read back from SQLite; ``review_script`` checks that none is left out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        yield


@contextmanager
def foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Without foreign keys on SQLite: dropping the old copy of a table would delete the rows that refer to it."""
    if is_postgresql(connection.engine):
        yield
        return
    # Straight to the driver: within a transaction the pragma has no effect, and the engine opens one at once.
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")
        driver.close()


def refuse_dangling_rows(connection: Connection) -> None:
    """Fail, and so undo everything, if a migration has left a row with a dangling foreign key."""
    dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    if dangling:
        message = f"the migration left rows that refer to nothing: {dangling[:10]}"
        raise RuntimeError(message)


# Shows progress on the command line, where logging is not set up; elsewhere both lines change nothing.
if not logging.getLogger().hasHandlers():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")

if context.is_offline_mode():
    run_offline()
else:
    run_online()
