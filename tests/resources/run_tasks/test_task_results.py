"""Runs that ask run tasks: the request, the answer, and what becomes of the run."""

import hashlib
import hmac
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, NotificationConfiguration, TaskResult, WorkspaceTask
from app.models.run_task_parts import EXPIRE
from tests.support.api import Api, document
from tests.support.background import do_due, tasks
from tests.support.receivers import Receiver
from tests.support.run_tasks import KEY, answer, ask, stage_of
from tests.support.runs import Runs


def test_a_run_asks_after_its_plan_and_goes_on(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    task = ask(app, runs, receiver, "post_plan")
    run_id = runs.new(message="Five more", auto_apply=True)
    runs.agent.plan()
    assert runs.status(run_id) == "post_plan_running"
    do_due(app)
    [request] = receiver.requests
    signature = hmac.new(KEY.encode(), request.body, hashlib.sha512).hexdigest()
    assert request.headers["x-tfc-task-signature"] == signature
    asked = request.json
    stage = stage_of(runs, run_id)
    [result] = runs.world.all(TaskResult)
    assert stage["relationships"]["task-results"]["data"] == [{"id": result.id, "type": "task-results"}]
    shown = runs.show(run_id)
    plan_id = api.get(f"/runs/{run_id}/plan", runs.owner.token)["data"]["id"]
    page = f"https://plan.example.test/app/{runs.organization.name}/workspaces/{runs.workspace.name}"
    assert {name: each for name, each in asked.items() if name != "access_token"} == {
        "payload_version": 1,
        "capabilities": {"outcomes": True},
        "configuration_version_download_url": (
            f"https://plan.example.test/api/v2/configuration-versions/{runs.configuration.id}/download"
        ),
        "configuration_version_id": runs.configuration.id,
        "is_speculative": False,
        "organization_name": runs.organization.name,
        "plan_json_api_url": f"https://plan.example.test/api/v2/plans/{plan_id}/json-output",
        "run_app_url": f"{page}/runs/{run_id}",
        "run_created_at": shown["created-at"],
        "run_created_by": runs.owner.username,
        "run_id": run_id,
        "run_message": "Five more",
        "stage": "post_plan",
        "task_result_callback_url": f"https://plan.example.test/api/v2/task-results/{result.id}/callback",
        "task_result_enforcement_level": "mandatory",
        "task_result_id": result.id,
        "vcs_branch": None,
        "vcs_commit_url": None,
        "vcs_pull_request_url": None,
        "vcs_repo_url": None,
        "workspace_app_url": page,
        "workspace_id": runs.workspace.id,
        "workspace_name": runs.workspace.name,
        "workspace_working_directory": None,
    }
    answer(api, asked, "running", message="looking")
    outcomes = [
        {
            "type": "task-result-outcomes",
            "attributes": {
                "outcome-id": "PRTNR-1",
                "description": "Fine",
                "body": "# Fine",
                "url": "https://task.example.com/1",
                "tags": {"Status": [{"label": "Passed", "level": "info"}, {"label": "x"}]},
            },
        },
        {"type": "task-result-outcomes", "attributes": {"outcome-id": "PRTNR-2", "description": "Fine, too"}},
    ]
    said = answer(
        api,
        asked,
        "passed",
        message="2 passed",
        url="https://task.example.com/",
        relationships={"outcomes": {"data": outcomes}},
    )["data"]
    assert runs.status(run_id) == "apply_queued"
    assert (said["attributes"]["status"], said["attributes"]["task-result-outcomes-count"]) == ("passed", 2)
    seen = api.get(f"/task-results/{result.id}", runs.owner.token)["data"]
    attributes = {name: each for name, each in seen["attributes"].items() if not name.endswith("-at")}
    assert set(attributes.pop("status-timestamps")) == {"pending-at", "running-at", "passed-at"}
    assert attributes == {
        "message": "2 passed",
        "status": "passed",
        "url": "https://task.example.com/",
        "task-id": task.id,
        "task-name": task.name,
        "task-url": receiver.url,
        "task-result-outcomes-count": 2,
        "stage": "post_plan",
        "is-speculative": False,
        "workspace-task-id": runs.world.all(WorkspaceTask)[0].id,
        "workspace-task-enforcement-level": "mandatory",
        "agent-pool-id": None,
    }
    assert seen["relationships"]["task-stage"]["data"]["id"] == stage["id"]
    listed = api.get(f"/task-results/{result.id}/outcomes", runs.owner.token)["data"]
    assert [each["attributes"]["outcome-id"] for each in listed] == ["PRTNR-1", "PRTNR-2"]
    assert listed[0]["attributes"]["tags"] == [
        {"label": "Status", "value": [{"label": "Passed", "level": "info"}, {"label": "x", "level": "none"}]}
    ]
    assert api.get(f"/task-result-outcomes/{listed[0]['id']}", runs.owner.token)["data"] == listed[0]
    included = api.get(f"/task-stages/{stage['id']}?include=task_results", runs.owner.token)["included"]
    assert [each["id"] for each in included] == [result.id]
    assert tasks(app, kind=EXPIRE) == []
    events = [each for each in runs.world.all(ActivityEvent) if each.action == "task-results.answer"]
    assert [(each.actor_type, each.actor_name) for each in events] == [("tasks", task.name)]


# --- what the task may do


@pytest.mark.one_database
def test_the_token_reads_what_was_asked_about_and_nothing_else(
    app: Flask, api: Api, runs: Runs, receiver: Receiver
) -> None:
    ask(app, runs, receiver, "post_plan")
    other = runs.new(plan_only=True)
    first = runs.agent.take()
    first.start()
    first.finish()
    runs.new()
    job = runs.agent.take()
    job.start()
    job.put("artifacts/plan-json", b'{"format_version": "1.2"}')
    job.finish(has_changes=True)
    do_due(app)
    asked = next(each.json for each in receiver.requests if each.json["run_id"] != other)
    theirs = next(each.json for each in receiver.requests if each.json["run_id"] == other)
    token = asked["access_token"]

    def path(url: str) -> str:
        return url.removeprefix("https://plan.example.test/api/v2")

    assert api.raw("GET", path(asked["plan_json_api_url"]), token).status_int == 307
    assert api.raw("GET", path(asked["configuration_version_download_url"]), token).status_int == 200
    api.get(f"/runs/{asked['run_id']}", token)
    api.get(f"/task-results/{asked['task_result_id']}", token)
    for refused in (
        path(theirs["plan_json_api_url"]),
        f"/runs/{other}",
        f"/task-results/{theirs['task_result_id']}",
        f"/workspaces/{asked['workspace_id']}",
        f"/workspaces/{asked['workspace_id']}/runs",
        f"/organizations/{asked['organization_name']}",
        f"/workspaces/{asked['workspace_id']}/vars",
        f"/workspaces/{asked['workspace_id']}/current-state-version",
    ):
        api.get(refused, token, expect=404)
    sent = document("task-results", {"status": "passed"})
    api.patch(path(theirs["task_result_callback_url"]), token, sent, expect=404)
    api.post(f"/runs/{asked['run_id']}/actions/apply", token, expect=404)
    api.patch(path(asked["task_result_callback_url"]), runs.owner.token, sent, expect=404)
    for false in (f"{token[:-1]}{'0' if token[-1] != '0' else '1'}", "task.atlasv1.x.y", "task.atlasv1"):
        api.patch(path(asked["task_result_callback_url"]), false, sent, expect=401)
    answer(api, asked, "passed")
    answer(api, asked, "failed", expect=409)
    api.get(f"/runs/{asked['run_id']}", token, expect=404)
    assert api.raw("GET", path(asked["plan_json_api_url"]), token).status_int == 404


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "relationships", "pointer"),
    [
        ({"status": "excellent"}, None, "/data/attributes/status"),
        ({"status": "passed", "url": "javascript:alert(1)"}, None, "/data/attributes/url"),
        ({"status": "passed", "message": "x" * 4097}, None, "/data/attributes/message"),
        ({"status": "passed"}, {"outcomes": {"data": {}}}, "/data/relationships/outcomes"),
        ({"status": "passed"}, {"outcomes": {"data": [{}] * 101}}, "/data/relationships/outcomes"),
        ({"status": "passed"}, {"outcomes": {"data": [1]}}, "/data/relationships/outcomes"),
        (
            {"status": "passed"},
            {"outcomes": {"data": [{"attributes": {"outcome-id": "a", "description": "x", "tags": {"s": [1]}}}]}},
            "/data/relationships/outcomes",
        ),
        (
            {"status": "passed"},
            {"outcomes": {"data": [{"attributes": {"outcome-id": "a", "description": "x"}}] * 2}},
            "/data/relationships/outcomes",
        ),
    ],
)
def test_bad_answers_are_refused(
    app: Flask,
    api: Api,
    runs: Runs,
    receiver: Receiver,
    attributes: dict[str, Any],
    relationships: Any,
    pointer: str,
) -> None:
    ask(app, runs, receiver, "pre_plan")
    run_id = runs.new()
    do_due(app)
    said = answer(api, receiver.requests[0].json, expect=422, relationships=relationships, **attributes)
    assert [each["source"]["pointer"] for each in said["errors"]] == [pointer]
    assert runs.status(run_id) == "pre_plan_running"


