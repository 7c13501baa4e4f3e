"""What workers remove now and then."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.models import ActivityEvent, AuthenticationToken, AuthorizationCode, SignInSession
from app.models.background_tasks import schedule
from app.persistence import now
from app.services import services
from app.worker.claims import ensure_periodic
from app.worker.handlers import HANDLERS, PERIODS
from tests.support.background import committing, do_due, make_due, tasks
from tests.support.world import Person, World

DAY = timedelta(days=1)


def add(session: Session, person: Person, name: str, end: timedelta) -> None:
    """A session, a code and a token of the person that end so much later."""
    moment = now() + end
    session.add(SignInSession(digest=f"session {name}", user_id=person.id, expires_at=moment))
    session.add(
        AuthorizationCode(
            digest=f"code {name}",
            user_id=person.id,
            client_id="terraform-cli",
            redirect_uri="http://localhost:10000/login",
            code_challenge="challenge",
            expires_at=moment,
        )
    )
    session.add(
        AuthenticationToken(digest=f"token {name}", kind="user", user_id=person.id, description=name, expired_at=moment)
    )


def test_what_has_expired_is_deleted(app: Flask, world: World) -> None:
    person = world.person()
    with committing(app) as session:
        for name, days in (("long ago", -31), ("lately", -1), ("later", 1)):
            add(session, person, name, days * DAY)
        schedule(session, "delete-expired", {})
    do_due(app)
    assert [each.digest for each in world.all(SignInSession)] == ["session later"]
    assert [each.digest for each in world.all(AuthorizationCode)] == ["code later"]
    # Lists show for a while that a token has expired.
    left = {each.description for each in world.all(AuthenticationToken) if each.description}
    assert left >= {"lately", "later"}
    assert "long ago" not in left
    [event] = [each for each in world.all(ActivityEvent) if each.action == "authentication-tokens.expire"]
    assert (event.actor_type, event.changes) == ("services", {"description": ["long ago", None]})


def test_dead_tasks_are_forgotten_after_a_month(app: Flask) -> None:
    with committing(app) as session:
        for days in (31, 29):
            schedule(session, "unknown", {"days": days}, run_at=now() - days * DAY)
        schedule(session, "waits", {}, run_at=now() - 31 * DAY)
        session.flush()
    with services(app).engines.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE background_tasks SET status = 'dead' WHERE kind = 'unknown'")
    with committing(app) as session:
        schedule(session, "forget-dead-tasks", {})
    do_due(app)
    assert sorted((row.kind, row.payload.get("days")) for row in tasks(app)) == [("unknown", 29), ("waits", None)]


@pytest.mark.one_database
def test_everything_periodic_can_be_done(app: Flask) -> None:
    assert PERIODS.keys() <= HANDLERS.keys()
    for _ in range(2):
        with services(app).engines.writing.begin() as connection:
            ensure_periodic(connection, PERIODS)
        assert do_due(app) == len(PERIODS)
        assert [row.last_error for row in tasks(app)] == [None] * len(PERIODS)
        make_due(app)
