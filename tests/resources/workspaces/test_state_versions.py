"""State versions: announced and uploaded or sent inline, current after the unlock, listed and shown."""

from base64 import b64encode
from typing import Any

import pytest
from flask import Flask

from tests.support.activity import left_by_requests
from tests.support.api import MEDIA_TYPE, document, faults
from tests.support.meanwhile import after_reading
from tests.support.states import LINEAGE, NULL, OUTPUTS, States, announcement, fetch, md5, state
from tests.support.world import World


def test_a_new_version_waits_for_its_state(states: States) -> None:
    states.lock()
    attributes = states.create(state())["data"]["attributes"]
    assert attributes["status"] == "pending"
    assert attributes["intermediate"] is True
    assert attributes["serial"] == 1
    assert attributes["size"] is None
    assert attributes["resources-processed"] is False
    assert attributes["hosted-state-download-url"] is None
    assert attributes["hosted-json-state-download-url"] is None
    assert attributes["hosted-state-upload-url"].startswith("http://localhost")
    assert attributes["hosted-json-state-upload-url"].startswith("http://localhost")
    assert attributes["billable-rum-count"] is None
    assert not {"md5", "lineage", "state", "force"} & set(attributes)


def test_what_announcing_answers_is_what_is_shown_then(states: States) -> None:
    def without_addresses(answer: Any) -> Any:
        attributes = answer["data"]["attributes"]
        kept = {name: value for name, value in attributes.items() if not (name.startswith("hosted-") and value)}
        return {**answer["data"], "attributes": kept}

    states.lock()
    discarded = None
    for serial in (1, 2, 3):
        version = states.create(state(serial))
        assert without_addresses(states.show(version)) == without_addresses(version)
        previous = version["data"]["relationships"]["previous-state-version"]["data"]
        assert previous == (discarded and {"id": discarded, "type": "state-versions"})
        discarded = version["data"]["id"]


def test_an_upload_finishes_it_and_the_unlock_makes_it_current(states: States) -> None:
    content = state(7, outputs=OUTPUTS, resources=2)
    states.lock()
    version = states.create(content)
    states.put(version, content)
    states.put(version, b'{"format_version": "1.0"}', part="json-state")
    attributes = states.show(version)["data"]["attributes"]
    assert attributes["status"] == "finalized"
    assert attributes["intermediate"] is True
    assert attributes["size"] == len(content)
    assert attributes["hosted-state-upload-url"] is None
    assert attributes["hosted-json-state-upload-url"] is None
    assert attributes["state-version"] == 4
    assert attributes["terraform-version"] == "1.11.4"
    assert attributes["resources-processed"] is True
    assert attributes["modules"] == {"root": {"null-resource": 2}}
    assert attributes["providers"] == {NULL: {"null-resource": 2}}
    assert attributes["resources"][0] == {
        "name": "this_0",
        "type": "null_resource",
        "count": 1,
        "module": "root",
        "provider": NULL,
    }
    states.current(expect=404)
    states.unlock()
    current = states.current()
    assert current["data"]["id"] == version["data"]["id"]
    assert current["data"]["attributes"]["intermediate"] is False
    assert states.fetched(current) == content
    assert states.fetched(current, "json-state") == b'{"format_version": "1.0"}'


def test_a_state_in_the_document_is_final_at_once(states: States) -> None:
    content = state(3, outputs=OUTPUTS)
    states.lock()
    json_state: dict[str, Any] = {"json-state": b64encode(b"{}").decode()}
    version = states.inline(content, **json_state)
    attributes = version["data"]["attributes"]
    assert (attributes["status"], attributes["size"]) == ("finalized", len(content))
    assert states.fetched(version) == content
    assert states.fetched(version, "json-state") == b"{}"


def test_only_the_raw_state_need_be_sent(states: States) -> None:
    assert states.save(state())["data"]["attributes"]["hosted-json-state-download-url"] is None


def test_the_workspace_tells_of_its_state(states: States) -> None:
    version = states.save(state(resources=3))
    workspace = states.api.get(states.path, states.token)["data"]
    assert workspace["attributes"]["resource-count"] == 3
    assert workspace["attributes"]["latest-change-at"] >= version["data"]["attributes"]["created-at"]
    assert workspace["relationships"]["current-state-version"]["data"] == {
        "id": version["data"]["id"],
        "type": "state-versions",
    }