# --- what becomes of the run


@pytest.mark.one_database
def test_a_mandatory_no_after_the_plan_waits_for_an_override(
    app: Flask, api: Api, runs: Runs, receiver: Receiver
) -> None:
    ask(app, runs, receiver, "post_plan")
    run_id = runs.new()
    runs.agent.plan()
    do_due(app)
    answer(api, receiver.requests[-1].json, "failed", message="no")
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    shown = stage_of(runs, run_id)
    flags = shown["attributes"]["permissions"]
    assert (flags["can-override-tasks"], flags["can-override"]) == (True, True)
    override = f"/task-stages/{shown['id']}/actions/override"
    writer = runs.world.team(runs.organization)
    runs.world.workspace_access(writer, runs.workspace, "write")
    api.post(override, runs.world.member(runs.organization, writer).token, expect=404)
    administrators = runs.world.team(runs.organization)
    runs.world.workspace_access(administrators, runs.workspace, "admin")
    api.post(override, runs.world.member(runs.organization, administrators).token, expect=200)
    assert runs.status(run_id) == "post_plan_completed"
    assert runs.world.all(TaskResult)[0].status == "failed", "what was said stays"


@pytest.mark.one_database
@pytest.mark.parametrize("stage", ["pre_plan", "pre_apply", "post_apply"])
def test_elsewhere_a_mandatory_no_ends_the_run(
    app: Flask, api: Api, runs: Runs, receiver: Receiver, stage: str
) -> None:
    ask(app, runs, receiver, stage)
    run_id = runs.new()
    if stage != "pre_plan":
        runs.agent.plan()
        runs.act(run_id, "apply")
    if stage == "post_apply":
        runs.agent.apply()
    assert runs.status(run_id) == f"{stage}_running"
    do_due(app)
    answer(api, receiver.requests[-1].json, "failed", message="no")
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("stage", "then"), [("pre_plan", "plan_queued"), ("pre_apply", "apply_queued"), ("post_apply", "applied")]
)
def test_a_yes_lets_the_run_go_on(app: Flask, api: Api, runs: Runs, receiver: Receiver, stage: str, then: str) -> None:
    ask(app, runs, receiver, stage)
    run_id = runs.new()
    if stage != "pre_plan":
        runs.agent.plan()
        runs.act(run_id, "apply")
    if stage == "post_apply":
        runs.agent.apply()
    do_due(app)
    asked = receiver.requests[-1].json
    assert ("plan_json_api_url" in asked) is (stage != "pre_plan")
    answer(api, asked, "passed")
    assert runs.status(run_id) == then


