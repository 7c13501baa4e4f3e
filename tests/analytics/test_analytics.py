"""What analytics are told, and that a sink that is slow, away or broken costs a request nothing."""

import json
import logging
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.analytics import AnalyticsEvent, Delivery, Sink, connect_analytics, posthog
from app.analytics.posthog import PosthogSink
from app.config import Posthog, Settings
from app.models import Organization
from app.web.transaction import EVENTS_OF_A_TASK
from tests.support.api import Api, document
from tests.support.background import do_due, make_due, tasks
from tests.support.services import replace_services
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).parents[2]
KEY = "phc_the-key-of-the-test"
EVENT = AnalyticsEvent(
    action="projects.create",
    actor_type="users",
    actor_id="user-1",
    token_kind="user",
    subject_type="projects",
    subject_id="prj-1",
    organization_id="org-1",
    project_id="prj-1",
    workspace_id=None,
)


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[AnalyticsEvent] = []
        self.uuids: list[str | None] = []

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        self.events.append(event)
        self.uuids.append(uuid)


class Stuck(Kept):
    """A sink that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        self.go.wait(20)
        super().capture(event, uuid)


class Broken:
    """A sink that fails with a text that belongs in no log."""

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        raise ValueError(f"secret {event.actor_id} {uuid}")


class Server:
    """An HTTP server of this process that keeps the bodies it gets; ``silent`` never answers."""

    def __init__(self, *, silent: bool = False, status: int = 200) -> None:
        self.bodies: list[Any] = []
        self.go = threading.Event()
        kept, go = self.bodies, self.go

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if silent:
                    go.wait(20)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the library's own name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of acme."""
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    """The organization of the requests."""
    return world.organization("acme", owner=owner)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        started.append(Server(**options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def deliver(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Delivery]:
    """Lets the application deliver to a sink."""

    def use(sink: Sink, waiting: int = 100) -> Delivery:
        delivery = Delivery(sink, waiting)
        replace_services(monkeypatch, app, analytics=delivery)
        return delivery

    return use


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the service logs of analytics."""
    logger = logging.getLogger("app")
    propagates, logger.propagate = logger.propagate, True
    yield caplog
    logger.propagate = propagates


def until(claim: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline, "not within ten seconds"
        time.sleep(0.01)


def create(api: Api, owner: Person, name: str) -> str:
    made = api.post("/organizations/acme/projects", owner.token, document("projects", {"name": name}))
    return str(made["data"]["id"])


# --- what is captured ----------------------------------------------------------------------------------------------


def test_every_committed_event_is_captured_and_nothing_more(
    app: Flask, api: Api, acme: Organization, owner: Person, world: World, deliver: Callable[..., Delivery]
) -> None:
    sink = Kept()
    deliver(sink)
    project_id = create(api, owner, "Secret Name")
    api.post("/organizations/acme/projects", owner.token, document("projects", {"name": "secret name"}), expect=422)
    api.get(f"/projects/{project_id}", owner.token)
    workspaces = [world.workspace(world.default_project(acme)).id for _ in range(3)]
    moved = {"data": [{"type": "workspaces", "id": identifier} for identifier in workspaces]}
    api.post(f"/projects/{project_id}/relationships/workspaces", owner.token, moved, expect=204)
    assert sink.events == []
    do_due(app)
    created, *moves = sink.events
    assert created == AnalyticsEvent(
        action="projects.create",
        actor_type="users",
        actor_id=owner.id,
        token_kind="user",
        subject_type="projects",
        subject_id=project_id,
        organization_id=acme.id,
        project_id=project_id,
        workspace_id=None,
        at=created.at,
    )
    assert {(event.action, event.workspace_id) for event in moves} == {("workspaces.move", each) for each in workspaces}
    assert len(moves) == len(workspaces)
    assert len({*sink.uuids}) == len(sink.uuids)
    assert {each.name for each in fields(AnalyticsEvent)}.isdisjoint(
        {"changes", "actor_name", "subject_name", "token_id"}
    )


def test_posthog_gets_kinds_and_ids_alone(serving: Callable[..., Server]) -> None:
    server = serving()
    uuid = str(uuid4())
    PosthogSink(Posthog(key=KEY, host=server.url)).capture(EVENT, uuid)
    [body] = server.bodies
    assert body["api_key"] == KEY
    [event] = body["batch"]
    assert (event["event"], event["distinct_id"], event["uuid"]) == ("projects.create", "user-1", uuid)
    properties = {name: value for name, value in event["properties"].items() if not name.startswith("$")}
    assert properties == {
        "actor_type": "users",
        "token_kind": "user",
        "subject_type": "projects",
        "subject_id": "prj-1",
        "organization_id": "org-1",
        "project_id": "prj-1",
    }
    assert set(event["properties"]) - set(properties) <= {
        "$lib",
        "$lib_version",
        "$geoip_disable",
        "$is_server",
        "$process_person_profile",
    }


# --- what a sink may do --------------------------------------------------------------------------------------------


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


SINKS: dict[str, Callable[[Callable[..., Server]], Sink]] = {
    "raises": lambda _: Broken(),
    "never answers": lambda serving: PosthogSink(Posthog(key=KEY, host=serving(silent=True).url)),
    "is not there": lambda _: PosthogSink(Posthog(key=KEY, host=closed_port())),
    "refuses": lambda serving: PosthogSink(Posthog(key=KEY, host=serving(status=401).url)),
}


@pytest.mark.parametrize("what", SINKS)
def test_a_bad_sink_costs_a_request_nothing(
    app: Flask,
    api: Api,
    acme: Organization,
    owner: Person,
    deliver: Callable[..., Delivery],
    serving: Callable[..., Server],
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    what: str,
) -> None:
    monkeypatch.setattr(posthog, "SECONDS", 0.3)
    deliver(SINKS[what](serving))
    began = time.monotonic()
    create(api, owner, f"{acme.name} billing")
    assert time.monotonic() - began < 4, "nobody waits for the sink"
    assert do_due(app) == 1
    [row] = tasks(app)
    assert (row.kind, row.status, row.attempts) == ("deliver-analytics", "waiting", 1)
    for text in (row.last_error, log.text):
        assert "secret" not in text
        assert KEY not in text
    sink = Kept()
    deliver(sink)
    make_due(app)
    do_due(app)
    assert [event.action for event in sink.events] == ["projects.create"]
    assert tasks(app) == []


@pytest.mark.parametrize("sink", [Broken(), Stuck()], ids=["raises", "is stuck"])
def test_a_bad_sink_costs_a_read_nothing(sink: Sink, log: pytest.LogCaptureFixture) -> None:
    delivery = Delivery(sink, 2)
    for _ in range(8):
        delivery.capture([EVENT])
    until(lambda: delivery.lost >= 5)
    lines = [record.getMessage() for record in log.records if record.name.startswith("app.analytics")]
    assert len(lines) == 1, "one line, however many are lost"
    assert "events lost" in lines[0]
    assert "secret" not in log.text
    if isinstance(sink, Stuck):
        sink.go.set()


def test_events_that_are_sent_again_have_the_same_ids(
    app: Flask, api: Api, acme: Organization, owner: Person, world: World, deliver: Callable[..., Delivery]
) -> None:
    class Failing(Kept):
        """Fails at the third event."""

        def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
            super().capture(event, uuid)
            if len(self.events) == 3:
                raise OSError

    sink = Failing()
    deliver(sink)
    project_id = create(api, owner, "billing")
    do_due(app)
    workspaces = [world.workspace(world.default_project(acme)).id for _ in range(EVENTS_OF_A_TASK + 5)]
    moved = {"data": [{"type": "workspaces", "id": identifier} for identifier in workspaces]}
    api.post(f"/projects/{project_id}/relationships/workspaces", owner.token, moved, expect=204)
    do_due(app)
    make_due(app)
    do_due(app)
    assert len({*sink.uuids}) == 1 + len(workspaces)
    assert sink.uuids[1:3] == sink.uuids[8:10]


def test_a_worker_without_analytics_says_so(app: Flask, api: Api, acme: Organization, owner: Person) -> None:
    with pytest.MonkeyPatch.context() as patch:
        replace_services(patch, app, analytics=Delivery(Kept()))
        create(api, owner, acme.name)
    do_due(app)
    [row] = tasks(app)
    assert row.status == "dead"
    assert "the worker needs the same GROUNDPLAN_POSTHOG_KEY" in row.last_error


def test_what_finds_no_room_is_lost_and_the_rest_arrives(log: pytest.LogCaptureFixture) -> None:
    sink = Stuck()
    delivery = Delivery(sink, 3)
    delivery.capture([EVENT])
    until(lambda: not delivery._queue.waiting)
    delivery.capture([EVENT] * 5)
    assert delivery.lost == 2
    sink.go.set()
    delivery.close(5)
    assert len(sink.events) == 4
    assert "1 events lost so far (the queue is full)" in log.text


def test_it_recovers_when_the_sink_does() -> None:
    class Recovering(Kept):
        fails = True

        def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
            if self.fails:
                raise OSError
            super().capture(event, uuid)

    sink = Recovering()
    delivery = Delivery(sink)
    delivery.capture([EVENT])
    until(lambda: delivery.lost)
    sink.fails = False
    delivery.capture([EVENT])
    delivery.close(5)
    assert (sink.events, delivery.lost) == ([EVENT], 1)


# --- processes -----------------------------------------------------------------------------------------------------


def test_the_end_waits_so_long_and_no_longer(log: pytest.LogCaptureFixture) -> None:
    sink = Stuck()
    delivery = Delivery(sink, 2)
    delivery.close(5)  # nothing was ever captured: nothing to wait for
    delivery.capture([EVENT] * 2)
    until(lambda: delivery._queue.waiting == 1)
    began = time.monotonic()
    delivery.close(0.3)
    assert 0.2 < time.monotonic() - began < 2
    assert "1 events lost in all" in log.text
    sink.go.set()


def test_a_worker_that_ends_delivers_what_is_queued(app: Flask, deliver: Callable[..., Delivery]) -> None:
    worker_exit = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["worker_exit"]
    sink = Kept()
    deliver(sink).capture([EVENT] * 50)
    worker_exit(None, SimpleNamespace(wsgi=app))
    assert len(sink.events) == 50
    # A worker that could not even load the application ends as well.
    worker_exit(None, SimpleNamespace(wsgi=None))


def test_nothing_runs_before_the_first_event() -> None:
    before = threading.active_count()
    delivery = Delivery(PosthogSink(Posthog(key=KEY, host=closed_port())))
    assert threading.active_count() == before
    delivery.capture([EVENT])
    assert threading.active_count() == before + 1
    delivery.close(5)
    assert threading.active_count() == before


def test_a_process_that_was_forked_has_a_thread_of_its_own() -> None:
    code = """
import os
from types import SimpleNamespace
from app.analytics import Delivery
events = []
delivery = Delivery(SimpleNamespace(capture=events.append))
delivery.capture(["first"])
child = os.fork()
delivery.capture(["second", "third"])
delivery.close(5)
os.write(1, f"{len(events)}\\n".encode())
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = sorted(map(int, done.stdout.split()))
    # The parent has all three; the child its own two, and the first if that was delivered before the fork.
    assert counts[1] == 3
    assert counts[0] in (2, 3)


def test_without_a_key_nothing_is_even_imported(tmp_path: Path) -> None:
    code = "import sys, threading; from app.application import create_app; create_app(); "
    code += "assert 'posthog' not in sys.modules; assert threading.active_count() == 1"
    environment = {**os.environ, "GROUNDPLAN_HOME": str(tmp_path), "GROUNDPLAN_POSTHOG_KEY": ""}
    environment["DATABASE_URL"] = ""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_key_turns_it_on(tmp_path: Path) -> None:
    given = {"GROUNDPLAN_HOME": str(tmp_path), "GROUNDPLAN_POSTHOG_KEY": KEY}
    settings = Settings.from_environment(given)
    assert isinstance(connect_analytics(settings), Delivery)
    assert KEY not in repr(settings)
    assert connect_analytics(Settings.from_environment({"GROUNDPLAN_HOME": str(tmp_path)})) is None
