"""Who is let in: a living token after the word Bearer, and nobody else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from app.authentication.callers import LAST_USED_EVERY
from app.authentication.tokens import new_token
from app.models import AuthenticationToken, User
from app.persistence import now
from app.services import services
from tests.support.api import Api
from tests.support.services import replace_services
from tests.support.world import Person, World

UNAUTHORIZED = {"errors": [{"status": "401", "title": "unauthorized", "code": "unauthorized"}]}


def refused(api: Api, **headers: str) -> None:
    """Every kind of guarded view answers the same 401."""
    for method, path in (
        ("GET", "/organizations"),
        ("POST", "/organizations"),
        ("GET", "/organizations/missing"),
        ("PATCH", "/organizations/missing"),
        ("GET", "/account/details"),
        ("GET", "/users/user-missing"),
        ("DELETE", "/authentication-tokens/at-missing"),
    ):
        answer = api.raw(method, path, headers=headers)
        assert (answer.status_int, answer.json) == (401, UNAUTHORIZED), f"{method} {path}"


def test_without_a_token_nobody_is_let_in(api: Api) -> None:
    refused(api)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer unknown",
        "Bearer  ",
        "Basic dXNlcjpwYXNz",
        "Token x",
        "unknown",
        "Bearer \xe9\xff",
        "Bearer \u00a0",
        f"Bearer {'x' * 513}",
        f"Bearer {'x' * 100_000}",
        "Bearer a b",
        "Bearer a,b",
        "Bearer '; DROP TABLE users; --",
        "Bearer %00",
    ],
    ids=lambda header: f"{header[:30]!r} of {len(header)}",
)
def test_nothing_else_than_a_known_token_is_let_in(api: Api, header: str) -> None:
    refused(api, Authorization=header)


@pytest.mark.one_database
@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", "JWT", "Bear", "Bearer:", ""])
def test_a_good_token_needs_the_right_scheme(api: Api, world: World, scheme: str) -> None:
    refused(api, Authorization=f"{scheme} {world.person().token}".strip())


@pytest.mark.one_database
@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_case_and_blanks_around_a_token_do_not_matter(api: Api, world: World, form: str) -> None:
    header = form.format(world.person().token)
    assert api.raw("GET", "/organizations", headers={"Authorization": header}).status_int == 200


def test_a_token_is_compared_exactly(api: Api, world: World) -> None:
    token = world.person().token
    for other in (token.lower(), token.upper(), token[:-1], token[1:], f"{token}x", token.replace(".", "")):
        refused(api, Authorization=f"Bearer {other}")


def test_the_digest_is_no_token(api: Api, world: World) -> None:
    world.person()
    (stored,) = world.all(AuthenticationToken)
    refused(api, Authorization=f"Bearer {stored.digest}")


def set_token(engine: Engine, **values: Any) -> None:
    """Change every token there is."""
    with Session(engine) as session, session.begin():
        session.execute(update(AuthenticationToken).values(**values))


def test_an_expired_token_is_refused(api: Api, world: World, engine: Engine) -> None:
    person = world.person()
    set_token(engine, expired_at=now() + timedelta(minutes=1))
    api.get("/organizations", person.token)
    set_token(engine, expired_at=now())
    refused(api, Authorization=f"Bearer {person.token}")


def test_the_token_of_a_deleted_user_is_refused(api: Api, world: World, engine: Engine) -> None:
    person = world.person()
    api.get("/organizations", person.token)
    with Session(engine) as session, session.begin():
        session.execute(delete(User).where(User.id == person.id))
    refused(api, Authorization=f"Bearer {person.token}")


def test_the_token_of_a_deleted_organization_is_refused(api: Api, world: World) -> None:
    organization = world.organization("acme")
    token = world.token(organization)
    api.delete("/organizations/acme", world.owner(organization).token)
    refused(api, Authorization=f"Bearer {token}")


def test_another_secret_key_revokes_every_token(
    app: Flask, api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.person()
    other = replace(services(app).settings, secret_key="another secret key of at least 32 characters")
    replace_services(monkeypatch, app, settings=other)
    refused(api, Authorization=f"Bearer {person.token}")


def last_used(api: Api, person: Person) -> str | None:
    (token,) = api.get(f"/users/{person.id}/authentication-tokens", person.token)["data"]
    used: str | None = token["attributes"]["last-used-at"]
    return used


def test_last_use_is_noted_coarsely(api: Api, world: World, engine: Engine) -> None:
    person = world.person()
    first = last_used(api, person)
    assert first is not None
    recent = now() - LAST_USED_EVERY + timedelta(seconds=30)
    set_token(engine, last_used_at=recent)
    api.get("/organizations", person.token)
    assert world.all(AuthenticationToken)[0].last_used_at == recent
    set_token(engine, last_used_at=now() - LAST_USED_EVERY - timedelta(seconds=1))
    api.get("/organizations", person.token)
    assert now() - world.all(AuthenticationToken)[0].last_used_at < timedelta(minutes=1)


def test_a_refused_token_is_not_used(api: Api, world: World, engine: Engine) -> None:
    person = world.person()
    set_token(engine, expired_at=now() - timedelta(days=1))
    refused(api, Authorization=f"Bearer {person.token}")
    assert world.all(AuthenticationToken)[0].last_used_at is None


def test_an_invited_user_is_let_in_but_not_into_the_organization(api: Api, world: World) -> None:
    organization = world.organization("acme")
    person = world.person()
    world.membership(organization, person, status="invited")
    assert api.get("/organizations", person.token)["data"] == []
    api.get("/organizations/acme", person.token, expect=404)


def test_a_fresh_token_was_never_stored(api: Api) -> None:
    refused(api, Authorization=f"Bearer {new_token()}")