@pytest.mark.one_database
def test_an_advisory_no_stops_nothing_and_the_stricter_choice_counts(
    app: Flask, api: Api, runs: Runs, receiver: Receiver
) -> None:
    everywhere: dict[str, Any] = {"global_enabled": True, "global_stages": ["post_plan"]}
    ask(app, runs, receiver, "post_plan", level="advisory")
    ask(app, runs, receiver, "post_plan", level="advisory", **everywhere, global_enforcement_level="mandatory")
    ask(app, runs, receiver, **everywhere)
    ask(app, runs, receiver, enabled=False, **everywhere)
    ask(app, runs, receiver, "pre_plan", enabled=False)
    run_id = runs.new()
    runs.agent.plan()
    do_due(app)
    asked = {each.json["task_result_id"]: each.json for each in receiver.requests}
    levels = {each.task_name: each.enforcement_level for each in runs.world.all(TaskResult)}
    assert levels == {"task-0": "advisory", "task-1": "mandatory", "task-2": "advisory"}
    for result in runs.world.all(TaskResult):
        status = "passed" if result.enforcement_level == "mandatory" else "failed"
        answer(api, asked[result.id], status)
    assert runs.status(run_id) == "post_plan_completed"


@pytest.mark.one_database
def test_a_plan_only_run_ends_with_a_mandatory_no(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    ask(app, runs, receiver, "post_plan", "pre_apply")
    run_id = runs.new(plan_only=True)
    runs.agent.plan()
    do_due(app)
    [request] = receiver.requests
    assert request.json["is_speculative"] is True
    answer(api, request.json, "failed")
    assert runs.status(run_id) == "errored"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("said", "auto_apply", "told"),
    [
        ("passed", False, ["post_plan_completed"]),
        ("passed", True, []),
        ("failed", False, ["post_plan_awaiting_decision"]),
        ("failed", True, ["post_plan_awaiting_decision"]),
    ],
)
def test_people_are_told_once_when_the_run_waits_for_them(
    app: Flask,
    api: Api,
    runs: Runs,
    receiver: Receiver,
    said: str,
    auto_apply: bool,  # noqa: FBT001 - a column of the table
    told: list[str],
) -> None:
    ask(app, runs, receiver, "post_plan")
    place = {"organization_id": runs.organization.id, "workspace_id": runs.workspace.id}
    wanted = {"enabled": True, "destination_type": "generic", "triggers": ["run:needs_attention"]}
    runs.world.add(NotificationConfiguration(**place, name="ops", url=receiver.url, **wanted))
    runs.new(auto_apply=auto_apply)
    runs.agent.plan()
    do_due(app)
    [question] = receiver.requests
    answer(api, question.json, said)
    do_due(app)
    assert [each.json["notifications"][0]["run_status"] for each in receiver.requests[1:]] == told


