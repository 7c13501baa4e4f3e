"""How many agents a pool could use."""

from typing import Any

from flask import Flask
from sqlalchemy import Engine, update

from app.models import AgentPool, Organization
from app.models.agents import Agent
from app.models.run_jobs import RunJob
from tests.support.runs import FakeAgent, Runs, uploaded_configuration
from tests.support.statement_costs import Statements
from tests.support.world import World


def queue(agent: FakeAgent, *, expect: int = 200) -> dict[str, Any]:
    answer: dict[str, Any] = agent.send("GET", "/queue", expect=expect)
    return answer


def counts(agent: FakeAgent) -> list[int]:
    answer = queue(agent)
    return [answer[name] for name in ("queued", "ready", "running", "idle", "wanted")]


def add_runs(app: Flask, runs: Runs, world: World, count: int) -> None:
    for _ in range(count):
        workspace = runs.add_workspace()
        uploaded_configuration(app, world, workspace)
        runs.create(workspace=workspace)


def test_what_waits_and_who_is_there(app: Flask, runs: Runs, world: World, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(Agent).values(slots=1))
    assert counts(runs.agent) == [0, 0, 0, 1, 0]
    add_runs(app, runs, world, 3)
    assert counts(runs.agent) == [3, 3, 0, 1, 2]
    taken = runs.agent.take()
    assert counts(runs.agent) == [2, 2, 1, 0, 2]
    jobs = {job.id: job for job in world.all(RunJob)}
    assert sorted(queue(runs.agent)["jobs"]) == sorted(f"{job.id}.0" for job in jobs.values() if job.id != taken.id)
    # An agent that ends leaves no room.
    with engine.begin() as connection:
        connection.execute(update(Agent).values(status="exited"))
        connection.execute(update(RunJob).values(status="queued", lease_until=None))
    answer = queue(runs.agent)
    assert (answer["idle"], answer["wanted"]) == (0, 3)
    # A job that comes back has another name.
    assert f"{taken.id}.1" in answer["jobs"]


def test_limits_of_the_pool_and_of_organizations(app: Flask, runs: Runs, world: World, engine: Engine) -> None:
    add_runs(app, runs, world, 4)
    other = Runs(app, runs.api, world)
    other.new()
    with engine.begin() as connection:
        connection.execute(update(RunJob).values(pool=runs.pool.id))
        connection.execute(
            update(Organization).where(Organization.id == runs.organization.id).values(max_concurrent_runs=2)
        )
    assert counts(runs.agent)[:2] == [5, 3]
    runs.agent.take()
    ready = queue(runs.agent)
    assert ready["ready"] == len(ready["jobs"])
    of = {f"{job.id}.{job.fence}": job.organization_id for job in world.all(RunJob)}
    assert [of[job] for job in ready["jobs"]].count(runs.organization.id) in {1, 2}
    with engine.begin() as connection:
        connection.execute(update(AgentPool).where(AgentPool.id == runs.pool.id).values(max_concurrent_runs=1))
    assert counts(runs.agent)[:3] == [4, 0, 1]


def test_applies_are_named_first(app: Flask, runs: Runs, world: World) -> None:
    add_runs(app, runs, world, 1)
    runs.new(auto_apply=True)
    first = runs.agent.plan()
    second = runs.agent.plan()
    assert {first.document["phase"], second.document["phase"]} == {"plan"}
    add_runs(app, runs, world, 1)
    jobs = {f"{job.id}.{job.fence}": job.phase for job in world.all(RunJob)}
    assert [jobs[each] for each in queue(runs.agent)["jobs"]] == ["apply", "plan"]


def test_only_the_agents_of_the_pool_see_it(app: Flask, runs: Runs, world: World, statements: Statements) -> None:
    add_runs(app, runs, world, 2)
    pool = world.pool(runs.organization)
    assert counts(FakeAgent(app, world.pool_token(pool), "agent-1")) == [0, 0, 0, 0, 0]
    queue(FakeAgent(app, runs.owner.token, "agent-1"), expect=404)
    queue(FakeAgent(app, world.built_in_token(), "agent-1"))
    queue(runs.agent)
    with statements() as seen:
        queue(runs.agent)
    # The caller, and three for the queue.
    assert len(seen) == 4
