from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, inspect, text

from app.persistence import Base
from app.services import services

MIGRATIONS = Path(__file__).parents[2] / "migrations"
VERSIONS = "alembic_version"

NewDatabase = Callable[[], AbstractContextManager[str]]
NewApp = Callable[[str], AbstractContextManager[Flask]]


def test_migrations_go_up_down_and_up_again(new_database: NewDatabase, new_app: NewApp) -> None:
    with new_database() as url, new_app(url) as app, app.app_context():
        engine: Engine = services(app).engines.writing
        upgrade(directory=MIGRATIONS)
        assert tables(engine) == {*Base.metadata.tables, VERSIONS}
        downgrade(directory=MIGRATIONS, revision="base")
        assert tables(engine) == {VERSIONS}
        upgrade(directory=MIGRATIONS)
        assert tables(engine) == {*Base.metadata.tables, VERSIONS}


# SQLite copies a table to change it, and enforces no foreign keys meanwhile.
@pytest.mark.only_sqlite
def test_foreign_keys_are_enforced_after_a_migration(new_database: NewDatabase, new_app: NewApp) -> None:
    with new_database() as url, new_app(url) as app, app.app_context():
        upgrade(directory=MIGRATIONS)
        engine: Engine = services(app).engines.writing
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())
