"""What people change of their own accounts."""

import json
import re
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.authentication.passwords import is_password
from app.models import ActivityEvent, Organization, SignInAttempt, User
from app.persistence import now
from app.resources.accounts.sign_in.throttle import OF_ACCOUNT_AT_ADDRESS, WINDOW
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.browser import DIGEST, Browser, person_with_password
from tests.support.world import Person, World

UPDATE, PASSWORD = "/account/update", "/account/password"
FIRST, SECOND = "correct horse battery", "staple of the day"


def users(world: World, person: Person) -> User:
    (found,) = [user for user in world.all(User) if user.id == person.id]
    assert isinstance(found, User)
    return found


def confirm(app: Flask, username: str) -> Result:
    # The flask command gives its commands the context of the application.
    with app.app_context():
        return app.test_cli_runner().invoke(args=["confirm-email", username])


def passwords(password: str, current: str | None = None, confirmation: str | None = None) -> dict[str, Any]:
    sent: dict[str, Any] = {"password": password, "password_confirmation": confirmation or password}
    return document("users", sent | ({} if current is None else {"current_password": current}))


def test_a_username_changes_at_once(api: Api, world: World) -> None:
    ada = world.person("ada")
    updated = api.patch(UPDATE, ada.token, document("users", {"username": "Ada.L", "is-admin": True}))["data"]
    assert updated["attributes"]["username"] == "Ada.L"
    assert updated["attributes"]["is-admin"] is False
    assert api.get("/account/details", ada.token)["data"] == updated
    (event,) = left_by_requests(world)
    assert (event.action, event.subject_id, event.changes) == ("users.update", ada.id, {"username": ["ada", "Ada.L"]})


def test_an_address_waits_to_be_confirmed(api: Api, world: World, app: Flask) -> None:
    ada = world.person("ada")
    updated = api.patch(UPDATE, ada.token, document("users", {"email": "new@example.test"}))["data"]["attributes"]
    assert (updated["email"], updated["unconfirmed-email"]) == ("ada@example.test", "new@example.test")
    result = confirm(app, "ADA")
    assert (result.exit_code, result.output) == (0, "new@example.test\n")
    shown = api.get("/account/details", ada.token)["data"]["attributes"]
    assert (shown["email"], shown["unconfirmed-email"]) == ("new@example.test", None)
    assert [event.action for event in world.all(ActivityEvent)].count("users.confirm-email") == 1
    again = confirm(app, "ada")
    assert (again.exit_code, "has not asked" in again.output) == (1, True)
    assert confirm(app, "nobody").exit_code == 1


def test_the_own_address_takes_the_wish_back(api: Api, world: World) -> None:
    ada = world.person("ada")
    api.patch(UPDATE, ada.token, document("users", {"email": "new@example.test"}))
    back = api.patch(UPDATE, ada.token, document("users", {"email": "ADA@example.test"}))["data"]["attributes"]
    assert (back["email"], back["unconfirmed-email"]) == ("ada@example.test", None)


def test_an_address_of_somebody_else_is_not_confirmed(api: Api, world: World, app: Flask) -> None:
    ada = world.person("ada")
    world.person("grace")
    api.patch(UPDATE, ada.token, document("users", {"email": "Grace@example.test"}))
    result = confirm(app, "ada")
    assert (result.exit_code, "another user" in result.output) == (1, True)
    assert users(world, ada).email == "ada@example.test"


def test_nobody_else_sees_the_wish(api: Api, world: World, acme: Organization) -> None:
    ada, other = world.member(acme), world.member(acme)
    api.patch(UPDATE, ada.token, document("users", {"email": "new@example.test"}))
    shown = api.get(f"/users/{ada.id}", other.token)["data"]["attributes"]
    assert (shown["email"], shown["unconfirmed-email"]) == (None, None)
    assert not any(shown["permissions"].values())
    own = api.get("/account/details", ada.token)["data"]["attributes"]["permissions"]
    assert [own[f"can-change-{what}"] for what in ("email", "username", "password")] == [True] * 3


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"username": ""}, ("Username can't be blank", "/data/attributes/username")),
        ({"username": None}, ("Username can't be blank", "/data/attributes/username")),
        ({"username": "GRACE"}, ("Username has already been taken", "/data/attributes/username")),
        (
            {"username": "a b"},
            (
                "Username may only contain letters, numbers, dots, hyphens and underscores",
                "/data/attributes/username",
            ),
        ),
        ({"email": "nobody"}, ("Email is invalid", "/data/attributes/email")),
        ({"email": 7}, ("Email must be a string", "/data/attributes/email")),
    ],
)
def test_what_is_not_valid_is_refused(
    api: Api, world: World, attributes: dict[str, Any], expected: tuple[str, str]
) -> None:
    ada = world.person("ada")
    world.person("grace")
    assert faults(api.patch(UPDATE, ada.token, document("users", attributes), expect=422)) == [expected]
    assert users(world, ada).username == "ada"


