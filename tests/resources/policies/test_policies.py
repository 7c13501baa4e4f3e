"""Policies, with their code."""

from typing import Any

import pytest

from tests.support.api import document
from tests.support.runs import Runs

pytestmark = pytest.mark.one_database
OPA = {"name": "closed", "query": "data.terraform.deny"}
CODE = "package terraform\nimport rego.v1\n"


def create(runs: Runs, token: str | None = None, expect: int = 201, **members: Any) -> Any:
    sent = document("policies", {name.replace("_", "-"): value for name, value in {**OPA, **members}.items()})
    path = f"/organizations/{runs.organization.name}/policies"
    return runs.api.post(path, token or runs.owner.token, sent, expect=expect)


def manager(runs: Runs, flag: str = "manage-policies") -> str:
    return runs.world.member(runs.organization, runs.world.team(runs.organization, flag)).token


def test_a_policy_from_beginning_to_end(runs: Runs) -> None:
    token = manager(runs)
    made = create(runs, token, kind="opa", description="All of it", enforcement_level="mandatory")["data"]
    path = f"/policies/{made['id']}"
    assert made["attributes"] == {
        "name": "closed",
        "description": "All of it",
        "kind": "opa",
        "query": "data.terraform.deny",
        "enforcement-level": "mandatory",
        "enforce": [{"path": "closed.rego", "mode": "mandatory"}],
        "policy-set-count": 0,
        "updated-at": made["attributes"]["updated-at"],
    }
    runs.api.get(f"{path}/download", token, expect=404)
    runs.api.raw("PUT", f"{path}/upload", token, CODE.encode(), headers={"Content-Type": "application/octet-stream"})
    assert runs.api.raw("GET", f"{path}/download", token).body == CODE.encode()
    changed = runs.api.patch(path, token, document("policies", {"enforcement-level": "advisory"}))
    assert changed["data"]["attributes"]["enforcement-level"] == "advisory"
    listed = runs.api.get(f"/organizations/{runs.organization.name}/policies?search[name]=LOS", token)["data"]
    assert [each["id"] for each in listed] == [made["id"]]
    runs.api.delete(path, token)
    runs.api.get(path, token, expect=404)


def test_the_older_form_of_the_level(runs: Runs) -> None:
    made = create(runs, enforce=[{"path": "closed.rego", "mode": "mandatory"}])
    assert made["data"]["attributes"]["enforcement-level"] == "mandatory"
    create(runs, expect=422, name="other", enforce=[{"mode": "soft-mandatory"}])


@pytest.mark.parametrize(
    ("members", "pointer", "text"),
    [
        ({"kind": "sentinel"}, "kind", "Sentinel is not here"),
        ({"kind": "tfpolicy"}, "kind", "must be opa"),
        ({"query": ""}, "query", "can't be blank"),
        ({"name": "a b"}, "name", "letters, digits"),
        ({"enforcement_level": "soft-mandatory"}, "enforcement-level", "not included in the list"),
    ],
)
def test_what_is_refused(runs: Runs, members: dict[str, Any], pointer: str, text: str) -> None:
    (error,) = create(runs, expect=422, **members)["errors"]
    assert error["source"]["pointer"] == f"/data/attributes/{pointer}"
    assert text in error["detail"]


def test_names_are_unique(runs: Runs) -> None:
    create(runs)
    (error,) = create(runs, expect=422, name="CLOSED")["errors"]
    assert error["source"]["pointer"] == "/data/attributes/name"


@pytest.mark.parametrize(("code", "status"), [(b"\xff", 422), (b"a\0", 422), (b"x" * ((1 << 20) + 1), 413)])
def test_code_that_is_none(runs: Runs, code: bytes, status: int) -> None:
    made = create(runs)["data"]["id"]
    path, octets = f"/policies/{made}/upload", {"Content-Type": "application/octet-stream"}
    assert runs.api.raw("PUT", path, runs.owner.token, code, headers=octets).status_int == status


def test_who_may_read_and_manage(runs: Runs) -> None:
    made = create(runs)["data"]["id"]
    world, organization = runs.world, runs.organization
    reader, member = manager(runs, "manage-policy-overrides"), world.member(organization).token
    runs.api.get(f"/policies/{made}", world.token(organization))
    runs.api.get(f"/policies/{made}", reader)
    for token in (member, world.person().token, manager(runs, "manage-workspaces")):
        runs.api.get(f"/policies/{made}", token, expect=404)
        runs.api.get(f"/organizations/{organization.name}/policies", token, expect=404)
    for token in (reader, member):
        create(runs, token, expect=404, name="x")
        runs.api.delete(f"/policies/{made}", token, expect=404)
        runs.api.patch(f"/policies/{made}", token, document("policies", {"name": "y"}), expect=404)


def test_code_is_recorded_by_its_digest(runs: Runs) -> None:
    made = create(runs)["data"]["id"]
    octets = {"Content-Type": "application/octet-stream"}
    runs.api.raw("PUT", f"/policies/{made}/upload", runs.owner.token, CODE.encode(), headers=octets)
    path = f"/organizations/{runs.organization.name}/activity-events"
    events = [each["attributes"] for each in runs.api.get(path, runs.owner.token)["data"]]
    (uploaded,) = [each for each in events if each["action"] == "policies.upload"]
    assert set(uploaded["changes"]) == {"sha256"}
    assert "package" not in str(uploaded)
