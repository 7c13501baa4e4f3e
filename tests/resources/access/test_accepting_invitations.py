"""Accepting invitations: who may, what it makes, and what an invitation can come to before."""

import pytest
from flask import Flask
from sqlalchemy import Engine, delete, update

from app.models import (
    Environment,
    Invitation,
    Organization,
    OrganizationMembership,
    Project,
    ProjectMember,
    User,
)
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.invitations import accept, code, expire, invited, token_of
from tests.support.world import Person, World

# --- accepting -----------------------------------------------------------------------------------------------------


def test_who_was_invited_sees_it_and_accepts(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    environment = world.environment(project, "staging")
    created = invited(
        api, project, owner.token, email="Bob@Example.test", environment=environment.id, cell_scopes=["eu", "eu", "us"]
    )
    token = token_of(created)
    by_token = api.get(f"/invitations/{token}", bob.token)["data"]
    assert by_token["attributes"]["project-name"] == "billing"
    assert (by_token["attributes"]["token"], by_token["attributes"]["link"]) == (None, None)
    assert api.get(f"/invitations/{created['id']}", bob.token)["data"] == by_token
    assert api.get("/account/invitations", bob.token)["data"] == [by_token]
    accepted = accept(api, token, bob)["data"]
    assert accepted["attributes"] == {**by_token["attributes"], "status": "accepted"}
    [membership] = [each for each in world.all(OrganizationMembership) if each.user_id == bob.id]
    [member] = [each for each in world.all(ProjectMember) if each.membership_id == membership.id]
    assert (membership.organization_id, membership.status) == (project.organization_id, "active")
    assert (member.project_id, member.role) == (project.id, "member")
    assert (member.environment_id, member.cells) == (environment.id, ["eu", "us"])
    api.get(f"/projects/{project.id}", bob.token)
    assert api.get("/account/invitations", bob.token)["data"] == []


def test_accepting_leaves_events_of_what_it_made(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    created = invited(api, project, owner.token)
    accept(api, token_of(created), bob)
    events = {event.action: event for event in left_by_requests(world)}
    assert set(events) == {
        "invitations.create",
        "organization-memberships.create",
        "project-members.create",
        "invitations.accept",
    }
    made = events["invitations.create"]
    assert made.changes == {"role": [None, "member"], "email": [None, "bob@example.test"]}
    assert (made.is_about_access, made.project_id) == (True, project.id)
    joined = events["project-members.create"]
    assert (joined.actor_id, joined.project_id) == (bob.id, project.id)
    assert joined.changes["role"] == [None, "member"]
    assert events["invitations.accept"].changes == {"status": ["pending", "accepted"]}
    nonce = world.all(Invitation)[0].nonce
    assert all(nonce not in str(event.changes) for event in events.values())


def test_an_invited_membership_becomes_active(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, bob: Person
) -> None:
    world.membership(acme, bob, status="invited")
    accept(api, token_of(invited(api, project, owner.token)), bob)
    [membership] = [each for each in world.all(OrganizationMembership) if each.user_id == bob.id]
    assert membership.status == "active"
    assert "organization-memberships.accept" in {event.action for event in left_by_requests(world)}


def test_a_link_is_good_once(api: Api, project: Project, owner: Person, bob: Person) -> None:
    token = token_of(invited(api, project, owner.token))
    accept(api, token, bob)
    refused = accept(api, token, bob, expect=409)
    assert code(refused) == "invitation-accepted"
    assert api.get(f"/invitations/{token}", bob.token)["data"]["attributes"]["status"] == "accepted"


def test_nobody_else_reads_or_accepts(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    created = invited(api, project, owner.token)
    token = token_of(created)
    unknown = api.raw("GET", "/invitations/no.thing", owner.token)
    assert unknown.status_int == 404
    others = [owner.token, world.person().token, world.person(site_role="admin").token, world.token(acme)]
    others.append(world.project_token(project, "owner"))
    for caller in others:
        for method, path in [("GET", ""), ("POST", "/actions/accept")]:
            answer = api.raw(method, f"/invitations/{token}{path}", caller)
            assert (answer.status_int, answer.body) == (404, unknown.body)
    assert api.raw("GET", f"/invitations/{token}").status_int == 401
    assert world.all(Invitation)[0].status == "pending"


@pytest.mark.parametrize("damage", ["cut", "changed", "other key", "dots"])
def test_only_what_was_signed_opens(
    api: Api, world: World, project: Project, owner: Person, bob: Person, damage: str
) -> None:
    token = token_of(invited(api, project, owner.token))
    other = token_of(invited(api, project, owner.token, email="eve@example.test"))
    wrong = {
        "cut": token[:-1],
        "changed": ("X" if token[0] != "X" else "Y") + token[1:],
        "other key": f"{token.partition('.')[0]}.{other.partition('.')[2]}",
        "dots": "...",
    }[damage]
    for method, path in (("POST", f"/invitations/{wrong}/actions/accept"), ("GET", f"/invitations/{wrong}")):
        answer = api.raw(method, path, bob.token)
        assert answer.status_int == 404
        assert set(answer.json["errors"][0]) == {"status", "title", "code"}
    assert world.all(ProjectMember) == []


def test_the_address_is_that_of_the_user_now(
    api: Api, project: Project, owner: Person, bob: Person, engine: Engine
) -> None:
    token = token_of(invited(api, project, owner.token))
    api.patch("/account/update", bob.token, document("users", {"email": "robert@example.test"}))
    api.get(f"/invitations/{token}", bob.token)
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == bob.id).values(email="robert@example.test"))
    api.get(f"/invitations/{token}", bob.token, expect=404)
    accept(api, token, bob, expect=404)


def test_an_address_that_only_waits_to_be_confirmed_accepts_nothing(
    api: Api, project: Project, owner: Person, bob: Person
) -> None:
    token = token_of(invited(api, project, owner.token, email="new@example.test"))
    api.patch("/account/update", bob.token, document("users", {"email": "new@example.test"}))
    accept(api, token, bob, expect=404)
    assert api.get("/account/invitations", bob.token)["data"] == []


def test_an_account_that_is_made_later_can_accept(app: Flask, api: Api, project: Project, owner: Person) -> None:
    token = token_of(invited(api, project, owner.token, email="late@example.test"))
    with app.app_context():
        made = app.test_cli_runner().invoke(args=["create-user", "late", "late@example.test"])
    api.post(f"/invitations/{token}/actions/accept", made.output.strip(), expect=200)
    api.get(f"/projects/{project.id}", made.output.strip())


# --- what ends it --------------------------------------------------------------------------------------------------


def test_a_canceled_one_is_not_accepted(api: Api, world: World, project: Project, owner: Person, bob: Person) -> None:
    created = invited(api, project, owner.token)
    path = f"/invitations/{created['id']}"
    api.delete(path, owner.token)
    assert code(accept(api, token_of(created), bob, expect=409)) == "invitation-canceled"
    assert code(api.delete(path, owner.token, expect=409)) == "invitation-canceled"
    assert code(api.post(f"{path}/actions/resend", owner.token, expect=409)) == "invitation-canceled"
    assert api.get(path, owner.token)["data"]["attributes"]["status"] == "canceled"
    [event] = [each for each in left_by_requests(world) if each.action == "invitations.cancel"]
    assert (event.changes, event.is_about_access) == ({"status": ["pending", "canceled"]}, True)
    # The address is free again.
    invited(api, project, owner.token)


def test_an_accepted_one_is_neither_canceled_nor_sent_again(
    api: Api, project: Project, owner: Person, bob: Person
) -> None:
    created = invited(api, project, owner.token)
    accept(api, token_of(created), bob)
    path = f"/invitations/{created['id']}"
    assert code(api.delete(path, owner.token, expect=409)) == "invitation-accepted"
    assert code(api.post(f"{path}/actions/resend", owner.token, expect=409)) == "invitation-accepted"


def test_an_expired_one_is_not_accepted_until_it_is_sent_again(
    api: Api, world: World, project: Project, owner: Person, bob: Person, engine: Engine
) -> None:
    created = invited(api, project, owner.token)
    expire(engine, created["id"])
    assert code(accept(api, token_of(created), bob, expect=409)) == "invitation-expired"
    assert api.get(f"/invitations/{created['id']}", owner.token)["data"]["attributes"]["status"] == "expired"
    assert world.all(ProjectMember) == []
    again = api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)["data"]
    assert again["attributes"]["status"] == "pending"
    accept(api, token_of(again), bob)


