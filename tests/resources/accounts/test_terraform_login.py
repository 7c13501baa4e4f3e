"""What OAuth asks of `terraform login`'s two addresses: the page it opens, and the token it fetches."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import AuthenticationToken, AuthorizationCode
from app.persistence import now
from app.resources.accounts.sign_in.operations import CODE_LIFETIME
from tests.support.activity import left_by_requests
from tests.support.api import Api
from tests.support.browser import CALLBACK, STATE, VERIFIER, Browser, person_with_password, sent_back
from tests.support.world import Person, World


@pytest.fixture
def user(world: World) -> Person:
    return person_with_password(world)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def signed_in(browser: Browser, user: Person) -> Browser:
    browser.sign_in(user.username)
    return browser


def postpone(engine: Engine, by: timedelta) -> None:
    """Let time pass for the codes."""
    with Session(engine) as session, session.begin():
        for code in session.query(AuthorizationCode):
            code.expires_at -= by


# --- the whole way -------------------------------------------------------------------------------------------------


def test_a_user_who_allows_it_gives_the_cli_a_token(api: Api, signed_in: Browser, user: Person) -> None:
    page = signed_in.open()
    assert f"Allow the terraform CLI on this computer to act as {user.username}?" in page.text
    answered = page.forms[0].submit("decision", value="allow")
    assert answered.status_int == 303
    back = sent_back(answered)
    assert (set(back), back["state"]) == ({"code", "state"}, STATE)
    redeemed = signed_in.redeem(back["code"])
    assert redeemed.status_int == 200
    assert redeemed.headers["Content-Type"] == "application/json"
    assert redeemed.headers["Cache-Control"] == "no-store"
    assert (set(redeemed.json), redeemed.json["token_type"]) == ({"access_token", "token_type"}, "bearer")
    account = api.get("/account/details", redeemed.json["access_token"])["data"]
    assert (account["id"], account["attributes"]["username"]) == (user.id, user.username)


def test_the_token_is_one_of_the_user_s_like_any_other(api: Api, signed_in: Browser, user: Person) -> None:
    text = signed_in.redeem(signed_in.code()).json["access_token"]
    listed = api.get(f"/users/{user.id}/authentication-tokens", user.token)["data"]
    [made] = [each for each in listed if each["attributes"]["description"]]
    assert made["attributes"]["description"] == f"terraform login on {datetime.now(UTC):%Y-%m-%d}"
    assert (made["attributes"]["token"], made["attributes"]["expired-at"]) == (None, None)
    assert made["relationships"]["created-by"]["data"] == {"type": "users", "id": user.id}
    api.delete(f"/authentication-tokens/{made['id']}", user.token)
    api.get("/account/details", text, expect=401)


def test_the_events_tell_who_signed_in_and_which_token_was_made(world: World, signed_in: Browser, user: Person) -> None:
    text = signed_in.redeem(signed_in.code()).json["access_token"]
    events = left_by_requests(world)
    assert [event.action for event in events] == ["users.sign-in", "authentication-tokens.create"]
    for event in events:
        assert (event.actor_type, event.actor_id, event.actor_name) == ("users", user.id, user.username)
        assert (event.token_id, bool(event.request_id)) == (None, True)
    [token] = [token for token in world.all(AuthenticationToken) if token.description]
    assert events[1].subject_id == token.id
    assert events[1].changes == {"description": [None, token.description]}
    assert text not in str([vars(event) for event in events])


def test_nothing_that_opens_a_door_is_kept_as_it_is(world: World, signed_in: Browser) -> None:
    code = signed_in.code()
    kept = str([vars(row) for row in world.all(AuthorizationCode)])
    assert code not in kept
    assert VERIFIER not in kept


def test_a_user_who_cancels_sends_the_client_a_refusal(world: World, signed_in: Browser) -> None:
    back = sent_back(signed_in.open().forms[0].submit("decision", value="cancel"))
    assert (back["error"], back["state"], "code" in back) == ("access_denied", STATE, False)
    assert world.all(AuthorizationCode) == []


@pytest.mark.parametrize("decision", [None, "", "yes"])
def test_what_is_neither_allowed_nor_canceled_is_asked_again(
    world: World, signed_in: Browser, decision: str | None
) -> None:
    form = signed_in.open().forms[0]
    members = {"form_token": form["form_token"].value} | ({} if decision is None else {"decision": decision})
    answered = signed_in.app.post(form.action, members, status=400)
    assert "Allow the terraform CLI" in answered.text
    assert world.all(AuthorizationCode) == []


# --- requests that can't be granted --------------------------------------------------------------------------------

LOOPBACKS = ["http://localhost:10000/login", "http://127.0.0.1:10010/login"]
STRANGERS: list[dict[str, Any]] = [
    {"client_id": None},
    {"client_id": ""},
    {"client_id": "terraform"},
    {"client_id": ["terraform-cli", "terraform-cli"]},
    {"redirect_uri": None},
    {"redirect_uri": ""},
    {"redirect_uri": [CALLBACK, CALLBACK]},
    {"redirect_uri": "http://localhost:9999/login"},
    {"redirect_uri": "http://localhost:10011/login"},
    {"redirect_uri": "http://localhost:010005/login"},
    {"redirect_uri": "http://localhost:\uff11\uff10\uff10\uff10\uff15/login"},
    {"redirect_uri": "http://localhost/login"},
    {"redirect_uri": "https://localhost:10003/login"},
    {"redirect_uri": "http://localhost:10003/"},
    {"redirect_uri": "http://localhost:10003/login/"},
    {"redirect_uri": "http://localhost:10003/login?x=1"},
    {"redirect_uri": "http://localhost:10003/login#x"},
    {"redirect_uri": "http://localhost:10003/login\n"},
    {"redirect_uri": "http://LOCALHOST:10003/login"},
    {"redirect_uri": "http://[::1]:10003/login"},
    {"redirect_uri": "http://localhost@evil.test:10003/login"},
    {"redirect_uri": "http://localhost.evil.test:10003/login"},
    {"redirect_uri": "http://127x0x0x1:10003/login"},
    {"redirect_uri": "//localhost:10003/login"},
    {"redirect_uri": "javascript:alert(1)//localhost:10003/login"},
    {"redirect_uri": '"><script>alert(1)</script>'},
]


@pytest.mark.one_database
@pytest.mark.parametrize("changed", STRANGERS, ids=str)
def test_nobody_is_sent_to_an_address_that_is_not_terraform_s(
    browser: Browser, world: World, changed: dict[str, Any]
) -> None:
    answered = browser.open(**changed)
    assert answered.status_int == 400
    assert "Location" not in answered.headers
    assert answered.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>This is no request of the terraform CLI</h1>" in answered.text
    assert "alert" not in answered.text
    # The same is looked at again when the form comes.
    query = answered.request.query_string
    for path in ("/oauth/authorization", "/sign-in"):
        assert browser.post(f"{path}?{query}", "decision=allow").status_int == 400
    assert world.all(AuthorizationCode) == []


@pytest.mark.one_database
@pytest.mark.parametrize("redirect_uri", LOOPBACKS)
def test_both_names_of_the_machine_and_all_ports_are_taken(signed_in: Browser, redirect_uri: str) -> None:
    page = signed_in.open(redirect_uri=redirect_uri)
    assert page.status_int == 200
    # Browsers hold the redirect after the form against this.
    assert f"form-action 'self' {redirect_uri.removesuffix('/login')};" in page.headers["Content-Security-Policy"]
    answered = page.forms[0].submit("decision", value="allow")
    assert answered.headers["Location"].startswith(f"{redirect_uri}?code=")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": ["code", "code"]}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "x" * 42}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
    ({"code_challenge": "x" * 43 + "\n"}, "invalid_request"),
    ({"code_challenge": ["x" * 43, "x" * 43]}, "invalid_request"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("changed", "error"), REFUSED, ids=str)
def test_other_faults_are_told_to_the_client(browser: Browser, changed: dict[str, Any], error: str) -> None:
    answered = browser.open(**changed)
    assert answered.status_int == 303
    back = sent_back(answered)
    assert (back["error"], back["state"]) == (error, STATE)
    assert back["error_description"]


@pytest.mark.one_database
@pytest.mark.parametrize("state", [None, "", "x" * 513, ["a", "b"]], ids=lambda state: str(state)[:8])
def test_without_one_state_the_client_hears_none(browser: Browser, state: Any) -> None:
    back = sent_back(browser.open(state=state))
    assert (back["error"], "state" in back) == ("invalid_request", False)


@pytest.mark.one_database
@pytest.mark.parametrize("state", ["x" * 512, "\0", '"><script>&amp;=#?\u00e9 \n', "%00%0d%0aSet-Cookie: a=b"])
def test_the_state_comes_back_as_it_was(signed_in: Browser, state: str) -> None:
    page = signed_in.open(state=state)
    assert page.status_int == 200
    assert "<script" not in page.text
    answered = page.forms[0].submit("decision", value="allow")
    assert sent_back(answered)["state"] == state
    assert len(answered.headers.getall("Set-Cookie")) == 1


# --- the code ------------------------------------------------------------------------------------------------------

BAD_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"grant_type": None}, "invalid_request"),
    ({"grant_type": ["authorization_code"] * 2}, "invalid_request"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ({"client_id": None}, "invalid_request"),
    ({"client_id": "another"}, "invalid_client"),
    ({"code": None}, "invalid_request"),
    ({"code": ""}, "invalid_request"),
    ({"code": ["a", "b"]}, "invalid_request"),
    ({"code": "unknown"}, "invalid_grant"),
    ({"code": "nul\0"}, "invalid_grant"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"code_verifier": None}, "invalid_request"),
    ({"code_verifier": "x" * 42}, "invalid_request"),
    ({"code_verifier": "x" * 129}, "invalid_request"),
    ({"code_verifier": "\u00e9" * 43}, "invalid_request"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("changed", "error"), BAD_REQUESTS, ids=str)
def test_a_request_that_is_none_answers_as_oauth_does(
    signed_in: Browser, world: World, changed: dict[str, Any], error: str
) -> None:
    code = signed_in.code()
    answered = signed_in.redeem(**{"code": code, **changed})
    check_refused(answered, error)
    # It was not about this code, which is still good.
    assert len(world.all(AuthorizationCode)) == 1
    assert signed_in.redeem(code).status_int == 200


SPOILED: list[dict[str, Any]] = [
    {"code_verifier": "x" * 43},
    {"code_verifier": "x" * 128},
    {"code_verifier": VERIFIER + "x"},
    {"redirect_uri": "http://localhost:10004/login"},
    {"redirect_uri": "http://127.0.0.1:10003/login"},
]


@pytest.mark.parametrize("changed", SPOILED, ids=str)
def test_a_code_is_spoiled_by_who_does_not_hold_the_rest(
    signed_in: Browser, world: World, changed: dict[str, Any]
) -> None:
    code = signed_in.code()
    check_refused(signed_in.redeem(code, **changed), "invalid_grant")
    check_refused(signed_in.redeem(code), "invalid_grant")
    assert [token.description for token in world.all(AuthenticationToken)] == [None]


def test_a_code_is_good_once(signed_in: Browser, world: World) -> None:
    code = signed_in.code()
    assert signed_in.redeem(code).status_int == 200
    check_refused(signed_in.redeem(code), "invalid_grant")
    assert len(world.all(AuthenticationToken)) == 2


def test_a_code_is_good_for_two_minutes(signed_in: Browser, engine: Engine) -> None:
    codes = [signed_in.code(), signed_in.code()]
    postpone(engine, CODE_LIFETIME - timedelta(seconds=20))
    assert signed_in.redeem(codes[0]).status_int == 200
    postpone(engine, timedelta(seconds=20))
    check_refused(signed_in.redeem(codes[1]), "invalid_grant")


def test_codes_that_have_expired_go_when_one_is_made(signed_in: Browser, world: World, engine: Engine) -> None:
    signed_in.code()
    postpone(engine, CODE_LIFETIME)
    signed_in.code()
    [left] = world.all(AuthorizationCode)
    assert left.expires_at > now()


def test_of_many_who_redeem_a_code_at_once_one_gets_a_token(app: Flask, signed_in: Browser, world: World) -> None:
    rounds = 5
    for _ in range(rounds):
        code, barrier = signed_in.code(), Barrier(4)

        def redeem(code: str = code, barrier: Barrier = barrier) -> int:
            client = Browser(app)
            barrier.wait(timeout=10)
            return int(client.redeem(code).status_int)

        with ThreadPoolExecutor(4) as pool:
            statuses = [future.result(timeout=30) for future in [pool.submit(redeem) for _ in range(4)]]
        assert Counter(statuses) == {200: 1, 400: 3}
    assert len([token for token in world.all(AuthenticationToken) if token.description]) == rounds


@pytest.mark.one_database
def test_it_takes_forms_alone(signed_in: Browser) -> None:
    for content_type in ("application/json", "application/vnd.api+json", "multipart/form-data; boundary=x"):
        check_refused(signed_in.post("/oauth/token", b"{}", content_type), "invalid_request")
    check_refused(signed_in.post("/oauth/token", b"grant_type=%ff"), "invalid_request")
    check_refused(signed_in.post("/oauth/token", "a=b&" * 51), "invalid_request")


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("size", "status", "error"), [(16_384, 400, "invalid_grant"), (16_385, 413, "invalid_request")]
)
def test_a_form_has_its_limit(signed_in: Browser, size: int, status: int, error: str) -> None:
    fixed = f"grant_type=authorization_code&client_id=terraform-cli&code_verifier={VERIFIER}&redirect_uri=x&code="
    check_refused(signed_in.post("/oauth/token", fixed + "x" * (size - len(fixed))), error, status)


def test_a_bearer_token_is_not_asked_for_and_not_looked_at(app: Flask, signed_in: Browser) -> None:
    code = signed_in.code()
    stranger = Browser(app)
    stranger.app.authorization = ("Bearer", "wrong")
    assert stranger.redeem(code).status_int == 200


def test_it_takes_no_more_statements_than_it_needs(
    signed_in: Browser, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    code = signed_in.code()
    with statements() as seen:
        assert signed_in.redeem(code).status_int == 200
    done = [statement for statement in seen if not re.match("BEGIN|COMMIT", statement)]
    # The code, its user, how many tokens he has, the token, the event.
    assert len(done) == 5


def check_refused(answered: Any, error: str, status: int = 400) -> None:
    assert answered.status_int == status, answered.text
    assert answered.headers["Content-Type"] == "application/json"
    assert answered.headers["Cache-Control"] == "no-store"
    assert set(answered.json) == {"error", "error_description"}
    assert answered.json["error"] == error
    assert answered.json["error_description"]