def test_relationships(states: States) -> None:
    first, second = states.save(state(1)), states.save(state(2, outputs=OUTPUTS))
    shown = states.show(second)["data"]["relationships"]
    assert shown["workspace"]["data"] == {"id": states.path.rpartition("/")[2], "type": "workspaces"}
    assert shown["created-by"]["data"]["type"] == "users"
    assert shown["run"] == {"data": None}
    assert len(shown["outputs"]["data"]) == 3
    assert shown["previous-state-version"]["data"]["id"] == first["data"]["id"]
    assert shown["next-state-version"] == {"data": None}
    assert states.show(first)["data"]["relationships"]["next-state-version"]["data"]["id"] == second["data"]["id"]


@pytest.mark.parametrize(
    ("include", "types"),
    [
        ("outputs", {"state-version-outputs"}),
        ("created_by", {"users"}),
        ("run,run.created_by,run.configuration_version", set()),
        ("outputs,created-by", {"state-version-outputs", "users"}),
    ],
)
def test_includes(states: States, include: str, types: set[str]) -> None:
    version = states.save(state(outputs=OUTPUTS))
    for path in (f"/state-versions/{version['data']['id']}", f"{states.path}/current-state-version", listed()):
        included = states.api.get(path, states.token, include=include)["included"]
        assert {each["type"] for each in included} == types
        assert all(each["attributes"].get("value") != "hunter2" for each in included)


@pytest.mark.one_database
def test_an_unknown_include_is_refused(states: States) -> None:
    states.api.get(listed(), states.token, include="teams", expect=400)


def test_the_list_has_the_newest_first(states: States) -> None:
    made = [states.save(state(serial))["data"]["id"] for serial in (1, 2, 3)]
    found = states.api.get(listed(), states.token)
    assert [each["id"] for each in found["data"]] == made[::-1]
    assert found["meta"]["pagination"]["total-count"] == 3
    second = states.api.get(f"{listed()}&page[size]=2&page[number]=2", states.token)
    assert [each["id"] for each in second["data"]] == made[:1]


def test_the_list_by_status(states: States) -> None:
    arrived = states.save(state(1))["data"]["id"]
    states.lock()
    discarded, pending = (states.create(state(serial))["data"]["id"] for serial in (2, 3))

    def found(statuses: str) -> list[str]:
        versions = states.api.get(f"{listed()}&filter[status]={statuses}", states.token)["data"]
        return [each["id"] for each in versions]

    assert found("pending") == [pending]
    assert found("pending,finalized") == [pending, arrived]
    assert found("") == [pending, discarded, arrived]
    assert found("unknown") == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/state-versions", 422),
        ("/state-versions?filter[organization][name]=acme", 422),
        ("/state-versions?filter[workspace][name]=net", 422),
        ("/state-versions?filter[organization][name]=acme&filter[workspace][name]=other", 404),
        ("/state-versions?filter[organization][name]=other&filter[workspace][name]=net", 404),
        ("/state-versions/sv-missing", 404),
        ("/state-versions/sv-missing/outputs", 404),
        ("/state-version-outputs/wsout-missing", 404),
        ("/workspaces/ws-missing/current-state-version", 404),
        ("/workspaces/ws-missing/current-state-version-outputs", 404),
        ("/workspaces/ws-missing/resources", 404),
    ],
)
def test_what_is_not_there(states: States, path: str, status: int) -> None:
    states.api.get(path, states.token, expect=status)


def test_resources_of_the_workspace(states: States) -> None:
    assert states.api.get(f"{states.path}/resources", states.token)["data"] == []
    states.save(state(resources=25))
    found = states.api.get(f"{states.path}/resources", states.token)
    assert len(found["data"]) == 20
    assert found["meta"]["pagination"]["total-count"] == 25
    assert found["data"][0]["attributes"]["address"] == "null_resource.this_0"
    assert states.api.get(f"{states.path}/resources/", states.token)["data"] == found["data"]
    narrowed = states.api.get(f"{states.path}/resources", states.token, q="THIS_24")["data"]
    assert [each["attributes"]["name"] for each in narrowed] == ["this_24"]


