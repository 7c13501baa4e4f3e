"""Variables of workspaces."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.models import Organization, Var, Workspace
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

KEY, VALUE = "/data/attributes/key", "/data/attributes/value"
SECRET = "correct horse battery staple"


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    return world.workspace(world.project(acme), "network")


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.id}/vars"


def sent(key: str = "region", category: str = "terraform", **attributes: Any) -> dict[str, Any]:
    return document("vars", {"key": key, "category": category, **attributes})


def changed(**attributes: Any) -> dict[str, Any]:
    return document("vars", attributes)


def test_a_variable_is_created_shown_and_listed(api: Api, owner: Person, workspace: Workspace, path: str) -> None:
    created = api.post(path, owner.token, sent(value="eu-west-1", description="where"))["data"]
    attributes = dict(created["attributes"])
    assert datetime.now(UTC) - datetime.fromisoformat(attributes.pop("created-at")) < timedelta(minutes=1)
    assert len(attributes.pop("version-id")) == 36
    assert attributes == {
        "key": "region",
        "value": "eu-west-1",
        "description": "where",
        "category": "terraform",
        "hcl": False,
        "sensitive": False,
    }
    assert created["id"].startswith("var-")
    assert created["relationships"] == {
        "configurable": {
            "data": {"id": workspace.id, "type": "workspaces"},
            "links": {"related": "/api/v2/organizations/acme/workspaces/network"},
        }
    }
    assert created["links"] == {"self": f"/api/v2{path}/{created['id']}"}
    assert api.get(f"{path}/{created['id']}", owner.token)["data"] == created
    assert api.get(path, owner.token) == {"data": [created]}


def test_a_slash_at_the_end_of_the_address_means_nothing(api: Api, owner: Person, path: str) -> None:
    created = api.post(f"{path}/", owner.token, sent())["data"]
    assert api.get(f"{path}/", owner.token) == api.get(path, owner.token) == {"data": [created]}


@pytest.mark.parametrize("value", [{}, {"value": None}, {"value": ""}])
def test_a_value_may_be_left_out(api: Api, owner: Person, path: str, value: dict[str, Any]) -> None:
    attributes = api.post(path, owner.token, sent(**value))["data"]["attributes"]
    assert (attributes["value"], attributes["description"]) == ("", None)


def test_the_list_is_whole_and_by_key_whatever_page_is_asked_for(api: Api, owner: Person, path: str) -> None:
    for number in reversed(range(30)):
        api.post(path, owner.token, sent(f"key_{number:02d}"))
    listed = api.get(f"{path}?page[size]=5&page[number]=2", owner.token)
    assert [item["attributes"]["key"] for item in listed["data"]] == [f"key_{number:02d}" for number in range(30)]
    assert set(listed) == {"data"}


def test_a_variable_is_deleted(api: Api, owner: Person, path: str) -> None:
    created = api.post(path, owner.token, sent())["data"]
    api.delete(f"{path}/{created['id']}", owner.token)
    api.delete(f"{path}/{created['id']}", owner.token, expect=404)
    api.get(f"{path}/{created['id']}", owner.token, expect=404)
    assert api.get(path, owner.token) == {"data": []}


def test_an_update_changes_what_it_names_and_always_the_version(api: Api, owner: Person, path: str) -> None:
    created = api.post(path, owner.token, sent(value="one"))["data"]
    own = f"{path}/{created['id']}"
    updated: dict[str, Any] = {}
    versions = {created["attributes"]["version-id"]}
    for attributes in ({}, {"value": "two"}, {"key": "zone", "hcl": True}, {"category": "env", "description": "x"}):
        updated = api.patch(own, owner.token, changed(**attributes))["data"]["attributes"]
        assert {name: updated[name] for name in attributes} == attributes
        versions.add(updated["version-id"])
    assert len(versions) == 5
    assert updated | {"version-id": ""} == created["attributes"] | {
        "key": "zone",
        "value": "two",
        "hcl": True,
        "category": "env",
        "description": "x",
        "version-id": "",
    }


def test_key_and_category_are_unique_in_a_workspace(
    api: Api, world: World, acme: Organization, owner: Person, path: str
) -> None:
    api.post(path, owner.token, sent())
    answer = api.post(path, owner.token, sent(value="other"), expect=422)
    assert faults(answer) == [("Key has already been taken", KEY)]
    assert answer["errors"][0]["title"] == "invalid attribute"
    other = api.post(path, owner.token, sent(category="env"))["data"]
    refused = api.patch(f"{path}/{other['id']}", owner.token, changed(category="terraform"), expect=422)
    assert faults(refused) == [("Key has already been taken", KEY)]
    api.post(path, owner.token, sent("Region"))
    elsewhere = world.workspace(world.project(acme))
    api.post(f"/workspaces/{elsewhere.id}/vars", owner.token, sent())


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"key": ""}, [("Key can't be blank", KEY)]),
        ({"key": None}, [("Key can't be blank", KEY)]),
        ({"key": 7}, [("Key must be a string", KEY)]),
        ({"key": "k" * 129}, [("Key is too long (maximum is 128 characters)", KEY)]),
        ({"value": "v" * (256 * 1024 + 1)}, [("Value is too long (maximum is 262144 bytes)", VALUE)]),
        ({"value": "é" * (128 * 1024 + 1)}, [("Value is too long (maximum is 262144 bytes)", VALUE)]),
        ({"value": {}}, [("Value must be a string", VALUE)]),
        (
            {"description": "d" * 513},
            [("Description is too long (maximum is 512 characters)", "/data/attributes/description")],
        ),
        ({"category": "policy-set"}, [("Category is not included in the list", "/data/attributes/category")]),
        ({"category": None}, [("Category can't be blank", "/data/attributes/category")]),
        ({"hcl": "true"}, [("Hcl must be true or false", "/data/attributes/hcl")]),
        ({"sensitive": 1}, [("Sensitive must be true or false", "/data/attributes/sensitive")]),
        (
            {"key": "a=b", "category": "env"},
            [("Key of an environment variable may not contain blanks or an equals sign", KEY)],
        ),
    ],
)
def test_what_is_not_valid_is_refused_alike_by_create_and_update(
    api: Api, world: World, owner: Person, path: str, attributes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert faults(api.post(path, owner.token, sent(**attributes), expect=422)) == expected
    there = api.post(path, owner.token, sent("there"))["data"]
    assert faults(api.patch(f"{path}/{there['id']}", owner.token, changed(**attributes), expect=422)) == expected
    assert [variable.key for variable in world.all(Var)] == ["there"]


def test_the_limits_themselves_are_taken(api: Api, owner: Person, path: str) -> None:
    longest = {"key": "k" * 128, "value": "é" * (128 * 1024), "description": "d" * 512}
    created = api.post(path, owner.token, sent(**longest))["data"]
    assert {name: created["attributes"][name] for name in longest} == longest
    sealed = api.post(path, owner.token, sent(**longest | {"key": "other"}, sensitive=True))["data"]
    assert sealed["attributes"]["value"] is None


def test_missing_members_are_named(api: Api, owner: Person, path: str) -> None:
    assert sorted(faults(api.post(path, owner.token, document("vars"), expect=422))) == [
        ("Category can't be blank", "/data/attributes/category"),
        ("Key can't be blank", KEY),
    ]


# --- sensitive ones ------------------------------------------------------------------------------------------------


def stored(app: Flask, world: World, key: str = "region") -> str:
    (variable,) = [each for each in world.all(Var) if each.key == key]
    assert variable.sensitive
    assert variable.value is None
    assert SECRET not in variable.sealed_value
    return services(app).keyring.unseal(variable.sealed_value).decode()


def test_a_sensitive_value_is_kept_sealed_and_never_shown(
    app: Flask, api: Api, world: World, owner: Person, path: str
) -> None:
    created = api.post(path, owner.token, sent(value=SECRET, sensitive=True))["data"]
    own = f"{path}/{created['id']}"
    answers = [
        created,
        api.get(own, owner.token)["data"],
        api.get(path, owner.token)["data"][0],
        api.get(path.replace("vars", "all-vars"), owner.token)["data"][0],
        api.patch(own, owner.token, changed(description="new"))["data"],
        api.patch(own, owner.token, changed(value=None, sensitive=True))["data"],
    ]
    assert [each["attributes"]["value"] for each in answers] == [None] * 6
    assert stored(app, world) == SECRET
    api.patch(own, owner.token, changed(value="next"))
    assert stored(app, world) == "next"
    api.patch(own, owner.token, changed(value=""))
    assert stored(app, world) == ""


@pytest.mark.parametrize("value", [{}, {"value": None}])
def test_a_plain_value_that_becomes_sensitive_disappears(
    app: Flask, api: Api, world: World, owner: Person, path: str, value: dict[str, Any]
) -> None:
    created = api.post(path, owner.token, sent(value=SECRET))["data"]
    updated = api.patch(f"{path}/{created['id']}", owner.token, changed(sensitive=True, **value))["data"]
    assert (updated["attributes"]["value"], updated["attributes"]["sensitive"]) == (None, True)
    assert stored(app, world) == SECRET


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"sensitive": False}, "/data/attributes/sensitive"),
        ({"sensitive": False, "value": "mine"}, "/data/attributes/sensitive"),
        ({"key": "other"}, KEY),
        ({"category": "env", "key": "other"}, KEY),
    ],
)
def test_a_sensitive_variable_stays_what_it_is(
    app: Flask, api: Api, world: World, owner: Person, path: str, attributes: dict[str, Any], pointer: str
) -> None:
    created = api.post(path, owner.token, sent(value=SECRET, sensitive=True))["data"]
    answer = api.patch(f"{path}/{created['id']}", owner.token, changed(**attributes), expect=422)
    assert [at for _, at in faults(answer)] == [pointer]
    assert stored(app, world) == SECRET
    assert api.get(f"{path}/{created['id']}", owner.token)["data"] == created


def test_a_sensitive_variable_may_change_its_category(
    app: Flask, api: Api, world: World, owner: Person, path: str
) -> None:
    created = api.post(path, owner.token, sent(value=SECRET, sensitive=True))["data"]
    updated = api.patch(f"{path}/{created['id']}", owner.token, changed(category="env"))["data"]["attributes"]
    assert (updated["category"], updated["sensitive"], updated["value"]) == ("env", True, None)
    assert stored(app, world) == SECRET


def test_no_value_is_in_the_record_of_activity(api: Api, world: World, owner: Person, path: str) -> None:
    plain = api.post(path, owner.token, sent("plain", value=SECRET))["data"]
    sealed = api.post(path, owner.token, sent("sealed", value=SECRET, sensitive=True))["data"]
    for variable in (plain, sealed):
        api.patch(f"{path}/{variable['id']}", owner.token, changed(value=f"{SECRET} 2", description="new"))
    api.patch(f"{path}/{plain['id']}", owner.token, changed(sensitive=True))
    api.delete(f"{path}/{plain['id']}", owner.token)
    events = left_by_requests(world)
    assert SECRET not in repr([event.changes for event in events])
    assert "sealed-value" not in {name for event in events for name in event.changes}, "nor the sealed one"
    told = {(event.action, event.subject_name) for event in events}
    assert told == {
        ("vars.create", "plain"),
        ("vars.create", "sealed"),
        ("vars.update", "plain"),
        ("vars.update", "sealed"),
        ("vars.delete", "plain"),
    }
    updates = [event for event in events if event.action == "vars.update" and event.subject_name == "sealed"]
    assert [event.changes["value"] for event in updates] == [["(hidden)", "(hidden)"]]
    assert updates[0].changes["description"] == [None, "new"]
    assert {event.workspace_id for event in events} == {path.split("/")[2]}


def test_no_value_is_in_the_log_of_a_failure(
    api: Api, owner: Person, path: str, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    engine = services(app).engines.writing
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE vars RENAME TO gone")
    try:
        response = api.raw("POST", path, owner.token, sent(value=SECRET))
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO vars")
    assert response.status_int in {500, 503}
    assert SECRET not in response.text
    assert SECRET not in caplog.text


# --- how much it costs ---------------------------------------------------------------------------------------------


def test_a_thousand_variables_cost_as_many_statements_as_one(
    api: Api,
    world: World,
    owner: Person,
    workspace: Workspace,
    path: str,
    engine: Engine,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    api.get("/account/details", owner.token)
    for count in (1, 999):
        for number in range(count):
            world.add(
                Var(
                    organization_id=workspace.organization_id,
                    workspace_id=workspace.id,
                    key=f"key_{count}_{number}",
                    category="env",
                    value="v",
                )
            )
        with statements() as seen:
            assert len(api.get(path, owner.token)["data"]) >= count
        assert len(seen) == 2  # the caller, the workspace with its variables
        with statements() as seen:
            api.get(path.replace("vars", "all-vars"), owner.token)
        assert len(seen) == 4
    with statements() as seen:
        api.post(path, owner.token, sent())
    # Caller, workspace, insert, event, room, show; PostgreSQL inserts both by one.
    expected = 5 if engine.dialect.name == "postgresql" else 6
    assert len([each for each in seen if each != "BEGIN IMMEDIATE"]) == expected


def test_a_batch_costs_the_same_whatever_changes(
    api: Api,
    world: World,
    owner: Person,
    workspace: Workspace,
    path: str,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    api.get("/account/details", owner.token)
    kinds: list[dict[str, Any]] = [
        {"value": "new"},
        {"sensitive": True},
        {"hcl": True, "category": "terraform"},
        {"description": "new"},
        {},
    ]
    for count in (5, 50):
        changed = []
        for number in range(count):
            place = {"organization_id": workspace.organization_id, "workspace_id": workspace.id}
            variable = world.add(Var(**place, key=f"key_{count}_{number}", category="env", value="old"))
            changed.append({"type": "vars", "id": variable.id, "attributes": kinds[number % len(kinds)]})
        with statements() as seen:
            api.patch(path.replace("/vars", "/relationships/vars"), owner.token, {"data": changed}, expect=204)
        # The caller, the workspace, its variables, what changed, whether there is room, the events.
        assert len([each for each in seen if each != "BEGIN IMMEDIATE"]) == 6
    found = {each["attributes"]["key"]: each["attributes"] for each in api.get(path, owner.token)["data"]}
    first = [found[f"key_50_{number}"] for number in range(5)]
    assert [each["value"] for each in first] == ["new", None, "old", "old", "old"]
    assert [each["sensitive"] for each in first] == [False, True, False, False, False]
    assert [each["hcl"] for each in first] == [False, False, True, False, False]
    assert [each["category"] for each in first] == ["env", "env", "terraform", "env", "env"]
    assert [each["description"] for each in first] == [None, None, None, "new", None]
