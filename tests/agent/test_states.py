"""States reach the service while Terraform applies, and from wherever Terraform has left them."""

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.agent import states
from app.agent.jobs import Kept
from tests.support.agent_service import AgentService, ServedJob
from tests.support.running_agent import Start

Pretend = Callable[[str], Path]


def planned(service: AgentService) -> ServedJob:
    job = service.add("plan", version="9.9.9")
    service.run(job)
    return job


def test_each_change_is_sent_while_applying(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "UPLOAD_SECONDS", 0.2)
    monkeypatch.setattr(states, "LOOK_SECONDS", 0.02)
    script = """test "$1" = plan && exit 0
for i in 1 2 3; do echo "{\\"serial\\":$i}" | state; sleep 0.4; done; echo '{"serial":4}' | state"""
    start(tools=pretend(script))
    job = service.add_apply(planned(service))
    job.state = b'{"serial":0}'
    service.broken_once.add("state PUT")
    assert service.run(job)["outcome"] == "ok"
    serials = [(json.loads(state)["serial"], final) for state, final in job.states]
    assert serials[-1] == (4, True)
    # One was not taken: it is no trouble.
    assert [serial for serial, _ in serials] in ([2, 3, 4], [1, 2, 3, 4], [1, 3, 4])
    assert not any(final for _, final in serials[:-1])


def test_a_state_that_is_as_it_was_is_not_sent(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend("exit 0"))
    job = service.add_apply(planned(service))
    job.state = b'{"serial":0}'
    assert service.run(job)["outcome"] == "ok"
    assert job.states == []


def test_what_terraform_could_not_write_to_its_place(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend('test "$1" = plan && exit 0; echo old | state; echo new > errored.tfstate; exit 1'))
    job = service.add_apply(planned(service))
    assert service.run(job)["outcome"] == "failed"
    # The second one is the last one.
    assert job.states == [(b"old\n", False), (b"new\n", True)]


def test_the_last_state_waits_for_the_service(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(tools=pretend('test "$1" = plan && exit 0; echo begun; sleep 0.4; echo "{}" | state'))
    job = service.offer(service.add_apply(planned(service)))
    job.wait_for_log("begun")
    service.away = True
    time.sleep(0.9)
    assert not job.finished.is_set()
    service.away = False
    assert job.finished.wait(10)
    assert job.states == [(b"{}\n", True)]


@pytest.mark.parametrize("spoil", ["late", "changed", "gone"])
def test_a_directory_that_is_not_as_it_was_is_made_anew(
    service: AgentService, start: Start, pretend: Pretend, spoil: str
) -> None:
    running = start(tools=pretend('test "$1" = plan && : > of-the-plan; ls; test "$1" = plan || echo "{}" | state'))
    plan = planned(service)
    [kept] = running.tools.kept.values()
    directory = kept.directory
    if spoil == "late":
        running.tools.kept[plan.document["run"]["id"]] = Kept(directory, kept.program, 0, kept.digests, 0)
    elif spoil == "changed":
        directory.write("out/plan", b"another")
    else:
        directory.remove_file("out/plan")
    job = service.add_apply(plan)
    assert service.run(job)["outcome"] == "ok", job.text
    assert "of-the-plan" not in job.text
    assert not directory.root.exists()


def test_a_plan_that_is_gone(service: AgentService, start: Start, pretend: Pretend) -> None:
    first = start(tools=pretend("exit 0"))
    plan = planned(service)
    first.end()
    start(tools=first.settings.tools)
    job = service.add_apply(plan)
    job.given = {}
    assert service.run(job)["error"] == "The plan of this run is not there any more. Start a new run."
    assert job.started == 1


def test_a_state_that_can_not_be_copied_stays_where_it_is(
    service: AgentService, start: Start, pretend: Pretend, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(tools=pretend('test "$1" = plan && exit 0; echo "{}" | state'))
    job = service.add_apply(planned(service))
    service.broken.add("state PUT")
    # No folder can be made there.
    running.tools.lost_states.write_text("")
    assert service.run(job)["state-missing"] is True
    running.end()
    [notes] = home.glob("agent-0/jobs/*/job.json")
    root = notes.parent
    assert (root / "work" / "state" / "net" / "terraform.tfstate").read_text() == "{}\n"
    assert f"see {root}" in caplog.text
    # Nor does the next agent remove it.
    running.recover()
    assert root.exists()
    running.tools.lost_states.unlink()
    running.recover()
    assert not root.exists()
    assert [path.read_text() for path in running.tools.lost_states.iterdir()] == ["{}\n"]


def test_a_lost_state_is_kept_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Directory:
        state, errored_state = "state", "errored"

        def open(self, path: str) -> Any:
            return (tmp_path / path).open("rb")

    for name in ("state", "errored"):
        (tmp_path / name).write_text("new")
    lost = tmp_path / "lost"
    assert states.keep_lost(Directory(), lost, "run-1") == lost / "run-1.tfstate"  # type: ignore[arg-type]
    assert sorted(path.name for path in lost.iterdir()) == ["run-1.errored.tfstate", "run-1.tfstate"]

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.agent.states.os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        states.keep_lost(Directory(), lost, "run-2")  # type: ignore[arg-type]
    assert not (lost / "run-2.tfstate").exists()
