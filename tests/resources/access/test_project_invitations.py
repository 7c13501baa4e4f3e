"""Invitations into projects: what can be asked for, what an invitation shows, what the list has."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.models import Invitation, Organization, Project
from app.persistence import now
from app.resources.access.invitations.operations import WAITING
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.invitations import accept, code, expire, invited, sent, token_of
from tests.support.world import Person, World

EMAIL = "/data/attributes/email"
ROLE = "/data/attributes/role"
CELLS = "/data/attributes/cell-scopes"
ENVIRONMENT = "/data/relationships/environment"

# --- inviting ------------------------------------------------------------------------------------------------------


def test_what_is_invited_is_shown(api: Api, project: Project, owner: Person) -> None:
    created = invited(api, project, owner.token)
    shown = dict(created["attributes"])
    token, link = shown.pop("token"), shown.pop("link")
    assert link == f"http://localhost/invitations/{token}"
    assert shown.pop("created-at") < shown.pop("expires-at")
    assert shown == {
        "email": "bob@example.test",
        "role": "member",
        "level": None,
        "cell-scopes": None,
        "status": "pending",
        "sent-at": None,
        "organization-name": "acme",
        "project-name": "billing",
        "workspace-name": None,
        "invited-by-name": "ada",
    }
    assert created["relationships"] == {
        "organization": {"data": {"id": "acme", "type": "organizations"}},
        "project": {"data": {"id": project.id, "type": "projects"}},
        "workspace": {"data": None},
        "environment": {"data": None},
        "invited-by": {"data": {"id": owner.id, "type": "users"}},
    }
    again = api.get(f"/invitations/{created['id']}", owner.token)["data"]
    assert again == {**created, "attributes": {**created["attributes"], "token": None, "link": None}}
    assert api.get(f"/projects/{project.id}/invitations", owner.token)["data"] == [again]


def test_an_invitation_is_good_for_a_week(api: Api, world: World, project: Project, owner: Person) -> None:
    invited(api, project, owner.token)
    [invitation] = world.all(Invitation)
    assert abs(invitation.expires_at - invitation.created_at - timedelta(days=7)) < timedelta(seconds=5)


FAULTS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"email": None}, ("Email can't be blank", EMAIL)),
    ({"email": ""}, ("Email can't be blank", EMAIL)),
    ({"email": 1}, ("Email must be a string", EMAIL)),
    ({"email": "bob"}, ("Email is invalid", EMAIL)),
    ({"email": "b b@example.test"}, ("Email is invalid", EMAIL)),
    ({"email": "b\r\nBcc:x@example.test"}, ("Email is invalid", EMAIL)),
    *(
        ({"email": email}, ("Email is invalid", EMAIL))
        for email in (
            "eve<bob@example.test>",
            "root,bob@example.test",
            "root;bob@example.test",
            "all:bob@example.test",
            "root(bob@example.test)",
            '"root"@example.test',
            "bob\\@example.test",
            "bob@[127.0.0.1]",
        )
    ),
    ({"email": f"{'b' * 242}@example.test"}, ("Email is too long (maximum is 254 characters)", EMAIL)),
    ({"role": None}, ("Role can't be blank", ROLE)),
    ({"role": "developer"}, ("Role is not included in the list", ROLE)),
    ({"role": ["member"]}, ("Role is not included in the list", ROLE)),
    ({"cell_scopes": "eu"}, ("Cell scopes must be null or an array of strings", CELLS)),
    ({"cell_scopes": [1]}, ("Cell scopes must be null or an array of strings", CELLS)),
    ({"cell_scopes": ["e u"]}, ("Cell scopes has a name that no cell can have", CELLS)),
    ({"cell_scopes": ["e" * 64]}, ("Cell scopes has a name that no cell can have", CELLS)),
    ({"cell_scopes": [f"c{index}" for index in range(101)]}, ("Cell scopes must have at most 100 cells", CELLS)),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("members", "fault"), FAULTS)
def test_faults_name_the_member(
    api: Api, world: World, project: Project, owner: Person, members: dict[str, Any], fault: tuple[str, str]
) -> None:
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, sent(**members), expect=422)
    assert faults(refused) == [fault]
    assert world.all(Invitation) == []


@pytest.mark.one_database
@pytest.mark.parametrize("missing", ["email", "role"])
def test_members_that_are_missing_are_named(api: Api, project: Project, owner: Person, missing: str) -> None:
    given = sent()
    del given["data"]["attributes"][missing]
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, given, expect=422)
    assert [pointer for _, pointer in faults(refused)] == [f"/data/attributes/{missing}"]


def test_the_bounds_are_allowed(api: Api, project: Project, owner: Person) -> None:
    cells = [f"{'c' * 60}{index:03}" for index in range(100)]
    created = invited(api, project, owner.token, email=f"{'b' * 241}@example.test", cell_scopes=cells)
    assert created["attributes"]["cell-scopes"] == cells


@pytest.mark.parametrize("scope", [{"cell_scopes": ["eu"]}, {"cell_scopes": []}, {"environment": "default"}])
def test_an_owner_is_not_invited_into_a_part(
    api: Api, world: World, project: Project, owner: Person, scope: dict[str, Any]
) -> None:
    if "environment" in scope:
        scope = {"environment": world.default_environment(project).id}
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, sent(role="owner", **scope), expect=422)
    assert code(refused) == "scoped-owner"
    assert faults(refused)[0][1] == (ENVIRONMENT if "environment" in scope else CELLS)


def test_an_environment_is_one_of_the_project(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project, other = world.project(acme), world.project(world.organization())
    path = f"/projects/{project.id}/invitations"
    answers = [
        api.raw("POST", path, owner.token, sent(environment=wanted))
        for wanted in (
            "env-1111111111111111",
            world.default_environment(other).id,
            world.default_environment(world.project(acme)).id,
        )
    ]
    assert {answer.status_int for answer in answers} == {400}
    assert len({answer.body for answer in answers}) == 1, "unknown reads like another's"
    assert faults(answers[0].json) == [("The project has no such environment", ENVIRONMENT)]


def test_one_invitation_waits_for_an_address(api: Api, world: World, project: Project, owner: Person) -> None:
    invited(api, project, owner.token)
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, sent("BOB@example.test"), expect=422)
    assert faults(refused) == [("Email has already been taken", EMAIL)]
    assert code(refused) == "taken"
    assert len(world.all(Invitation)) == 1


def test_the_same_address_can_be_invited_elsewhere(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    invited(api, project, owner.token)
    invited(api, world.project(acme), owner.token)


def test_who_is_a_member_is_not_invited(api: Api, world: World, project: Project, owner: Person, bob: Person) -> None:
    world.project_member(project, bob, "viewer")
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, sent("Bob@Example.test"), expect=422)
    assert (code(refused), faults(refused)) == ("email-of-member", [("Email belongs to a member already", EMAIL)])


def test_so_many_can_wait(api: Api, project: Project, owner: Person, engine: Engine) -> None:
    row = {"organization_id": project.organization_id, "project_id": project.id, "role": "viewer", "nonce": "n"}
    with engine.begin() as connection:
        waiting = [{**row, "email": f"{index}@example.test", "expires_at": now()} for index in range(WAITING - 1)]
        connection.execute(Invitation.__table__.insert(), waiting)  # type: ignore[attr-defined]
    last = invited(api, project, owner.token)
    refused = api.post(f"/projects/{project.id}/invitations", owner.token, sent("eve@example.test"), expect=422)
    assert code(refused) == "too-many-invitations"
    api.delete(f"/invitations/{last['id']}", owner.token)
    invited(api, project, owner.token, email="eve@example.test")


def test_a_new_invitation_takes_the_place_of_an_expired_one(
    api: Api, world: World, project: Project, owner: Person, bob: Person, engine: Engine
) -> None:
    first = invited(api, project, owner.token)
    expire(engine, first["id"])
    second = invited(api, project, owner.token, role="viewer")
    assert code(accept(api, token_of(first), bob, expect=409)) == "invitation-canceled"
    accept(api, token_of(second), bob)
    actions = [event.action for event in left_by_requests(world) if event.subject_type == "invitations"]
    assert sorted(actions) == ["invitations.accept", "invitations.cancel", "invitations.create", "invitations.create"]


# --- listing -------------------------------------------------------------------------------------------------------


def test_the_list_has_what_waits_unless_asked_otherwise(
    api: Api, project: Project, owner: Person, bob: Person, engine: Engine
) -> None:
    ids = {}
    for status in ("pending", "canceled", "expired"):
        ids[status] = invited(api, project, owner.token, email=f"{status}@example.test")["id"]
    accepted = invited(api, project, owner.token)
    ids["accepted"] = accepted["id"]
    accept(api, token_of(accepted), bob)
    api.delete(f"/invitations/{ids['canceled']}", owner.token)
    expire(engine, ids["expired"])
    path = f"/projects/{project.id}/invitations"
    for query, wanted in [
        ("", {"pending"}),
        ("?filter[status]=pending", {"pending"}),
        ("?filter[status]=expired", {"expired"}),
        ("?filter[status]=accepted", {"accepted"}),
        ("?filter[status]=canceled,expired", {"canceled", "expired"}),
        ("?filter[status]=pending,canceled,expired,accepted", {"pending", "canceled", "expired", "accepted"}),
        ("?q=PEND", {"pending"}),
        ("?q=nobody", set()),
    ]:
        answer = api.get(path + query, owner.token)
        assert {item["id"] for item in answer["data"]} == {ids[each] for each in wanted}, query
        assert {item["attributes"]["status"] for item in answer["data"]} == wanted, query
        assert answer["meta"]["pagination"]["total-count"] == len(wanted), query
        assert {item["attributes"]["token"] for item in answer["data"]} <= {None}
    refused = api.get(f"{path}?filter[status]=gone", owner.token, expect=400)
    assert [parameter for _, parameter in faults(refused)] == ["filter[status]"]


def test_the_list_is_in_the_order_of_inviting(api: Api, project: Project, owner: Person) -> None:
    ids = [invited(api, project, owner.token, email=f"{each}@example.test")["id"] for each in "cab"]
    path = f"/projects/{project.id}/invitations"
    assert [item["id"] for item in api.get(path, owner.token)["data"]] == ids
    assert [item["id"] for item in api.get(f"{path}?sort=-created-at", owner.token)["data"]] == ids[::-1]
    second = api.get(f"{path}?page[size]=1&page[number]=2", owner.token)["data"]
    assert [item["id"] for item in second] == ids[1:2]
