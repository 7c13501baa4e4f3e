"""What a run can be asked to do, and what is refused."""

from typing import Any

import pytest
from flask import Flask

from tests.support.api import document, faults
from tests.support.runs import Runs, uploaded_configuration
from tests.support.world import World

pytestmark = pytest.mark.one_database

ADDRESSES = "must be an array of addresses of resources, such as aws_instance.web"


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"is_destroy": True, "refresh_only": True}, "refresh-only"),
        ({"refresh_only": True, "refresh": False}, "refresh"),
        ({"refresh_only": True, "replace_addrs": ["a.b"]}, "replace-addrs"),
        ({"save_plan": True, "plan_only": True}, "save-plan"),
        ({"terraform_version": "1.5.7"}, "terraform-version"),
        ({"terraform_version": "~> 1.5", "plan_only": True}, "terraform-version"),
        ({"target_addrs": "a.b"}, "target-addrs"),
        ({"target_addrs": ["-chdir=/"]}, "target-addrs"),
        ({"target_addrs": ["a\nb"]}, "target-addrs"),
        ({"replace_addrs": [""]}, "replace-addrs"),
        ({"replace_addrs": ["a.b"] * 501}, "replace-addrs"),
        ({"variables": {}}, "variables"),
        ({"variables": [{"key": "a b", "value": "1"}]}, "variables"),
        ({"variables": [{"key": "a", "value": 1}]}, "variables"),
        ({"variables": [{"key": "a", "value": "1"}] * 2}, "variables"),
        ({"invoke_action_addrs": ["action.a.b"]}, "invoke-action-addrs"),
        ({"policy_paths": ["policies"]}, "policy-paths"),
        ({"is_destroy": "yes"}, "is-destroy"),
        ({"message": 5}, "message"),
    ],
)
def test_attributes_that_clash_or_are_wrong(runs: Runs, attributes: dict[str, Any], pointer: str) -> None:
    refused = runs.create(expect=422, **attributes)
    assert [where for _, where in faults(refused)] == [f"/data/attributes/{pointer}"]


def test_a_workspace_needs_a_configuration(runs: Runs) -> None:
    empty = runs.add_workspace()
    refused = runs.create(workspace=empty, expect=422)
    assert faults(refused) == [("Configuration version is missing", "/data/relationships/configuration-version")]
    # That of another workspace is none.
    other = ("configuration-versions", runs.configuration.id)
    sent = document("runs", workspace=("workspaces", empty.id), configuration_version=other)
    assert runs.api.post("/runs", runs.owner.token, sent, expect=422) == refused


def test_the_configuration_must_be_uploaded(app: Flask, runs: Runs, world: World) -> None:
    waiting = uploaded_configuration(app, world, runs.workspace)
    pending = world.add(
        type(waiting)(organization_id=waiting.organization_id, workspace_id=waiting.workspace_id, status="pending")
    )
    sent = document(
        "runs",
        workspace=("workspaces", runs.workspace.id),
        configuration_version=("configuration-versions", pending.id),
    )
    refused = runs.api.post("/runs", runs.owner.token, sent, expect=422)
    assert faults(refused)[0][0].startswith("invalid run parameters")


def test_a_speculative_configuration_is_only_planned(app: Flask, runs: Runs, world: World) -> None:
    speculative = uploaded_configuration(app, world, runs.workspace, speculative=True)
    sent = document(
        "runs",
        workspace=("workspaces", runs.workspace.id),
        configuration_version=("configuration-versions", speculative.id),
    )
    shown = runs.api.post("/runs", runs.owner.token, sent)["data"]["attributes"]
    assert shown["plan-only"] is True
    # It is not the latest that an ordinary run takes.
    of = runs.create()["data"]["relationships"]["configuration-version"]["data"]["id"]
    assert of == runs.configuration.id


