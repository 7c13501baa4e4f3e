"""What a kept statement finds, converts and does after a failure is what SQLAlchemy itself would."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, Integer, bindparam, event, func, insert, literal, select, text, update
from sqlalchemy.exc import CompileError, DBAPIError, IntegrityError, MultipleResultsFound, OperationalError
from sqlalchemy.orm import Session

from app.models import Organization, User
from app.persistence import Base, KeptStatement, in_values, is_transient, values_param, violated_constraint
from app.persistence.kept import PREPARED_STATEMENTS
from app.services import services
from tests.support.api import Api
from tests.support.kept import compared
from tests.support.scenes.runs import Runs
from tests.support.world import Person, World

pytestmark = pytest.mark.both_drivers

BY_NAME = KeptStatement(select(User.id, User.username).where(User.username == bindparam("name")))


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


@pytest.fixture
def reading(app: Flask) -> Engine:
    engines = services(app).engines
    # The thread keeps one from the tests before.
    engines.dispose()
    return engines.reading


def test_every_type_is_converted_both_ways(
    api: Api, world: World, engine: Engine, acme: Organization, owner: Person
) -> None:
    Runs(api, world, engine, acme, owner)
    tested = set()
    with compared(), engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in KeptStatement(select(*table.c)).all(connection, {})[:5]:
                for column, value in zip(table.c, row, strict=True):
                    if repr(column.type) in tested or value is None or isinstance(value, dict | list):
                        continue
                    tested.add(repr(column.type))
                    same = select(column).where(column == bindparam("value")).limit(1)
                    assert KeptStatement(same).one_or_none(connection, {"value": value}) == (value,)
    assert len(tested) >= 5, tested


def people(engine: Engine, *names: str) -> None:
    with Session(engine) as session, session.begin():
        session.execute(insert(User), [{"username": name, "email": f"{name}@example.test"} for name in names])


def test_values_of_the_statement_are_in_its_text(engine: Engine) -> None:
    people(engine, "ada", "100%", "o'neill", "b\\n")
    with compared() as statements, engine.connect() as connection:
        for name in ("100%", "o'neill", "b\\n"):
            found = KeptStatement(select(User.username, literal(name).label("other")).where(User.username == name))
            assert found.all(connection, {}) == [(name, name)]
        several = select(User.username).where(User.username.in_(["ada", "100%"])).order_by(User.username)
        assert KeptStatement(several).all(connection, {}) == [("100%",), ("ada",)]
    assert len(statements) == 4


def test_a_value_that_is_told_at_each_execution_is_not_kept(engine: Engine) -> None:
    moments = iter(range(1, 4))
    told = KeptStatement(
        select(literal("at").label("when"), bindparam("n", callable_=moments.__next__, type_=Integer()))
    )
    with engine.connect() as connection:
        assert [told.one_or_none(connection, {}) for _ in range(3)] == [("at", 1), ("at", 2), ("at", 3)]


def test_a_statement_that_writes_gives_nothing_and_is_part_of_the_transaction(engine: Engine) -> None:
    people(engine, "ada", "bob")
    rename = KeptStatement(update(User).where(User.username == bindparam("old")).values(username=bindparam("new")))
    with engine.connect() as connection:
        rename.write(connection, {"old": "ada", "new": "eve"})
        assert BY_NAME.one_or_none(connection, {"name": "ada"}) is None
        connection.rollback()
        assert BY_NAME.one_or_none(connection, {"name": "ada"}) is not None
        with pytest.raises(IntegrityError) as refused:
            rename.write(connection, {"old": "bob", "new": "ADA"})
        assert violated_constraint(refused.value) is not None


def test_a_set_of_values_is_one_parameter(engine: Engine) -> None:
    people(engine, "ada", "bob", "eve")
    several = KeptStatement(
        select(User.username).where(in_values(User.username, values_param("names"))).order_by(User.username)
    )
    with compared() as statements, engine.connect() as connection:
        for names in ([], ["eve"], ["ada", "eve"]):
            assert [row.username for row in several.all(connection, {"names": names})] == names
        expanding = KeptStatement(select(User.id).where(User.username.in_(bindparam("names", expanding=True))))
        with pytest.raises(CompileError, match="in_values"):
            expanding.all(connection, {"names": ["ada"]})
    assert len(statements) == 3


def test_one_row_or_none(engine: Engine) -> None:
    people(engine, "ada", "bob")
    with engine.connect() as connection:
        row = BY_NAME.one_or_none(connection, {"name": "ada"})
        assert row is not None
        assert row.username == "ada"
        assert BY_NAME.one_or_none(connection, {"name": "eve"}) is None
        with pytest.raises(MultipleResultsFound):
            KeptStatement(select(User.id)).one_or_none(connection, {})


def test_it_is_part_of_the_transaction(engine: Engine, reading: Engine) -> None:
    with engine.connect() as writer, reading.connect() as reader:
        writer.execute(insert(User).values(username="ada", email="ada@example.test"))
        assert len(BY_NAME.all(writer, {"name": "ada"})) == 1
        assert BY_NAME.all(reader, {"name": "ada"}) == []
        writer.commit()
        assert len(BY_NAME.all(reader, {"name": "ada"})) == 1


def test_listeners_hear_of_it(engine: Engine) -> None:
    heard = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "FROM users" in statement:
            heard.append(parameters)

    with engine.connect() as connection:
        for name in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(connection, name, note)
        BY_NAME.all(connection, {"name": "ada"})
    assert heard == [("ada",)] * 2


def test_errors_are_those_of_sqlalchemy(engine: Engine) -> None:
    wrong = select(func.nothing_of_this_name(User.id))
    with engine.connect() as connection:
        with pytest.raises(DBAPIError) as expected:
            connection.execute(wrong)
        connection.rollback()
        with pytest.raises(DBAPIError) as found:
            KeptStatement(wrong).all(connection, {})
    assert type(found.value) is type(expected.value)
    assert type(found.value.orig) is type(expected.value.orig)
    assert found.value.hide_parameters


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def prepared(connection: Connection) -> int:
    number: int = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
    return number


@pytest.mark.only_postgresql
def test_it_is_prepared_once(reading: Engine) -> None:
    # A new connection: on one that other tests have used, others are prepared that read users, too.
    reading.dispose()
    with reading.connect() as connection:
        before = prepared(connection)
        for name in ("ada", "bob", "eve"):
            BY_NAME.all(connection, {"name": name})
        assert prepared(connection) <= before + 1
        names = select(func.count()).where(text("statement LIKE '%users.username%' AND statement LIKE '%$1%'"))
        assert connection.execute(names.select_from(text("pg_prepared_statements"))).scalar_one() == 1


@pytest.mark.only_postgresql
def test_a_connection_prepares_a_limited_number(reading: Engine) -> None:
    reading.dispose()
    statements = [KeptStatement(select(literal(number))) for number in range(PREPARED_STATEMENTS + 20)]
    with reading.connect() as connection:
        for number, statement in [*enumerate(statements), (0, statements[0])]:
            assert statement.all(connection, {}) == [(number,)]
        assert PREPARED_STATEMENTS / 2 < prepared(connection) <= PREPARED_STATEMENTS + 1
    reading.dispose()


@pytest.mark.only_postgresql
@pytest.mark.parametrize("discard", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_it_is_prepared_again_when_somebody_has_discarded_it(engine: Engine, reading: Engine, discard: str) -> None:
    people(engine, "ada")
    with reading.connect() as connection:
        assert len(BY_NAME.all(connection, {"name": "ada"})) == 1
        connection.connection.cursor().execute(discard)
        assert len(BY_NAME.all(connection, {"name": "ada"})) == 1


@pytest.fixture
def changed_type(engine: Engine) -> Iterator[Callable[[str], None]]:
    """Changes the type of the users' names as a migration might."""

    def change(type_: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE users ALTER COLUMN username TYPE {type_}"))

    yield change
    change('text COLLATE "C"')


@pytest.mark.only_postgresql
def test_a_migration_may_change_a_type(engine: Engine, reading: Engine, changed_type: Callable[[str], None]) -> None:
    people(engine, "ada")
    with reading.connect() as connection:
        assert len(BY_NAME.all(connection, {"name": "ada"})) == 1
        changed_type("varchar(100)")
        assert len(BY_NAME.all(connection, {"name": "ada"})) == 1


@pytest.mark.only_postgresql
def test_a_transaction_can_begin_again_after_such_a_migration(
    engine: Engine, changed_type: Callable[[str], None]
) -> None:
    def found() -> list[Connection]:
        """Three connections that have executed the statement in a transaction."""
        used = [opened.enter_context(engine.connect()) for _ in range(3)]
        for connection in used:
            assert BY_NAME.all(connection, {"name": "ada"}) == []
            connection.commit()
        return used

    with ExitStack() as opened:
        used = found()
        changed_type("varchar(100)")
        with pytest.raises(DBAPIError) as failed:
            BY_NAME.all(used[0], {"name": "ada"})
        assert is_transient(failed.value)
    # No matter which connection it gets.
    with ExitStack() as opened:
        found()


@pytest.mark.only_postgresql
def test_a_lost_connection_is_replaced(engine: Engine, reading: Engine) -> None:
    people(engine, "ada")
    with reading.connect() as connection:
        BY_NAME.all(connection, {"name": "ada"})
        process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({process}, 5000)")
        with pytest.raises(OperationalError) as lost:
            BY_NAME.all(connection, {"name": "ada"})
        assert lost.value.connection_invalidated
        assert connection.invalidated
    with reading.connect() as connection:
        assert len(BY_NAME.all(connection, {"name": "ada"})) == 1
