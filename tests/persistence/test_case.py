"""The rule of comparing without regard to case is the same in Python and in both databases."""

from string import ascii_letters

import pytest
from flask import Flask
from sqlalchemy import Engine, Text, func, literal, select

from app.models import ActivityEvent, User
from app.persistence import case_folded, fold_case
from app.services import services
from tests.support.world import World

pytestmark = pytest.mark.both_drivers

TEXTS = [ascii_letters, "JÖRG@example.test", "straße", "İstanbul", "Ω", "\u212a", "ÉÀ", "ǅ", ""]


@pytest.mark.parametrize("text", TEXTS)
def test_both_databases_fold_as_python_does(engine: Engine, text: str) -> None:
    with engine.connect() as connection:
        # Not of the type Name: whether a parameter has the collation of its type is up to the driver.
        [folded] = connection.execute(select(case_folded(literal(text, Text())))).one()
    assert folded == fold_case(text)


@pytest.mark.parametrize("given", ["JÖRG@example.test", "jÖrg@EXAMPLE.test"])
def test_a_user_is_found_by_the_letters_that_are_equal(world: World, engine: Engine, given: str) -> None:
    world.add(User(username="joerg", email="JÖRG@example.test"))
    found = select(func.count()).where(case_folded(User.email) == fold_case(given))
    with engine.connect() as connection:
        assert connection.execute(found).scalar_one() == 1
        assert (
            connection.execute(
                select(func.count()).where(case_folded(User.email) == fold_case("jörg@example.test"))
            ).scalar_one()
            == 0
        )


def test_a_column_of_another_collation_follows_the_rule(app: Flask) -> None:
    # Names of actors have the collation of the cluster; a name has "C", and its index serves the plain lower().
    dialect = services(app).engines.writing.dialect
    text = str(case_folded(ActivityEvent.actor_name).compile(dialect=dialect))
    assert ('COLLATE "C"' in text) == (dialect.name == "postgresql")
    assert str(case_folded(User.email).compile(dialect=dialect)) == "lower(users.email)"
