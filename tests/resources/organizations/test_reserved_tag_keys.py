"""Keys that an organization reserves: a workspace can't give an inherited one another value."""

from typing import Any

import pytest

from app.models import Organization, Project, ReservedTagKey, Workspace
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

FIXED = ("Key env is inherited from the project and can't be overridden", "/data")


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with env=prod, a key that the organization has reserved, and team=core, which it has not."""
    world.add(ReservedTagKey(organization_id=acme.id, key="Env", disable_overrides=True))
    project = world.project(acme)
    world.tag(project, "env", "prod")
    world.tag(project, "team", "core")
    return project


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project)


def bindings(**tags: str) -> dict[str, Any]:
    return {"data": [bound(key, value) for key, value in tags.items()]}


def bound(key: str, value: str) -> dict[str, Any]:
    return {"type": "tag-bindings", "attributes": {"key": key, "value": value}}


def plain(*names: str) -> dict[str, Any]:
    return {"data": [{"type": "tags", "attributes": {"name": name}} for name in names]}


def reserve(api: Api, owner: Person, **attributes: Any) -> None:
    (key,) = api.get("/organizations/acme/reserved-tag-keys", owner.token)["data"]
    document_ = document("reserved-tag-keys", attributes)
    api.patch(f"/reserved-tag-keys/{key['id']}", owner.token, document_)


def counting(api: Api, owner: Person, workspace_id: str) -> dict[str, str]:
    found = api.get(f"/workspaces/{workspace_id}/effective-tag-bindings", owner.token)["data"]
    return {tag["attributes"]["key"]: tag["attributes"]["value"] for tag in found}


@pytest.mark.parametrize("value", ["dev", "prod", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "tag-bindings"), ("POST", "relationships/tag-bindings"), ("PATCH", "relationships/tag-bindings")],
)
def test_an_inherited_key_is_not_overridden(
    api: Api, owner: Person, workspace: Workspace, method: str, path: str, value: str
) -> None:
    sent = bindings(team="mine", env=value)
    answer = api.send(method, f"/workspaces/{workspace.id}/{path}", owner.token, sent, expect=422)
    assert faults(answer) == [FIXED]
    assert counting(api, owner, workspace.id) == {"env": "prod", "team": "core"}


def test_neither_with_the_workspace_itself(api: Api, acme: Organization, owner: Person, workspace: Workspace) -> None:
    path, new = f"/organizations/{acme.name}/workspaces", ("projects", workspace.project_id)
    for tags in (
        {"tag_bindings": [bound("env", "dev")]},
        {"tags": [{"type": "tags", "attributes": {"name": "env"}}]},
    ):
        created = document("workspaces", {"name": "new"}, project=new, **tags)
        assert faults(api.post(path, owner.token, created, expect=422)) == [FIXED]
        updated = document("workspaces", {"name": "renamed"}, **tags)
        assert faults(api.patch(f"/workspaces/{workspace.id}", owner.token, updated, expect=422)) == [FIXED]
    assert [each["id"] for each in api.get(path, owner.token)["data"]] == [workspace.id]


def test_neither_by_a_plain_tag(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace
) -> None:
    tags = f"/workspaces/{workspace.id}/relationships/tags"
    assert faults(api.post(tags, owner.token, plain("blue", "env"), expect=422)) == [FIXED]
    # Where nothing is inherited the key is free; whoever has it gives it to others.
    elsewhere = world.workspace(world.project(acme))
    api.post(f"/workspaces/{elsewhere.id}/relationships/tags", owner.token, plain("env"), expect=204)
    (tag,) = api.get("/organizations/acme/tags", owner.token)["data"]
    both = {"data": [{"type": "workspaces", "id": each.id} for each in (elsewhere, workspace)]}
    answer = api.post(f"/tags/{tag['id']}/relationships/workspaces", owner.token, both, expect=422)
    assert faults(answer) == [FIXED]
    assert counting(api, owner, workspace.id) == {"env": "prod", "team": "core"}


def test_other_keys_are_free(api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace) -> None:
    api.patch(f"/workspaces/{workspace.id}/tag-bindings", owner.token, bindings(team="mine", other="x"))
    # Reserved, but not inherited.
    elsewhere = world.workspace(world.project(acme))
    api.patch(f"/workspaces/{elsewhere.id}/tag-bindings", owner.token, bindings(env="dev"))
    # And no other organization's affair.
    theirs = world.project(world.organization("other", owner=owner))
    world.tag(theirs, "env", "prod")
    api.patch(f"/workspaces/{world.workspace(theirs).id}/tag-bindings", owner.token, bindings(env="dev"))
    assert counting(api, owner, workspace.id) == {"env": "prod", "team": "mine", "other": "x"}


def test_the_project_itself_is_free(api: Api, owner: Person, project: Project, workspace: Workspace) -> None:
    api.patch(f"/projects/{project.id}/tag-bindings", owner.token, bindings(env="stage"))
    assert counting(api, owner, workspace.id)["env"] == "stage"


def test_overrides_may_be_allowed(api: Api, owner: Person, workspace: Workspace) -> None:
    reserve(api, owner, **{"disable-overrides": False})
    api.patch(f"/workspaces/{workspace.id}/tag-bindings", owner.token, bindings(env="dev"))
    assert counting(api, owner, workspace.id)["env"] == "dev"


def test_what_was_there_before_stays_until_it_is_changed(api: Api, owner: Person, workspace: Workspace) -> None:
    reserve(api, owner, **{"disable-overrides": False})
    path = f"/workspaces/{workspace.id}/relationships/tag-bindings"
    api.patch(path, owner.token, bindings(env="dev", other="x"), expect=204)
    reserve(api, owner, **{"disable-overrides": True})
    # Clients send all tags to change one.
    api.patch(path, owner.token, bindings(env="dev", other="y"), expect=204)
    assert counting(api, owner, workspace.id) == {"env": "dev", "other": "y", "team": "core"}
    assert faults(api.patch(path, owner.token, bindings(env="test"), expect=422)) == [FIXED]
    api.patch(path, owner.token, bindings(other="y"), expect=204)
    assert counting(api, owner, workspace.id)["env"] == "prod"
    assert faults(api.patch(path, owner.token, bindings(env="dev"), expect=422)) == [FIXED]


def test_a_workspace_that_moves_meets_the_keys_of_its_new_project(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    workspace = world.workspace(world.project(acme))
    moved = document("workspaces", project=("projects", project.id), tag_bindings=[bound("env", "dev")])
    assert faults(api.patch(f"/workspaces/{workspace.id}", owner.token, moved, expect=422)) == [FIXED]
