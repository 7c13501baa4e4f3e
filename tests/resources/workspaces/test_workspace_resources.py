"""The resources in the current state of a workspace: an entry for each instance."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.models import Organization, StateVersion
from app.resources.workspaces.state_versions.resource_names import index_text, module_path, provider_name
from app.resources.workspaces.state_versions.state_parser import StateReader
from tests.support.states import NULL, States, state
from tests.support.world import Person, World

AWS = 'provider["registry.terraform.io/hashicorp/aws"]'


def with_resources(serial: int, *resources: dict[str, Any]) -> bytes:
    told = json.loads(state(serial, resources=0))
    return json.dumps({**told, "resources": list(resources)}).encode()


def resource(name: str, *instances: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "mode": "managed",
        "type": "null_resource",
        "name": name,
        "provider": NULL,
        "instances": instances,
        **members,
    }


def instance(value: Any = 1, **members: Any) -> dict[str, Any]:
    return {"schema_version": 0, "attributes": {"id": value}, **members}


def listed(states: States) -> dict[str, dict[str, Any]]:
    """The entries, by address."""
    found = states.api.get(f"{states.path}/resources?page[size]=100", states.token)["data"]
    return {each["attributes"]["address"]: {"id": each["id"], **each["attributes"]} for each in found}


@pytest.mark.one_database
def test_there_is_an_entry_for_each_instance(states: States) -> None:
    states.save(
        with_resources(
            1,
            resource("plain", instance()),
            resource("counted", instance(index_key=0), instance(index_key=1), instance(index_key=1, deposed="ab12")),
            resource("keyed", instance(index_key='a"b'), instance(index_key="0"), type="aws_s3_bucket", provider=AWS),
            resource("inner", instance(index_key=0), module='module.net.module.sub["x.y"]', provider=AWS),
            resource("read", instance(), mode="data", type="http"),
            resource("none"),
        )
    )
    found = listed(states)
    assert {address: (each["module"], each["name-index"]) for address, each in found.items()} == {
        "null_resource.plain": ("root", None),
        "null_resource.counted[0]": ("root", "0"),
        "null_resource.counted[1]": ("root", "1"),
        'aws_s3_bucket.keyed["a\\"b"]': ("root", 'a"b'),
        'aws_s3_bucket.keyed["0"]': ("root", "0"),
        'net.sub["x.y"].null_resource.inner[0]': ('net.sub["x.y"]', "0"),
        "data.http.read": ("root", None),
    }
    keyed = found['aws_s3_bucket.keyed["0"]']
    assert (keyed["name"], keyed["provider"], keyed["provider-type"]) == ("keyed", "hashicorp/aws", "aws_s3_bucket")
    assert found["null_resource.plain"]["provider"] == "hashicorp/null"
    assert len({each["id"] for each in found.values()}) == len(found)


def test_what_does_not_change_stays(states: States) -> None:
    first = states.save(
        with_resources(1, resource("a", instance(1)), resource("b", instance(1)), resource("c", instance(1)))
    )
    before = listed(states)
    # Another order, one that changes, one that goes, one that comes.
    second = states.save(
        with_resources(2, resource("d", instance(1)), resource("b", instance(2)), resource("a", instance(1)))
    )
    after = listed(states)
    assert after["null_resource.a"] == before["null_resource.a"]
    changed, old = after["null_resource.b"], before["null_resource.b"]
    assert (changed["id"], changed["created-at"]) == (old["id"], old["created-at"])
    assert changed["updated-at"] > old["updated-at"]
    assert set(after) == {"null_resource.a", "null_resource.b", "null_resource.d"}
    versions = {address.rpartition(".")[2]: each["modified-by-state-version-id"] for address, each in after.items()}
    assert versions == {"a": first["data"]["id"], "b": second["data"]["id"], "d": second["data"]["id"]}
    states.save(with_resources(3, resource("d", instance(1)), resource("b", instance(2)), resource("a", instance(1))))
    assert listed(states) == after


def test_a_rollback_changes_what_differs(states: States) -> None:
    first = states.save(with_resources(1, resource("a", instance(1)), resource("b", instance(1))))
    states.save(with_resources(2, resource("a", instance(1)), resource("b", instance(2))))
    before = listed(states)
    states.lock()
    to = {"data": {"type": "state-versions", "id": first["data"]["id"]}}
    back = {"data": {"type": "state-versions", "relationships": {"rollback-state-version": to}}}
    version = states.api.patch(f"{states.path}/state-versions", states.token, back, expect=201)["data"]["id"]
    states.unlock()
    after = listed(states)
    assert after["null_resource.a"] == before["null_resource.a"]
    assert after["null_resource.b"]["modified-by-state-version-id"] == version


def test_only_the_newest_versions_keep_the_list(states: States, world: World) -> None:
    for serial in (1, 2, 3):
        states.save(with_resources(serial, resource("a", instance(serial))))
    states.lock()
    # The third is current until the workspace is unlocked.
    states.inline(with_resources(4, resource("b", instance())))
    kept = sorted(version.serial for version in world.all(StateVersion) if version.instances is not None)
    assert kept == [3, 4]
    assert set(listed(states)) == {"null_resource.a"}
    states.unlock()
    assert set(listed(states)) == {"null_resource.b"}


def test_a_state_of_an_earlier_release_has_an_entry_for_each_resource(states: States, engine: Engine) -> None:
    version = states.save(with_resources(1, resource("a", instance(index_key=0), instance(index_key=1))))
    with engine.begin() as connection:
        connection.execute(update(StateVersion).values(instances=None))
    (entry,) = listed(states).values()
    assert (entry["address"], entry["name-index"]) == ("null_resource.a", None)
    assert entry["modified-by-state-version-id"] == version["data"]["id"]
    states.save(with_resources(2, resource("a", instance(index_key=0), instance(index_key=1))))
    assert set(listed(states)) == {"null_resource.a[0]", "null_resource.a[1]"}


@pytest.mark.one_database
def test_digests_that_stand_in_clear_test_no_guesses(
    states: States, world: World, acme: Organization, owner: Person
) -> None:
    other = States(states.api, world.workspace(world.project(acme)), owner.token)
    content = with_resources(1, resource("password", instance("hunter2")))
    for each in (states, other):
        each.save(content)
    reader = StateReader()
    list(reader.tee([content]))
    plain = [digest for *_, digest in reader.summary.instances]
    kept = [item[2] for version in world.all(StateVersion) for item in version.instances or ()]
    # The same contents are not told even from those of another workspace.
    assert len({*plain, *kept}) == len(plain) + len(kept) == 3


@pytest.mark.one_database
def test_format_3_has_instances_as_well(states: States) -> None:
    told = {
        "version": 3,
        "serial": 1,
        "lineage": "l",
        "modules": [
            {"path": ["root"], "resources": {"aws_instance.a": {"provider": "provider.aws"}, "data.http.b.1": {}}},
            {"path": ["root", "net"], "resources": {"aws_instance.a.0": {"provider": "module.net.provider.aws.west"}}},
        ],
    }
    states.save(json.dumps(told).encode())
    found = listed(states)
    assert set(found) == {"aws_instance.a", "data.http.b[1]", "net.aws_instance.a[0]"}
    assert found["net.aws_instance.a[0]"]["provider"] == "aws"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "instances",
    [
        None,
        {},
        [None, 1, "x", []],
        [{"index_key": None}, {"index_key": {}}, {"index_key": 1.5}],
        [{"index_key": 2**70}],
    ],
)
def test_odd_instances_do_no_harm(states: States, instances: Any) -> None:
    states.save(with_resources(1, {**resource("a"), "instances": instances}))
    listed(states)


def test_variables_of_a_workspace_are_always_named(
    states: States, world: World, acme: Organization, owner: Person
) -> None:
    def named(token: str) -> list[list[str]]:
        shown = [states.api.get(states.path, token)["data"]]
        shown += states.api.get(f"/organizations/{acme.name}/workspaces", token)["data"]
        return [[each["id"] for each in workspace["relationships"]["vars"]["data"]] for workspace in shown]

    assert named(owner.token) == [[], []]
    made = [
        states.api.post(f"{states.path}/vars", owner.token, {"data": {"attributes": {"key": key, "category": "env"}}})
        for key in ("b", "a")
    ]
    second, first = (each["data"]["id"] for each in made)
    assert named(owner.token) == [[first, second]] * 2
    blind = world.team(acme)
    world.workspace_access(blind, states.workspace, "custom", {"runs": "read", "variables": "none"})
    assert named(world.member(acme, blind).token) == [[], []]


def test_sensitive_outputs_are_for_those_who_read_states(states: States, world: World, acme: Organization) -> None:
    outputs = {"secret": {"value": "hunter2", "type": "string", "sensitive": True}}
    version = states.save(state(outputs=outputs))["data"]["id"]

    def values(token: str) -> list[Any]:
        paths = (f"/state-versions/{version}/outputs", f"{states.path}/current-state-version-outputs")
        return [states.api.get(path, token)["data"][0]["attributes"]["value"] for path in paths]

    assert values(states.token) == ["hunter2", None]
    teams = {level: world.team(acme) for level in ("read", "read-outputs")}
    for level, team in teams.items():
        world.workspace_access(team, states.workspace, "custom", {"runs": "read", "state-versions": level})
    assert values(world.member(acme, teams["read"]).token) == ["hunter2", None]
    assert values(world.member(acme, teams["read-outputs"]).token) == [None, None]


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "shown"),
    [
        ("root", "root"),
        ("module.a", "a"),
        ("module.a.module.b", "a.b"),
        ('module.a["x.module.y"].module.b[0]', 'a["x.module.y"].b[0]'),
        ("module.module.module.b", "module.b"),
        ("module.", "module."),
        ("module.a[", "module.a["),
        ("nothing.a", "nothing.a"),
        ("", ""),
    ],
)
def test_paths_of_modules(module: str, shown: str) -> None:
    assert module_path(module) == shown


@pytest.mark.parametrize(
    ("provider", "shown"),
    [
        (AWS, "hashicorp/aws"),
        (f"{AWS}.west", "hashicorp/aws"),
        (f"module.net.{AWS}", "hashicorp/aws"),
        ('provider["registry.opentofu.org/hashicorp/aws"]', "hashicorp/aws"),
        ('provider["acme.test/infra/net"]', "acme.test/infra/net"),
        ("provider.aws", "aws"),
        ("provider.aws.west", "aws"),
        ("module.net.provider.aws", "aws"),
        ("odd", "odd"),
        ("", ""),
    ],
)
def test_names_of_providers(provider: str, shown: str) -> None:
    assert provider_name(provider) == shown


@pytest.mark.parametrize(
    ("index", "shown"), [(None, ""), (0, "[0]"), ("0", '["0"]'), ('a"', '["a\\""]'), ("\u00e9", '["\u00e9"]')]
)
def test_indexes(index: int | str | None, shown: str) -> None:
    assert index_text(index) == shown
