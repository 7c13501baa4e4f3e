"""The providers that slots keep: for one organization alone, and not without an end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.agent.caches import Caches, checks_cache
from app.agent.sandbox import Sandbox
from app.agent.settings import Limits
from app.agent.versions import Program
from tests.support.agent_service import AgentService
from tests.support.running_agent import Start

Pretend = Callable[[str], Path]
# What a run has left in its cache for others is in the log.
PLANT = 'ls -a "$TF_PLUGIN_CACHE_DIR" | tail -n +3; echo "$TFC_WORKSPACE_SLUG" > "$TF_PLUGIN_CACHE_DIR/planted"'


def fill(folder: Path, size: int = 100_000) -> None:
    (folder / "provider").write_bytes(b"x" * size)


def test_the_least_used_go_first(tmp_path: Path) -> None:
    caches = Caches(tmp_path, Sandbox("none"), 250_000)
    first, removed = caches.open(0, "first")
    fill(first)
    second, _ = caches.open(0, "../second")
    fill(second)
    assert {first.parent, second.parent} == {tmp_path / "0"}
    assert (tmp_path / "0").stat().st_mode & 0o777 == 0o711
    assert removed == set()
    os.utime(first, (1, 1))
    third, removed = caches.open(0, "third")
    assert removed == set()
    fill(third)
    assert caches.open(0, "third") == (third, {first})
    assert (third / "provider").exists()
    assert (second / "provider").exists()
    assert not first.exists()
    # Another slot has its own.
    assert caches.open(1, "third")[0] != third


def test_one_that_is_too_large_is_emptied(tmp_path: Path) -> None:
    caches = Caches(tmp_path, Sandbox("none"), 250_000)
    own, _ = caches.open(0, "acme")
    fill(own, 300_000)
    assert caches.open(0, "acme") == (own, {own})
    assert list(own.iterdir()) == []


def test_what_checks_what_it_takes() -> None:
    versions = [("terraform", "1.3.10"), ("terraform", "1.4.0-rc1"), ("terraform", "1.4.0"), ("opentofu", "1.6.0")]
    assert [checks_cache(Program(*version, Path("x"))) for version in versions] == [False, False, True, True]


def test_one_organization_finds_nothing_of_another(service: AgentService, start: Start, pretend: Pretend) -> None:
    start(slots=1, tools=pretend(PLANT))
    for organization, found in (("acme", False), ("other", False), ("acme", True)):
        job = service.add("plan", version="9.9.9", organization=organization)
        assert service.run(job)["outcome"] == "ok", job.text
        assert ("planted" in job.text) is found


def test_an_old_terraform_has_no_cache(service: AgentService, start: Start, pretend: Pretend) -> None:
    tools = pretend('echo "cache: ${TF_PLUGIN_CACHE_DIR-none}"')
    (tools / "terraform" / "9.9.9").rename(tools / "terraform" / "1.3.9")
    start(tools=tools)
    job = service.add("plan", version="1.3.9")
    assert service.run(job)["outcome"] == "ok", job.text
    assert "cache: none" in job.text


def test_it_counts_for_the_disk(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.watch.DISK_SECONDS", 0)
    script = 'head -c 3000000 /dev/zero > "$TF_PLUGIN_CACHE_DIR/big"; while true; do sleep 0.05; done'
    start(tools=pretend(script), limits=Limits(disk=2_000_000, grace_seconds=5))
    job = service.add("plan", **{"version": "9.9.9", "timeout-seconds": 5})
    assert service.run(job)["error"] == "The run used more of the disk than it may, 1 MiB."


def test_an_apply_whose_providers_are_gone_prepares_itself(
    service: AgentService, start: Start, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = []
    monkeypatch.setattr("app.agent.applies.ApplyJob.init", lambda self, *_: prepared.append(self.run_id))
    running = start(slots=1, tools=pretend("exit 0"), limits=Limits(disk=2_000_000))
    first, second = (service.add("plan", version="9.9.9", run={"id": name}) for name in ("run-a", "run-b"))
    assert service.run(first)["outcome"] == "ok", first.text
    fill(running.tools.kept["run-a"].directory.directories.cache, 1_500_000)
    assert service.run(second)["outcome"] == "ok", second.text
    for planned in (first, second):
        job = service.add_apply(planned)
        assert service.run(job)["outcome"] == "ok", job.text
    assert prepared == ["run-a"]
