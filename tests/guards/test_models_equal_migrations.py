from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import JSON, Column, Engine

from app.persistence import Base
from app.services import services
from tests.conftest import NewDatabase
from tests.support.schema_text import OPTIONAL_INDEXES, schema_text

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture
def migrated(
    new_database: NewDatabase,
    new_app: Callable[[str], AbstractContextManager[Flask]],
) -> Iterator[Engine]:
    with new_database() as url, new_app(url) as app, app.app_context():
        upgrade(directory=MIGRATIONS)
        yield services(app).engines.writing


@pytest.fixture
def created(
    new_database: NewDatabase,
    new_app: Callable[[str], AbstractContextManager[Flask]],
) -> Iterator[Engine]:
    with new_database() as url, new_app(url) as app:
        engine: Engine = services(app).engines.writing
        Base.metadata.create_all(engine)
        yield engine


# On SQLite an index over an expression can't be read back; the second test compares its text.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_alembic_finds_nothing_to_migrate(migrated: Engine) -> None:
    def compared(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001
        return not (kind == "index" and (name or "").startswith(OPTIONAL_INDEXES))

    def is_other_default(context: MigrationContext, _found: object, column: Column[Any], *_: Any) -> bool | None:
        # PostgreSQL can't compare two values of the type json; the second test compares their texts.
        return False if isinstance(column.type, JSON) and context.dialect.name == "postgresql" else None

    with migrated.connect() as connection:
        options = {"compare_type": True, "compare_server_default": is_other_default, "include_object": compared}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_and_models_make_the_same_database(migrated: Engine, created: Engine) -> None:
    with migrated.connect() as by_migrations, created.connect() as by_models:
        assert schema_text(by_migrations) == schema_text(by_models)
