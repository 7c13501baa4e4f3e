"""Invitations to workspaces, and replacing their links."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app.models import Invitation, Organization, OrganizationMembership, Project, Workspace, WorkspaceAclEntry
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.invitations import accept, code, expire, invited, token_of
from tests.support.world import Person, World

EMAIL = "/data/attributes/email"
LEVEL = "/data/attributes/level"


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "net")


def sent(email: Any = "bob@example.test", level: Any = "developer") -> Any:
    return document("invitations", {"email": email, "level": level})


def invited_to(api: Api, workspace: Workspace, token: str, *members: Any) -> Any:
    return api.post(f"/workspaces/{workspace.id}/invitations", token, sent(*members))["data"]


def reset(api: Api, workspace: Workspace, token: str, email: Any = None, *, expect: int = 200) -> Any:
    given = document("invitations", {"email": email}) if email is not None else None
    return api.post(f"/workspaces/{workspace.id}/actions/reset-invite", token, given, expect=expect)


def test_who_was_invited_gets_the_level(
    api: Api, world: World, workspace: Workspace, owner: Person, bob: Person
) -> None:
    created = invited_to(api, workspace, owner.token)
    shown = created["attributes"]
    assert (shown["level"], shown["role"], shown["workspace-name"], shown["project-name"]) == (
        "developer",
        None,
        "net",
        None,
    )
    assert created["relationships"]["workspace"]["data"] == {"id": workspace.id, "type": "workspaces"}
    assert created["relationships"]["project"]["data"] is None
    assert [each["id"] for each in api.get("/account/invitations", bob.token)["data"]] == [created["id"]]
    accept(api, token_of(created), bob)
    [membership] = [each for each in world.all(OrganizationMembership) if each.user_id == bob.id]
    [entry] = world.all(WorkspaceAclEntry)
    assert (entry.workspace_id, entry.membership_id, entry.level) == (workspace.id, membership.id, "developer")
    api.get(f"/workspaces/{workspace.id}", bob.token)
    events = {event.action: event for event in left_by_requests(world)}
    assert set(events) == {
        "invitations.create",
        "organization-memberships.create",
        "workspace-acl-entries.create",
        "invitations.accept",
    }
    made = events["invitations.create"]
    assert made.changes == {"level": [None, "developer"], "email": [None, "bob@example.test"]}
    assert (made.workspace_id, made.project_id, made.is_about_access) == (workspace.id, workspace.project_id, True)
    assert events["workspace-acl-entries.create"].workspace_id == workspace.id


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ((None, "user"), ("Email can't be blank", EMAIL)),
        (("bob", "user"), ("Email is invalid", EMAIL)),
        ((f"{'b' * 242}@example.test", "user"), ("Email is too long (maximum is 254 characters)", EMAIL)),
        (("bob@example.test", "member"), ("Level is not included in the list", LEVEL)),
        (("bob@example.test", None), ("Level can't be blank", LEVEL)),
    ],
)
def test_faults_name_the_member(
    api: Api, workspace: Workspace, owner: Person, members: tuple[Any, Any], fault: tuple[str, str]
) -> None:
    refused = api.post(f"/workspaces/{workspace.id}/invitations", owner.token, sent(*members), expect=422)
    assert faults(refused) == [fault]


def test_one_waits_and_no_member_is_invited(
    api: Api, world: World, workspace: Workspace, owner: Person, bob: Person
) -> None:
    path = f"/workspaces/{workspace.id}/invitations"
    invited_to(api, workspace, owner.token, "eve@example.test")
    assert code(api.post(path, owner.token, sent("Eve@example.test"), expect=422)) == "taken"
    world.acl_entry(workspace, bob, "user")
    assert code(api.post(path, owner.token, sent("Bob@example.test"), expect=422)) == "email-of-member"


def test_an_entry_that_is_there_meanwhile_stays(
    api: Api, world: World, workspace: Workspace, owner: Person, bob: Person
) -> None:
    token = token_of(invited_to(api, workspace, owner.token))
    world.acl_entry(workspace, bob, "admin")
    assert code(accept(api, token, bob, expect=409)) == "already-member"
    assert [entry.level for entry in world.all(WorkspaceAclEntry)] == ["admin"]


def test_the_lists_of_places_keep_to_themselves(
    api: Api, world: World, project: Project, workspace: Workspace, owner: Person
) -> None:
    into = invited(api, project, owner.token)
    to = invited_to(api, workspace, owner.token)
    invited_to(api, world.workspace(project), owner.token)
    found = api.get(f"/projects/{project.id}/invitations", owner.token)["data"]
    assert [each["id"] for each in found] == [into["id"]]
    found = api.get(f"/workspaces/{workspace.id}/invitations", owner.token)["data"]
    assert [each["id"] for each in found] == [to["id"]]


def test_an_entry_can_be_made_by_invitation(
    api: Api, world: World, project: Project, workspace: Workspace, owner: Person, bob: Person
) -> None:
    token = token_of(invited_to(api, workspace, owner.token))
    into = token_of(invited(api, project, owner.token))
    path, other = f"/workspaces/{workspace.id}/acl", f"/workspaces/{world.workspace(project).id}/acl"
    by_invite = document("workspace-acl-entries", {"invite": token})
    # Of another workspace, of a project, of nobody, by somebody else, by no person.
    api.post(other, bob.token, by_invite, expect=404)
    api.post(path, bob.token, document("workspace-acl-entries", {"invite": into}), expect=404)
    api.post(path, bob.token, document("workspace-acl-entries", {"invite": "no.thing"}), expect=404)
    api.post(path, owner.token, by_invite, expect=404)
    api.post(path, world.project_token(project, "owner"), by_invite, expect=404)
    assert world.all(WorkspaceAclEntry) == []
    created = api.post(path, bob.token, by_invite)["data"]
    assert (created["type"], created["attributes"]["level"]) == ("workspace-acl-entries", "developer")
    assert created["relationships"]["user"]["data"]["id"] == bob.id
    assert [entry.id for entry in world.all(WorkspaceAclEntry)] == [created["id"]]
    assert code(api.post(path, bob.token, by_invite, expect=409)) == "invitation-accepted"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("invite", "fault"),
    [
        (None, "Invite can't be blank"),
        ("", "Invite can't be blank"),
        (1, "Invite must be a string"),
        ("x" * 1_001, "Invite is too long (maximum is 1000 characters)"),
    ],
)
def test_what_is_no_invitation_is_named(api: Api, workspace: Workspace, owner: Person, invite: Any, fault: str) -> None:
    given = document("workspace-acl-entries", {"invite": invite})
    refused = api.post(f"/workspaces/{workspace.id}/acl", owner.token, given, expect=422)
    assert faults(refused) == [(fault, "/data/attributes/invite")]
    given = document("workspace-acl-entries", {"invite": "x" * 1_000})
    api.post(f"/workspaces/{workspace.id}/acl", owner.token, given, expect=404)


# --- reset ---------------------------------------------------------------------------------------------------------


def test_a_reset_ends_every_earlier_link(
    api: Api, world: World, project: Project, workspace: Workspace, owner: Person, bob: Person, engine: Engine
) -> None:
    first = invited_to(api, workspace, owner.token)
    late = invited_to(api, workspace, owner.token, "eve@example.test")
    expire(engine, late["id"])
    elsewhere = invited(api, project, owner.token)
    answer = reset(api, workspace, owner.token)["data"]
    assert {each["id"] for each in answer} == {first["id"], late["id"]}
    assert {each["attributes"]["status"] for each in answer} == {"pending"}
    accept(api, token_of(first), bob, expect=404)
    [renewed] = [each for each in answer if each["id"] == first["id"]]
    assert renewed["attributes"]["link"].endswith(token_of(renewed))
    accept(api, token_of(renewed), bob)
    accept(api, token_of(elsewhere), bob)
    events = [each for each in left_by_requests(world) if each.action == "invitations.resend"]
    assert {(each.subject_id, each.project_id) for each in events} == {
        (first["id"], project.id),
        (late["id"], project.id),
    }


def test_a_reset_for_one_address_leaves_the_others(
    api: Api, workspace: Workspace, owner: Person, bob: Person, world: World
) -> None:
    first = invited_to(api, workspace, owner.token)
    other = invited_to(api, workspace, owner.token, "eve@example.test")
    [renewed] = reset(api, workspace, owner.token, "BOB@example.test")["data"]
    assert renewed["id"] == first["id"]
    accept(api, token_of(first), bob, expect=404)
    accept(api, token_of(other), world.person("eve"))


def test_a_reset_finds_nothing_to_do_or_nobody(api: Api, workspace: Workspace, owner: Person, bob: Person) -> None:
    assert reset(api, workspace, owner.token)["data"] == []
    accept(api, token_of(invited_to(api, workspace, owner.token)), bob)
    assert reset(api, workspace, owner.token)["data"] == []
    refused = reset(api, workspace, owner.token, "bob@example.test", expect=422)
    assert (code(refused), faults(refused)[0][1]) == ("nobody-invited", EMAIL)


def test_a_reset_reads_its_body(api: Api, workspace: Workspace, owner: Person) -> None:
    created = invited_to(api, workspace, owner.token)
    path = f"/workspaces/{workspace.id}/actions/reset-invite"
    for email in ("", 1, "b" * 255):
        refused = api.post(path, owner.token, document("invitations", {"email": email}), expect=422)
        assert [pointer for _, pointer in faults(refused)] == [EMAIL]
    [renewed] = api.post(path, owner.token, document("anything", {"email": None}), expect=200)["data"]
    assert renewed["id"] == created["id"]


def test_a_reset_of_an_owners_link_takes_an_owner(
    api: Api, world: World, workspace: Workspace, owner: Person, bob: Person
) -> None:
    admin = world.person()
    world.acl_entry(workspace, admin, "admin")
    created = invited_to(api, workspace, owner.token, "bob@example.test", "owner")
    invited_to(api, workspace, owner.token, "eve@example.test")
    before = {each.id: each.nonce for each in world.all(Invitation)}
    reset(api, workspace, admin.token, expect=403)
    api.post(f"/invitations/{created['id']}/actions/resend", admin.token, expect=403)
    assert {each.id: each.nonce for each in world.all(Invitation)} == before, "all or nothing"
    assert len(reset(api, workspace, admin.token, "eve@example.test")["data"]) == 1
    accept(api, token_of(created), bob)


def test_a_workspace_that_moves_takes_its_invitations_along(
    api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person
) -> None:
    created = invited_to(api, workspace, owner.token)
    there = world.project(acme)
    before, after = world.person(), world.person()
    world.project_member(_of(workspace, world), before, "admin")
    world.project_member(there, after, "admin")
    moved = {"data": [{"type": "workspaces", "id": workspace.id}]}
    path = f"/invitations/{created['id']}"
    api.get(path, before.token)
    api.get(path, after.token, expect=404)
    api.post(f"/projects/{there.id}/relationships/workspaces", owner.token, moved, expect=204)
    api.get(path, before.token, expect=404)
    api.get(path, after.token)


def _of(workspace: Workspace, world: World) -> Project:
    [found] = [project for project in world.all(Project) if project.id == workspace.project_id]
    assert isinstance(found, Project)
    return found
