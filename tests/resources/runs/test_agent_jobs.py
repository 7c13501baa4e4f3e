"""The jobs of agents: who gets which, and who may write to one."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.models import AgentPool, Organization
from app.models.run_jobs import RunJob
from app.models.runs import Run
from app.persistence import now
from app.resources.runs.agent_jobs import expiry
from app.resources.runs.agent_jobs.expiry import expire_jobs
from app.resources.runs.agent_jobs.operations import expire
from tests.support.runs import FakeAgent, Job, Runs, uploaded_configuration
from tests.support.states import state
from tests.support.world import World


def let_lease_end(engine: Engine, by: timedelta = timedelta(seconds=1)) -> None:
    """As if the agents had been silent until their leases ended, and longer."""
    with engine.begin() as connection:
        connection.execute(update(RunJob).where(RunJob.lease_until.is_not(None)).values(lease_until=now() - by))


def test_applies_come_first_then_plans_then_what_only_plans(app: Flask, runs: Runs, world: World) -> None:
    others = [runs.add_workspace() for _ in range(2)]
    for workspace in others:
        uploaded_configuration(app, world, workspace)
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.create(workspace=others[0], plan_only=True)
    runs.create(workspace=others[1])
    taken = [runs.agent.take().document for _ in range(3)]
    assert [(each["phase"], each["run"]["plan-only"]) for each in taken] == [
        ("apply", False),
        ("plan", False),
        ("plan", True),
    ]
    assert runs.agent.acquire() is None


def test_organizations_take_turns(app: Flask, runs: Runs, world: World, engine: Engine) -> None:
    # Both use the same pool, as organizations share the built-in one.
    for _ in range(2):
        workspace = runs.add_workspace()
        uploaded_configuration(app, world, workspace)
        runs.create(workspace=workspace)
    other = Runs(app, runs.api, world)
    other.new()
    with engine.begin() as connection:
        connection.execute(update(RunJob).values(pool=runs.pool.id))
    taken = [runs.agent.take().document["organization"] for _ in range(3)]
    assert taken == [runs.organization.name, other.organization.name, runs.organization.name]


def test_an_agent_of_another_pool_gets_and_touches_nothing(app: Flask, runs: Runs, world: World) -> None:
    run_id = runs.new()
    pool = world.pool(runs.organization)
    stranger = FakeAgent(app, world.pool_token(pool), world.agent(pool).id)
    assert stranger.acquire() is None
    job = runs.agent.take()
    for method, rest in (
        ("POST", "start"),
        ("PUT", "lease"),
        ("PUT", "log"),
        ("GET", "configuration"),
        ("GET", "state"),
        ("PUT", "state"),
        ("GET", "artifacts/plan"),
        ("PUT", "artifacts/plan"),
        ("POST", "finish"),
    ):
        stranger.send(method, f"/jobs/{job.id}/{rest}?fence=1&offset=0", {"outcome": "ok"}, expect=404)
    stranger.send("POST", f"/agents/{runs.agent.id}/acquire", expect=404)
    assert runs.status(run_id) == "plan_queued"


def test_nobody_else_speaks_the_protocol(runs: Runs) -> None:
    runs.new()
    job = runs.agent.take()
    person = FakeAgent(runs.app, runs.owner.token, runs.agent.id)
    person.send("POST", f"/jobs/{job.id}/start?fence=1", expect=404)
    organization = FakeAgent(runs.app, runs.world.token(runs.organization), runs.agent.id)
    organization.send("POST", f"/agents/{runs.agent.id}/acquire", expect=404)


def test_a_wrong_fence_opens_nothing(runs: Runs) -> None:
    runs.new()
    job = runs.agent.take()
    job.document["fence"] += 1
    assert job.start(expect=409)["errors"][0]["code"] == "job-lost"
    job.lease(expect=409)
    job.log(b"x", 0, expect=409)
    job.get("configuration", expect=409)
    job.put("artifacts/plan", b"x", expect=409)
    job.finish(expect=409)


def test_a_job_that_was_taken_but_not_started_goes_to_another(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    lost = runs.agent.take()
    let_lease_end(engine)
    assert expire_jobs(app) == 1
    assert expire_jobs(app) == 0
    again = runs.agent.take()
    assert (again.id, again.document["phase"]) == (lost.id, "apply")
    lost.start(expect=409)
    again.start()
    again.finish()
    assert runs.status(run_id) == "applied"


def test_a_plan_is_tried_twice(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    first = runs.agent.take()
    first.start()
    first.log(b"first\n", 0)
    let_lease_end(engine)
    expire_jobs(app)
    assert runs.status(run_id) == "plan_queued"
    assert runs.is_locked()
    second = runs.agent.take()
    # The line of the service about the lost agent comes before what the second agent writes.
    length = second.document["log-length"]
    assert length > len(b"first\n")
    second.start()
    second.log(b"second\n", length)
    first.log(b"late\n", 6, expect=409)
    let_lease_end(engine)
    expire_jobs(app)
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()
    log = runs.log_of(run_id)
    assert log.startswith(b"\x02first\n\nThe agent was not heard of until")
    assert b" UTC\nsecond\n\nThe agent was not heard of until" in log
    assert log.endswith(b" UTC\n\x03")


def test_an_apply_is_never_given_to_a_second_agent(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    let_lease_end(engine)
    expire_jobs(app)
    assert runs.status(run_id) == "applying"
    assert runs.agent.acquire() is None
    # The agent was only cut off: it goes on where it was.
    assert job.lease()["signal"] == "none"
    let_lease_end(engine, timedelta(hours=1))
    expire_jobs(app)
    assert runs.status(run_id) == "errored"
    assert runs.log_of(run_id, "apply").endswith(b"\x03")
    check_incomplete(runs)
    job.lease(expect=409)
    job.log(b"late", 0, expect=409)
    assert runs.agent.acquire() is None


def check_incomplete(runs: Runs) -> None:
    """The workspace must be locked, because its state may lack something."""
    shown = runs.api.get(f"/workspaces/{runs.workspace.id}", runs.owner.token)["data"]["attributes"]
    assert shown["locked"] is True
    assert "may be incomplete" in shown["locked-reason"]


def lose_apply(app: Flask, runs: Runs, engine: Engine) -> tuple[str, Job]:
    """A run that was given up while its agent applied, and the job of that agent."""
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    let_lease_end(engine, timedelta(hours=1))
    expire_jobs(app)
    assert runs.status(run_id) == "errored"
    return run_id, job


def test_a_lost_agent_that_is_back_is_waited_for(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id, job = lose_apply(app, runs, engine)
    # Terraform is still at work.
    assert job.put("state?final=false", state(4), expect=200) == {"kept-as": "state-version"}
    check_incomplete(runs)
    job.finish("failed", **{"state-missing": True})
    check_incomplete(runs)
    # There was nothing more to hand over.
    job.finish()
    assert not runs.is_locked()
    assert runs.status(run_id) == "errored"
    current = runs.api.get(f"/workspaces/{runs.workspace.id}/current-state-version", runs.owner.token)["data"]
    assert current["attributes"]["serial"] == 4


def test_a_state_that_the_agent_could_not_hand_over_keeps_the_lock(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    job.finish("ok", **{"state-missing": True})
    assert runs.status(run_id) == "errored"
    check_incomplete(runs)
    assert job.put_state(state(4)) == {"kept-as": "state-version"}
    assert not runs.is_locked()


def test_a_job_is_started_before_it_is_finished(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.finish(expect=409)
    job.finish("failed", killed=True, expect=409)
    assert runs.status(run_id) == "apply_queued"
    # An agent that can't begin says why, and nobody tries it again.
    job.finish("failed", error="There is no such version")
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()
    assert runs.agent.acquire() is None


def test_a_canceled_plan_of_a_lost_agent_is_canceled(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    runs.agent.take().start()
    runs.act(run_id, "cancel")
    let_lease_end(engine)
    expire_jobs(app)
    assert runs.status(run_id) == "canceled"
    assert runs.log_of(run_id).endswith(b"\x03")


def test_a_job_that_can_not_be_ended_does_not_keep_others(
    app: Flask, runs: Runs, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = runs.add_workspace()
    uploaded_configuration(app, runs.world, other)
    ids = {runs.new(), str(runs.create(workspace=other)["data"]["id"])}
    first, second = sorted((runs.agent.take(), runs.agent.take()), key=lambda job: job.id)
    first.start()
    second.start()

    def fail_first(session: Session, job_id: str, run_id: str, grace: timedelta) -> object:
        if job_id == first.id:
            raise ZeroDivisionError
        return expire(session, job_id, run_id, grace)

    monkeypatch.setattr(expiry, "expire", fail_first)
    let_lease_end(engine)
    assert expire_jobs(app) == 1
    assert sorted(runs.status(each) for each in ids) == ["plan_queued", "planning"]


def test_a_state_that_comes_late_frees_the_workspace(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id, job = lose_apply(app, runs, engine)
    waiting = runs.new()
    assert runs.status(waiting) == "pending"
    assert job.put_state(state(4)) == {"kept-as": "state-version"}
    assert runs.status(run_id) == "errored"
    assert runs.status(waiting) == "plan_queued"
    current = runs.api.get(f"/workspaces/{runs.workspace.id}/current-state-version", runs.owner.token)["data"]
    assert current["attributes"]["serial"] == 4


def test_a_state_that_comes_too_late_is_kept_beside_the_apply(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id, job = lose_apply(app, runs, engine)
    runs.api.post(f"/workspaces/{runs.workspace.id}/actions/force-unlock", runs.owner.token, expect=200)
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    content = state(2)
    assert job.put_state(content) == {"kept-as": "errored-state"}
    apply = runs.api.get(f"/runs/{run_id}/apply", runs.owner.token)["data"]
    answer = runs.api.raw("GET", f"/applies/{apply['id']}/errored-state", runs.owner.token)
    assert answer.status_int == 307
    stored = runs.api.raw("GET", answer.headers["Location"].removeprefix("http://localhost"))
    assert stored.body == content


def test_a_state_is_stored_once(runs: Runs) -> None:
    runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    assert job.put_state(state(3)) == {"kept-as": "state-version"}
    assert job.put_state(state(3)) == {"kept-as": "unchanged"}
    assert job.put_state(state(4)) == {"kept-as": "state-version"}
    # One that does not follow is not lost either.
    assert job.put_state(state(2)) == {"kept-as": "errored-state"}


def test_a_plan_stores_no_state(runs: Runs) -> None:
    runs.new()
    job = runs.agent.take()
    job.start()
    assert job.put("state", state(1), expect=409)["errors"][0]["code"] == "job-without-state"


def test_force_cancel_tells_the_agent_to_kill(runs: Runs, engine: Engine) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    runs.act(run_id, "force-cancel", expect=409)
    runs.act(run_id, "cancel")
    runs.act(run_id, "force-cancel", expect=409)
    with engine.begin() as connection:
        connection.execute(update(Run).values(force_cancel_available_at=now() - timedelta(seconds=1)))
    assert runs.show(run_id)["actions"]["is-force-cancelable"] is True
    runs.act(run_id, "force-cancel")
    assert runs.status(run_id) == "canceled"
    assert "force-canceled-at" in runs.show(run_id)["status-timestamps"]
    assert not runs.is_locked()
    assert job.lease() == {"signal": "kill", "lease-seconds": 0}
    job.log(b"late", 0, expect=409)
    job.finish(expect=409)
    assert job.put_state(state(9)) == {"kept-as": "errored-state"}


def test_a_phase_that_takes_too_long_is_stopped(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()

    def let_time_pass(by: timedelta) -> None:
        with engine.begin() as connection:
            connection.execute(update(RunJob).values(deadline=now() - by))

    let_time_pass(timedelta(seconds=1))
    assert expire_jobs(app) == 1
    assert job.lease()["signal"] == "interrupt"
    assert runs.status(run_id) == "planning"
    let_time_pass(timedelta(hours=1))
    expire_jobs(app)
    assert runs.status(run_id) == "errored"
    assert job.lease()["signal"] == "kill"


def test_finishing_twice_changes_nothing(runs: Runs) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    job.finish(has_changes=True, additions=1)
    job.finish("failed")
    assert runs.status(run_id) == "planned"


def test_the_result_is_checked(runs: Runs) -> None:
    runs.new()
    job = runs.agent.take()
    job.start()
    for members, pointer in (
        ({"outcome": "great"}, "/outcome"),
        ({"additions": -1}, "/additions"),
        ({"imports": True}, "/imports"),
        ({"error": 5}, "/error"),
        ({"terraform-version": []}, "/terraform-version"),
    ):
        path = f"/jobs/{job.id}/finish?fence={job.fence}"
        refused = runs.agent.send("POST", path, {"outcome": "ok", **members}, expect=422)
        assert refused["errors"][0]["source"]["pointer"] == pointer


@pytest.mark.parametrize("limited", ["pool", "organization"])
def test_a_limit_holds_jobs_back(app: Flask, runs: Runs, world: World, engine: Engine, limited: str) -> None:
    model = AgentPool if limited == "pool" else Organization
    with engine.begin() as connection:
        connection.execute(update(model).values(max_concurrent_runs=2))
    for _ in range(3):
        workspace = runs.add_workspace()
        uploaded_configuration(app, world, workspace)
        runs.create(workspace=workspace)
    first = runs.agent.take()
    runs.agent.take()
    assert runs.agent.acquire() is None
    first.start()
    assert runs.agent.acquire() is None
    first.finish("failed")
    assert runs.agent.acquire() is not None
