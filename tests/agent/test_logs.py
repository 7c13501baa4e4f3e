"""The way of a log: at once where nothing is under way, whole after an absence of the service, and never too long."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.agent.settings import Limits
from tests.support.agent_service import AgentService, packed
from tests.support.running_agent import Start

Pretend = Callable[[str], Path]
BANNER = "Terraform v9.9.9\non linux_amd64\nInitializing plugins and modules...\n"


def test_a_line_is_sent_at_once(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("for i in 1 2 3 4; do sleep 0.2; date +%s.%N; done"))
    job = service.add("plan", version="9.9.9")
    arrived = []
    service.offer(job)
    for number in range(4):
        with job.changed:
            assert job.changed.wait_for(lambda: job.text.count("\n") > 3 + number, 10)  # noqa: B023
            arrived.append(time.time())
    printed = [float(line) for line in job.text.splitlines()[3:7]]
    delays = sorted(after - before for before, after in zip(printed, arrived, strict=True))
    # Long before the next one is printed, however busy the machine is.
    assert delays[1] < 0.15


def test_what_is_printed_quickly_is_gathered(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"))
    job = service.add("plan", version="9.9.9")
    service.run(job)
    assert job.text == BANNER + "".join(f"line {number}\n" for number in range(3000))
    assert len(job.log_times) < 30


def test_nothing_is_lost_while_the_service_is_away(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(
        tools=pretend(
            "echo first; sleep 0.4; head -c 300000 /dev/zero | tr '\\0' x; sleep 0.4; echo; echo last; : > done"
        )
    )
    job = service.offer(service.add("plan", version="9.9.9"))
    job.wait_for_log("first")
    service.away = True
    # Terraform has ended long before the service is back.
    time.sleep(1.2)
    assert not job.finished.is_set()
    service.away = False
    assert job.finished.wait(20)
    assert job.text == BANNER + "first\n" + "x" * 300_000 + "\nlast\n"
    assert job.result is not None
    assert job.result["outcome"] == "ok"


def test_a_log_ends_somewhere(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("while :; do echo 0123456789; done | head -c 200000; exit 0"), limits=Limits(log_bytes=50_000))
    job = service.add("plan", version="9.9.9")
    assert service.run(job)["outcome"] == "ok"
    assert len(job.log) < 50_100
    assert job.text.endswith("\n\nThe log ends here: it is longer than 50000 bytes.\n")


def test_any_bytes(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend(r"printf 'a\002b\003c\377\n'; printf 'no end of line'; printf '%s' \"$TF_VAR_s\""))
    job = service.add("plan", version="9.9.9")
    job.variables = [{"key": "TF_VAR_s", "value": "s3cret", "category": "env", "hcl": False, "sensitive": True}]
    assert service.run(job)["outcome"] == "ok"
    assert job.text == BANNER + 'abc\ufffd\nno end of line"(sensitive value)"'


def test_a_failing_init_is_shown(service: AgentService, start: Start, pretend: Pretend) -> None:
    tools = pretend("")
    program = tools / "terraform" / "9.9.9" / "bin" / "terraform"
    program.write_text('#!/bin/sh\ntest "$1" = init && { echo "no such provider"; exit 1; }\necho planned')
    start(tools=tools)
    job = service.add("plan", version="9.9.9")
    assert service.run(job) == {"outcome": "failed", "error": None}
    assert job.text == BANNER + "no such provider\n"


def test_a_service_that_refuses_the_log_stops_nothing(service: AgentService, start: Start, pretend: Pretend) -> None:
    tools = pretend('test "$1" = plan && exit 0; echo begun; sleep 0.3; echo "{}" | state')
    start(tools=tools)
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    job = service.add_apply(planned)
    service.broken.add("log")
    assert service.run(job)["outcome"] == "ok"
    assert job.states == [(b"{}\n", True)]


@pytest.mark.needs("terraform")
def test_a_run_that_is_debugged_shows_what_terraform_does(service: AgentService, start: Start) -> None:
    start()
    job = service.add("plan", run={"debugging-mode": True})
    job.configuration = packed(main='output "x" {\n  value = 1\n}\n')
    assert service.run(job)["outcome"] == "ok"
    # Of both commands.
    assert "[DEBUG]" in job.text
    assert "Initializing the backend" in job.text
    assert "Changes to Outputs" in job.text


def test_a_workspace_says_itself_how_much_is_logged(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend('echo "level $TF_LOG."'))
    for run, variables, level in (
        ({}, [], ""),
        ({"debugging-mode": True}, [], "DEBUG"),
        ({"debugging-mode": True}, [{"key": "TF_LOG", "value": "ERROR"}], "ERROR"),
    ):
        job = service.add("plan", version="9.9.9", run=run)
        job.variables = [{"category": "env", "hcl": False, "sensitive": False, **each} for each in variables]
        service.run(job)
        assert f"level {level}." in job.text
