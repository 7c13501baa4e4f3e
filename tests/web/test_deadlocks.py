"""A request that the database ends because it and others wait for each other begins again, unseen."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from app.models import Organization, Project
from app.web.guard import ATTEMPTS
from tests.resources.accounts.test_account import PASSWORD, SECOND, passwords
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.browser import PASSWORD as FIRST
from tests.support.browser import person_with_password
from tests.support.states import States, announcement, state
from tests.support.world import Person, World

# Writers of SQLite come one after the other, and never wait for each other.
pytestmark = [pytest.mark.only_postgresql, pytest.mark.both_drivers]

DeadlocksOn = Callable[[str, int], None]


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


@pytest.fixture
def deadlocks_on(engine: Engine) -> Iterator[DeadlocksOn]:
    """Lets the database itself end the first so many inserts into a table as if they were in a deadlock."""
    tables = []

    def fail(table: str, times: int) -> None:
        tables.append(table)
        with engine.begin() as connection:
            # What a sequence has given is not taken back with the transaction.
            connection.execute(text("CREATE SEQUENCE attempts"))
            connection.execute(
                text(
                    "CREATE FUNCTION end_deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"IF nextval('attempts') <= {times} THEN RAISE deadlock_detected; END IF; RETURN NEW; END $$"
                )
            )
            connection.execute(
                text(f"CREATE TRIGGER end_deadlock BEFORE INSERT ON {table} EXECUTE FUNCTION end_deadlock()")
            )

    yield fail
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"DROP TRIGGER end_deadlock ON {table}"))
        connection.execute(text("DROP FUNCTION end_deadlock"))
        connection.execute(text("DROP SEQUENCE attempts"))


def test_it_begins_again(api: Api, world: World, acme: Organization, owner: Person, deadlocks_on: DeadlocksOn) -> None:
    deadlocks_on("projects", ATTEMPTS - 1)

    api.post(f"/organizations/{acme.name}/projects", owner.token, document("projects", {"name": "billing"}))

    assert [each.name for each in world.all(Project) if not each.is_default] == ["billing"]
    assert [event.action for event in left_by_requests(world)] == ["projects.create"]


def test_not_for_ever(api: Api, world: World, acme: Organization, owner: Person, deadlocks_on: DeadlocksOn) -> None:
    deadlocks_on("projects", ATTEMPTS)

    path = f"/organizations/{acme.name}/projects"
    answer = api.raw("POST", path, owner.token, document("projects", {"name": "billing"}))

    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
    assert len(world.all(Project)) == 1


def test_not_with_a_long_body_that_is_no_longer_at_hand(
    api: Api, world: World, acme: Organization, owner: Person, deadlocks_on: DeadlocksOn
) -> None:
    states = States(api, world.workspace(world.default_project(acme), "net"), owner.token)
    states.lock()
    deadlocks_on("state_versions", 1)
    sent = announcement(state(), is_inline=True)

    api.post(f"{states.path}/state-versions", owner.token, sent, expect=503)
    api.post(f"{states.path}/state-versions", owner.token, sent)


def test_a_look_before_the_change_commits_nothing(
    api: Api, world: World, acme: Organization, owner: Person, deadlocks_on: DeadlocksOn
) -> None:
    states = States(api, world.workspace(world.default_project(acme), "net"), owner.token)
    version = states.save(state())["data"]["id"]
    states.lock()
    deadlocks_on("state_versions", 1)
    sent = document("state-versions", rollback_state_version=("state-versions", version))

    # It looks for the state in a transaction of its own.
    api.patch(f"{states.path}/state-versions", owner.token, sent, expect=201)


def test_not_after_something_was_committed(api: Api, world: World, deadlocks_on: DeadlocksOn) -> None:
    ada = person_with_password(world, "ada")
    deadlocks_on("activity_events", 1)

    # That a password was tried is committed first.
    api.patch(PASSWORD, ada.token, passwords(SECOND, FIRST), expect=503)
    api.patch(PASSWORD, ada.token, passwords(SECOND, FIRST))
