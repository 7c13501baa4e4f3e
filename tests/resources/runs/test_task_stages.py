"""The stages of runs in which policies and run tasks have a say."""

from typing import Any

import pytest

from app.models import run_stages
from tests.resources.runs.test_run_permissions import member_with
from tests.support.runs import Runs
from tests.support.stages import WaitingParts, add_stages, settle

ALL = ("pre_plan", "post_plan", "pre_apply", "post_apply")


def stages_of(runs: Runs, run_id: str) -> dict[str, str]:
    listed = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
    return {each["attributes"]["stage"]: each["attributes"]["status"] for each in listed}


def actions(runs: Runs, run_id: str) -> list[str]:
    events = runs.api.get(f"/runs/{run_id}/run-events", runs.owner.token)["data"]
    return [each["attributes"]["action"] for each in events]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> WaitingParts:
    """Parts that say something later."""
    parts = WaitingParts()
    monkeypatch.setattr(run_stages, "KINDS", (*run_stages.KINDS, parts))
    return parts


def waiting_run(runs: Runs, *stages: str, later: WaitingParts | None = None, **attributes: Any) -> str:
    """A run that waits for another one, with stages; the other one ends then."""
    first = runs.new()
    run_id = runs.new(**attributes)
    assert runs.status(run_id) == "pending"
    add_stages(runs, run_id, *stages, later=later)
    runs.act(first, "cancel")
    return run_id


def override(runs: Runs, stage_id: str, token: str | None = None, expect: int = 200, **body: Any) -> Any:
    return runs.api.post(f"/task-stages/{stage_id}/actions/override", token or runs.owner.token, body, expect=expect)


def test_stages_that_pass_let_the_run_go_on(runs: Runs) -> None:
    run_id = waiting_run(runs, *ALL)
    assert runs.status(run_id) == "plan_queued"
    runs.agent.plan()
    shown = runs.show(run_id)
    assert shown["status"] == "post_plan_completed"
    assert shown["actions"]["is-confirmable"] is True
    assert shown["actions"]["is-discardable"] is True
    assert runs.is_locked()
    runs.act(run_id, "apply")
    assert runs.status(run_id) == "apply_queued"
    runs.agent.apply()
    assert runs.status(run_id) == "applied"
    assert not runs.is_locked()
    assert stages_of(runs, run_id) == dict.fromkeys(ALL, "passed")
    assert actions(runs, run_id) == [
        "created",
        "pre-plan-running",
        "pre-plan-completed",
        "plan-queued",
        "planning",
        "planned",
        "post-plan-running",
        "post-plan-completed",
        "confirmed",
        "pre-apply-running",
        "pre-apply-completed",
        "apply-queued",
        "applying",
        "post-apply-running",
        "post-apply-completed",
        "applied",
    ]
    version = runs.api.get(f"/workspaces/{runs.workspace.id}/current-state-version", runs.owner.token)["data"]
    assert version["relationships"]["run"]["data"]["id"] == run_id


def test_a_run_waits_for_what_is_not_said_yet(runs: Runs, later: WaitingParts) -> None:
    run_id = waiting_run(runs, *ALL, later=later, auto_apply=True)
    assert runs.status(run_id) == "pre_plan_running"
    assert runs.is_locked()
    assert runs.agent.acquire() is None
    settle(runs, later, run_id, "pre_plan", "passed")
    assert runs.status(run_id) == "plan_queued"
    runs.agent.plan()
    assert runs.status(run_id) == "post_plan_running"
    assert runs.show(run_id)["actions"]["is-confirmable"] is False
    settle(runs, later, run_id, "post_plan", "passed")
    assert runs.status(run_id) == "pre_apply_running"
    settle(runs, later, run_id, "pre_apply", "passed")
    assert runs.status(run_id) == "apply_queued"
    runs.agent.apply()
    assert runs.status(run_id) == "post_apply_running"
    assert runs.api.get(f"/runs/{run_id}/apply", runs.owner.token)["data"]["attributes"]["status"] == "finished"
    assert runs.is_locked()
    settle(runs, later, run_id, "post_apply", "passed")
    assert runs.status(run_id) == "applied"
    settle(runs, later, run_id, "post_apply", "failed")
    assert runs.status(run_id) == "applied", "a stage that is over stays as it is"


