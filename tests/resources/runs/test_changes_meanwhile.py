"""What happens to a workspace, its people and the service while a run is pending, planning, waiting or applying."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from app.models.authentication_tokens import AuthenticationToken
from app.resources.runs.agent_jobs import expiry
from app.services import services
from tests.support.api import document
from tests.support.runs import FakeAgent, Job, Runs, uploaded_configuration
from tests.support.states import state
from tests.support.world import World

AT_ONCE = 4
STATUSES = ("pending", "planning", "planned", "applying")


class Begun:
    """A run that has come to a status, and the job of its agent if one has it."""

    def __init__(self, runs: Runs, status: str, **attributes: Any) -> None:
        self.runs = runs
        self.job: Job | None = None
        lock = f"/workspaces/{runs.workspace.id}/actions"
        if status == "pending":
            runs.api.post(f"{lock}/lock", runs.owner.token, {"reason": "lunch"}, expect=200)
        self.id = runs.new(**attributes)
        if status == "planning":
            self._take()
        elif status in {"planned", "applying"}:
            runs.agent.plan()
        if status == "applying":
            runs.act(self.id, "apply")
            self._take()
        self.unlock = f"{lock}/unlock" if status == "pending" else None
        assert runs.status(self.id) == status

    def _take(self) -> None:
        self.job = self.runs.agent.take()
        self.job.start()

    def finish(self, agent: FakeAgent | None = None) -> None:
        """Go on to the end as if nothing had happened."""
        runs = self.runs
        agent = agent or runs.agent
        if self.unlock:
            runs.api.post(self.unlock, runs.owner.token, expect=200)
        if self.job is not None and self.job.document["phase"] == "apply":
            self.job.put_state(state(9))
            self.job.finish()
        else:
            if self.job is None and runs.status(self.id) == "plan_queued":
                self.job = agent.take()
                self.job.start()
            if self.job is not None:
                self.job.finish(has_changes=True)
            runs.act(self.id, "apply")
            agent.apply()
        assert runs.status(self.id) == "applied"
        assert not runs.is_locked()


@pytest.mark.one_database
@pytest.mark.parametrize("status", STATUSES)
def test_a_workspace_becomes_local_or_moves(runs: Runs, status: str) -> None:
    begun = Begun(runs, status)
    other = runs.world.project(runs.organization)
    sent = document("workspaces", {"execution-mode": "local"}, project=("projects", other.id))
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)
    begun.finish()
    runs.create(expect=422)


@pytest.mark.one_database
@pytest.mark.parametrize("status", STATUSES)
def test_a_pool_of_a_run_can_not_be_deleted(runs: Runs, status: str) -> None:
    begun = Begun(runs, status)
    path = f"/agent-pools/{runs.pool.id}"
    runs.api.delete(path, runs.owner.token, expect=422)
    # The workspace goes elsewhere, but the run is still one of this pool.
    sent = document("workspaces", {"execution-mode": "remote"})
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)
    runs.api.delete(path, runs.owner.token, expect=422)
    begun.finish()
    runs.api.delete(path, runs.owner.token)


@pytest.mark.one_database
@pytest.mark.parametrize("status", ["planning", "applying"])
def test_the_token_of_a_pool_is_deleted(runs: Runs, world: World, status: str) -> None:
    begun = Begun(runs, status)
    [token] = [each for each in world.all(AuthenticationToken) if each.agent_pool_id == runs.pool.id]
    runs.api.delete(f"/authentication-tokens/{token.id}", runs.owner.token)
    assert begun.job is not None
    begun.job.lease(expect=401)
    begun.job.put("state?final=true", state(9), expect=401)
    # The agent goes on with another token of the pool.
    runs.agent.token = world.pool_token(runs.pool)
    begun.job.lease()
    begun.finish()


@pytest.mark.one_database
@pytest.mark.parametrize("status", STATUSES)
def test_who_queued_the_run_leaves(runs: Runs, status: str) -> None:
    team = runs.world.team(runs.organization)
    runs.world.workspace_access(team, runs.workspace, "write")
    leaver = runs.world.member(runs.organization, team)
    begun = Begun(runs, status, token=leaver.token)
    membership = runs.world.membership(runs.organization, leaver)
    runs.api.delete(f"/organization-memberships/{membership}", runs.owner.token)
    runs.act(begun.id, "cancel", token=leaver.token, expect=404)
    begun.finish()


@pytest.mark.one_database
@pytest.mark.parametrize("status", STATUSES[:-1])
def test_a_workspace_is_deleted(runs: Runs, status: str) -> None:
    begun = Begun(runs, status)
    runs.api.delete(f"/workspaces/{runs.workspace.id}", runs.owner.token)
    runs.api.get(f"/runs/{begun.id}", runs.owner.token, expect=404)
    assert runs.agent.acquire() is None
    if begun.job is not None:
        begun.job.lease(expect=404)
        begun.job.log(b"late", 0, expect=404)
        begun.job.finish(expect=404)


@pytest.mark.one_database
def test_a_workspace_takes_the_files_of_its_runs_with_it(app: Flask, runs: Runs) -> None:
    def objects() -> set[Path]:
        return {each for each in (services(app).settings.home / "blobs").rglob("*") if each.is_file()}

    before = objects()
    begun = Begun(runs, "planning")
    assert begun.job is not None
    for kind in ("plan", "plan-json", "plan-json-redacted", "lock-file"):
        begun.job.put(f"artifacts/{kind}", b"content")
    begun.job.finish(has_changes=True)
    runs.act(begun.id, "apply")
    job = runs.agent.take()
    job.start()
    job.put_state(state(9))
    job.put_state(state(1))
    job.finish()
    assert len(objects() - before) == 6
    runs.api.delete(f"/workspaces/{runs.workspace.id}", runs.owner.token)
    # The archive of its configuration is gone, too.
    assert objects() < before


@pytest.mark.one_database
@pytest.mark.parametrize("status", [*STATUSES, "applied"])
def test_two_reads_show_the_same(runs: Runs, status: str) -> None:
    begun = Begun(runs, "planned" if status == "applied" else status)
    if status == "applied":
        begun.finish()
    for path in ("", "/run-events"):
        first, second = (runs.api.get(f"/runs/{begun.id}{path}", runs.owner.token) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("actions", [("apply", "discard"), ("apply", "cancel"), ("discard", "cancel"), ("apply",) * 3])
def test_two_decisions_at_once(runs: Runs, at_once: Callable[..., list[int]], actions: tuple[str, ...]) -> None:
    begun = Begun(runs, "planned")
    runs.api.get(f"/runs/{begun.id}", runs.owner.token)
    statuses = at_once(*(("POST", f"/runs/{begun.id}/actions/{action}", runs.owner.token, None) for action in actions))
    done = [action for action, status in zip(actions, statuses, strict=True) if status == 202]
    assert set(statuses) <= {202, 409}
    if "cancel" in actions and "apply" in actions and len(done) == len(actions):
        # It was confirmed, and then canceled.
        assert runs.status(begun.id) == "canceled"
        assert runs.agent.acquire() is None
    else:
        assert len(done) == 1
        expected = {"apply": "apply_queued", "discard": "discarded", "cancel": "canceled"}
        assert runs.status(begun.id) == expected[done[0]]
    assert runs.is_locked() is (runs.status(begun.id) == "apply_queued")


def test_agents_at_once_never_get_the_same_job(app: Flask, runs: Runs, world: World) -> None:
    count = 2 * AT_ONCE
    for _ in range(count):
        workspace = runs.add_workspace()
        uploaded_configuration(app, world, workspace)
        runs.create(workspace=workspace)
    agents = [FakeAgent(app, runs.agent.token, world.agent(runs.pool).id) for _ in range(AT_ONCE)]
    barrier = Barrier(AT_ONCE)

    def take(agent: FakeAgent) -> list[str]:
        barrier.wait(10)
        taken = []
        while (job := agent.acquire()) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [job for taken in pool.map(take, agents) for job in taken]
    assert len(found) == len(set(found)) == count


class EndedError(BaseException):
    """Ends what goes on forever."""


@pytest.mark.one_database
def test_agents_have_the_time_of_a_lease_after_an_outage(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looked = 1000.0, []
    is_broken = False

    def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds
        if clock > 1300:
            raise EndedError

    def look(_: Flask) -> int:
        looked.append(clock)
        if is_broken:
            raise ConnectionError
        return 0

    monkeypatch.setattr(expiry, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock))
    monkeypatch.setattr(expiry, "expire_jobs", look)
    lease = services(app).settings.lease_seconds
    for broken in (False, True):
        is_broken, clock = broken, 1000.0
        looked.clear()
        with pytest.raises(EndedError):
            expiry.expire_forever(app, 1000.0)
        assert lease <= looked[0] - 1000 <= lease + 10
        # It looks every few seconds, or after another lease if the database was away.
        gaps = [after - before for before, after in pairwise(looked)]
        assert all(lease <= gap <= lease + 10 for gap in gaps) if broken else max(gaps) < 10