@pytest.mark.one_database
@pytest.mark.parametrize("chosen", [(), ("post_plan",)])
def test_what_the_organization_demands_only_its_people_override(
    app: Flask, api: Api, runs: Runs, receiver: Receiver, chosen: tuple[str, ...]
) -> None:
    demands: dict[str, Any] = {"global_enabled": True, "global_stages": ["post_plan"]}
    ask(app, runs, receiver, *chosen, **demands, global_enforcement_level="mandatory")
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    do_due(app)
    answer(api, receiver.requests[-1].json, "failed")
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    stage_id = stage_of(runs, run_id)["id"]
    administrators = runs.world.team(runs.organization)
    runs.world.workspace_access(administrators, runs.workspace, "admin")
    of_organization = runs.world.team(runs.organization, "manage-run-tasks")
    for teams, may in (((administrators,), False), ((administrators, of_organization), True)):
        token = runs.world.member(runs.organization, *teams).token
        flags = api.get(f"/task-stages/{stage_id}", token)["data"]["attributes"]["permissions"]
        assert flags == {"can-override-policy": False, "can-override-tasks": may, "can-override": may}
        api.post(f"/task-stages/{stage_id}/actions/override", token, expect=200 if may else 404)
    assert runs.status(run_id) == "apply_queued"


@pytest.mark.one_database
def test_who_may_not_apply_does_not_override(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    ask(app, runs, receiver, "post_plan")
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    do_due(app)
    answer(api, receiver.requests[-1].json, "failed")
    stage_id = stage_of(runs, run_id)["id"]
    team = runs.world.team(runs.organization)
    runs.world.workspace_access(team, runs.workspace, "custom", {"runs": "read", "run-tasks": True})
    for token in (runs.world.member(runs.organization, team).token, runs.world.token(runs.organization)):
        flags = api.get(f"/task-stages/{stage_id}", token)["data"]["attributes"]["permissions"]
        assert (flags["can-override-tasks"], flags["can-override"]) == (False, False)
        api.post(f"/task-stages/{stage_id}/actions/override", token, expect=404)
    assert runs.status(run_id) == "post_plan_awaiting_decision"
