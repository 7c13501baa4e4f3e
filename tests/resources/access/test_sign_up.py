"""Making an account on the page of an invitation."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, update
from webtest.response import TestResponse

from app.application import create_app
from app.models import Invitation, Organization, OrganizationMembership, Project, ProjectMember, User
from app.persistence import now
from app.resources.accounts.sign_in.throttle import OF_ACCOUNT_AT_ADDRESS
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.browser import PASSWORD, Browser
from tests.support.invitation_page import SIGN_IN, Reader, heading
from tests.support.invitations import accept, expire, invited, token_of
from tests.support.world import Person, World

DONE = "You have accepted the invitation"


def sign_up(reader: Reader, username: str = "bob", password: str = PASSWORD, again: str | None = None) -> TestResponse:
    fields = {"username": username, "password": password, "password_again": password if again is None else again}
    return reader.submit(reader.look(), "sign-up", **fields)


def problem(page: TestResponse) -> str:
    return " ".join(page.html.select_one("[role=alert]").text.split())


@pytest.fixture
def mailed(engine: Engine, invitation: Any) -> Any:
    """The invitation, whose link has gone by mail."""
    with engine.begin() as connection:
        connection.execute(update(Invitation).values(sent_at=now()))
    return invitation


def user_named(world: World, username: str) -> User:
    [user] = [each for each in world.all(User) if each.username == username]
    return user  # type: ignore[no-any-return]


# --- the way through -----------------------------------------------------------------------------------------------


def test_whoever_has_a_mailed_link_gets_an_account_with_the_address(
    app: Flask, api: Api, world: World, project: Project, mailed: Any, reader: Reader
) -> None:
    page = reader.look()
    assert (heading(page), page.html.h2.text) == (SIGN_IN, "No account yet?")
    answered = sign_up(reader)
    assert (answered.status_int, answered.headers["Location"]) == (303, reader.path), answered.text
    assert heading(answered.follow()) == DONE
    user = user_named(world, "bob")
    assert (user.email, user.unconfirmed_email, user.invited_at, user.site_role) == (
        "bob@example.test",
        None,
        None,
        "user",
    )
    [member] = world.all(ProjectMember)
    assert (member.project_id, member.role) == (project.id, "member")
    # The password is good for terraform login.
    browser = Browser(app)
    browser.sign_in("bob@example.test")
    text = browser.redeem(browser.code()).json["access_token"]
    api.get(f"/projects/{project.id}", text)
    events = {each.action: each for each in left_by_requests(world)}
    assert events["users.create"].changes == {"invitation": [None, mailed["id"]]}
    for action in ("users.create", "organization-memberships.create", "project-members.create", "invitations.accept"):
        assert (events[action].actor_type, events[action].actor_id) == ("users", user.id)


@pytest.mark.usefixtures("mailed")
def test_a_placeholder_becomes_the_account_with_its_memberships(
    api: Api, world: World, acme: Organization, owner: Person, reader: Reader
) -> None:
    other = world.organization("other", owner=owner)
    body = document("organization-memberships", {"email": "BOB@example.test"})
    api.post("/organizations/other/organization-memberships", owner.token, body)
    assert heading(sign_up(reader).follow()) == DONE
    user = user_named(world, "bob")
    assert len([each for each in world.all(User) if each.email.lower() == "bob@example.test"]) == 1
    memberships = {
        each.organization_id: each.status for each in world.all(OrganizationMembership) if each.user_id == user.id
    }
    assert memberships == {acme.id: "active", other.id: "active"}
    actions = [each.action for each in left_by_requests(world) if each.actor_id == user.id]
    assert actions[:2] == ["users.accept", "organization-memberships.accept"]


# --- whose address it is -------------------------------------------------------------------------------------------


def test_an_address_that_nobody_has_shown_to_be_theirs_gets_nothing(
    app: Flask, api: Api, world: World, owner: Person, project: Project, reader: Reader
) -> None:
    # Whoever invites has the link, and could keep it: here for an address to which others have promised something.
    other = world.organization("other", owner=owner)
    body = document("organization-memberships", {"email": "bob@example.test"})
    api.post("/organizations/other/organization-memberships", owner.token, body)
    second = invited(api, world.project(other), owner.token)
    assert heading(sign_up(reader, "mallory").follow()) == DONE
    mallory = user_named(world, "mallory")
    assert mallory.email.endswith("@unconfirmed.invalid")
    assert mallory.unconfirmed_email == "bob@example.test"
    [membership] = [each for each in world.all(OrganizationMembership) if each.user_id == mallory.id]
    assert membership.organization_id == project.organization_id
    browser = Browser(app)
    browser.sign_in("mallory")
    text = browser.redeem(browser.code()).json["access_token"]
    api.get(f"/projects/{project.id}", text)
    assert api.get("/account/invitations", text)["data"] == []
    for token in (second["id"], token_of(second)):
        api.post(f"/invitations/{token}/actions/accept", text, expect=404)
    # Nobody adds them by that address either.
    named = document("project-members", {"role": "viewer", "email": "bob@example.test"})
    api.post(
        f"/projects/{world.project(Organization(id=project.organization_id)).id}/members",
        owner.token,
        named,
        expect=422,
    )
    with app.app_context():
        assert app.test_cli_runner().invoke(args=["confirm-email", "mallory"]).exit_code == 0
    assert len(api.get("/account/invitations", text)["data"]) == 1
    api.get("/organizations/other", text)


def test_an_address_with_an_account_gets_no_second_one(
    api: Api, world: World, bob: Person, mailed: Any, reader: Reader
) -> None:
    page = sign_up(reader, "bobby")
    assert (page.status_int, problem(page)) == (
        409,
        "The address of the invitation has an account already. Sign in with it.",
    )
    assert [each.username for each in world.all(User) if each.username.startswith("bob")] == ["bob"]
    accept(api, token_of(mailed), bob)


@pytest.mark.usefixtures("bob")
def test_a_link_that_was_not_mailed_tells_nobody_of_accounts(world: World, reader: Reader) -> None:
    assert heading(sign_up(reader, "bobby").follow()) == DONE
    assert user_named(world, "bobby").email.endswith("@unconfirmed.invalid")
    assert user_named(world, "bob").email == "bob@example.test"


def test_a_suspended_placeholder_makes_no_account(
    api: Api, world: World, owner: Person, mailed: Any, reader: Reader
) -> None:
    body = document("organization-memberships", {"email": "bob@example.test"})
    api.post("/organizations/acme/organization-memberships", owner.token, body)
    [placeholder] = [each for each in world.all(User) if each.invited_at]
    admin = world.person(site_role="admin")
    api.post(f"/admin/users/{placeholder.id}/actions/suspend", admin.token, expect=200)
    assert sign_up(reader).status_int == 409
    assert mailed["id"]


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("username", "password", "again", "told"),
    [
        ("", PASSWORD, PASSWORD, "A user name has 1 to 64"),
        ("a b", PASSWORD, PASSWORD, "A user name has 1 to 64"),
        ("a@b.c", PASSWORD, PASSWORD, "A user name has 1 to 64"),
        ("x" * 65, PASSWORD, PASSWORD, "A user name has 1 to 64"),
        ("bob", "x" * 9, "x" * 9, "A password has 10 to 512"),
        ("bob", "x" * 513, "x" * 513, "A password has 10 to 512"),
        ("bob", PASSWORD, PASSWORD + "x", "not the same"),
    ],
)
def test_it_says_what_is_wrong(
    world: World, reader: Reader, username: str, password: str, again: str, told: str
) -> None:
    page = sign_up(reader, username, password, again)
    assert page.status_int == 422
    assert told in problem(page)
    assert page.forms[1]["username"].value == username[:65]
    assert PASSWORD not in page.text
    assert world.all(ProjectMember) == []


def test_a_taken_name_is_told(world: World, reader: Reader) -> None:
    page = sign_up(reader, "ADA")
    assert (page.status_int, problem(page)) == (422, "This user name is taken. Choose another one.")
    assert heading(sign_up(reader, "bob").follow()) == DONE
    assert user_named(world, "bob").password_hash


def test_a_link_makes_one_account(app: Flask, world: World, invitation: Any) -> None:
    readers = [Reader(app, token_of(invitation)) for _ in range(2)]
    pages = [reader.look() for reader in readers]

    def send(number: int) -> int:
        fields = {"username": f"bob-{number}", "password": PASSWORD, "password_again": PASSWORD}
        return int(readers[number].submit(pages[number], "sign-up", **fields).status_int)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, range(2), timeout=60)) == [303, 409]
    assert len([each for each in world.all(User) if each.username.startswith("bob")]) == 1
    page = sign_up(Reader(app, token_of(invitation)), "third")
    assert (page.status_int, problem(page)) == (409, "The invitation has been accepted already.")


@pytest.mark.parametrize("way", ["canceled", "expired", "replaced", "made up", "changed"])
def test_only_a_good_link_makes_an_account(
    app: Flask, api: Api, world: World, engine: Engine, owner: Person, invitation: Any, way: str
) -> None:
    token = token_of(invitation)
    if way == "canceled":
        api.delete(f"/invitations/{invitation['id']}", owner.token)
    elif way == "expired":
        expire(engine, invitation["id"])
    elif way == "replaced":
        api.post(f"/invitations/{invitation['id']}/actions/resend", owner.token, expect=200)
    else:
        token = "x.y" if way == "made up" else token[:-1] + ("A" if token[-1] != "A" else "B")
    page = sign_up(Reader(app, token))
    assert page.status_int == (409 if way in {"canceled", "expired"} else 404)
    assert heading(page) == SIGN_IN
    assert [each.username for each in world.all(User)] == ["ada"]


def test_a_form_of_another_page_makes_no_account(app: Flask, world: World, reader: Reader, invitation: Any) -> None:
    sent = f"decision=sign-up&username=bob&password={PASSWORD.replace(' ', '+')}"
    sent += f"&password_again={PASSWORD.replace(' ', '+')}"
    assert reader.post(reader.path, sent).status_int == 403
    theirs = Reader(app, token_of(invitation)).look().forms[1]["form_token"].value
    assert reader.post(reader.path, f"{sent}&form_token={theirs}").status_int == 403
    assert [each.username for each in world.all(User)] == ["ada"]


def test_attempts_are_limited(world: World, reader: Reader) -> None:
    for _ in range(OF_ACCOUNT_AT_ADDRESS):
        assert sign_up(reader, "ada").status_int == 422
    page = sign_up(reader, "bob")
    assert (page.status_int, problem(page)) == (429, "Too many attempts to make an account; try again later.")
    assert [each.username for each in world.all(User)] == ["ada"]


# --- where there is none -------------------------------------------------------------------------------------------


@contextmanager
def closed(app: Flask) -> Iterator[Flask]:
    made = create_app(replace(services(app).settings, sign_up="nobody"))
    try:
        yield made
    finally:
        services(made).engines.dispose()


@pytest.mark.one_database
def test_an_operator_can_keep_it_closed(app: Flask, world: World, invitation: Any) -> None:
    token = token_of(invitation)
    with closed(app) as made:
        reader = Reader(made, token)
        page = reader.look()
        assert "there is no sign-up" in " ".join(page.text.split())
        assert len(page.forms) == 1
        form_token = page.forms[0]["form_token"].value
        sent = f"decision=sign-up&username=bob&password=0123456789&password_again=0123456789&form_token={form_token}"
        assert reader.post(reader.path, sent).status_int == 403
    assert [each.username for each in world.all(User)] == ["ada"]
