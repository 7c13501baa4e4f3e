"""Sets of policies, and where they count."""

from typing import Any

import pytest

from tests.resources.policies.test_policies import manager
from tests.support.api import document
from tests.support.runs import Runs

RELATIONSHIPS = ("policies", "workspaces", "projects", "workspace-exclusions", "project-exclusions")


def path_of(runs: Runs) -> str:
    return f"/organizations/{runs.organization.name}/policy-sets"


def linked(**ids: str) -> dict[str, Any]:
    return {
        name.replace("_", "-"): {"data": [{"type": name.replace("_exclusions", "s"), "id": identifier}]}
        for name, identifier in ids.items()
    }


def create(
    runs: Runs, token: str | None = None, expect: int = 201, relationships: dict[str, Any] | None = None, **more: Any
) -> Any:
    attributes = {"name": "network", **{name.replace("_", "-"): value for name, value in more.items()}}
    sent = document("policy-sets", attributes)
    sent["data"]["relationships"] = relationships or {}
    return runs.api.post(path_of(runs), token or runs.owner.token, sent, expect=expect)


def ids(shown: Any, name: str) -> list[str]:
    return [each["id"] for each in shown["data"]["relationships"][name]["data"]]


def test_a_set_from_beginning_to_end(runs: Runs) -> None:
    token = manager(runs)
    policy = runs.world.policy(runs.organization)
    relationships = linked(policies=policy.id, workspaces=runs.workspace.id, project_exclusions=runs.project.id)
    made = create(runs, token, relationships=relationships, overridable=True, policy_tool_version="1.9.0", kind="opa")
    path = f"/policy-sets/{made['data']['id']}"
    attributes = made["data"]["attributes"]
    assert attributes["overridable"] is True
    assert attributes["global"] is attributes["versioned"] is False
    assert (attributes["policy-count"], attributes["workspace-count"], attributes["project-count"]) == (1, 1, 0)
    assert ids(made, "policies") == [policy.id]
    assert ids(made, "workspaces") == [runs.workspace.id]
    assert ids(made, "project-exclusions") == [runs.project.id]
    for name in RELATIONSHIPS:
        identifier = {"policies": policy.id, "projects": runs.project.id}.get(name.replace("-exclusions", "s"))
        body = {"data": [{"type": name.replace("-exclusions", "s"), "id": identifier or runs.workspace.id}]}
        for _ in range(2):
            runs.api.post(f"{path}/relationships/{name}", token, body, expect=204)
        assert ids(runs.api.get(path, token), name) == [body["data"][0]["id"]]
        for _ in range(2):
            runs.api.raw("DELETE", f"{path}/relationships/{name}", token, body)
        assert ids(runs.api.get(path, token), name) == []
    changed = runs.api.patch(path, token, document("policy-sets", {"global": True}))
    assert changed["data"]["attributes"]["global"] is True
    found = runs.api.get(f"{path_of(runs)}?search[name]=net&include=policies,workspaces,projects", token)
    assert [each["id"] for each in found["data"]] == [made["data"]["id"]]
    runs.api.delete(path, token)
    runs.api.get(path, token, expect=404)
    runs.api.get(f"/policies/{policy.id}", token)


@pytest.mark.one_database
def test_what_is_included(runs: Runs) -> None:
    policy = runs.world.policy(runs.organization)
    relationships = linked(policies=policy.id, workspaces=runs.workspace.id, projects=runs.project.id)
    made = create(runs, relationships=relationships)["data"]["id"]
    shown = runs.api.get(f"/policy-sets/{made}?include=policies,workspaces,projects,current_version", runs.owner.token)
    assert {(each["type"], each["id"]) for each in shown["included"]} == {
        ("policies", policy.id),
        ("workspaces", runs.workspace.id),
        ("projects", runs.project.id),
    }


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"kind": "sentinel"}, "kind"),
        ({"policy_tool_version": "newest"}, "policy-tool-version"),
        ({"vcs_repo": {"identifier": "a/b"}}, "vcs-repo"),
        ({"policies_path": "a"}, "policies-path"),
        ({"policies_path": {}}, "policies-path"),
        ({"name": "a b"}, "name"),
    ],
)
def test_what_is_refused(runs: Runs, members: dict[str, Any], pointer: str) -> None:
    (error,) = create(runs, expect=422, **members)["errors"]
    assert error["source"]["pointer"] == f"/data/attributes/{pointer}"


