"""What ``flask db migrate`` writes works on both databases, whichever it was generated on."""

from collections.abc import Iterator

import pytest
import sqlalchemy
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import DowngradeOps, MigrationScript, UpgradeOps
from alembic.util import CommandError
from sqlalchemy import Boolean, Column, Connection, Engine, ForeignKey, Index, MetaData, Text, func, inspect, true

from app.migrate import OPTIONAL_INDEXES, render_item, review_script
from app.persistence import Base, Timestamp

pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index")


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection whose transaction is rolled back."""
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def metadata() -> MetaData:
    """The tables of the models, to be changed."""
    copy = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(copy)
    return copy


def compared(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001
    return not (kind == "index" and (name or "").startswith(OPTIONAL_INDEXES))


def context_of(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"include_object": compared, "compare_type": True})


def generated(connection: Connection, metadata: MetaData) -> MigrationScript:
    script = produce_migrations(context_of(connection), metadata)
    assert review_script(script, connection, metadata)
    return script


def code(operations: UpgradeOps | DowngradeOps | None) -> list[str]:
    assert operations is not None
    text = render_python_code(operations, render_as_batch=True, render_item=render_item)
    return [line.strip() for line in text.splitlines() if not line.strip().startswith("# ###")]


def test_without_a_change_there_is_nothing_to_write(connection: Connection, metadata: MetaData) -> None:
    assert not review_script(produce_migrations(context_of(connection), metadata), connection, metadata)


def test_a_column_is_added_without_a_copy_of_the_table(connection: Connection, metadata: MetaData) -> None:
    projects = metadata.tables["projects"]
    projects.append_column(Column("owner_email", Text()))
    projects.append_column(Column("seen_at", Timestamp()))
    projects.append_column(Column("is_trial", Boolean(), nullable=False, server_default=true()))
    projects.append_column(Column("tier", Text(), nullable=False, server_default="free", index=True))

    script = generated(connection, metadata)

    assert " ".join(code(script.upgrade_ops)) == (
        "op.add_column('projects', sa.Column('owner_email', sa.Text(), nullable=True)) "
        "op.add_column('projects', sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True)) "
        "op.add_column('projects', sa.Column('is_trial', sa.Boolean(), server_default=sa.true(), nullable=False)) "
        "op.add_column('projects', sa.Column('tier', sa.Text(), server_default='free', nullable=False)) "
        "op.create_index(op.f('ix_projects_tier'), 'projects', ['tier'], unique=False)"
    )
    assert not any("batch" in line for line in code(script.downgrade_ops))
    before = names(connection)
    run(connection, script.upgrade_ops)
    assert names(connection) == before | {"owner_email", "seen_at", "is_trial", "tier"}
    run(connection, script.downgrade_ops)
    assert names(connection) == before


def run(connection: Connection, operations: UpgradeOps | DowngradeOps | None) -> None:
    written = "\n".join(code(operations))
    exec(written, {"op": Operations(context_of(connection)), "sa": sqlalchemy})  # noqa: S102 - as Alembic would


def names(connection: Connection) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns("projects")}


def test_a_column_that_old_rows_have_no_value_for_is_refused(connection: Connection, metadata: MetaData) -> None:
    metadata.tables["projects"].append_column(Column("tier", Text(), nullable=False))
    with pytest.raises(CommandError, match=r"^projects\.tier has no value .* give it a server_default"):
        generated(connection, metadata)


def test_it_is_refused_beside_a_change_that_copies_the_table_too(connection: Connection, metadata: MetaData) -> None:
    metadata.tables["projects"].append_column(Column("tier", Text(), nullable=False, unique=True))
    with pytest.raises(CommandError, match=r"^projects\.tier has no value"):
        generated(connection, metadata)


def test_a_change_that_needs_a_copy_says_what_the_copy_loses(connection: Connection, metadata: MetaData) -> None:
    metadata.tables["projects"].append_column(Column("parent_id", Text(), ForeignKey("projects.id")))
    first, second, third, *_ = code(generated(connection, metadata).upgrade_ops)
    assert first.startswith("# SQLite copies this table")
    assert second.startswith("#")
    assert third == "with op.batch_alter_table('projects', schema=None) as batch_op:"


def test_an_index_over_an_expression_is_never_left_out(connection: Connection, metadata: MetaData) -> None:
    projects = metadata.tables["projects"]
    Index("ix_projects_slug_lower", func.lower(projects.c.slug))
    if connection.dialect.name == "sqlite":
        with pytest.raises(CommandError, match="ix_projects_slug_lower"):
            generated(connection, metadata)
    else:
        (line,) = code(generated(connection, metadata).upgrade_ops)
        assert line.startswith("op.create_index('ix_projects_slug_lower', 'projects', [")
