"""The way of a run through its statuses, with an agent that does as it is told."""

from sqlalchemy import Engine, update

from app.models.agents import Agent
from tests.support.api import document
from tests.support.runs import Runs
from tests.support.states import state


def test_a_run_is_planned_confirmed_and_applied(runs: Runs) -> None:
    created = runs.create(message="Add a server")["data"]
    run_id = created["id"]
    assert created["attributes"]["status"] == "plan_queued"
    assert "plan-queueable-at" in created["attributes"]["status-timestamps"]
    assert created["relationships"]["run-events"]["data"]
    assert runs.is_locked()
    plan = runs.agent.take()
    assert plan.document["phase"] == "plan"
    assert runs.status(run_id) == "plan_queued"
    plan.start()
    assert runs.status(run_id) == "planning"
    plan.finish(has_changes=True, additions=1)
    shown = runs.show(run_id)
    assert shown["status"] == "planned"
    assert shown["has-changes"] is True
    assert shown["actions"] == {
        "is-cancelable": False,
        "is-confirmable": True,
        "is-discardable": True,
        "is-force-cancelable": False,
    }
    runs.act(run_id, "apply", comment="Go")
    assert runs.status(run_id) == "apply_queued"
    job = runs.agent.take()
    assert job.document["phase"] == "apply"
    job.start()
    assert runs.status(run_id) == "applying"
    assert job.put_state(state(1)) == {"kept-as": "state-version"}
    job.finish()
    assert runs.status(run_id) == "applied"
    apply = runs.api.get(f"/runs/{run_id}/apply", runs.owner.token)["data"]["attributes"]
    assert apply["resource-additions"] == 1
    assert not runs.is_locked()
    version = runs.api.get(f"/workspaces/{runs.workspace.id}/current-state-version", runs.owner.token)["data"]
    assert version["attributes"]["serial"] == 1
    assert version["relationships"]["run"]["data"]["id"] == run_id
    comments = runs.api.get(f"/runs/{run_id}/comments", runs.owner.token)["data"]
    assert [each["attributes"]["body"] for each in comments] == ["Go"]
    assert runs.agent.acquire() is None


def test_a_plan_without_changes_ends_the_run(runs: Runs) -> None:
    run_id = runs.new()
    runs.agent.plan(changes=False)
    assert runs.status(run_id) == "planned_and_finished"
    assert not runs.is_locked()
    apply = runs.api.get(f"/runs/{run_id}/apply", runs.owner.token)["data"]["attributes"]
    assert apply["status"] == "unreachable"


def test_an_empty_apply_can_be_asked_for(runs: Runs) -> None:
    run_id = runs.new(allow_empty_apply=True)
    runs.agent.plan(changes=False)
    assert runs.status(run_id) == "planned"


