"""What analytics are told, and that a sink that is slow, away or broken costs a request nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from app.analytics import AnalyticsEvent, Delivery, Sink, connect_analytics, posthog
from app.analytics.posthog import PosthogSink
from app.config import Settings
from app.models import Organization
from app.variables import Posthog
from app.web.transaction import EVENTS_OF_A_TASK
from tests.support.analytics import EVENT, KEY, Broken, Kept, Server, closed_port
from tests.support.api import Api, document
from tests.support.background import do_due, make_due, tasks
from tests.support.services import replace_services
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).parents[2]


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