@pytest.mark.one_database
def test_what_is_unknown_or_elsewhere_is_refused(runs: Runs) -> None:
    elsewhere = runs.world.organization()
    project = runs.world.project(elsewhere)
    strangers = {
        "policies": runs.world.policy(elsewhere).id,
        "projects": project.id,
        "workspaces": runs.world.workspace(project).id,
    }
    made = create(runs)["data"]["id"]
    for type_, identifier in strangers.items():
        body = {"data": [{"type": type_, "id": identifier}]}
        path = f"/policy-sets/{made}/relationships/{type_}"
        (error,) = runs.api.post(path, runs.owner.token, body, expect=422)["errors"]
        assert error["source"]["pointer"] == "/data/0/id"
    (error,) = create(runs, expect=422, name="x", relationships=linked(workspaces="ws-none"))["errors"]
    assert error["source"]["pointer"] == "/data/relationships/workspaces/data/0/id"


@pytest.mark.one_database
def test_only_managers_change_sets(runs: Runs) -> None:
    made = create(runs)["data"]["id"]
    reader = manager(runs, "manage-policy-overrides")
    runs.api.get(f"/policy-sets/{made}", reader)
    body = {"data": [{"type": "workspaces", "id": runs.workspace.id}]}
    runs.api.post(f"/policy-sets/{made}/relationships/workspaces", reader, body, expect=404)
    assert runs.api.raw("DELETE", f"/policy-sets/{made}/relationships/workspaces", reader, body).status_int == 404
    runs.api.patch(f"/policy-sets/{made}", reader, document("policy-sets", {"name": "y"}), expect=404)
    runs.api.delete(f"/policy-sets/{made}", reader, expect=404)
    create(runs, reader, expect=404, name="x")
    admin = runs.world.member(runs.organization, runs.world.team(runs.organization, "manage-workspaces")).token
    runs.api.get(f"/policy-sets/{made}", admin, expect=404)


@pytest.mark.one_database
def test_parameters(runs: Runs) -> None:
    made = create(runs)["data"]["id"]
    path = f"/policy-sets/{made}/parameters"
    token = manager(runs)
    open_, secret = (
        runs.api.post(
            path, token, document("vars", {"key": key, "value": "v", "category": "policy-set", **more}), expect=201
        )
        for key, more in (("region", {}), ("password", {"sensitive": True}))
    )
    assert open_["data"]["attributes"] == {"key": "region", "value": "v", "category": "policy-set", "sensitive": False}
    assert secret["data"]["attributes"]["value"] is None
    one = f"{path}/{secret['data']['id']}"
    sent = document("vars", {"sensitive": False})
    (error,) = runs.api.patch(one, token, sent, expect=422)["errors"]
    assert error["source"]["pointer"] == "/data/attributes/sensitive"
    sent = document("vars", {"value": "hunter2"})
    assert runs.api.patch(one, token, sent)["data"]["attributes"]["value"] is None
    sent = document("vars", {"value": "w", "sensitive": True})
    assert runs.api.patch(f"{path}/{open_['data']['id']}", token, sent)["data"]["attributes"]["value"] is None
    assert [each["attributes"]["key"] for each in runs.api.get(path, token)["data"]] == ["password", "region"]
    events = runs.api.get(f"/organizations/{runs.organization.name}/activity-events", runs.owner.token)
    assert "hunter2" not in str(events)
    runs.api.post(path, token, document("vars", {"key": "region"}), expect=422)
    runs.api.delete(one, token)
    runs.api.get(one, token, expect=404)
    reader = manager(runs, "manage-policy-overrides")
    runs.api.get(path, reader)
    runs.api.post(path, reader, document("vars", {"key": "x"}), expect=404)
    runs.api.get(
        f"/policy-sets/{create(runs, name='other')['data']['id']}/parameters/{open_['data']['id']}", token, expect=404
    )