def test_sending_again_ends_the_earlier_link(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    created = invited(api, project, owner.token)
    again = api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)["data"]
    assert again["id"] == created["id"]
    assert token_of(again) != token_of(created)
    assert again["attributes"]["link"].endswith(token_of(again))
    assert again["attributes"]["expires-at"] > created["attributes"]["expires-at"]
    api.get(f"/invitations/{token_of(created)}", bob.token, expect=404)
    accept(api, token_of(created), bob, expect=404)
    accept(api, token_of(again), bob)
    [event] = [each for each in left_by_requests(world) if each.action == "invitations.resend"]
    assert (event.changes, event.is_about_access) == ({}, True)


def test_the_environment_may_be_gone(
    api: Api, world: World, project: Project, owner: Person, bob: Person, engine: Engine
) -> None:
    environment = world.environment(project)
    created = invited(api, project, owner.token, environment=environment.id)
    with engine.begin() as connection:
        connection.execute(delete(Environment).where(Environment.id == environment.id))
    refused = accept(api, token_of(created), bob, expect=409)
    assert code(refused) == "invitation-environment-gone"
    assert [each for each in world.all(OrganizationMembership) if each.user_id == bob.id] == [], "all or nothing"


def test_who_became_a_member_otherwise_keeps_the_role(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    token = token_of(invited(api, project, owner.token, role="viewer"))
    world.project_member(project, bob, "admin")
    assert code(accept(api, token, bob, expect=409)) == "already-member"
    [member] = world.all(ProjectMember)
    assert member.role == "admin"


def test_a_project_takes_its_invitations_along(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    token = token_of(invited(api, project, owner.token))
    api.delete(f"/projects/{project.id}", owner.token)
    accept(api, token, bob, expect=404)
    assert world.all(Invitation) == []
