"""Jobs that nobody begins, that take too long, or whose state does not fit."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import Engine, update

from app.models import Organization
from app.models.run_jobs import RunJob
from app.persistence import now
from app.resources.runs.agent_jobs.expiry import expire_jobs
from tests.support.runs import Runs, uploaded_configuration
from tests.support.states import state
from tests.support.world import World


def change_jobs(engine: Engine, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(RunJob).where(RunJob.lease_until.is_not(None)).values(**values))


def test_a_job_that_nobody_begins_ends(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    for _ in range(5):
        assert runs.status(run_id) == "plan_queued"
        runs.agent.take()
        change_jobs(engine, lease_until=now() - timedelta(seconds=1))
        assert expire_jobs(app) == 1
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()
    assert runs.log_of(run_id) == b"\x02\n5 agents took the job, and none has begun it\n\x03"


def test_a_phase_that_takes_too_long_is_told_so_once(app: Flask, runs: Runs, engine: Engine) -> None:
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    change_jobs(engine, deadline=now() - timedelta(seconds=1))
    assert [expire_jobs(app) for _ in range(3)] == [1, 0, 0]
    assert job.lease()["signal"] == "interrupt"
    # Lost after that, it is tried again, by an agent that nobody interrupts.
    change_jobs(engine, lease_until=now() - timedelta(seconds=1))
    expire_jobs(app)
    assert runs.status(run_id) == "plan_queued"
    assert runs.agent.take().start()["signal"] == "none"


def test_a_state_that_does_not_fit_keeps_the_lock(runs: Runs) -> None:
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    second = runs.new(auto_apply=True)
    runs.agent.plan()
    job = runs.agent.take()
    job.start()
    assert job.put_state(state(99, lineage="another")) == {"kept-as": "errored-state"}
    job.finish()
    assert [runs.status(each) for each in (run_id, second)] == ["applied", "errored"]
    assert runs.is_locked()


def test_organizations_at_their_limits_are_in_nobodys_way(app: Flask, runs: Runs, world: World, engine: Engine) -> None:
    other = Runs(app, runs.api, world)
    for each in (runs, runs, other):
        workspace = each.add_workspace()
        uploaded_configuration(app, world, workspace)
        each.create(workspace=workspace)
    with engine.begin() as connection:
        connection.execute(update(RunJob).values(pool=runs.pool.id))
        connection.execute(
            update(Organization)
            .where(Organization.__table__.c.id == runs.organization.id)
            .values(max_concurrent_runs=1)
        )
    taken = {runs.agent.take().document["organization"] for _ in range(2)}
    assert taken == {runs.organization.name, other.organization.name}
    assert runs.agent.acquire() is None