def test_the_first_password_needs_no_other_and_the_next_one_does(api: Api, world: World) -> None:
    ada = world.person("ada")
    shown = api.patch(PASSWORD, ada.token, passwords(FIRST))["data"]
    assert shown["attributes"]["username"] == "ada"
    first = users(world, ada).password_hash
    assert first is not None
    assert first.startswith("$argon2id$")
    assert is_password(FIRST, first)
    for current in (None, "", "wrong password", SECOND):
        answer = api.patch(PASSWORD, ada.token, passwords(SECOND, current), expect=422)
        assert faults(answer) == [("Current password is invalid", "/data/attributes/current_password")]
    assert users(world, ada).password_hash == first
    api.patch(PASSWORD, ada.token, passwords(SECOND, FIRST))
    stored = users(world, ada).password_hash
    assert (is_password(SECOND, stored), is_password(FIRST, stored)) == (True, False)
    events = left_by_requests(world)
    assert [(event.action, event.changes) for event in events] == [("users.change-password", {})] * 2


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (passwords("x" * 9), ("Password is too short (minimum is 10 characters)", "/data/attributes/password")),
        (passwords("x" * 513), ("Password is too long (maximum is 512 characters)", "/data/attributes/password")),
        (
            passwords(FIRST, confirmation=SECOND),
            ("Password confirmation doesn't match Password", "/data/attributes/password_confirmation"),
        ),
        (
            document("users", {"password": FIRST}),
            ("Password_confirmation can't be blank", "/data/attributes/password_confirmation"),
        ),
        (
            document("users", {"password": 7, "password_confirmation": "7"}),
            ("Password must be a string", "/data/attributes/password"),
        ),
    ],
)
def test_a_bad_password_is_refused(api: Api, world: World, sent: Any, expected: tuple[str, str]) -> None:
    ada = world.person("ada")
    answer = api.patch(PASSWORD, ada.token, sent, expect=422)
    found = [fault for fault in faults(answer) if fault[1] == expected[1]]
    assert [(text.replace("Password confirmation can't", "Password_confirmation can't"), at) for text, at in found] == [
        expected
    ]
    assert FIRST not in json.dumps(answer)
    assert users(world, ada).password_hash is None


def wrong(world: World, engine: Engine, times: int) -> None:
    """Let passwords have been wrong just now, as one attempt shows it."""
    [first] = [row for row in world.all(SignInAttempt) if isinstance(row, SignInAttempt)]
    assert re.fullmatch(DIGEST, first.account), "no name is kept"
    with Session(engine) as session, session.begin():
        session.add_all(SignInAttempt(account=first.account, address=first.address) for _ in range(times))


def test_who_guesses_the_current_password_has_to_wait(app: Flask, api: Api, world: World, engine: Engine) -> None:
    ada, grace = person_with_password(world, "ada"), person_with_password(world, "grace")
    api.patch(PASSWORD, ada.token, passwords(SECOND, "wrong password"), expect=422)
    # What is not even a guess is none.
    api.patch(PASSWORD, ada.token, passwords(SECOND, "wrong password", confirmation=FIRST), expect=422)
    wrong(world, engine, OF_ACCOUNT_AT_ADDRESS - 2)
    api.patch(PASSWORD, ada.token, passwords(SECOND, "wrong password"), expect=422)
    for current in ("wrong password", FIRST, None):
        refused = api.raw("PATCH", PASSWORD, ada.token, passwords(SECOND, current))
        assert (refused.status_int, refused.json["errors"][0]["code"]) == (429, "too-many-passwords")
        assert 0 < int(refused.headers["Retry-After"]) <= WINDOW.total_seconds()
    # Waiting in vain does not make it longer; nobody else waits, nor does who signs in.
    assert len(world.all(SignInAttempt)) == OF_ACCOUNT_AT_ADDRESS
    assert is_password(FIRST, users(world, ada).password_hash)
    api.patch(PASSWORD, grace.token, passwords(SECOND, FIRST))
    Browser(app).sign_in("ada")
    with Session(engine) as session, session.begin():
        session.execute(update(SignInAttempt).values(created_at=now() - WINDOW))
    api.patch(PASSWORD, ada.token, passwords(SECOND, FIRST))


def test_the_right_password_is_a_new_beginning(api: Api, world: World, engine: Engine) -> None:
    ada = person_with_password(world, "ada")
    api.patch(PASSWORD, ada.token, passwords(SECOND, "wrong password"), expect=422)
    wrong(world, engine, OF_ACCOUNT_AT_ADDRESS - 2)
    api.patch(PASSWORD, ada.token, passwords(SECOND, FIRST))
    assert world.all(SignInAttempt) == []


def test_the_first_password_is_no_guess(api: Api, world: World) -> None:
    api.patch(PASSWORD, world.person("ada").token, passwords(FIRST))
    assert world.all(SignInAttempt) == []


def test_the_limits_are_taken(api: Api, world: World) -> None:
    ada = world.person("ada")
    api.patch(PASSWORD, ada.token, passwords("x" * 10))
    api.patch(PASSWORD, ada.token, passwords("y" * 512, "x" * 10))


def test_who_is_no_person_has_no_account_to_change(api: Api, world: World, acme: Organization) -> None:
    for token in (world.token(acme), world.team_token(world.owners(acme))):
        api.patch(UPDATE, token, document("users", {"username": "new"}), expect=404)
        api.patch(PASSWORD, token, passwords(FIRST), expect=404)
    api.patch(UPDATE, None, document("users", {"username": "new"}), expect=401)
    assert left_by_requests(world) == []