@pytest.mark.one_database
@pytest.mark.parametrize("stage", ALL)
def test_a_mandatory_part_that_says_no_ends_the_run(runs: Runs, later: WaitingParts, stage: str) -> None:
    run_id = waiting_run(runs, *ALL, later=later, auto_apply=True)
    for name in ALL[: ALL.index(stage)]:
        settle(runs, later, run_id, name, "passed")
        if name == "pre_plan":
            runs.agent.plan()
        elif name == "pre_apply":
            runs.agent.apply()
    settle(runs, later, run_id, stage, "failed")
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()
    found = stages_of(runs, run_id)
    assert found[stage] == "failed"
    assert {found[name] for name in ALL[ALL.index(stage) + 1 :]} <= {"unreachable"}
    assert runs.agent.acquire() is None
    serial = runs.api.raw("GET", f"/workspaces/{runs.workspace.id}/current-state-version", runs.owner.token)
    assert (serial.status_int == 200) is (stage == "post_apply"), "the state of an apply counts, whatever is said of it"


@pytest.mark.one_database
@pytest.mark.parametrize("said", ["failed", "errored", "unreachable", "canceled"])
def test_nothing_but_yes_is_a_yes(runs: Runs, said: str) -> None:
    run_id = runs.new(auto_apply=True)
    add_stages(runs, run_id, "post_plan", says=said)
    runs.agent.plan()
    assert runs.status(run_id) == "errored"


@pytest.mark.one_database
def test_a_run_without_changes_and_a_saved_plan_end_their_plans_as_always(runs: Runs) -> None:
    for attributes, has_changes, expected in (
        ({}, False, "planned_and_finished"),
        ({"plan_only": True}, True, "planned_and_finished"),
        ({"save_plan": True}, True, "planned_and_saved"),
        ({"auto_apply": True}, True, "apply_queued"),
    ):
        run_id = runs.new(**attributes)
        add_stages(runs, run_id, "post_plan", "pre_apply")
        runs.agent.plan(changes=has_changes)
        assert runs.status(run_id) == expected
        if expected == "planned_and_finished":
            assert stages_of(runs, run_id) == {"post_plan": "passed", "pre_apply": "unreachable"}


def test_somebody_overrides_and_the_run_goes_on(runs: Runs) -> None:
    run_id = runs.new()
    (stage_id,) = add_stages(runs, run_id, "post_plan", says="failed", overridable=True)
    assert "can't be" not in str(override(runs, stage_id, expect=409))
    runs.agent.plan()
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    shown = runs.api.get(f"/task-stages/{stage_id}?include=task_results,policy_evaluations", runs.owner.token)
    attributes = shown["data"]["attributes"]
    assert attributes["status"] == "awaiting_override"
    assert attributes["actions"] == {"is-overridable": True}
    assert attributes["permissions"]["can-override"] is True
    assert {"running-at", "awaiting_override-at"} <= set(attributes["status-timestamps"])
    assert [each["type"] for each in shown["included"]] == ["policy-evaluations"]
    assert runs.is_locked()
    runs.act(run_id, "apply", expect=409)
    overridden = override(runs, stage_id, comment="It is fine")["data"]
    assert overridden["attributes"]["status"] == "passed"
    assert runs.status(run_id) == "post_plan_completed"
    comments = runs.api.get(f"/runs/{run_id}/comments", runs.owner.token)["data"]
    assert [each["attributes"]["body"] for each in comments] == ["It is fine"]
    evaluations = runs.api.get(f"/task-stages/{stage_id}/policy-evaluations", runs.owner.token)["data"]
    assert [each["attributes"]["status"] for each in evaluations] == ["overridden"]
    assert runs.api.get(f"/policy-evaluations/{evaluations[0]['id']}", runs.owner.token)["data"] == evaluations[0]
    override(runs, stage_id, expect=409)
    runs.act(run_id, "apply")
    runs.agent.apply()
    assert runs.status(run_id) == "applied"


