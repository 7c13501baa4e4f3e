"""The page that the link of an invitation opens: for whom it is, what it says, and what it keeps to itself."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, func, update
from webtest.response import TestResponse

from app.application import create_app
from app.authz.roles import ACL_LEVELS, PROJECT_ROLES
from app.models import (
    Environment,
    Invitation,
    Organization,
    Project,
    ProjectMember,
    SignInSession,
    User,
    WorkspaceAclEntry,
)
from app.resources.access.invitation_pages.role_descriptions import PART, PROJECT, WORKSPACE
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.browser import Browser, person_with_password
from tests.support.invitation_page import SIGN_IN, Reader, heading
from tests.support.invitations import accept, expire, invited, token_of
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database


@pytest.fixture
def bob(world: World) -> Person:
    """Has an account with a password, and belongs nowhere."""
    return person_with_password(world, "bob")


def facts(page: TestResponse) -> dict[str, str]:
    pairs = zip(page.html.select("dt"), page.html.select("dd"), strict=True)
    return {name.text: value.text.strip() for name, value in pairs}


# --- the way through -----------------------------------------------------------------------------------------------


def test_the_link_leads_to_the_page(reader: Reader, invitation: Any) -> None:
    assert invitation["attributes"]["link"] == f"http://localhost{reader.path}"


def test_who_was_invited_signs_in_reads_and_accepts(
    api: Api, world: World, project: Project, bob: Person, invitation: Any, reader: Reader
) -> None:
    page = reader.look()
    assert (page.status_int, heading(page)) == (200, SIGN_IN)
    assert page.html.h2.text == "No account yet?"
    page = reader.come_in("bob")
    assert (page.status_int, heading(page)) == (200, "Join the project billing?")
    until = datetime.fromisoformat(invitation["attributes"]["expires-at"])
    assert facts(page) == {
        "To": "project billing",
        "Organization": "acme",
        "As": "role member",
        "Invited by": "ada",
        "Good until": f"{until:%Y-%m-%d %H:%M} UTC",
    }
    assert PROJECT["member"] in page.text
    assert world.all(ProjectMember) == [], "looking changes nothing"
    answered = reader.agree()
    assert (answered.status_int, answered.headers["Location"]) == (303, reader.path)
    page = answered.follow()
    assert heading(page) == "You have accepted the invitation"
    assert f"http://localhost/api/v2/projects/{project.id}" in page.text
    assert "terraform login" not in page.text, "it speaks to none without https"
    [member] = world.all(ProjectMember)
    assert (member.project_id, member.role) == (project.id, "member")
    api.get(f"/projects/{project.id}", bob.token)


def test_who_accepts_on_the_page_is_in_the_record(world: World, bob: Person, reader: Reader) -> None:
    reader.come_in("bob")
    reader.agree()
    events = {event.action: event for event in left_by_requests(world)}
    assert set(events) == {
        "invitations.create",
        "users.sign-in",
        "organization-memberships.create",
        "project-members.create",
        "invitations.accept",
    }
    for action in ("organization-memberships.create", "project-members.create", "invitations.accept"):
        event = events[action]
        assert (event.actor_type, event.actor_id, event.actor_name) == ("users", bob.id, "bob")
        assert (event.token_id, event.token_kind) == (None, None)
    assert events["invitations.accept"].changes == {"status": ["pending", "accepted"]}
    assert len({events[action].request_id for action in events if action != "invitations.create"}) == 2


def test_a_level_on_a_workspace(
    app: Flask, api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    workspace = world.workspace(project, "net")
    sent = document("invitations", {"email": bob.username + "@example.test", "level": "developer"})
    made = api.post(f"/workspaces/{workspace.id}/invitations", owner.token, sent)["data"]
    reader = Reader(app, token_of(made))
    page = reader.come_in("bob@example.test")
    assert heading(page) == "Join the workspace net?"
    assert (facts(page)["To"], facts(page)["As"]) == ("workspace net", "level developer")
    assert WORKSPACE["developer"] in page.text
    page = reader.agree().follow()
    assert f"/api/v2/workspaces/{workspace.id}" in page.text
    assert [entry.level for entry in world.all(WorkspaceAclEntry) if entry.workspace_id == workspace.id] == [
        "developer"
    ]


@pytest.mark.parametrize(
    ("cells", "told"), [(None, None), (["eu"], "cell eu"), (["eu", "us"], "cells eu, us"), ([], "cells none")]
)
def test_it_tells_where_the_role_is_to_hold(
    app: Flask, api: Api, world: World, project: Project, owner: Person, bob: Person, cells: Any, told: str | None
) -> None:
    environment = world.environment(project, "staging")
    reader = Reader(app, token_of(invited(api, project, owner.token, environment=environment.id, cell_scopes=cells)))
    page = reader.come_in(bob.username)
    found = [value.text for name, value in zip(page.html.select("dt"), page.html.select("dd"), strict=True)
             if name.text == "Only in"]  # fmt: skip
    assert found == ["environment staging", *([told] if told else [])]
    assert PART["member"] in page.text


@pytest.mark.parametrize("url", ["https://plan.example.test", "https://plan.example.test/base", "http://plan.test"])
def test_it_tells_of_the_terraform_cli_where_that_would_come(
    app: Flask, api: Api, project: Project, owner: Person, bob: Person, url: str
) -> None:
    token = token_of(invited(api, project, owner.token))
    accept(api, token, bob)
    reached = create_app(replace(services(app).settings, url=url))
    try:
        page = Reader(reached, token).come_in(bob.username)
    finally:
        services(reached).engines.dispose()
    blocks = [re.sub(r"\s+", " ", block.text) for block in page.html.select("pre")]
    assert f"{url}/api/v2/projects/{project.id}" in blocks.pop()
    assert ("terraform login plan.example.test" in page.text) is (blocks != []) is url.endswith("://plan.example.test")
    configuration = (
        'terraform { cloud { hostname = "plan.example.test" organization = "acme" '
        'workspaces { name = "…" project = "billing" } } }'
    )
    assert blocks in ([], [configuration])


@pytest.mark.parametrize(("texts", "ranks"), [(PROJECT, PROJECT_ROLES), (WORKSPACE, ACL_LEVELS)])
def test_every_role_and_level_has_its_promise(texts: dict[str, str], ranks: dict[str, Any]) -> None:
    assert set(texts) == set(ranks)
    assert set(PART) == set(PROJECT_ROLES) - {"owner"}


# --- what it keeps to itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "no.thing", "inv-1111111111111111", "...", "a b", "x" * 5_000, "\u00e9", "<b>"])
def test_an_unknown_link_looks_like_that_of_somebody_else(app: Flask, world: World, reader: Reader, token: str) -> None:
    person_with_password(world, "eve")
    other = Reader(app, quote(token))
    texts = []
    for page in (reader.look(), other.look()):
        assert (page.status_int, heading(page)) == (200, SIGN_IN)
        texts.append(without_what_is_its_own(page))
    for page in (reader.come_in("eve"), other.come_in("eve")):
        assert (page.status_int, heading(page)) == (404, "There is no invitation here for eve")
        texts.append(without_what_is_its_own(page))
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    assert not re.search("billing|acme|ada|bob", texts[0] + texts[2])


def without_what_is_its_own(page: TestResponse) -> str:
    return re.sub(r'(name="form_token" value|action)="[^"]*"', "", page.text)


@pytest.mark.parametrize("path", ["/invitations/", "/invitations/a/b", "/invitations/%00"])
def test_there_is_nothing_beside_the_page(app: Flask, path: str) -> None:
    assert Browser(app).app.get(path, expect_errors=True).status_int == 404


def test_another_account_accepts_nothing(world: World, bob: Person, reader: Reader) -> None:
    person_with_password(world, "eve")
    page = reader.come_in("eve")
    form_token = page.forms[0]["form_token"].value
    answered = reader.post(reader.path, urlencode({"decision": "accept", "form_token": form_token}))
    assert (answered.status_int, answered.html.h1.text) == (404, heading(page))
    assert [each.status for each in world.all(Invitation)] == ["pending"]
    # And changes to the right one there.
    answered = reader.submit(page, "sign-out")
    assert (answered.status_int, answered.headers["Location"]) == (303, reader.path)
    assert heading(answered.follow()) == SIGN_IN
    assert world.all(SignInSession) == []
    assert heading(reader.come_in(bob.username)) == "Join the project billing?"


def test_an_earlier_link_opens_nothing(api: Api, owner: Person, bob: Person, invitation: Any, reader: Reader) -> None:
    again = api.post(f"/invitations/{invitation['id']}/actions/resend", owner.token, expect=200)["data"]
    page = reader.come_in(bob.username)
    assert (page.status_int, heading(page)) == (404, "There is no invitation here for bob")
    reader.path = f"/invitations/{token_of(again)}"
    assert heading(reader.look()) == "Join the project billing?"


def test_pages_let_nothing_in_and_nothing_out(world: World, bob: Person, reader: Reader) -> None:
    person_with_password(world, "eve")
    pages = [reader.look(), reader.come_in("eve")]
    reader.submit(pages[-1], "sign-out")
    pages += [reader.come_in(bob.username), reader.agree(), reader.look()]
    for page in pages:
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        if page.status_int == 303:
            continue
        assert page.headers["X-Frame-Options"] == "DENY"
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self';" in policy
        assert "noindex" in page.text
        # Nothing is fetched, and nothing leads away but to the console.
        shown = page.text.replace('<a href="/app">', "")
        assert not re.search(r"<script|<link|<img|<a |\bon\w+=|\bstyle=|\bsrc=|\bhref=", shown)
        assert {form.action for form in page.forms.values()} <= {reader.path}
        assert all(field.get("id") for field in page.html.select("input:not([type=hidden])"))


def test_names_do_nothing_on_the_page(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person, bob: Person, engine: Engine
) -> None:
    evil = world.project(acme, '<b>"&{{ 7 * 7 }}')
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == owner.id).values(username="<i>ada"))
    reader = Reader(app, token_of(invited(api, evil, owner.token, role="viewer")))
    reader.come_in(bob.username)
    for page in (reader.look(), reader.agree().follow()):
        assert not page.html.select("b, i, u")
        assert facts(page)["To"] == 'project <b>"&{{ 7 * 7 }}'
        assert facts(page)["Invited by"] == "<i>ada"


# --- what it can have come to --------------------------------------------------------------------------------------


def put_to_an_end(state: str, api: Api, engine: Engine, owner: Person, bob: Person, invitation: Any) -> None:
    if state == "canceled":
        api.delete(f"/invitations/{invitation['id']}", owner.token)
    elif state == "expired":
        expire(engine, invitation["id"])
    elif state == "accepted":
        accept(api, token_of(invitation), bob)
    else:
        with engine.begin() as connection:
            connection.execute(delete(Environment).where(func.lower(Environment.name) == "staging"))


ENDS = {
    "canceled": "The invitation has been canceled",
    "expired": "The invitation has expired",
    "accepted": "You have accepted the invitation",
    "gone": "The invitation is good for nothing now",
}


@pytest.mark.parametrize("state", ENDS)
def test_what_is_over_has_no_button_and_refuses_one_that_was_there(
    app: Flask, api: Api, world: World, project: Project, owner: Person, bob: Person, engine: Engine, state: str
) -> None:
    environment = world.environment(project, "staging")
    made = invited(api, project, owner.token, environment=environment.id)
    reader = Reader(app, token_of(made))
    before = reader.come_in(bob.username)
    put_to_an_end(state, api, engine, owner, bob, made)
    members = len(world.all(ProjectMember))
    late = reader.submit(before, "accept")
    shown = reader.look()
    assert (late.status_int, shown.status_int) == (409, 200)
    for page in (late, shown):
        assert heading(page) == ENDS[state]
        assert [form["decision"].value for form in page.forms.values()] == ["sign-out"]
        assert ("Good until" in facts(page)) is (state == "expired")
    if state in ("canceled", "expired", "gone"):
        assert "Ask ada for another" in " ".join(shown.text.split())
    assert len(world.all(ProjectMember)) == members


def test_a_member_keeps_his_role(world: World, project: Project, bob: Person, reader: Reader) -> None:
    page = reader.come_in(bob.username)
    world.project_member(project, bob, "admin")
    refused = reader.submit(page, "accept")
    assert refused.status_int == 409
    assert refused.html.select_one("[role=alert]").text == ("You are a member already; the invitation changes nothing.")
    assert [member.role for member in world.all(ProjectMember)] == ["admin"]


def test_a_project_that_went_takes_its_pages_along(
    api: Api, project: Project, owner: Person, bob: Person, reader: Reader
) -> None:
    page = reader.come_in(bob.username)
    api.delete(f"/projects/{project.id}", owner.token)
    assert reader.submit(page, "accept").status_int == 404
    assert reader.look().status_int == 404
