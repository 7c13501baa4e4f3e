"""What operators ask a process of the service: whether it is alive and ready, what it has done, line by line."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from webtest import TestApp

from app.application import create_app
from app.services import services
from app.web.metrics import FOLDER_VARIABLE
from app.web.request_log import json_formatter
from app.web.requests import RequestIdFilter
from tests.support.api import Api
from tests.support.world import World

TOKEN = "metrics-token-of-the-test-suite-0123456789"
METRICS = {"Authorization": f"Bearer {TOKEN}"}
OK = {"database": "ok", "migrations": "ok", "store": "ok", "background-tasks": "ok"}


@pytest.fixture(autouse=True)
def same_log() -> Iterator[None]:
    """Leave the log as it was: each application makes it anew."""
    logger = logging.getLogger("app")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers, logger.level = handlers, level


def checks(app: Flask, status: int) -> dict[str, str]:
    answer = TestApp(app).get("/readyz", status=status)
    found: dict[str, str] = answer.json["checks"]
    return found


def again(app: Flask) -> Flask:
    """The application as another process of the service would have it."""
    return create_app(services(app).settings)


def test_it_is_alive_and_ready(app: Flask) -> None:
    assert TestApp(app).get("/healthz").json == {"status": "alive"}
    assert checks(again(app), 200).items() >= OK.items()


def test_tables_of_another_version_are_not_ready(app: Flask) -> None:
    with services(app).engines.writing.begin() as connection:
        before = connection.scalar(text("SELECT version_num FROM alembic_version"))
    try:
        # Another host that is upgraded first takes nothing away from this one.
        for version, status, told in (("4c7a90d2e6b8", 503, "admin db upgrade"), ("0123456789ab", 200, "ok")):
            with services(app).engines.writing.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
            assert told in checks(again(app), status)["migrations"]
    finally:
        with services(app).engines.writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": before})


@pytest.mark.one_database
def test_without_tables_it_is_alive_and_not_ready(
    new_app: Callable[[str], AbstractContextManager[Flask]], tmp_path: Path
) -> None:
    with new_app(f"sqlite:///{tmp_path / 'empty.sqlite3'}") as empty:
        assert checks(empty, 503)["database"] == "does not answer, or has no tables"
        TestApp(empty).get("/healthz", status=200)


def test_what_is_late_is_told(app: Flask) -> None:
    with services(app).engines.writing.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO background_tasks "
                "(id, kind, position, payload, status, run_at, attempts, revision, created_at) "
                "VALUES ('work-1', 'sweep', 0, '{}', 'waiting', '2020-01-01', 0, 0, '2020-01-01')"
            )
        )
    assert "is a worker running" in checks(again(app), 200)["background-tasks"]


@pytest.fixture
def counting(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application with metrics."""
    # What an application sets for its whole process.
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    counting = create_app(replace(services(app).settings, home=tmp_path, metrics_token=TOKEN))
    yield counting
    services(counting).engines.dispose()


def numbers(app: Flask) -> dict[tuple[str, str], float]:
    """The value of each metric, by its name and the values of its labels."""
    shown = TestApp(app).get("/metrics", headers=METRICS).text
    return {
        (sample.name, " ".join(map(str, sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }


def test_requests_are_counted(counting: Flask, world: World) -> None:
    owner = world.person()
    world.state_version(world.workspace(world.project(world.organization(owner=owner))), size=1234)
    api = Api(counting)
    for _ in range(3):
        api.get("/organizations", owner.token)
    api.get("/organizations", "wrong", expect=401)
    api.get("/no/such/address", owner.token, expect=404)
    found = numbers(counting)
    route = "GET /api/v2/organizations"
    by_name = {name: {labels: value for (other, labels), value in found.items() if other == name} for name, _ in found}
    assert sorted(by_name["groundplan_requests_total"].values()) == [1, 1, 3]
    assert by_name["groundplan_authentication_failures_total"] == {"GET": 1}
    assert by_name["groundplan_request_seconds_count"][route] == 4
    assert by_name["groundplan_request_statements_sum"][route] >= 6
    assert by_name["groundplan_state_bytes"]["state"] == 1234
    assert "no/such" not in str(found)


@pytest.mark.one_database
def test_metrics_are_for_who_has_their_token(app: Flask, counting: Flask, world: World) -> None:
    admin = world.person(site_role="admin").token
    TestApp(app).get("/metrics", headers=METRICS, status=404)
    for sent in ({}, {"Authorization": f"Bearer {admin}"}, {"Authorization": f"Basic {TOKEN}"}):
        TestApp(counting).get("/metrics", headers=sent, status=401)


@pytest.mark.one_database
def test_a_line_for_each_request(app: Flask, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    owner = world.person()
    logging_app = create_app(replace(services(app).settings, log_format="json"))
    Api(logging_app).raw("GET", "/organizations?q=secret", owner.token, headers={"X-Request-Id": "one"})
    TestApp(logging_app).get("/objects/secret-ticket", status=403)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    services(logging_app).engines.dispose()
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/api/v2/organizations", 200),
        ("/objects/<ticket>", 403),
    ]
    [first, _] = lines
    assert (first["request_id"], first["caller_id"], first["level"]) == ("one", owner.id, "INFO")
    assert first["statements"] >= 1
    assert first["milliseconds"] >= 0
    assert "secret" not in json.dumps(lines)


def test_an_exception_is_one_line() -> None:
    error = ValueError("odd\nthing")
    told = (ValueError, error, None)
    record = logging.getLogger("app").makeRecord("app", logging.ERROR, "f", 1, "unexpected failure", (), told)
    RequestIdFilter().filter(record)
    line = json_formatter().format(record)
    assert "\n" not in line
    assert "ValueError" in json.loads(line)["exc_info"]
