"""The agents that gunicorn starts beside itself."""

import gc
import os
import runpy
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from app.agent import sandbox
from app.agent.settings import NAMES, NETWORK
from app.agent.settings import Settings as AgentSettings
from app.authentication.tokens import built_in_pool_token
from app.config import Settings
from app.doorbells import FOLDER, ring
from app.embedded_agents import OF_THE_SYSTEM, EmbeddedAgents, agent_environment, why_none
from app.services import EXTENSION, services
from tests.support.agent_service import AgentService
from tests.support.running_agent import Start

CONFIGURATION = Path(__file__).parents[2] / "gunicorn.conf.py"
pytestmark = pytest.mark.one_database("sqlite")


@pytest.fixture
def settings(app: Flask, tmp_path: Path) -> Settings:
    return replace(services(app).settings, home=tmp_path)


def wait_for(claim: Callable[[], bool]) -> None:
    due = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < due
        time.sleep(0.02)


def test_they_are_started_again_and_ended(
    settings: Settings, service: AgentService, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_AGENT_HOME", str(home))
    service.token = built_in_pool_token(settings.secret_key)
    agents = EmbeddedAgents(replace(settings, agents=2), service.url)
    agents.start()
    wait_for(lambda: len(service.agents) == 2)
    assert {agent["name"] for agent in service.agents.values()} == {"embedded-0", "embedded-1"}
    assert len(list((settings.home / FOLDER).glob("*.sock"))) == 2
    killed = agents._pids[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len(service.agents) == 3)
    assert agents._pids[0] != killed
    agents.stop()
    # The one that was killed could not say so.
    wait_for(lambda: len(service.agents) == 1)


def test_they_get_none_of_the_service_s_keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        monkeypatch.delenv(name)
    given = dict.fromkeys((*NAMES, *NETWORK, "PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH"), "given")
    secrets = (
        *("GROUNDPLAN_SECRET_KEY", "GROUNDPLAN_ENCRYPTION_KEYS", "GROUNDPLAN_ADMIN_TOKEN", "DATABASE_URL"),
        *("GROUNDPLAN_BOOTSTRAP_TOKEN", "GROUNDPLAN_BOOTSTRAP_PASSWORD", "GROUNDPLAN_SMTP_URL", "PGPASSWORD"),
        *("AWS_SECRET_ACCESS_KEY", "SENTRY_DSN", "GROUNDPLAN_OF_LATER", "GROUNDPLAN_AGENT_TOKEN_FILE", "ANYTHING"),
    )
    for name, value in (given | dict.fromkeys(secrets, "secret")).items():
        monkeypatch.setenv(name, value)
    assert agent_environment(settings, "http://127.0.0.1:8080") == {
        **given,
        "GROUNDPLAN_URL": "http://127.0.0.1:8080",
        "GROUNDPLAN_AGENT_TOKEN": built_in_pool_token(settings.secret_key),
        "GROUNDPLAN_AGENT_PARENT": str(os.getpid()),
        "GROUNDPLAN_DOORBELLS": str(settings.home / FOLDER),
        "GROUNDPLAN_HOME": str(settings.home),
    }


def test_they_may_be_told_every_setting_of_agents() -> None:
    read = set()

    class Recorder(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            read.add(name)
            return {"GROUNDPLAN_URL": "http://here", "GROUNDPLAN_AGENT_TOKEN": "token"}.get(name, default)

    AgentSettings.from_environment(Recorder())
    of_service = {"URL", "AGENT_TOKEN", "AGENT_TOKEN_FILE", "AGENT_PARENT", "DOORBELLS", "HOME"}
    allowed = {*NAMES, *OF_THE_SYSTEM, *(f"GROUNDPLAN_{name}" for name in of_service)}
    assert read <= allowed
    assert set(NAMES) <= read | {"GROUNDPLAN_LOG_LEVEL"}


def test_why_there_are_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "why_unavailable", lambda _="nobody": "no user namespaces")
    settings = replace(settings, agents=1)
    told = why_none(settings, {})
    assert told is not None
    assert "no sandbox can be made (no user namespaces)" in told
    assert "\n" not in told
    assert why_none(replace(settings, agents=0), {}) is None
    assert why_none(settings, {"GROUNDPLAN_SANDBOX": "none"}) is None
    for kind, why in (("container", "in a container of its own"), ("docker", "must be bwrap or none, not docker")):
        told = why_none(settings, {"GROUNDPLAN_SANDBOX": kind})
        assert told is not None
        assert why in told
        assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "tls", "url", "expected"),
    [
        (("127.0.0.1", 8080), False, None, "http://127.0.0.1:8080"),
        (("0.0.0.0", 80), False, "https://tf.example", "http://127.0.0.1:80"),  # noqa: S104
        (("::", 80, 0, 0), False, None, "http://[::1]:80"),
        (("10.0.0.5", 443), True, "https://tf.example", "https://tf.example"),
        (("10.0.0.5", 443), True, None, "https://10.0.0.5:443"),
        ("/run/groundplan.sock", False, "https://tf.example", "https://tf.example"),
    ],
)
def test_where_they_reach_the_service(name: object, tls: bool, url: str | None, expected: str) -> None:  # noqa: FBT001
    listener = SimpleNamespace(sock=SimpleNamespace(getsockname=lambda: name))
    server = SimpleNamespace(LISTENERS=[listener], cfg=SimpleNamespace(is_ssl=tls))
    assert runpy.run_path(str(CONFIGURATION))["own_address"](server, url) == expected


def test_garbage_is_collected_again_when_the_service_is_ready(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    # It would keep what other tests have left.
    monkeypatch.setattr(gc, "freeze", lambda: None)
    without = replace(services(app).settings, agents=0, workers=0)
    monkeypatch.setitem(app.extensions, EXTENSION, replace(services(app), settings=without))
    gc.disable()
    try:
        runpy.run_path(str(CONFIGURATION))["when_ready"](SimpleNamespace(app=SimpleNamespace(wsgi=lambda: app)))
        assert gc.isenabled()
    finally:
        gc.enable()


def test_a_doorbell_in_a_deep_folder(service: AgentService, start: Start, home: Path) -> None:
    deep = home / ("deep" * 20) / ("deeper" * 10)
    deep.mkdir(parents=True)
    start(doorbells=deep)
    wait_for(lambda: ("POST", "/api/agent/v1/agents/agent-1/acquire") in service.requests)
    asked = len(service.requests)
    ring(deep, ["job"])
    wait_for(lambda: len(service.requests) > asked)


def test_an_agent_that_hears_nothing_is_no_trouble(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(tmp_path / "1.sock"))
    left.close()
    ring(tmp_path, ["job"])
    assert list(tmp_path.iterdir()) == []
