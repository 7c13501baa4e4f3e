"""Whatever goes wrong on the way, the run ends, its user is told why, and the agent goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.agent.plan_json import BadPlan
from app.agent.sandbox import NoSandbox, Sandbox
from app.agent.settings import Releases
from tests.support.agent_service import AgentService, packed
from tests.support.running_agent import Start

Pretend = Callable[[str], Path]


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("what", "error", "told"),
    [
        (
            "app.agent.plans.redact",
            RuntimeError("x"),
            "The agent failed. Its operator finds the reason in its own log.",
        ),
        (
            "app.agent.plans.redact",
            BadPlan("x"),
            "The plan can't be read: Terraform has shown something that is no JSON.",
        ),
    ],
)
def test_faults_after_the_plan(
    what: str,
    error: Exception,
    told: str,
    service: AgentService,
    start: Start,
    pretend: Pretend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start(tools=pretend("exit 0"))
    monkeypatch.setattr(what, raising(error))
    job = service.add("plan", version="9.9.9")
    assert service.run(job) == {"outcome": "failed", "error": told}
    assert job.text.endswith(f"\nError: {told}\n")
    monkeypatch.undo()
    assert service.run(service.add("plan", version="9.9.9"))["outcome"] == "ok"


def test_a_sandbox_that_can_not_be_made_any_more(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tools=pretend("exit 0"))
    monkeypatch.setattr(Sandbox, "start", raising(NoSandbox("no user namespaces")))
    result = service.run(service.add("plan", version="9.9.9"))
    assert result["error"] == "No sandbox can be made on the agent: no user namespaces."


def test_a_file_that_the_service_does_not_take(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("exit 0"))
    service.broken.add("plan-json")
    result = service.run(service.add("plan", version="9.9.9"))
    assert result["outcome"] == "failed"
    assert result["error"] == "The agent could not exchange with the service what the run needs: This is not taken."


def test_a_plan_that_can_not_be_shown(service: AgentService, start: Start, pretend: Pretend) -> None:
    tools = pretend("exit 0")
    program = tools / "terraform" / "9.9.9" / "bin" / "terraform"
    program.write_text(program.read_text().replace("show) echo", "show) echo 'a provider is gone' >&2; exit 1; echo"))
    start(tools=tools)
    result = service.run(service.add("plan", version="9.9.9"))
    assert result["error"] == "The plan can't be read (show -json): a provider is gone"


def test_a_plan_that_left_none(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("rm -f /groundplan/work/out/plan"))
    assert service.run(service.add("plan", version="9.9.9"))["error"] == "Terraform has left no plan."


def test_a_job_that_is_lost_before_its_start(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("exit 0"))
    lost = service.add("plan", version="9.9.9")
    lost.lost = True
    service.offer(lost)
    following = service.add("plan", version="9.9.9")
    assert service.run(following)["outcome"] == "ok"
    assert lost.result is None
    assert lost.artifacts == {}


def test_a_service_that_refuses_or_is_away(service: AgentService, start: Start, pretend: Pretend) -> None:
    service.broken_once.add("acquire")
    start(tools=pretend("exit 0"))
    service.away = True
    service.ring(b"job")
    service.away = False
    assert service.run(service.add("plan", version="9.9.9"))["outcome"] == "ok"


def test_a_state_that_is_too_large(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.jobs.STATE_BYTES", 10)
    start(tools=pretend("exit 0"))
    job = service.add("plan", version="9.9.9")
    job.configuration = packed(main="")
    job.state = b"x" * 11
    assert "the state is larger than 10 bytes" in service.run(job)["error"]


@pytest.mark.parametrize("phase", ["plan", "apply"])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": "8.8.8"}, "8.8.8"),
        ({"workspace": {"working-directory": "../out"}}, "The working directory ../out lies outside"),
    ],
)
def test_what_can_not_be_begun_is_ended(
    phase: str, changes: dict[str, Any], told: str, service: AgentService, start: Start, pretend: Pretend, home: Path
) -> None:
    nowhere = "http://127.0.0.1:9"
    running = start(tools=pretend("exit 0"), releases=Releases(terraform=nowhere, terraform_index=nowhere))
    job = service.add(phase, **changes)
    job.given = {"plan": b"planned"}
    result = service.run(job)
    assert result["outcome"] == "failed"
    assert told in result["error"]
    assert job.text.endswith(f"\nError: {result['error']}\n")
    # The service takes no end of what was not started.
    assert job.started == 1
    assert service.run(service.add("plan", version="9.9.9", run={"plan-only": True}))["outcome"] == "ok"
    running.end()
    assert list(home.glob("agent-0/jobs/*")) == []


def test_only_so_many_planned_runs_are_kept(service: AgentService, start: Start, pretend: Pretend, home: Path) -> None:
    running = start(tools=pretend("exit 0"), slots=1)
    plans = [service.add("plan", version="9.9.9", run={"allow-empty-apply": True}) for _ in range(3)]
    for plan in plans:
        service.run(plan)
    assert list(running.tools.kept) == [plan.document["run"]["id"] for plan in plans[1:]]
    kept = [f"{plan.document['id']}-{plan.document['fence']}" for plan in plans[1:]]
    assert sorted(path.name for path in home.glob("agent-0/jobs/*")) == kept