def test_resources_are_sorted_by_a_field_and_an_order(states: States) -> None:
    states.save(state(resources=3))

    def names(sort: str) -> list[str]:
        found = states.api.get(f"{states.path}/resources", states.token, sort=sort)["data"]
        return [each["attributes"]["name"] for each in found]

    assert names("name:asc") == ["this_0", "this_1", "this_2"]
    assert names("name:desc") == ["this_2", "this_1", "this_0"]
    assert names("updatedAt:desc") == names("provider:asc") == names("name:asc"), "equal ones are by address"
    for sort in ("name", "-name", "name:up", "address:asc", ":asc"):
        refused = states.api.get(f"{states.path}/resources", states.token, sort=sort, expect=400)
        assert faults(refused) == [("sort must be one of the fields with :asc or :desc", "sort")]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"md5": md5(b"")}, "serial"),
        ({"serial": 1}, "md5"),
        ({"serial": "1", "md5": md5(b"")}, "serial"),
        ({"serial": -1, "md5": md5(b"")}, "serial"),
        ({"serial": True, "md5": md5(b"")}, "serial"),
        ({"serial": 2**63, "md5": md5(b"")}, "serial"),
        ({"serial": 1, "md5": "short"}, "md5"),
        ({"serial": 1, "md5": "g" * 32}, "md5"),
        ({"serial": 1, "md5": md5(b""), "lineage": 7}, "lineage"),
        ({"serial": 1, "md5": md5(b""), "force": "yes"}, "force"),
        ({"serial": 1, "md5": md5(b""), "state": "no base64!"}, "state"),
        ({"serial": 1, "md5": md5(b""), "state": 7}, "state"),
        ({"serial": 1, "md5": md5(b""), "json-state": "%"}, "json-state"),
        ({"serial": 1, "md5": md5(b""), "json-state-outputs": "ä"}, "json-state-outputs"),
    ],
)
def test_faults_of_members(states: States, attributes: dict[str, Any], pointer: str) -> None:
    states.lock()
    answer = states.api.post(
        f"{states.path}/state-versions", states.token, document("state-versions", attributes), expect=422
    )
    assert [error["source"]["pointer"] for error in answer["errors"]] == [f"/data/attributes/{pointer}"]
    assert "param is missing" not in str(answer)


def test_an_event_tells_of_it_without_its_content(states: States, world: World) -> None:
    states.save(state(outputs=OUTPUTS))
    event = next(each for each in left_by_requests(world) if each.action == "state-versions.create")
    assert event.changes == {"serial": [None, 1]}


def test_a_lower_serial_and_another_lineage_count_before_those_of_the_file(states: States) -> None:
    content = state(5)
    states.lock()
    version = states.api.post(
        f"{states.path}/state-versions",
        states.token,
        announcement(content, is_inline=True, serial=3, lineage="another"),
    )
    assert version["data"]["attributes"]["serial"] == 3
    assert states.fetched(version) == content
    assert LINEAGE.encode() in content


def listed() -> str:
    return "/state-versions?filter[organization][name]=acme&filter[workspace][name]=net"


def test_the_interval_of_snapshots_is_told_wherever_the_cli_looks_for_it(states: States) -> None:
    def interval(method: str, path: str, document: Any = None) -> tuple[int, str | None, str | None]:
        response = states.api.raw(method, f"{states.path}/{path}", states.token, document)
        return response.status_int, response.headers.get("X-Terraform-Snapshot-Interval"), response.content_type

    # The CLI reads it from JSON:API alone, and before a first apply there is nothing but the 404.
    assert interval("GET", "current-state-version") == (404, "20", MEDIA_TYPE)
    states.lock()
    assert interval("POST", "state-versions", announcement(state(), is_inline=True)) == (201, "20", MEDIA_TYPE)
    states.unlock()
    assert interval("GET", "current-state-version") == (200, "20", MEDIA_TYPE)
    assert interval("GET", "current-state-version-outputs") == (200, None, MEDIA_TYPE)


def test_a_state_that_goes_with_its_workspace_while_it_is_fetched_is_not_there(app: Flask, states: States) -> None:
    url = states.save(state())["data"]["attributes"]["hosted-state-download-url"]

    def delete() -> None:
        states.api.delete(f"/workspaces/{states.workspace.id}", states.token)

    with after_reading(app, "state_versions", delete):
        fetch(states.api, url, expect=404)
