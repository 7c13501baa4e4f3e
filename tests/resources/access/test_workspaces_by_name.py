"""A workspace by its full name: its access list, its avatar, and links of invitations that are replaced."""

from typing import Any

import pytest

from app.models import Invitation, Organization, Project, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.invitations import token_of
from tests.support.pictures import avatar, picture
from tests.support.world import Person, World

NAME = "/organizations/acme/workspaces/NET"


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "net")


@pytest.mark.usefixtures("workspace")
def test_the_access_list_is_the_same(api: Api, world: World, acme: Organization, owner: Person) -> None:
    ada = world.member(acme, username="grace")
    path = f"{NAME}/acl"
    sent = document("workspace-acl-entries", {"level": "user", "username": "grace"})
    made = api.post(path, owner.token, sent)["data"]
    assert made["relationships"]["user"]["data"]["id"] == ada.id
    assert api.get(f"{path}?include=user", owner.token)["data"] == [made]
    entry = f"{path}/{made['id']}"
    assert api.get(entry, owner.token)["data"] == made == api.get(made["links"]["self"][7:], owner.token)["data"]
    changed = api.patch(entry, owner.token, document("workspace-acl-entries", {"level": "admin"}))["data"]
    assert changed["attributes"]["level"] == "admin"
    api.delete(entry, ada.token)
    assert api.get(path, owner.token)["data"] == []


def test_the_avatar_is_the_same(api: Api, owner: Person, workspace: Workspace) -> None:
    made = api.post(f"{NAME}/avatar", owner.token, avatar(picture()))["data"]
    assert made["links"]["self"] == f"/api/v2/workspaces/{workspace.id}/avatar"
    shown = [api.raw("GET", path, owner.token) for path in (f"{NAME}/avatar", f"/workspaces/{workspace.id}/avatar")]
    assert shown[0].body == shown[1].body
    api.delete(f"{NAME}/avatar", owner.token)
    api.get(f"{NAME}/avatar", owner.token, expect=404)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/acl", None),
        ("POST", "/acl", document("workspace-acl-entries", {"level": "user", "username": "ada"})),
        ("GET", "/acl/acl-1111111111111111", None),
        ("PATCH", "/acl/acl-1111111111111111", document("workspace-acl-entries", {"level": "user"})),
        ("DELETE", "/acl/acl-1111111111111111", None),
        ("POST", "/avatar", avatar(picture())),
        ("GET", "/avatar", None),
        ("DELETE", "/avatar", None),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_a_hidden_workspace_reads_like_a_missing_one(
    api: Api, world: World, acme: Organization, owner: Person, method: str, path: str, body: Any
) -> None:
    stranger = world.person()
    world.membership(acme, stranger)
    for name in ("net", "missing"):
        answer = api.raw(method, f"/organizations/acme/workspaces/{name}{path}", stranger.token, body)
        assert (answer.status_int, answer.json["errors"][0].keys()) == (404, {"status", "title", "code"})
    assert api.raw(method, f"{NAME}{path}", None, body).status_int == 401
    assert api.raw(method, f"/organizations/acme/workspaces/missing{path}", owner.token, body).status_int == 404


# --- resetting invitations -----------------------------------------------------------------------------------------


def put(**attributes: Any) -> Any:
    return document("workspaces", {name.replace("_", "-"): value for name, value in attributes.items()})


def test_a_put_replaces_the_links_of_invitations(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    made = [
        api.post(
            f"/workspaces/{workspace.id}/invitations",
            owner.token,
            document("invitations", {"email": f"{name}@example.test", "level": "user"}),
        )["data"]
        for name in ("bob", "eve")
    ]
    nonces = {each.id: each.nonce for each in world.all(Invitation)}
    answer = api.put(NAME, owner.token, put(description="new", reset_invite=True))
    assert answer["data"]["attributes"]["description"] == "new"
    assert {each["id"] for each in answer["included"]} == {each["id"] for each in made}
    after = {each.id: each.nonce for each in world.all(Invitation)}
    assert all(after[each] != nonce for each, nonce in nonces.items())
    bob = world.person("bob")
    [renewed] = [each for each in answer["included"] if each["attributes"]["email"] == "bob@example.test"]
    [earlier] = [each for each in made if each["id"] == renewed["id"]]
    api.post(f"/invitations/{token_of(earlier)}/actions/accept", bob.token, expect=404)
    api.post(f"/invitations/{token_of(renewed)}/actions/accept", bob.token, expect=200)
    actions = [event.action for event in left_by_requests(world)]
    assert actions.count("invitations.resend") == 2
    assert "included" not in api.put(NAME, owner.token, put(reset_invite=False))


def test_whoever_may_not_invite_resets_and_changes_nothing(
    api: Api, world: World, workspace: Workspace, project: Project
) -> None:
    invitation = world.add(
        Invitation(
            organization_id=project.organization_id,
            workspace_id=workspace.id,
            email="bob@example.test",
            role="owner",
            nonce="n",
            expires_at=workspace.created_at,
        )
    )
    admin = world.person()
    world.project_member(project, admin, "admin")
    # Who may invite, but not an owner, renews no link of one.
    api.put(NAME, admin.token, put(description="new", reset_invite=True), expect=403)
    token = world.project_token(project, "admin")
    [error] = api.put(NAME, token, put(description="new", reset_invite=True), expect=403)["errors"]
    assert error["source"] == {"pointer": "/data/attributes/reset-invite"}
    [kept] = [each for each in world.all(Workspace) if each.id == workspace.id]
    assert kept.description is None
    assert [each.nonce for each in world.all(Invitation)] == [invitation.nonce]


@pytest.mark.usefixtures("acme")
def test_a_new_workspace_has_no_links_to_replace(api: Api, world: World, owner: Person) -> None:
    path = "/organizations/acme/workspaces/other"
    api.put(path, owner.token, put(reset_invite=True), expect=201)
    api.put(path, owner.token, put(reset_invite="yes"), expect=422)
    assert world.all(Invitation) == []
