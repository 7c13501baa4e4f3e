"""The plain tags of an organization, and the keys it reserves."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from app.models import Organization, ReservedTagKey, TagBinding, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

TAGS = "/organizations/acme/tags"
KEYS = "/organizations/acme/reserved-tag-keys"


def tagged(api: Api, world: World, acme: Organization, owner: Person, *names: str) -> str:
    """A new workspace with these plain tags; its id."""
    workspace = world.workspace(world.default_project(acme))
    sent = {"data": [{"type": "tags", "attributes": {"name": name}} for name in names]}
    api.post(f"/workspaces/{workspace.id}/relationships/tags", owner.token, sent, expect=204)
    return workspace.id


def by_name(answer: Any) -> dict[str, Any]:
    return {tag["attributes"]["name"]: tag for tag in answer["data"]}


def ids(kind: str, *identifiers: str) -> Any:
    return {"data": [{"type": kind, "id": identifier} for identifier in identifiers]}


def test_the_tags_of_an_organization_are_those_its_workspaces_have(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    first = tagged(api, world, acme, owner, "app", "blue")
    second = tagged(api, world, acme, owner, "app", "red")
    bound = {"data": [{"type": "tag-bindings", "attributes": {"key": "env", "value": "prod"}}]}
    api.post(f"/workspaces/{first}/relationships/tag-bindings", owner.token, bound, expect=204)
    world.tag(world.default_project(acme), "project")
    other = world.organization("other", owner=owner)
    tagged(api, world, other, owner, "app")
    found = by_name(api.get(TAGS, owner.token))
    assert list(found) == ["app", "blue", "red"]
    assert [tag["attributes"]["instance-count"] for tag in found.values()] == [2, 1, 1]
    assert found["app"]["relationships"]["organization"]["data"] == {"id": "acme", "type": "organizations"}
    of_first = by_name(api.get(f"/workspaces/{first}/relationships/tags", owner.token))
    assert of_first == {name: found[name] for name in ("app", "blue")}
    assert list(by_name(api.get(f"{TAGS}?q=E", owner.token))) == ["blue", "red"]
    assert list(by_name(api.get(f"{TAGS}?filter[exclude][taggable][id]={second}", owner.token))) == ["blue"]
    paged = api.get(f"{TAGS}?page[size]=2&page[number]=2", owner.token)
    assert list(by_name(paged)) == ["red"]
    assert paged["meta"]["pagination"]["total-count"] == 3
    assert by_name(api.get("/organizations/other/tags", owner.token))["app"]["id"] != found["app"]["id"]
    team = world.team(acme)
    world.workspace_access(team, next(each for each in world.all(Workspace) if each.id == second), "read")
    of_member = by_name(api.get(TAGS, world.member(acme, team).token))
    assert {name: tag["attributes"]["instance-count"] for name, tag in of_member.items()} == {"app": 1, "red": 1}
    assert api.get(TAGS, world.member(acme).token)["data"] == []
    api.get(TAGS, world.person().token, expect=404)


def test_tags_are_added_and_removed_by_id(api: Api, world: World, acme: Organization, owner: Person) -> None:
    first, second = tagged(api, world, acme, owner, "app", "blue"), tagged(api, world, acme, owner)
    found = by_name(api.get(TAGS, owner.token))
    path = f"/workspaces/{second}/relationships/tags"
    api.post(path, owner.token, ids("tags", found["app"]["id"]), expect=204)
    assert list(by_name(api.get(path, owner.token))) == ["app"]
    api.post(path, owner.token, ids("tags", "tag-unknown"), expect=404)
    api.delete(path, owner.token, ids("tags", "tag-unknown", found["app"]["id"]))
    assert api.get(path, owner.token)["data"] == []
    api.post(
        f"/tags/{found['blue']['id']}/relationships/workspaces", owner.token, ids("workspaces", second), expect=204
    )
    assert list(by_name(api.get(path, owner.token))) == ["blue"]
    hidden = world.workspace(world.project(world.organization()))
    for wanted in ((hidden.id,), (second, hidden.id), ("ws-x",)):
        path = f"/tags/{found['app']['id']}/relationships/workspaces"
        api.post(path, owner.token, ids("workspaces", *wanted), expect=404)
    api.post("/tags/tag-unknown/relationships/workspaces", owner.token, ids("workspaces", first), expect=404)
    outsider = world.owner(world.organization()).token
    api.post(f"/tags/{found['app']['id']}/relationships/workspaces", outsider, ids("workspaces", hidden.id), expect=404)


def test_a_deleted_tag_is_gone_from_every_workspace(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspaces = [tagged(api, world, acme, owner, "app", f"own-{index}") for index in range(3)]
    identifier = by_name(api.get(TAGS, owner.token))["app"]["id"]
    team = world.team(acme)
    world.access(team, world.default_project(acme), "admin")
    api.delete(TAGS, world.member(acme, team).token, ids("tags", identifier), expect=404)
    before = len(left_by_requests(world))
    api.delete(TAGS, owner.token, ids("tags", identifier, "tag-unknown"))
    assert list(by_name(api.get(TAGS, owner.token))) == ["own-0", "own-1", "own-2"]
    for index, workspace in enumerate(workspaces):
        shown = api.get(f"/workspaces/{workspace}", owner.token)["data"]["attributes"]
        assert shown["tag-names"] == [f"own-{index}"]
    events = left_by_requests(world)[before:]
    assert {event.workspace_id for event in events} == set(workspaces)
    assert {event.action for event in events} == {"workspaces.tag"}
    manager = world.member(acme, world.team(acme, "manage-workspaces")).token
    api.delete(TAGS, manager, ids("tags"))


def test_a_tag_that_all_workspaces_have_is_found_in_passing(
    api: Api, world: World, acme: Organization, owner: Person, engine: Engine
) -> None:
    project, count = world.project(acme), 3_000
    environment = world.default_environment(project)
    place = {"organization_id": acme.id, "project_id": project.id, "environment_id": environment.id}
    workspaces = [{**place, "id": f"ws-{number}", "name": f"net-{number}"} for number in range(count)]
    bound = {"organization_id": acme.id, "project_id": None, "value": ""}
    bindings = [
        {**bound, "id": f"tb-{name}-{number}", "workspace_id": f"ws-{number}", "key": name}
        for number in range(count)
        for name in ("all", f"one-{number}")
    ]
    with engine.begin() as connection:
        connection.execute(insert(Workspace), workspaces)
        connection.execute(insert(TagBinding), bindings)
        if connection.dialect.name == "postgresql":
            # As it does by itself within a minute. By what it knew of other tests' few rows, it took 100 seconds.
            connection.exec_driver_sql("ANALYZE workspaces, tag_bindings")
    began = time.process_time()
    listed = api.get(f"{TAGS}?page[size]=2", owner.token)
    # Asked for each workspace which others have its tag, SQLite needed four seconds.
    assert time.process_time() - began < 1.5
    team = world.team(acme)
    world.access(team, project, "read")
    began = time.process_time()
    assert api.get(f"{TAGS}?page[size]=2", world.member(acme, team).token)["data"] == listed["data"]
    assert time.process_time() - began < 1.5
    assert [tag["attributes"]["instance-count"] for tag in listed["data"]] == [count, 1]
    assert listed["meta"]["pagination"]["total-count"] == count + 1


def test_many_workspaces_cost_as_many_statements_as_few(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    api.get("/account/details", owner.token)
    for count in (2, 40):
        tagged(api, world, acme, owner, "blue")
        (tag,) = api.get(TAGS, owner.token)["data"]
        others = [world.workspace(world.project(acme)).id for _ in range(count)]
        with statements() as seen:
            path = f"/tags/{tag['id']}/relationships/workspaces"
            api.post(path, owner.token, ids("workspaces", *others), expect=204)
        # Caller, tag, workspaces, their tags, what is reserved of them, the new ones, events.
        assert len([each for each in seen if each != "BEGIN IMMEDIATE"]) == 7
        with statements() as seen:
            api.delete(TAGS, owner.token, ids("tags", tag["id"]))
        assert len([each for each in seen if each != "BEGIN IMMEDIATE"]) == 6
        assert api.get(TAGS, owner.token)["data"] == []


def test_a_key_is_reserved_changed_and_released(api: Api, world: World, acme: Organization, owner: Person) -> None:
    created = api.post(KEYS, owner.token, document("reserved-tag-keys", {"key": "env"}))["data"]
    assert created["id"].startswith("rtk-")
    assert (created["attributes"]["key"], created["attributes"]["disable-overrides"]) == ("env", False)
    path = f"/reserved-tag-keys/{created['id']}"
    changed = api.patch(path, owner.token, document("reserved-tag-keys", {"disable-overrides": True}))["data"]
    assert changed["attributes"]["disable-overrides"] is True
    member = world.member(acme).token
    assert api.get(KEYS, member)["data"] == [changed]
    for token in (member, world.member(acme, world.team(acme, "manage-projects")).token):
        api.post(KEYS, token, document("reserved-tag-keys", {"key": "x"}), expect=404)
        api.patch(path, token, document("reserved-tag-keys", {"key": "x"}), expect=404)
        api.delete(path, token, expect=404)
    api.delete(path, owner.token)
    api.delete(path, owner.token, expect=404)
    assert world.all(ReservedTagKey) == []
    assert [event.action for event in left_by_requests(world)] == [
        "reserved-tag-keys.create",
        "reserved-tag-keys.update",
        "reserved-tag-keys.delete",
    ]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("key", "detail"),
    [
        (None, "Key can't be blank"),
        ("", "Key can't be blank"),
        ("a b", "Key is invalid"),
        ("hcp:x", "Key is invalid"),
        ("k" * 129, "Key is too long (maximum is 128 characters)"),
        ("ENV", "Key has already been taken"),
    ],
)
@pytest.mark.usefixtures("acme")
def test_a_bad_key_is_not_reserved(api: Api, owner: Person, key: Any, detail: str) -> None:
    api.post(KEYS, owner.token, document("reserved-tag-keys", {"key": "env"}))
    answer = api.post(KEYS, owner.token, document("reserved-tag-keys", {"key": key}), expect=422)
    assert faults(answer) == [(detail, "/data/attributes/key")]
