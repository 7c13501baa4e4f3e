"""Outputs: read from the state when it arrives, sensitive ones hidden in lists and shown one by one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resources.workspaces.state_versions import json_chunks
from app.resources.workspaces.state_versions.serial_rewriter import rewrite_serial
from app.resources.workspaces.state_versions.state_contents import Summary
from app.resources.workspaces.state_versions.state_parser import StateReader
from tests.support.states import OUTPUTS, States, md5, state


def shown(states: States, outputs: dict[str, Any]) -> dict[str, Any]:
    version = states.save(state(outputs=outputs))
    found = states.api.get(f"/state-versions/{version['data']['id']}/outputs", states.token)["data"]
    return {each["attributes"]["name"]: each for each in found}


def test_lists_hide_what_is_sensitive(states: States) -> None:
    states.save(state(outputs=OUTPUTS))
    found = states.api.get(f"{states.path}/current-state-version-outputs", states.token)
    assert [each["attributes"] for each in found["data"]] == [
        {
            "name": "address",
            "sensitive": False,
            "type": "string",
            "value": "10.0.0.1",
            "detailed-type": "string",
        },
        {"name": "password", "sensitive": True, "type": "string", "value": None, "detailed-type": "string"},
        {
            "name": "ports",
            "sensitive": False,
            "type": "array",
            "value": [80, 443.5],
            "detailed-type": ["tuple", ["number", "number"]],
        },
    ]
    assert "meta" not in found
    assert found["data"][0]["links"]["self"] == f"/api/v2/state-version-outputs/{found['data'][0]['id']}"


def test_one_by_one_they_are_shown(states: States) -> None:
    output = shown(states, OUTPUTS)["password"]
    one = states.api.get(f"/state-version-outputs/{output['id']}", states.token)["data"]
    assert one["attributes"]["value"] == "hunter2"
    assert one["attributes"]["sensitive"] is True


def test_without_a_state_there_are_none(states: States) -> None:
    states.api.get(f"{states.path}/current-state-version-outputs", states.token, expect=404)


def test_pages(states: States) -> None:
    outputs = {f"o{index:02}": {"value": index, "type": "number"} for index in range(25)}
    version = states.save(state(outputs=outputs))
    path = f"/state-versions/{version['data']['id']}/outputs"
    assert len(states.api.get(path, states.token)["data"]) == 20
    current = f"{states.path}/current-state-version-outputs"
    assert len(states.api.get(current, states.token)["data"]) == 25
    assert len(states.api.get(f"{current}?page[size]=10&page[number]=3", states.token)["data"]) == 5


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("value", "detailed", "kind"),
    [
        ("x", "string", "string"),
        ("\0 \u2028 ä", "string", "string"),
        (1, "number", "number"),
        (-2.5e-7, "number", "number"),
        (True, "bool", "boolean"),
        (None, "string", "string"),
        ([], ["list", "string"], "array"),
        (["a"], ["set", "string"], "array"),
        ({"a": 1}, ["map", "number"], "object"),
        ({"a": {"b": [1, "x"]}}, ["object", {"a": ["object", {"b": ["tuple", ["number", "string"]]}]}], "object"),
        ({"a": 1}, "dynamic", "object"),
        ([1], None, "array"),
        (7, {"odd": 1}, "number"),
        (None, None, "string"),
    ],
)
def test_types(states: States, value: Any, detailed: Any, kind: str) -> None:
    found = shown(states, {"o": {"value": value, "type": detailed}})["o"]["attributes"]
    assert (found["value"], found["type"], found["detailed-type"]) == (value, kind, detailed)


@pytest.mark.one_database
def test_no_number_loses_a_digit(states: States) -> None:
    content = state().replace(
        b'"outputs": {}',
        b'"outputs": {"o": {"value": [123456789012345678901234567890, 0.1234567890123456789], "type": "dynamic"}}',
    )
    version = states.save(content)
    response = states.api.raw("GET", f"/state-versions/{version['data']['id']}/outputs", states.token)
    assert b"[123456789012345678901234567890,0.1234567890123456789]" in response.body


@pytest.mark.one_database
def test_odd_outputs_and_resources_do_no_harm(states: States) -> None:
    outputs = {"a": 1, "b": {}, "c": {"value": 1, "x": [{}]}, "d" * 2_000: {"value": 1}, "e\0": {"value": 1}, "": {}}
    assert set(shown(states, outputs)) == {"b", "c", ""}
    oddities: list[dict[str, Any]] = [
        {"outputs": []},
        {"outputs": None, "resources": [1, [], {"instances": 7}]},
        {"outputs": "x", "resources": "y"},
        {"resources": {}, "terraform_version": 7},
    ]
    for serial, members in enumerate(oddities, 2):
        content = json.dumps({**json.loads(state(serial)), **members}).encode()
        assert states.save(content)["data"]["attributes"]["status"] == "finalized"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("value", "detailed", "is_described"),
    [
        ("1", "7", False),
        ("1", "12345678901234567890123", False),
        ("1", "true", False),
        ("1", '["tuple", [1e999]]', False),
        ("1", nested(200), True),
        ("1", nested(201), False),
        ("1", nested(3_000), False),
        (nested(200), '"dynamic"', True),
        (nested(201), '"dynamic"', False),
        ("[" * 3_000 + "1" + "]" * 3_000, '"dynamic"', False),
    ],
)
def test_values_and_types_that_make_no_sense_do_no_harm(
    states: States, value: str, detailed: str, *, is_described: bool
) -> None:
    outputs = f'{{"o": {{"value": {value}, "type": {detailed}}}, "p": {{"value": 2, "type": "number"}}}}'
    content = state().replace(b'"outputs": {}', f'"outputs": {outputs}'.encode())
    states.lock()
    version = states.create(state(), md5=md5(content))
    states.put(version, content)
    listed = states.api.get(f"/state-versions/{version['data']['id']}/outputs", states.token)["data"]
    odd, plain = [each["attributes"] for each in listed]
    assert odd["detailed-type"] == (json.loads(detailed) if is_described else None)
    assert plain["value"] == 2


def test_names_of_outputs_are_bounded_in_bytes(states: States) -> None:
    # Of as many different characters as an index can't compress.
    many = "".join(chr(0x4E00 + index * 31 % 20_000) for index in range(1_000))
    just = many[:333] + "x"
    assert set(shown(states, {just: {"value": 1}, f"{just}x": {"value": 1}, many: {"value": 1}})) == {just}


def read(content: str) -> Summary:
    intake = StateReader()
    list(intake.tee([content.encode()]))
    return intake.summary


def test_what_is_kept_of_all_outputs_is_bounded() -> None:
    each = {"value": "x" * 499_990, "type": ""}
    halves = [json.dumps({f"{half}{index}": each for index in range(5)}) for half in "ab"]
    found = read(f'{{"version": 4, "outputs": {halves[0]}, "outputs": {halves[1]}}}').outputs
    lengths = [len(output.value) for output in found.values()]
    # Eight times half a million with type and quotes; of the others the names.
    assert lengths == [499_992] * 8 + [4] * 2


def test_what_is_kept_of_all_resources_is_bounded() -> None:
    resource: dict[str, Any] = {name: name[0] * 1_000 for name in ("type", "name", "module", "provider")} | {
        "instances": [{}]
    }
    found = read(json.dumps({"version": 4, "resources": [resource] * 1_001}))
    assert (len(found.resources), found.resource_count) == (1_000, 1_001)


def test_data_sources_are_not_managed(states: States) -> None:
    said = json.loads(state(resources=1))
    said["resources"].append(
        {
            "module": "module.net",
            "mode": "data",
            "type": "terraform_remote_state",
            "name": "base",
            "provider": "p",
            "instances": [{}, {}],
        }
    )
    version = states.save(json.dumps(said).encode())
    attributes = version["data"]["attributes"]
    assert attributes["modules"]["module.net"] == {"data.terraform-remote-state": 2}
    assert attributes["resources"][1]["type"] == "data.terraform_remote_state"
    assert states.api.get(states.path, states.token)["data"]["attributes"]["resource-count"] == 1


# --- pieces -------------------------------------------------------------------------------------------------------

texts = st.text(max_size=20)
documents = st.dictionaries(
    texts,
    st.recursive(
        texts | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    ),
    max_size=4,
)


@given(document=documents, size=st.integers(1, 30), ascii_only=st.booleans())
def test_pieces_never_end_within_a_text(document: dict[str, Any], size: int, *, ascii_only: bool) -> None:
    content = json.dumps({**document, "version": 4, "serial": 7}, ensure_ascii=ascii_only).encode()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    whole = json_chunks.WholeTokenSplitter()
    assert b"".join(part for piece in pieces for part in whole.within(piece)) == content
    intake = StateReader()
    assert b"".join(intake.tee(pieces)) == content
    assert intake.summary.format == 4
    renewed = json.dumps({**document, "version": 4, "serial": 99}, ensure_ascii=ascii_only).encode()
    assert b"".join(rewrite_serial(pieces, 99)) == renewed
