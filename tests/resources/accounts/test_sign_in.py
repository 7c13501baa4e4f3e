"""Signing in and out in a browser: passwords, sessions, and what its pages do not let others do."""

import base64
import hashlib
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from webtest.response import TestResponse

from app.application import create_app
from app.authentication.passwords import is_password
from app.bootstrap import set_password
from app.models import AuthorizationCode, SignInSession, User
from app.resources.accounts.sign_in.browser import FORM_LIFETIME
from app.services import services
from app.web.requests import FIELDS
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.browser import CHALLENGE, FORM, PASSWORD, Browser, address, person_with_password
from tests.support.world import Person, World


@pytest.fixture
def user(world: World) -> Person:
    return person_with_password(world, "Ada")


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def signed_in(browser: Browser, user: Person) -> Browser:
    browser.sign_in(user.username)
    return browser


def is_asked_to_sign_in(page: TestResponse) -> bool:
    assert page.status_int == 200
    return "<h1>Sign in to Groundplan</h1>" in page.text


# --- passwords -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["Ada", "ada", "ADA", " Ada ", "Ada@example.test", "ADA@EXAMPLE.TEST"])
def test_a_user_signs_in_by_name_or_by_address(browser: Browser, user: Person, account: str) -> None:
    assert f"act as {user.username}?" in browser.sign_in(account).text


WRONG = [
    ("Ada", "wrong"),
    ("Ada", ""),
    ("Ada", PASSWORD.upper()),
    ("Ada", f"{PASSWORD} "),
    ("Ada", "x" * 5_000),
    ("nobody", PASSWORD),
    ("without", PASSWORD),
    ("without", ""),
    (".", ""),
    ("Ada\0", PASSWORD),
    ("Ada%", PASSWORD),
    ("x" * 5_000, PASSWORD),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("account", "password"), WRONG)
def test_who_is_wrong_learns_nothing(browser: Browser, world: World, user: Person, account: str, password: str) -> None:
    world.person("without")
    answered = browser.try_to_sign_in(account, password)
    expected = browser.try_to_sign_in(user.username, "something else that is wrong")
    assert [each.status_int for each in (answered, expected)] == [403, 403]
    assert "The username or the password is wrong." in answered.text
    assert without_what_is_its_own(answered) == without_what_is_its_own(expected)
    assert is_asked_to_sign_in(browser.open())
    assert world.all(SignInSession) == []


def without_what_is_its_own(page: TestResponse) -> str:
    return re.sub(r'(name="form_token"|name="account") value="[^"]*"', "", page.text)


def test_a_password_of_the_greatest_length_is_taken_whole(browser: Browser, app: Flask, user: Person) -> None:
    with app.app_context():
        set_password(user.username, "x" * 512)
    assert browser.try_to_sign_in(user.username, "x" * 513).status_int == 403
    browser.sign_in(user.username, "x" * 512)


@pytest.mark.one_database
def test_what_was_typed_stands_again_in_the_form_and_does_nothing_there(browser: Browser) -> None:
    typed = '"><script>alert(1)</script>'
    page = browser.try_to_sign_in(typed, "a password that nobody must see")
    assert "<script" not in page.text
    assert page.forms[0]["account"].value == typed
    assert page.forms[0]["password"].value == ""
    assert "nobody must see" not in page.text


