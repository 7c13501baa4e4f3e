"""The command itself, in the process of the test."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.agent import main as command
from app.agent.settings import Settings, WrongSettings, default_home
from tests.support.agent_service import AgentService


@pytest.fixture
def environment(service: AgentService, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GROUNDPLAN_URL", service.url)
    monkeypatch.setenv("GROUNDPLAN_AGENT_TOKEN", "pool-token")
    monkeypatch.setenv("GROUNDPLAN_AGENT_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["groundplan-agent", "--single"])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    umask = os.umask(0o022)
    yield
    os.umask(umask)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("environment")
def test_one_job_and_then_the_end(
    service: AgentService, pretend: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_TOOLS", str(pretend("echo done")))
    service.queue.append(job := service.add("plan", version="9.9.9"))
    assert command.main() == 0
    assert job.result is not None
    assert job.result["outcome"] == "ok"
    assert service.agents == {}


@pytest.mark.usefixtures("environment")
def test_what_it_ends_with(service: AgentService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.refuse_registration = True
    assert command.main() == 1
    monkeypatch.setattr("app.agent.sandbox.find_bwrap", lambda: None)
    assert command.main() == 2
    monkeypatch.delenv("GROUNDPLAN_URL")
    assert command.main() == 2


@pytest.mark.usefixtures("environment")
def test_a_home_that_terraform_may_not_enter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.agent.sandbox.Sandbox.may_enter", lambda *_: False)
    with pytest.raises(WrongSettings, match="as whom Terraform runs, may not enter"):
        command.run(Settings(url="http://127.0.0.1:1", token="t", name="n", home=home))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_processes_of_the_same_user_do_not_see_the_token() -> None:
    code = (
        "import subprocess, sys; from app.agent.main import close_to_others; close_to_others(); "
        "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); close_to_others(); "
        "sys.exit(subprocess.run(['/usr/bin/env', 'cat', f'/proc/{os.getpid()}/environ'], stdout=2).returncode)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"TOKEN": "s3cret"}, capture_output=True, check=False)  # noqa: S603
    assert done.returncode != 0
    assert b"s3cret" not in done.stderr
    assert b"Permission denied" in done.stderr


def test_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_home({}) == Path("/var/lib/groundplan-agent")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_home({"XDG_STATE_HOME": "/state"}) == Path("/state/groundplan-agent")


def test_all_that_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the file\n")
    settings = Settings.from_environment(
        {
            "GROUNDPLAN_URL": "https://tf.example/base/",
            "GROUNDPLAN_AGENT_TOKEN_FILE": str(tmp_path / "token"),
            "GROUNDPLAN_AGENT_HOME": str(tmp_path),
            "GROUNDPLAN_AGENT_NAME": "ada",
            "GROUNDPLAN_AGENT_SLOTS": "7",
            "GROUNDPLAN_SANDBOX": "container",
            "GROUNDPLAN_SANDBOX_USER": "daemon",
            "GROUNDPLAN_TOOLS": "/opt/tools",
            "GROUNDPLAN_PLUGIN_MIRROR": "/opt/mirror",
            "GROUNDPLAN_TERRAFORM_RELEASES": "https://mirror.example/terraform/",
            "GROUNDPLAN_OPENTOFU_RELEASES": "https://mirror.example/tofu",
            "GROUNDPLAN_OPENTOFU_INDEX": "https://mirror.example/tofu.json",
            "GROUNDPLAN_RELEASE_KEYS": "/etc/keys",
            "GROUNDPLAN_RUN_MEMORY_MIB": "512",
            "GROUNDPLAN_RUN_DISK_MIB": "100",
            "GROUNDPLAN_DOORBELLS": "/run/bells",
            "GROUNDPLAN_AGENT_PARENT": "12",
        }
    )
    assert (settings.url, settings.token, settings.name) == ("https://tf.example/base", "of the file", "ada")
    assert (settings.slots, settings.sandbox, settings.sandbox_user) == (7, "container", "daemon")
    assert settings.releases.terraform_index == "https://mirror.example/terraform/index.json"
    assert settings.releases.opentofu_index == "https://mirror.example/tofu.json"
    assert (settings.limits.memory, settings.limits.disk) == (512 * 2**20, 100 * 2**20)
    assert (settings.parent, settings.doorbells, settings.tools) == (12, Path("/run/bells"), Path("/opt/tools"))