def test_it_applies_by_itself(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    assert runs.status(run_id) == "apply_queued"
    runs.agent.apply()
    assert runs.status(run_id) == "applied"


def test_a_second_run_waits_for_the_first(runs: Runs) -> None:
    first, second = runs.new(), runs.new()
    assert runs.status(second) == "pending"
    runs.agent.plan()
    assert runs.agent.acquire() is None
    runs.act(first, "discard")
    assert runs.status(first) == "discarded"
    assert runs.status(second) == "plan_queued"
    assert runs.is_locked()


def test_a_run_that_only_plans_never_waits(runs: Runs) -> None:
    runs.new()
    run_id = runs.new(plan_only=True)
    assert runs.status(run_id) == "plan_queued"
    runs.agent.plan()
    runs.agent.plan()
    assert runs.status(run_id) == "planned_and_finished"
    listed = runs.api.get(f"/workspaces/{runs.workspace.id}/runs", runs.owner.token)["data"]
    assert run_id not in [each["id"] for each in listed]


def test_a_saved_plan_waits_without_a_lock(runs: Runs) -> None:
    run_id = runs.new(save_plan=True)
    runs.agent.plan()
    assert runs.status(run_id) == "planned_and_saved"
    assert not runs.is_locked()
    runs.act(run_id, "apply")
    assert runs.is_locked()
    runs.agent.apply()
    assert runs.status(run_id) == "applied"


def test_a_saved_plan_is_discarded_when_the_state_changes(runs: Runs) -> None:
    saved = runs.new(save_plan=True)
    runs.agent.plan()
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    assert runs.status(saved) == "discarded"


def test_a_saved_plan_is_not_applied_beside_another_run(runs: Runs) -> None:
    saved = runs.new(save_plan=True)
    runs.agent.plan()
    runs.new()
    runs.act(saved, "apply", expect=409)
    assert runs.status(saved) == "planned_and_saved"


def test_a_locked_workspace_lets_no_run_begin(runs: Runs) -> None:
    path = f"/workspaces/{runs.workspace.id}/actions"
    runs.api.post(f"{path}/lock", runs.owner.token, {}, expect=200)
    run_id = runs.new()
    assert runs.status(run_id) == "pending"
    runs.api.post(f"{path}/unlock", runs.owner.token, expect=200)
    assert runs.status(run_id) == "plan_queued"
    assert runs.is_locked()


def test_a_waiting_run_is_canceled_at_once(runs: Runs) -> None:
    for is_taken in (False, True):
        run_id = runs.new()
        if is_taken:
            runs.agent.take()
        runs.act(run_id, "cancel")
        shown = runs.show(run_id)
        assert shown["status"] == "canceled"
        assert shown["canceled-at"] is not None
        assert shown["force-cancel-available-at"] > shown["canceled-at"]
        assert shown["actions"]["is-force-cancelable"] is False
        assert not runs.is_locked()


def test_a_running_plan_is_interrupted(runs: Runs) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    assert job.lease()["signal"] == "none"
    runs.act(run_id, "cancel")
    assert runs.status(run_id) == "planning"
    assert runs.show(run_id)["actions"]["is-cancelable"] is False
    runs.act(run_id, "cancel", expect=409)
    assert job.lease()["signal"] == "interrupt"
    job.finish("ok", has_changes=True)
    assert runs.status(run_id) == "canceled"
    assert not runs.is_locked()


def test_a_failed_plan_ends_the_run(runs: Runs) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    job.finish("failed", error="It did not work")
    assert runs.status(run_id) == "errored"
    events = runs.api.get(f"/runs/{run_id}/run-events", runs.owner.token)["data"]
    assert "It did not work" in [each["attributes"]["description"] for each in events]


def test_a_run_is_executed_by_force(runs: Runs) -> None:
    first, waiting, last = runs.new(), runs.new(), runs.new()
    runs.act(last, "force-execute", expect=409)
    runs.agent.plan()
    runs.act(last, "force-execute")
    assert [runs.status(each) for each in (first, waiting, last)] == ["discarded", "pending", "plan_queued"]
    runs.act(first, "force-execute", expect=403)


def test_a_run_says_that_no_agent_is_there(runs: Runs, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(Agent).values(status="exited"))
    run_id = runs.new()
    events = runs.api.get(f"/runs/{run_id}/run-events", runs.owner.token)["data"]
    said = "No agent of this pool is connected; the run begins when one is"
    assert said in [each["attributes"]["description"] for each in events]
    assert runs.log_of(run_id) == b"\x02" + said.encode() + b"\n"
    assert runs.agent.take().document["log-length"] == len(said) + 1


def test_nothing_is_deleted_under_an_apply(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    for path in (
        f"/workspaces/{runs.workspace.id}",
        f"/projects/{runs.project.id}?force=true",
        f"/organizations/{runs.organization.name}",
    ):
        refused = runs.api.delete(path, runs.owner.token, expect=409)["errors"][0]
        assert refused["code"] == "run-still-applying", path
        assert run_id in refused["detail"]
    job.finish("failed")
    runs.api.delete(f"/workspaces/{runs.workspace.id}", runs.owner.token)


def test_a_run_that_is_not_over_keeps_its_lock(runs: Runs) -> None:
    run_id = runs.new()
    path = f"/workspaces/{runs.workspace.id}/actions/force-unlock"
    refused = runs.api.post(path, runs.owner.token, expect=409)["errors"][0]
    assert refused["code"] == "workspace-locked-by-run"
    assert f"locked by Run {run_id}" in refused["detail"]


def test_a_pool_stays_while_a_run_needs_it(runs: Runs) -> None:
    run_id = runs.new()
    local = document("workspaces", {"execution-mode": "local"})
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, local)
    refused = runs.api.delete(f"/agent-pools/{runs.pool.id}", runs.owner.token, expect=422)["errors"][0]
    assert refused["code"] == "agent-pool-in-use"
    # The run goes on where it began.
    runs.agent.plan()
    runs.act(run_id, "discard")
    runs.api.delete(f"/agent-pools/{runs.pool.id}", runs.owner.token)
