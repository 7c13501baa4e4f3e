"""How long a browser stays signed in: the service's limits, and those of organizations."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from webtest.response import TestResponse

from app.models import SignInSession
from app.persistence import now
from app.resources.accounts.sign_in.operations import IDLE, LONGEST, NOTED_EVERY
from tests.support.browser import Browser, person_with_password
from tests.support.world import Person, World


@pytest.fixture
def user(world: World) -> Person:
    return person_with_password(world, "Ada")


@pytest.fixture
def signed_in(app: Flask, user: Person) -> Browser:
    browser = Browser(app)
    browser.sign_in(user.username)
    return browser


def is_asked_to_sign_in(page: TestResponse) -> bool:
    assert page.status_int == 200
    return "<h1>Sign in to Groundplan</h1>" in page.text


def let_pass(engine: Engine, time: timedelta) -> None:
    with Session(engine) as session, session.begin():
        for row in session.query(SignInSession):
            row.expires_at -= time
            row.created_at -= time


def test_a_session_ends_when_it_is_not_used(signed_in: Browser, engine: Engine) -> None:
    let_pass(engine, IDLE - timedelta(seconds=30))
    assert not is_asked_to_sign_in(signed_in.open())
    let_pass(engine, IDLE)
    assert is_asked_to_sign_in(signed_in.open())


def test_a_session_ends_in_the_end(signed_in: Browser, engine: Engine) -> None:
    step = IDLE - timedelta(minutes=2)
    for _ in range(LONGEST // step):
        let_pass(engine, step)
        assert not is_asked_to_sign_in(signed_in.open())
    let_pass(engine, LONGEST % step)
    assert is_asked_to_sign_in(signed_in.open())


@pytest.mark.parametrize(
    ("settings", "stays", "ends"),
    [
        ({"session_timeout": 20}, 19, 20),
        # Whoever adds strangers to an organization does not end their sessions.
        ({"session_timeout": 1}, 14, 15),
        ({"session_remember": 1}, 14, 15),
        ({"session_timeout": 0, "session_remember": 0}, 29, 30),
        # It is only ever shorter than the service's own limit.
        ({"session_timeout": 10_000_000}, 29, 30),
        ({"session_remember": 16}, 15, 16),
        ({"session_remember": 10_000_000, "session_timeout": None}, 29, 30),
    ],
)
def test_an_organization_shortens_the_sessions_of_its_members(
    app: Flask, world: World, engine: Engine, user: Person, settings: dict[str, Any], stays: float, ends: float
) -> None:
    world.membership(world.organization(**settings), user)
    world.membership(world.organization(session_timeout=60, session_remember=600), user)
    # Neither one that the user does not belong to, nor one that has only invited them.
    world.organization(session_timeout=1)
    world.membership(world.organization(session_remember=1), user, status="invited")
    browser = Browser(app)
    browser.sign_in("Ada")
    let_pass(engine, timedelta(minutes=stays))
    assert not is_asked_to_sign_in(browser.open())
    let_pass(engine, timedelta(minutes=ends))
    assert is_asked_to_sign_in(browser.open())


def test_a_short_session_lasts_as_long_as_it_is_used(app: Flask, world: World, engine: Engine, user: Person) -> None:
    world.membership(world.organization(session_timeout=1), user)
    browser = Browser(app)
    browser.sign_in("Ada")
    for _ in range(6):
        let_pass(engine, timedelta(minutes=10))
        assert not is_asked_to_sign_in(browser.open())


def test_a_limit_counts_for_sessions_that_have_begun(
    signed_in: Browser, world: World, engine: Engine, user: Person
) -> None:
    let_pass(engine, timedelta(minutes=20))
    world.membership(world.organization(session_remember=15), user)
    assert is_asked_to_sign_in(signed_in.open())


def test_sessions_that_have_ended_go_when_one_begins(
    app: Flask, signed_in: Browser, world: World, engine: Engine
) -> None:
    before = signed_in.cookie
    let_pass(engine, IDLE)
    Browser(app).sign_in("Ada")
    [session] = world.all(SignInSession)
    assert session.expires_at > now()
    assert signed_in.cookie == before


def test_its_use_is_noted_now_and_then(
    signed_in: Browser, engine: Engine, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    with statements() as seen:
        signed_in.open()
    assert len(seen) == 1
    let_pass(engine, NOTED_EVERY)
    with statements() as seen:
        signed_in.open()
    assert [statement.split()[0] for statement in seen] == ["SELECT", "UPDATE"]
