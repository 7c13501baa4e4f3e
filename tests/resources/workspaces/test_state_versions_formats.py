"""States of other formats than that of today: format 3, and what OpenTofu has encrypted."""

import json
from base64 import b64encode
from typing import Any

import pytest

from app.models import Organization, Project
from app.models.workspaces import Workspace
from tests.support.api import document, faults
from tests.support.states import LINEAGE, NULL, States, announcement, md5, state
from tests.support.world import World

BOTH = pytest.mark.parametrize("is_inline", [False, True], ids=["upload", "inline"])
OPENTOFU_NULL = 'provider["registry.opentofu.org/hashicorp/null"]'
ENVELOPE: dict[str, Any] = {
    "serial": 4,
    "lineage": LINEAGE,
    "meta": {"key_provider.pbkdf2.k": "eyJzYWx0IjoiQUFBQSJ9"},
    "encrypted_data": "q83vAAEC",
    "encryption_version": "v0",
}
OLD: dict[str, Any] = {
    "version": 3,
    "terraform_version": "0.11.14",
    "serial": 7,
    "lineage": LINEAGE,
    "modules": [
        {
            "path": ["root"],
            "outputs": {
                "ip": {"sensitive": False, "type": "string", "value": "192.0.2.1"},
                "password": {"sensitive": True, "type": "string", "value": "hunter2"},
                "zones": {"sensitive": False, "type": "list", "value": ["a", "b"]},
            },
            "resources": {
                "null_resource.a": {"type": "null_resource", "primary": {"id": "1"}, "provider": "provider.null"},
                "null_resource.b.0": {"type": "null_resource", "primary": {"id": "2"}, "provider": "provider.null"},
                "null_resource.b.1": {"type": "null_resource", "primary": {"id": "3"}, "provider": "provider.null"},
                "data.http.c": {"type": "http", "primary": {"id": "4"}, "provider": "provider.http"},
            },
        },
        {
            # Whoever sorts the members has the path behind the outputs.
            "outputs": {"inner": {"sensitive": False, "type": "string", "value": "x"}},
            "path": ["root", "net", "sub"],
            "resources": {"null_resource.a": {"type": "null_resource", "provider": "module.net.provider.null"}},
        },
    ],
}


def send(states: States, content: bytes, *, is_inline: bool, **members: Any) -> Any:
    """Lock, save, unlock; the version as it is then."""
    states.lock()
    version = states.create(content, is_inline=is_inline, **members)
    if not is_inline:
        states.put(version, content)
    states.unlock()
    return states.show(version)


def outputs(states: States, version: Any) -> dict[str, tuple[Any, ...]]:
    found = states.api.get(f"/state-versions/{version['data']['id']}/outputs", states.token)["data"]
    members = ("value", "type", "detailed-type", "sensitive")
    return {each["attributes"]["name"]: tuple(each["attributes"][name] for name in members) for each in found}


@pytest.mark.one_database
@BOTH
def test_format_3_is_kept_and_read(states: States, *, is_inline: bool) -> None:
    content = json.dumps(OLD).encode()
    version = send(states, content, is_inline=is_inline)
    assert states.fetched(version) == content
    attributes = version["data"]["attributes"]
    assert {name: attributes[name] for name in ("state-version", "terraform-version", "serial", "encrypted")} == {
        "state-version": 3,
        "terraform-version": "0.11.14",
        "serial": 7,
        "encrypted": False,
    }
    shown = {(each["module"], each["type"], each["name"]): each["count"] for each in attributes["resources"]}
    assert shown == {
        ("root", "null_resource", "a"): 1,
        ("root", "null_resource", "b"): 2,
        ("root", "data.http", "c"): 1,
        ("module.net.module.sub", "null_resource", "a"): 1,
    }
    assert attributes["providers"]["provider.null"] == {"null-resource": 3}
    found = outputs(states, version)
    assert set(found) == {"ip", "password", "zones"}
    assert found["ip"] == ("192.0.2.1", "string", "string", False)
    # Its types of lists mean nothing to the clients of today, which then read the state.
    assert found["zones"] == (["a", "b"], "array", None, False)
    assert found["password"][3] is True


@pytest.mark.parametrize(
    "modules",
    [
        *(None, 1, {}, [None], [[]], [{"path": 1}], [{"path": [1, ["x"]], "resources": [], "outputs": 1}]),
        [{"path": ["root"], "resources": {"": None, "a": 1, "a.b.c.d": {"provider": 1}}}],
        [{"resources": {"x": {}}}],
    ],
)
@pytest.mark.one_database
def test_odd_members_of_format_3_do_no_harm(states: States, modules: Any) -> None:
    send(states, json.dumps({**OLD, "modules": modules}).encode(), is_inline=True)


@pytest.mark.one_database
def test_resources_of_format_3_that_are_not_kept_are_counted(states: States) -> None:
    # Of 1,000 characters, as many as are kept of a name: 4,000 of them are kept, and one may be longer than any name.
    addresses = [f"null_resource.{index:0987}" for index in range(4_500)] + [f"null_resource.{'x' * 1_000_001}"]
    data = [f"data.http.{index:0990}" for index in range(10)]
    resources = {address: {"primary": {"id": "1"}} for address in (*addresses, *data)}
    content = json.dumps({**OLD, "modules": [{"path": ["root"], "resources": resources}]}).encode()
    version = send(states, content, is_inline=False)
    assert len(version["data"]["attributes"]["resources"]) < len(addresses)
    assert states.api.get(states.path, states.token)["data"]["attributes"]["resource-count"] == len(addresses)