@pytest.mark.one_database
def test_a_name_does_nothing_on_the_page_either(browser: Browser, user: Person, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.get_one(User, user.id).username = "<b>&amp;"
    assert "act as &lt;b&gt;&amp;amp;?" in browser.sign_in(f"{user.username}@example.test").text


def test_a_hash_with_other_costs_is_made_anew(browser: Browser, world: World, user: Person, engine: Engine) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with Session(engine) as session, session.begin():
        session.get_one(User, user.id).password_hash = old
    browser.sign_in(user.username)
    kept = next(each for each in world.all(User) if each.id == user.id).password_hash
    assert kept != old
    assert is_password(PASSWORD, kept)
    # From then on it stays.
    Browser(browser.app.app).sign_in(user.username)
    assert next(each for each in world.all(User) if each.id == user.id).password_hash == kept


# --- the cookie and the headers ------------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_the_cookie_is_for_this_host_and_no_script(app: Flask, scheme: str, is_secure: bool) -> None:  # noqa: FBT001
    name, *flags = Browser(app, scheme=scheme).open().headers["Set-Cookie"].split("; ")
    assert set(flags) == {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if is_secure else set())
    assert re.fullmatch(("__Host-" if is_secure else "") + "groundplan=[A-Za-z0-9_-]{43}", name)


@pytest.mark.one_database
@pytest.mark.parametrize("proxies", [0, 1])
def test_only_a_proxy_that_is_announced_says_that_it_is_https(app: Flask, proxies: int) -> None:
    behind = create_app(replace(services(app).settings, trusted_proxies=proxies))
    try:
        page = Browser(behind).app.get(address(), headers={"X-Forwarded-Proto": "https"})
    finally:
        services(behind).engines.dispose()
    assert ("Secure" in page.headers["Set-Cookie"]) is bool(proxies)


@pytest.mark.one_database
def test_pages_let_nothing_in_and_nothing_out(signed_in: Browser) -> None:
    pages = [Browser(signed_in.app.app).open(), signed_in.open(), signed_in.open(client_id="x")]
    for page in pages:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        policy = dict(each.split(" ", 1) for each in page.headers["Content-Security-Policy"].split("; "))
        assert {name: policy[name] for name in ("default-src", "base-uri", "frame-ancestors")} == dict.fromkeys(
            ("default-src", "base-uri", "frame-ancestors"), "'none'"
        )
        [style] = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
        hashed = hashlib.sha256(style.encode()).digest()
        assert policy["style-src"].removeprefix("'sha256-").removesuffix("'") == base64.b64encode(hashed).decode()
        assert not re.search(r"<script|<link|<img|\bon\w+=|\bstyle=|\bsrc=", page.text)
    policies = [page.headers["Content-Security-Policy"] for page in pages]
    assert [re.search("form-action ([^;]*)", each)[1] for each in policies] == [  # type: ignore[index]
        "'self'",
        "'self' http://localhost:10003",
        "'self'",
    ]


@pytest.mark.one_database
def test_every_field_has_a_label(browser: Browser) -> None:
    page = browser.open()
    fields = page.html.select("input:not([type=hidden])")
    assert [field["id"] for field in fields] == ["account", "password"]
    assert [label["for"] for label in page.html.select("label")] == ["account", "password"]
    assert [field["autocomplete"] for field in fields] == ["username", "current-password"]
    assert page.html.html["lang"] == "en"
    assert page.html.select_one("meta[name=viewport]")


# --- sessions ------------------------------------------------------------------------------------------------------


def test_who_is_signed_in_is_not_asked_again(signed_in: Browser, user: Person) -> None:
    assert f"act as {user.username}?" in signed_in.open().text


def test_signing_in_makes_a_new_cookie(app: Flask, browser: Browser, world: World, user: Person) -> None:
    browser.open()
    planted = browser.cookie
    browser.sign_in(user.username)
    assert planted not in {None, browser.cookie}
    # Who planted it has nothing of it.
    other = Browser(app)
    other.app.set_cookie("groundplan", str(planted))
    assert is_asked_to_sign_in(other.open())
    [session] = world.all(SignInSession)
    assert str(browser.cookie) not in str(vars(session))


def test_signing_in_again_ends_the_session_before(signed_in: Browser, world: World, user: Person) -> None:
    form_token = signed_in.open().forms[0]["form_token"].value
    fields = {"form_token": form_token, "account": user.username, "password": PASSWORD}
    signed_in.app.post(address().replace("/oauth/authorization", "/sign-in"), fields, status=303)
    assert len(world.all(SignInSession)) == 1


@pytest.mark.one_database
@pytest.mark.parametrize("given", ["x", "x" * 42, "x" * 44, "\u00e9" * 43, "x" * 42 + "!"])
def test_a_cookie_that_is_none_of_ours_is_replaced(app: Flask, given: str) -> None:
    page = Browser(app).app.get(address(), headers={"Cookie": f"groundplan={given}".encode().decode("latin-1")})
    assert is_asked_to_sign_in(page)
    assert f"groundplan={given};" not in page.headers["Set-Cookie"]


def test_signing_out_ends_the_session_and_asks_anew(signed_in: Browser, world: World, user: Person) -> None:
    before = signed_in.cookie
    answered = signed_in.open().forms[1].submit()
    assert is_asked_to_sign_in(answered.follow())
    assert world.all(SignInSession) == []
    assert signed_in.cookie != before
    [_, event] = left_by_requests(world)
    assert (event.action, event.subject_id, event.actor_id) == ("users.sign-out", user.id, user.id)


@pytest.mark.one_database
def test_signing_out_with_nowhere_to_go_says_so(signed_in: Browser, world: World) -> None:
    form_token = signed_in.open().forms[1]["form_token"].value
    page = signed_in.app.post("/sign-out", {"form_token": form_token}, status=200)
    assert "<h1>You are signed out</h1>" in page.text
    assert world.all(SignInSession) == []


@pytest.mark.parametrize("how", ["by request", "by command"])
def test_a_new_password_ends_all_sessions_and_codes_of_the_user(
    app: Flask, api: Api, signed_in: Browser, world: World, user: Person, how: str
) -> None:
    person_with_password(world, "grace")
    other = Browser(app)
    other.sign_in("grace")
    other.code()
    code = signed_in.code()
    if how == "by request":
        new = {"current_password": PASSWORD, "password": "a new password", "password_confirmation": "a new password"}
        api.patch("/account/password", user.token, document("users", new))
    else:
        with app.app_context():
            set_password("ada", "a new password")
    assert is_asked_to_sign_in(signed_in.open())
    assert signed_in.redeem(code).json["error"] == "invalid_grant"
    assert not is_asked_to_sign_in(other.open())
    assert len(world.all(AuthorizationCode)) == 1
    assert signed_in.try_to_sign_in("Ada", PASSWORD).status_int == 403
    signed_in.sign_in("Ada", "a new password")
    # Tokens are another thing.
    api.get("/account/details", user.token)


# --- forms of others -----------------------------------------------------------------------------------------------


def late(app: Flask, form_token: str) -> str:
    """The token of a form that was made longer ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - FORM_LIFETIME.total_seconds()) - 1

    options: dict[str, Any] = {
        "salt": "groundplan form",
        "signer_kwargs": {"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    }
    key = services(app).settings.secret_key
    payload = URLSafeTimedSerializer(key, **options).loads(form_token)
    return str(URLSafeTimedSerializer(key, signer=Earlier, **options).dumps(payload))


@pytest.mark.one_database
@pytest.mark.parametrize("kind", ["missing", "empty", "wrong", "of another browser", "late", "twice"])
@pytest.mark.parametrize("path", ["/oauth/authorization", "/sign-out", "/sign-in"])
def test_a_form_that_is_not_ours_does_nothing(
    app: Flask, signed_in: Browser, world: World, path: str, kind: str
) -> None:
    own = signed_in.open().forms[0]["form_token"].value
    other = Browser(app).open().forms[0]["form_token"].value
    tokens: dict[str, list[str]] = {
        "missing": [],
        "empty": [""],
        # In the middle: not every bit of the last character counts.
        "wrong": [own[:-20] + ("A" if own[-20] != "A" else "B") + own[-19:]],
        "of another browser": [other],
        "late": [late(app, own)],
        "twice": [own, own],
    }
    fields = [("form_token", each) for each in tokens[kind]]
    fields += [("decision", "allow"), ("account", "Ada"), ("password", PASSWORD)]
    before = [row.digest for row in world.all(SignInSession)]
    answered = signed_in.app.post(address().replace("/oauth/authorization", path), fields, expect_errors=True)
    assert answered.status_int == 403
    assert "Location" not in answered.headers
    assert "This page had expired" in answered.text
    assert [row.digest for row in world.all(SignInSession)] == before
    assert world.all(AuthorizationCode) == []


def test_the_form_of_a_page_is_worth_nothing_after_signing_in(browser: Browser, user: Person) -> None:
    stale = browser.open().forms[0]["form_token"].value
    browser.sign_in(user.username)
    fields = {"form_token": stale, "decision": "allow"}
    assert browser.app.post(address(), fields, expect_errors=True).status_int == 403


def test_without_a_session_nothing_is_allowed(browser: Browser, world: World) -> None:
    fields = {"form_token": browser.open().forms[0]["form_token"].value, "decision": "allow"}
    answered = browser.app.post(address(), fields, status=403)
    assert "You were signed out meanwhile" in answered.text
    assert world.all(AuthorizationCode) == []


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/oauth/authorization", "/sign-in", "/sign-out"])
def test_what_is_no_form_is_said_in_html(signed_in: Browser, path: str) -> None:
    target = address().replace("/oauth/authorization", path)
    cases = [(b"a=%ff", FORM, 400), (b"x" * 16_385, FORM, 413), (b"{}", "application/json", 403)]
    cases += [(b"&".join([b"a=1"] * FIELDS), FORM, 403), (b"&".join([b"a=1"] * (FIELDS + 1)), FORM, 400)]
    for body, content_type, status in cases:
        answered = signed_in.post(target, body, content_type)
        assert answered.status_int == status
        assert answered.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answered.headers["X-Frame-Options"] == "DENY"


def test_after_signing_in_the_browser_stays_here(browser: Browser, user: Person) -> None:
    answered = browser.try_to_sign_in(user.username)
    assert answered.headers["Location"].startswith("/oauth/authorization?client_id=terraform-cli&")
    assert f"code_challenge={CHALLENGE}" in answered.headers["Location"]
