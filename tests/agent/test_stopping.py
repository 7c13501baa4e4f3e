"""Signals, lost leases and limits: what becomes of Terraform, and what the service is told."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.agent.settings import Limits
from tests.support.agent_service import AgentService, ServedJob, packed
from tests.support.running_agent import Start

Pretend = Callable[[str], Path]

# One resource that is quickly there, and one that takes its time.
SLOW = """
resource "terraform_data" "quick" {
  input = "there"
}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {
    command = "echo waiting; sleep 60.%s"
  }
}
"""
needs_terraform = pytest.mark.needs("terraform")


def applying(service: AgentService, mark: str) -> ServedJob:
    planned = service.add("plan")
    planned.configuration = packed(main=SLOW % mark)
    assert service.run(planned)["outcome"] == "ok", planned.text
    job = service.offer(service.add_apply(planned))
    job.wait_for_log("0mwaiting")
    return job


def is_running(mark: str) -> bool:
    listed = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return f"sleep 60.{mark}" in listed


def resources(state: bytes) -> set[str]:
    return {each["name"] for each in json.loads(state)["resources"] if each["instances"]}


@needs_terraform
def test_an_interrupted_apply_keeps_what_is_there(service: AgentService, start: Start) -> None:
    start()
    job = applying(service, "11")
    job.signal = "interrupt"
    service.ring(b"signal")
    assert job.finished.wait(10)
    assert job.result == {"outcome": "canceled", "error": None}
    assert "Interrupt received" in job.text
    assert "quick" in resources(job.states[-1][0])
    assert job.states[-1][1]
    assert not is_running("11")


@needs_terraform
def test_a_killed_apply_keeps_what_is_there(service: AgentService, start: Start) -> None:
    start()
    job = applying(service, "12")
    job.signal = "kill"
    service.ring(b"signal")
    assert job.finished.wait(10)
    assert job.result == {"outcome": "canceled", "error": None}
    assert resources(job.states[-1][0]) == {"quick"}
    assert not is_running("12")


@needs_terraform
def test_an_apply_goes_on_without_its_lease(service: AgentService, start: Start, pretend: Pretend) -> None:
    tools = pretend('test "$1" = plan && exit 0; echo begun; sleep 0.6; echo "{}" | state; echo ended')
    start(tools=tools)
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    job = service.offer(service.add_apply(planned))
    job.wait_for_log("begun")
    job.lost = True
    service.ring(b"signal")
    with job.changed:
        assert job.changed.wait_for(lambda: job.states, 10)
    assert job.states == [(b"{}\n", True)]
    assert job.result is None


def test_a_plan_whose_log_is_not_taken_is_given_up(service: AgentService, start: Start, pretend: Pretend) -> None:
    running = start(tools=pretend("while true; do echo more; sleep 0.1; done"))
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("more")
    job.lost = True
    assert wait_for(lambda: not running.agent._running())
    assert job.result is None


def test_a_plan_without_its_lease_is_given_up(service: AgentService, start: Start, pretend: Pretend) -> None:
    running = start(tools=pretend("echo begun; sleep 60.13"))
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("begun")
    job.lost = True
    service.ring(b"signal")
    assert wait_for(lambda: not running.agent._running())
    assert not is_running("13")
    assert job.result is None


def test_a_plan_whose_lease_ran_out_is_given_up(service: AgentService, start: Start, pretend: Pretend) -> None:
    running = start(tools=pretend("echo begun; sleep 60.14"))
    job = service.offer(service.add("plan", **{"version": "9.9.9", "lease-seconds": 0.5}))
    assert wait_for(lambda: is_running("14"))
    service.away = True
    assert wait_for(lambda: not is_running("14"))
    service.away = False
    assert wait_for(lambda: not running.agent._running())
    assert job.result is None


def test_a_run_that_takes_too_long_is_interrupted(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("trap 'echo stopped; exit 1' INT; echo begun; while true; do sleep 0.05; done"))
    job = service.add("plan", **{"version": "9.9.9", "timeout-seconds": 1})
    result = service.run(job)
    assert result == {"outcome": "failed", "error": "The run took longer than it may, 1 seconds."}
    assert "stopped" in job.text


def test_what_does_not_end_is_killed(service: AgentService, start: Start, pretend: Pretend) -> None:
    limits = Limits(grace_seconds=0)
    start(tools=pretend("trap '' INT; echo begun; while true; do sleep 0.05; done"), limits=limits)
    job = service.add("plan", **{"version": "9.9.9", "timeout-seconds": 1})
    assert service.run(job)["outcome"] == "failed"


def test_memory_is_limited(service: AgentService, start: Start, pretend: Pretend) -> None:
    # The shell itself is more than that.
    start(tools=pretend("while true; do sleep 0.05; done"), limits=Limits(memory=1000, grace_seconds=5))
    job = service.add("plan", **{"version": "9.9.9", "timeout-seconds": 5})
    assert service.run(job)["error"] == "The run used more memory than it may, 0 MiB."


def test_the_disk_is_limited(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.watch.DISK_SECONDS", 0)
    start(
        tools=pretend("head -c 3000000 /dev/zero > big; while true; do sleep 0.05; done"),
        limits=Limits(disk=2_000_000, grace_seconds=5),
    )
    job = service.add("plan", **{"version": "9.9.9", "timeout-seconds": 5})
    assert service.run(job)["error"] == "The run used more of the disk than it may, 1 MiB."


def test_an_agent_that_ends_finishes_its_jobs(service: AgentService, start: Start, pretend: Pretend) -> None:
    running = start(tools=pretend("echo begun; sleep 0.3; echo done"))
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("begun")
    running.agent.end()
    later = service.offer(service.add("plan", version="9.9.9"))
    running.thread.join(10)
    assert job.result is not None
    assert job.result["outcome"] == "ok"
    assert later.result is None
    assert service.agents == {}


def test_an_agent_that_is_asked_twice_interrupts_its_jobs(
    service: AgentService, start: Start, pretend: Pretend
) -> None:
    running = start(tools=pretend("trap 'exit 1' INT; echo begun; while true; do sleep 0.05; done"))
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("begun")
    running.agent.end()
    running.agent.end()
    assert job.finished.wait(10)
    assert job.result == {"outcome": "failed", "error": "The agent was stopped."}


def test_an_agent_whose_parent_is_gone_ends(service: AgentService, start: Start) -> None:
    running = start(parent=1 << 22)
    running.thread.join(10)
    assert not running.thread.is_alive()
    assert service.agents == {}


def test_a_single_agent_without_a_job_ends_if_it_is_told_so(service: AgentService, start: Start) -> None:
    running = start(single=True, slots=1, idle_seconds=1)
    running.thread.join(10)
    assert not running.thread.is_alive()
    assert service.agents == {}


def test_a_single_agent_takes_one_job(service: AgentService, start: Start, pretend: Pretend) -> None:
    service.queue += [service.add("plan", version="9.9.9"), service.add("plan", version="9.9.9")]
    running = start(tools=pretend("exit 0"), single=True, slots=1)
    running.thread.join(10)
    assert [job.result is not None for job in service.jobs.values()] == [True, False]


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    due = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > due:
            return False
        time.sleep(0.02)
    return True


def test_a_lease_that_hangs_costs_no_other_job_its_own(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("echo begun; sleep 1"), slots=2)
    hanging, other = service.add("plan", version="9.9.9"), service.add("plan", version="9.9.9")
    service.hanging.add(hanging.document["id"])
    service.offer(hanging).wait_for_log("begun")
    service.offer(other).wait_for_log("begun")
    assert wait_for(lambda: other.renewed > 2)
    assert hanging.renewed == 0
    # What was rung for meanwhile is asked for afterwards.
    service.ring(b"signal")
    hanging.signal = "kill"
    service.hanging.clear()
    service.released.set()
    assert hanging.finished.wait(10)
    assert (hanging.result or {})["outcome"] == "canceled"


def test_the_page_of_a_proxy_ends_no_heartbeat(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("echo begun; sleep 1"))
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("begun")
    service.pages.add("lease")
    lease = ("PUT", f"/api/agent/v1/jobs/{job.document['id']}/lease")
    asked, renewed = service.requests.count(lease), job.renewed
    assert wait_for(lambda: service.requests.count(lease) > asked + 1)
    assert job.renewed <= renewed + 1
    service.pages.clear()
    assert wait_for(lambda: job.renewed > renewed + 1)
    assert job.finished.wait(10)
    assert (job.result or {})["outcome"] == "ok"