@pytest.mark.one_database
def test_an_override_applies_by_itself_if_the_run_does(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    (stage_id,) = add_stages(runs, run_id, "post_plan", says="failed", overridable=True)
    runs.agent.plan()
    override(runs, stage_id)
    assert runs.status(run_id) == "apply_queued"


@pytest.mark.one_database
def test_a_run_that_waits_for_a_decision_is_discarded(runs: Runs) -> None:
    run_id, after = runs.new(), runs.new()
    (stage_id,) = add_stages(runs, run_id, "post_plan", says="failed", overridable=True)
    runs.agent.plan()
    assert runs.show(run_id)["actions"] == {
        "is-cancelable": False,
        "is-confirmable": False,
        "is-discardable": True,
        "is-force-cancelable": False,
    }
    runs.act(run_id, "discard")
    assert stages_of(runs, run_id) == {"post_plan": "canceled"}
    assert runs.status(after) == "plan_queued"
    override(runs, stage_id, expect=409)
    assert runs.status(run_id) == "discarded"


@pytest.mark.one_database
def test_a_plan_only_run_waits_for_nobody(runs: Runs) -> None:
    run_id = runs.new(plan_only=True)
    add_stages(runs, run_id, "post_plan", says="failed", overridable=True)
    runs.agent.plan()
    assert runs.status(run_id) == "errored"


@pytest.mark.one_database
def test_a_running_stage_is_canceled_with_its_run(runs: Runs, later: WaitingParts) -> None:
    run_id = waiting_run(runs, "pre_plan", "pre_apply", later=later)
    assert runs.show(run_id)["actions"]["is-cancelable"] is True
    runs.act(run_id, "cancel")
    assert runs.status(run_id) == "canceled"
    assert stages_of(runs, run_id) == {"pre_plan": "canceled", "pre_apply": "unreachable"}
    assert not runs.is_locked()


@pytest.mark.one_database
def test_to_cancel_after_the_confirmation_takes_the_right_to_apply(runs: Runs, later: WaitingParts) -> None:
    run_id = runs.new(auto_apply=True)
    add_stages(runs, run_id, "pre_apply", later=later)
    runs.agent.plan()
    assert runs.status(run_id) == "pre_apply_running"
    runs.act(run_id, "cancel", token=member_with(runs, "plan"), expect=404)
    runs.act(run_id, "cancel")
    assert runs.status(run_id) == "canceled"


@pytest.mark.one_database
def test_who_may_override(runs: Runs) -> None:
    run_id = runs.new()
    (stage_id,) = add_stages(runs, run_id, "post_plan", says="failed", overridable=True)
    runs.agent.plan()
    world, organization = runs.world, runs.organization
    for token in (
        runs.world.person().token,
        member_with(runs, "admin"),
        world.token(organization),
        world.member(organization, world.team(organization, "manage-policies")).token,
        world.member(organization, world.team(organization, "manage-workspaces")).token,
    ):
        override(runs, stage_id, token, expect=404)
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    team = world.team(organization)
    details: dict[str, Any] = {"runs": "read", "policy-overrides": True}
    world.workspace_access(team, runs.workspace, "custom", details)
    by_workspace = world.member(organization, team).token
    by_organization = world.member(organization, world.team(organization, "manage-policy-overrides")).token
    for token in (by_workspace, by_organization):
        shown = runs.api.get(f"/task-stages/{stage_id}", token)["data"]["attributes"]
        assert shown["permissions"]["can-override-policy"] is True
    shown = runs.api.get(f"/task-stages/{stage_id}", member_with(runs, "admin"))["data"]["attributes"]
    assert shown["permissions"]["can-override"] is False
    override(runs, stage_id, by_workspace)
    assert runs.status(run_id) == "post_plan_completed"


@pytest.mark.one_database
def test_who_may_see_stages(runs: Runs) -> None:
    run_id = runs.new()
    (stage_id,) = add_stages(runs, run_id, "post_plan")
    (evaluation,) = runs.api.get(f"/task-stages/{stage_id}/policy-evaluations", runs.owner.token)["data"]
    paths = (
        f"/runs/{run_id}/task-stages",
        f"/task-stages/{stage_id}",
        f"/task-stages/{stage_id}/policy-evaluations",
        f"/policy-evaluations/{evaluation['id']}",
    )
    reader, stranger = member_with(runs, "read"), runs.world.person().token
    for path in paths:
        runs.api.get(path, reader)
        runs.api.get(path, stranger, expect=404)
    shown = runs.api.get(f"/runs/{run_id}?include=task_stages", reader)
    assert shown["data"]["relationships"]["task-stages"]["data"] == [{"type": "task-stages", "id": stage_id}]
    assert [each["id"] for each in shown["included"]] == [stage_id]
    shown = runs.api.get(f"/task-stages/{stage_id}?include=run.workspace", reader)
    assert [each["id"] for each in shown["included"]] == [run_id, runs.workspace.id]