def test_a_local_workspace_runs_nothing(runs: Runs) -> None:
    local = runs.add_workspace(own_execution_mode="local", own_agent_pool_id=None)
    refused = runs.create(workspace=local, expect=422)["errors"][0]
    assert refused["code"] == "workspace-runs-locally"


def test_a_workspace_may_forbid_destroy_plans(runs: Runs) -> None:
    careful = runs.add_workspace(allow_destroy_plan=False)
    uploaded_configuration(runs.app, runs.world, careful)
    assert faults(runs.create(workspace=careful, is_destroy=True, expect=422))[0][1] == "/data/attributes/is-destroy"


def test_the_agent_is_told_what_to_do(runs: Runs) -> None:
    runs.create(
        message="Only this",
        target_addrs=["a.b"],
        replace_addrs=["c.d"],
        refresh=False,
        variables=[{"key": "region", "value": '"eu"'}],
    )
    job = runs.agent.take()
    told = job.document
    assert told["organization"] == runs.organization.name
    assert told["workspace"]["name"] == runs.workspace.name
    assert told["run"]["target-addrs"] == ["a.b"]
    assert told["run"]["replace-addrs"] == ["c.d"]
    assert told["run"]["refresh"] is False
    assert told["run"]["created-by"] == runs.owner.username
    # Secrets come only with the start.
    assert "region" not in str(told)
    assert job.start()["variables"] == [
        {"key": "region", "value": '"eu"', "category": "terraform", "hcl": True, "sensitive": False}
    ]


def test_variables_have_the_precedence_of_hcp(runs: Runs) -> None:
    def var(value: str, category: str = "terraform", **members: Any) -> dict[str, Any]:
        return {"key": "x", "value": value, "category": category, **members}

    workspace = f"/workspaces/{runs.workspace.id}/vars"
    runs.api.post(workspace, runs.owner.token, document("vars", var("secret", sensitive=True)))
    runs.api.post(workspace, runs.owner.token, document("vars", var("environment", "env")))
    for name, priority in (("weak", False), ("strong", True)):
        varset = document("varsets", {"name": name, "global": True, "priority": priority})
        made = runs.api.post(f"/organizations/{runs.organization.name}/varsets", runs.owner.token, varset)["data"]["id"]
        path = f"/varsets/{made}/relationships/vars"
        key = {"key": "x" if priority else "y"}
        runs.api.post(path, runs.owner.token, document("vars", {**var(name), **key}))
    runs.create()
    given = runs.agent.take().start()["variables"]
    found = {(each["key"], each["category"]): each["value"] for each in given}
    assert found == {
        ("x", "terraform"): "strong",
        ("x", "env"): "environment",
        ("y", "terraform"): "weak",
    }
    runs.act(runs.api.get(f"/workspaces/{runs.workspace.id}/runs", runs.owner.token)["data"][0]["id"], "cancel")
    runs.create(plan_only=True, variables=[{"key": "x", "value": "1"}])
    given = runs.agent.take().start()["variables"]
    assert {"key": "x", "value": "1", "category": "terraform", "hcl": True, "sensitive": False} in given


def test_a_sensitive_value_reaches_the_agent(runs: Runs) -> None:
    sent = {"key": "x", "value": "secret", "category": "terraform", "sensitive": True}
    runs.api.post(f"/workspaces/{runs.workspace.id}/vars", runs.owner.token, document("vars", sent))
    runs.create()
    assert runs.agent.take().start()["variables"] == [{**sent, "hcl": False}]


def test_comments_of_actions_are_checked(runs: Runs) -> None:
    run_id = runs.new()
    path = f"/runs/{run_id}/actions/cancel"
    for sent, pointer in (({"comment": 5}, "/comment"), ({"comment": "x" * 10_001}, "/comment"), ([], "")):
        assert faults(runs.api.post(path, runs.owner.token, sent, expect=422))[0][1] == pointer
    runs.api.post(f"/runs/{run_id}/comments", runs.owner.token, document("comments", {"body": ""}), expect=422)