@BOTH
@pytest.mark.parametrize("has_serial", [True, False])
def test_an_encrypted_state_is_kept_as_it_is(states: States, *, is_inline: bool, has_serial: bool) -> None:
    known = {} if has_serial else {"serial": None, "lineage": None}
    # What it may have besides is not taken for its contents.
    besides = {"outputs": {"x": {"value": 1}}, "resources": [{"mode": "managed", "type": "a", "name": "b"}]}
    content = json.dumps({**ENVELOPE, **known, **besides}).encode()
    version = send(states, content, is_inline=is_inline, serial=4)
    assert states.fetched(version) == content
    attributes = version["data"]["attributes"]
    assert (attributes["encrypted"], attributes["state-version"], attributes["serial"]) == (True, None, 4)
    assert (attributes["resources"], attributes["modules"], attributes["providers"]) == ([], {}, {})
    assert outputs(states, version) == {}
    workspace = states.api.get(states.path, states.token)["data"]["attributes"]
    assert (workspace["iac-tool"], workspace["resource-count"]) == ("opentofu", 0)
    # Lineage and serial are compared as those of any other state, as far as they can be read.
    states.lock()
    other = json.dumps({**ENVELOPE, "serial": 5, "lineage": "other"}).encode()
    states.inline(other, expect=409 if has_serial else 201)
    states.inline(json.dumps(ENVELOPE).encode(), serial=6, expect=422)


@pytest.mark.parametrize("before", [0, 5])
def test_a_workspace_with_an_encrypted_state_is_not_deleted_safely(states: States, world: World, before: int) -> None:
    api, workspace, admin = states.api, states.workspace, world.person()
    project = next(each for each in world.all(Project) if each.id == workspace.project_id)
    world.project_member(project, admin, "admin")
    states.save(state(3, resources=before))
    send(states, json.dumps(ENVELOPE).encode(), is_inline=True)
    refused = "Workspace cannot be safely deleted because it is still managing resources, or may be: its state is "
    refused += "encrypted, so the service can't count them"
    answer = api.post(f"{states.path}/actions/safe-delete", admin.token, expect=409)
    assert faults(answer) == [(refused, "")]
    assert answer["errors"][0]["code"] == "workspace-manages-resources"
    answer = api.delete(f"/organizations/acme/workspaces/{workspace.name}", admin.token, expect=409)
    assert faults(answer) == [(f"{refused}; force=true deletes it all the same", "")]
    wipe = f"/projects/{project.id}/actions/wipe"
    for parameters in ("?dry-run=true", ""):
        counts = api.post(f"{wipe}{parameters}", admin.token, expect=200)["data"]["attributes"]["counts"]
        assert (counts["workspaces"], counts["workspaces-left"]) == (0, 1)
    # A state that can be read is counted again, and only the current one counts.
    states.save(state(5, resources=0))
    api.post(f"{states.path}/actions/safe-delete", admin.token, expect=204)


@pytest.mark.one_database
def test_there_is_no_way_back_to_an_encrypted_state(states: States) -> None:
    version = send(states, json.dumps(ENVELOPE).encode(), is_inline=True)
    states.lock()
    back = document("state-versions", rollback_state_version=("state-versions", version["data"]["id"]))
    answer = states.api.patch(f"{states.path}/state-versions", states.token, back, expect=422)
    assert answer["errors"][0]["code"] == "encrypted-state"
    assert [pointer for _, pointer in faults(answer)] == ["/data/relationships/rollback-state-version"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    "content", [b'{"encrypted_data": 1}', b'{"version": 2, "encrypted_data": "x"}', b'{"version": true}']
)
def test_what_is_neither_is_refused(states: States, content: bytes) -> None:
    states.lock()
    sent = announcement(state(), md5=md5(content), state=b64encode(content).decode())
    answer = states.api.post(f"{states.path}/state-versions", states.token, sent, expect=422)
    assert faults(answer) == [("The state must have version 3 or 4, or be encrypted by OpenTofu", "")]


def tool(states: States) -> str:
    return str(states.api.get(states.path, states.token)["data"]["attributes"]["iac-tool"])


def with_provider(serial: int, provider: str) -> bytes:
    return state(serial).replace(json.dumps(NULL).encode(), json.dumps(provider).encode())


def test_the_tool_is_told_from_the_state(states: States) -> None:
    assert tool(states) == "terraform"
    states.save(with_provider(1, OPENTOFU_NULL))
    assert tool(states) == "opentofu"
    # A state without resources does not tell.
    states.save(state(2, resources=0))
    assert tool(states) == "opentofu"
    states.save(state(3))
    assert tool(states) == "terraform"


@pytest.mark.parametrize("how", ["created", "updated"])
def test_a_tool_that_was_set_stays(states: States, world: World, acme: Organization, how: str) -> None:
    own = states
    if how == "created":
        path = f"/organizations/{acme.name}/workspaces"
        sent = document("workspaces", {"name": "own", "iac-tool": "terraform"})
        created = states.api.post(path, states.token, sent)["data"]["id"]
        workspace = next(each for each in world.all(Workspace) if each.id == created)
        own = States(states.api, workspace, states.token)
    else:
        states.api.patch(states.path, states.token, document("workspaces", {"iac-tool": "terraform"}))
    own.save(with_provider(1, OPENTOFU_NULL))
    assert tool(own) == "terraform"
