"""The forms on the page of an invitation: who may send them, what they may hold, what they cost."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, func, select

from app.models import (
    OrganizationMembership,
    Project,
    ProjectMember,
    SignInSession,
)
from app.resources.accounts.sign_in.pages import FORM_BYTES
from app.resources.accounts.sign_in.throttle import OF_ACCOUNT_AT_ADDRESS
from tests.support.api import Api
from tests.support.browser import PASSWORD, Browser, person_with_password
from tests.support.invitation_page import SIGN_IN, Reader, heading
from tests.support.invitations import invited, token_of
from tests.support.world import Person, World


@pytest.fixture
def bob(world: World) -> Person:
    """Has an account with a password, and belongs nowhere."""
    return person_with_password(world, "bob")


@pytest.mark.one_database
def test_a_form_of_another_page_accepts_nothing(app: Flask, world: World, bob: Person, reader: Reader) -> None:
    reader.come_in(bob.username)
    stranger = Browser(app).open().forms[0]["form_token"].value
    for form_token in (None, "", "x", stranger):
        sent = {"decision": "accept", **({} if form_token is None else {"form_token": form_token})}
        answered = reader.post(reader.path, urlencode(sent))
        assert answered.status_int == 403
        assert "had expired" in answered.html.select_one("[role=alert]").text
    form_token = reader.look().forms[0]["form_token"].value
    for content_type in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        body = urlencode({"decision": "accept", "form_token": form_token})
        assert reader.post(reader.path, body, content_type).status_int == 400
    for decision in ("", "x", "Accept"):
        sent = {"decision": decision, "form_token": form_token}
        assert reader.post(reader.path, urlencode(sent)).status_int == 400
    assert world.all(ProjectMember) == []


@pytest.mark.one_database
def test_who_was_signed_out_meanwhile_is_asked_again(world: World, bob: Person, reader: Reader, engine: Engine) -> None:
    page = reader.come_in(bob.username)
    with engine.begin() as connection:
        connection.execute(delete(SignInSession))
    answered = reader.submit(page, "accept")
    assert (answered.status_int, heading(answered)) == (403, SIGN_IN)
    assert "signed out meanwhile" in answered.html.select_one("[role=alert]").text
    assert world.all(ProjectMember) == []


def test_a_wrong_password_is_told_on_the_same_page_and_counted(world: World, bob: Person, reader: Reader) -> None:
    for _ in range(OF_ACCOUNT_AT_ADDRESS):
        answered = reader.submit(reader.look(), "sign-in", account=bob.username, password="wrong")
        assert (answered.status_int, heading(answered)) == (403, SIGN_IN)
        assert answered.forms[0]["account"].value == "bob"
    refused = reader.submit(reader.look(), "sign-in", account="bob", password=PASSWORD)
    assert refused.status_int == 429
    assert int(refused.headers["Retry-After"]) > 0
    # Here and on the way to terraform it is one limit.
    assert reader.try_to_sign_in("bob").status_int == 429
    assert world.all(SignInSession) == []


@pytest.mark.one_database
def test_the_parameters_of_the_address_lead_nowhere(bob: Person, reader: Reader) -> None:
    reader.path += "?next=https://evil.example&redirect_uri=https://evil.example"
    page = reader.look()
    answered = reader.submit(page, "sign-in", account=bob.username, password=PASSWORD)
    assert answered.headers["Location"] == reader.path.partition("?")[0]
    assert "evil" not in page.text


@pytest.mark.one_database
@pytest.mark.parametrize(("size", "status"), [(FORM_BYTES, 403), (FORM_BYTES + 1, 413)])
def test_a_form_has_a_size(reader: Reader, size: int, status: int) -> None:
    body = "decision=sign-in&account="
    answered = reader.post(reader.path, body + "x" * (size - len(body)))
    assert answered.status_int == status
    assert answered.headers["Content-Type"].startswith("text/html")


@pytest.mark.one_database
def test_a_session_of_the_other_pages_is_one_here(bob: Person, reader: Reader) -> None:
    reader.sign_in(bob.username)
    assert heading(reader.look()) == "Join the project billing?"


@pytest.mark.one_database
def test_a_token_in_the_header_is_nobody_here(bob: Person, reader: Reader) -> None:
    page = reader.app.get(reader.path, headers={"Authorization": f"Bearer {bob.token}"})
    assert heading(page) == SIGN_IN


def test_looking_costs_the_same_each_time(
    app: Flask,
    api: Api,
    world: World,
    project: Project,
    owner: Person,
    bob: Person,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    environment = world.environment(project, "staging")
    reader = Reader(app, token_of(invited(api, project, owner.token, environment=environment.id)))
    reader.come_in(bob.username)
    with statements() as seen:
        reader.look()
    assert len(seen) == 3, seen


def test_two_buttons_at_once_make_one_member(bob: Person, reader: Reader, engine: Engine) -> None:
    page = reader.come_in(bob.username)
    answers = [reader.submit(page, "accept").status_int for _ in range(2)]
    assert answers == [303, 409]
    with engine.connect() as connection:
        counted = select(func.count()).select_from(OrganizationMembership).where(
            OrganizationMembership.user_id == bob.id
        )  # fmt: skip
        assert connection.execute(counted).scalar_one() == 1
