"""SSH keys of an organization, and the one that a workspace has."""

from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, Organization, SshKey, Workspace
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

KEYS = "/organizations/acme/ssh-keys"
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-part\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    return world.workspace(world.project(acme))


def new(api: Api, owner: Person, name: str = "modules") -> str:
    made = api.post(KEYS, owner.token, document("ssh-keys", {"name": name, "value": PRIVATE}))
    return str(made["data"]["id"])


def relationship(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.id}/relationships/ssh-key"


def test_a_key_is_made_shown_renamed_and_deleted_and_never_tells_its_value(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person
) -> None:
    key_id = new(api, owner)
    flags = api.get(f"/organizations/{acme.name}", owner.token)["data"]["attributes"]["permissions"]
    assert flags["can-update-ssh-keys"] is True
    shown = {
        "id": key_id,
        "type": "ssh-keys",
        "attributes": {"name": "modules"},
        "links": {"self": f"/api/v2/ssh-keys/{key_id}"},
    }
    assert api.get(f"/ssh-keys/{key_id}", owner.token)["data"] == shown
    assert api.get(KEYS, owner.token)["data"] == [shown]
    renamed = document("ssh-keys", {"name": "private modules", "value": "another"})
    assert api.patch(f"/ssh-keys/{key_id}", owner.token, renamed)["data"]["attributes"] == {"name": "private modules"}
    [key] = world.all(SshKey)
    assert "secret-part" not in key.sealed_value
    assert services(app).keyring.unseal(key.sealed_value).decode() == PRIVATE
    api.delete(f"/ssh-keys/{key_id}", owner.token)
    assert api.get(KEYS, owner.token)["data"] == []
    events = {event.action: event.changes for event in world.all(ActivityEvent)}
    assert {"ssh-keys.create", "ssh-keys.update", "ssh-keys.delete"} <= set(events)
    assert "secret-part" not in str(events)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"value": PRIVATE}, ("Name can't be blank", "/data/attributes/name")),
        ({"name": "modules"}, ("Value can't be blank", "/data/attributes/value")),
        ({"name": "modules", "value": " "}, ("Value can't be blank", "/data/attributes/value")),
        ({"name": "taken", "value": PRIVATE}, ("Name has already been taken", "/data/attributes/name")),
        (
            {"name": "big", "value": "x" * 65_537},
            ("Value is too long (maximum is 65536 characters)", "/data/attributes/value"),
        ),
    ],
)
def test_a_bad_key_is_refused(
    api: Api, acme: Organization, owner: Person, attributes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert acme.name == "acme"
    new(api, owner, "taken")
    assert faults(api.post(KEYS, owner.token, document("ssh-keys", attributes), expect=422)) == [expected]


def test_members_see_the_names_those_who_manage_connections_manage_keys_and_the_organization_token_does_neither(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    key_id = new(api, owner)
    member = world.member(acme)
    api.get(KEYS, member.token)
    api.get(f"/ssh-keys/{key_id}", member.token)
    sent = document("ssh-keys", {"name": "mine", "value": PRIVATE})
    api.post(KEYS, member.token, sent, expect=404)
    api.patch(f"/ssh-keys/{key_id}", member.token, document("ssh-keys", {"name": "mine"}), expect=404)
    api.delete(f"/ssh-keys/{key_id}", member.token, expect=404)
    manager = world.member(acme, world.team(acme, "manage-vcs-settings"))
    api.post(KEYS, manager.token, sent)
    for token in (world.token(acme), world.person().token):
        api.get(KEYS, token, expect=404)
        api.get(f"/ssh-keys/{key_id}", token, expect=404)
        api.post(KEYS, token, document("ssh-keys", {"name": "other", "value": PRIVATE}), expect=404)


def as_go_tfe(identifier: str | None) -> dict[str, Any]:
    return {"data": {"type": "workspaces", "attributes": {"id": identifier}}}


def as_identifier(identifier: str | None) -> dict[str, Any]:
    return {"data": identifier and {"type": "ssh-keys", "id": identifier}}


@pytest.mark.parametrize("sent", [as_go_tfe, as_identifier])
def test_a_workspace_is_given_a_key_and_loses_it(api: Api, owner: Person, workspace: Workspace, sent: Any) -> None:
    key_id = new(api, owner)
    given = api.patch(relationship(workspace), owner.token, sent(key_id))["data"]["relationships"]["ssh-key"]
    assert given == {
        "data": {"id": key_id, "type": "ssh-keys"},
        "links": {"related": f"/api/v2/ssh-keys/{key_id}"},
    }
    taken = api.patch(relationship(workspace), owner.token, sent(None))["data"]["relationships"]["ssh-key"]
    assert taken == {"data": None}


def test_a_deleted_key_is_taken_from_workspaces(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements
) -> None:
    project, other = world.project(acme), world.workspace(world.project(acme))
    api.patch(relationship(other), owner.token, as_go_tfe(new(api, owner, "another")))
    given: list[Workspace] = []
    costs = []
    for count in (1, 3):
        key_id = new(api, owner)
        given = [world.workspace(project) for _ in range(count)]
        for each in given:
            api.patch(relationship(each), owner.token, as_go_tfe(key_id))
        before = len(left_by_requests(world))
        costs.append(cost(statements, api, owner.token, ("DELETE", f"/ssh-keys/{key_id}", None)))
        events = left_by_requests(world)[before:]
        assert sorted(event.action for event in events) == ["ssh-keys.delete", *["workspaces.update"] * count]
        changed = {
            (event.workspace_id, event.project_id): event.changes
            for event in events
            if event.action == "workspaces.update"
        }
        assert changed == {(each.id, project.id): {"ssh-key-id": [key_id, None]} for each in given}
    assert costs[0] == costs[1]
    for each in given:
        shown = api.get(f"/workspaces/{each.id}", owner.token)["data"]
        assert shown["relationships"]["ssh-key"] == {"data": None}


def test_a_key_of_another_organization_and_one_that_is_not_there_are_alike(
    api: Api, world: World, owner: Person, workspace: Workspace
) -> None:
    other = world.organization("umbrella", owner=owner)
    foreign = world.add(SshKey(organization_id=other.id, name="theirs", sealed_value="…"))
    for key_id in (foreign.id, "sshkey-nothing"):
        api.patch(relationship(workspace), owner.token, as_go_tfe(key_id), expect=404)


def test_who_may_not_change_the_workspace_or_see_keys_assigns_none(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    key_id = new(api, owner)
    for token in (world.token(acme), world.member(acme).token, world.person().token):
        api.patch(relationship(workspace), token, as_go_tfe(key_id), expect=404)
        api.patch(relationship(workspace), token, as_go_tfe(None), expect=404)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], ("The document must have a member data", "")),
        ({"data": {"type": "workspaces"}}, ("Id can't be blank", "/data/id")),
        ({"data": {"type": "workspaces", "attributes": {}}}, ("Id can't be blank", "/data/attributes/id")),
        ({"data": {"id": 1}}, ("Id must be a string or null", "/data/id")),
    ],
)
def test_a_malformed_assignment_is_refused(
    api: Api, owner: Person, workspace: Workspace, sent: Any, expected: tuple[str, str]
) -> None:
    assert faults(api.patch(relationship(workspace), owner.token, sent, expect=422)) == [expected]
