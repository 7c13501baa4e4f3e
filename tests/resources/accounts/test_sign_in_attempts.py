"""Who tries passwords too often has to wait; nobody else has."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.authentication.tokens import digest
from app.models import SignInAttempt
from app.persistence import now
from app.resources.accounts.sign_in.throttle import (
    OF_ACCOUNT,
    OF_ACCOUNT_AT_ADDRESS,
    OF_ADDRESS,
    WINDOW,
    address_to_count,
)
from app.services import services
from tests.support.browser import DIGEST, Browser, person_with_password
from tests.support.world import Person, World

HERE = "192.0.2.1"


@pytest.fixture
def user(world: World) -> Person:
    return person_with_password(world, "ada")


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app, ip=HERE)


def failed(app: Flask, engine: Engine, times: int, account: str | None = None, ip: str | None = None) -> None:
    """Let attempts have failed just now; an account or address that is None is another one each time."""
    key = services(app).settings.secret_key
    with Session(engine) as session, session.begin():
        session.add_all(
            SignInAttempt(account=digest(account or f"other-{index}", key), address=ip or f"198.51.100.{index}")
            for index in range(times)
        )


def let_pass(engine: Engine, time: timedelta) -> None:
    with Session(engine) as session, session.begin():
        for row in session.query(SignInAttempt):
            row.created_at -= time


@pytest.mark.usefixtures("user")
def test_the_eleventh_attempt_has_to_wait(browser: Browser, world: World) -> None:
    for _ in range(OF_ACCOUNT_AT_ADDRESS):
        assert browser.try_to_sign_in("Ada", "wrong").status_int == 403
    for password in ("wrong", None):
        refused = browser.try_to_sign_in("ada", *([password] if password else []))
        assert refused.status_int == 429
        assert 0 < int(refused.headers["Retry-After"]) <= WINDOW.total_seconds()
        assert "<h1>Too many attempts to sign in</h1>" in refused.text
        assert refused.headers["X-Frame-Options"] == "DENY"
    # Waiting in vain does not make it longer.
    assert len(world.all(SignInAttempt)) == OF_ACCOUNT_AT_ADDRESS
    assert all(re.fullmatch(DIGEST, row.account) for row in world.all(SignInAttempt)), "no name is kept"


def test_the_same_name_that_nobody_has_has_to_wait_as_well(app: Flask, engine: Engine, browser: Browser) -> None:
    failed(app, engine, OF_ACCOUNT_AT_ADDRESS, "nobody", HERE)
    assert browser.try_to_sign_in("nobody").status_int == 429


def test_a_flood_of_refused_attempts_writes_nothing(
    app: Flask, engine: Engine, browser: Browser, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    failed(app, engine, OF_ACCOUNT_AT_ADDRESS, "ada", HERE)
    with statements() as seen:
        assert browser.try_to_sign_in("ada").status_int == 429
    assert not [each for each in seen if each.startswith(("INSERT", "DELETE", "UPDATE"))]


LIMITS = [
    pytest.param(OF_ACCOUNT_AT_ADDRESS, "ada", HERE, id="one account, one address"),
    pytest.param(OF_ACCOUNT, "ada", None, id="one account, many addresses"),
    pytest.param(OF_ADDRESS, None, HERE, id="many accounts, one address"),
]


@pytest.mark.parametrize(("limit", "account", "ip"), LIMITS)
def test_each_limit_holds_and_no_sooner(
    app: Flask, engine: Engine, browser: Browser, user: Person, limit: int, account: str | None, ip: str | None
) -> None:
    failed(app, engine, limit - 1, account, ip)
    browser.sign_in(user.username)
    failed(app, engine, limit, account, ip)
    assert Browser(app, ip=HERE).try_to_sign_in(user.username).status_int == 429


def test_others_do_not_have_to_wait(app: Flask, engine: Engine, world: World, browser: Browser, user: Person) -> None:
    failed(app, engine, OF_ACCOUNT_AT_ADDRESS, user.username, HERE)
    Browser(app, ip="192.0.2.2").sign_in(user.username)
    browser.sign_in(person_with_password(world, "grace").username)


def test_who_is_signed_in_is_not_locked_out(app: Flask, engine: Engine, browser: Browser, user: Person) -> None:
    browser.sign_in(user.username)
    failed(app, engine, OF_ACCOUNT, user.username, HERE)
    assert browser.redeem(browser.code()).status_int == 200


def test_after_a_while_it_may_be_tried_again(app: Flask, engine: Engine, browser: Browser, user: Person) -> None:
    failed(app, engine, OF_ACCOUNT_AT_ADDRESS, user.username, HERE)
    let_pass(engine, WINDOW - timedelta(seconds=20))
    refused = browser.try_to_sign_in(user.username)
    assert refused.status_int == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 20
    assert "wait 1 minute," in refused.text
    let_pass(engine, timedelta(seconds=20))
    browser.sign_in(user.username)


def test_old_attempts_go_when_one_is_made(app: Flask, engine: Engine, world: World, browser: Browser) -> None:
    failed(app, engine, 5)
    let_pass(engine, WINDOW)
    browser.try_to_sign_in("ada", "wrong")
    [left] = world.all(SignInAttempt)
    assert left.created_at > now() - WINDOW


def test_getting_it_right_is_a_new_beginning_for_this_account_here(
    app: Flask, engine: Engine, world: World, browser: Browser, user: Person
) -> None:
    failed(app, engine, OF_ACCOUNT_AT_ADDRESS - 1, user.username, HERE)
    failed(app, engine, 1, user.username, "192.0.2.2")
    failed(app, engine, 1, "grace", HERE)
    browser.sign_in(user.username)
    assert len(world.all(SignInAttempt)) == 2


def test_many_at_once_do_not_slip_through(app: Flask, user: Person) -> None:
    count = OF_ACCOUNT_AT_ADDRESS + 6
    forms = []
    for _ in range(count):
        form = Browser(app, ip=HERE).open().forms[0]
        form["account"], form["password"] = user.username, "wrong"
        forms.append(form)
    barrier = Barrier(count)

    def send(index: int) -> int:
        barrier.wait(timeout=30)
        return int(forms[index].submit(expect_errors=True).status_int)

    with ThreadPoolExecutor(count) as pool:
        statuses = Counter(pool.map(send, range(count), timeout=60))
    assert set(statuses) <= {403, 429}
    assert statuses[403] <= OF_ACCOUNT_AT_ADDRESS


PLACES = [
    ("192.0.2.1", "192.0.2.1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ("", ""),
    (None, ""),
    ("a socket", "a socket"),
]


@pytest.mark.parametrize(("address", "place"), PLACES)
def test_what_counts_as_one_address(address: str | None, place: str) -> None:
    assert address_to_count(address) == place
