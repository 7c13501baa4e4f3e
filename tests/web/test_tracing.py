"""Traces: a span for each request, with its statements below it, and nothing secret in any."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.application import create_app
from app.config import Settings
from app.services import services
from app.variables import InvalidSettingError
from app.web import opentelemetry_spans
from tests.end_to_end.service import poll_until
from tests.support.api import Api
from tests.support.receivers import HOST, receiving
from tests.support.world import World

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def traced_app(app: Flask) -> Flask:
    """A second application over the same database, so that the first one stays without traces."""
    return create_app(services(app).settings)


@pytest.fixture
def spans(traced_app: Flask) -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    opentelemetry_spans.install(traced_app, provider.get_tracer("test"))
    return kept


def requests_in(found: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in found if "http.route" in (span.attributes or {})]


def test_a_request_and_its_statements_are_spans_of_one_trace(
    traced_app: Flask, spans: InMemorySpanExporter, world: World
) -> None:
    owner = world.person()
    path = f"/organizations/{world.organization(owner=owner).name}/projects"
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    Api(traced_app).raw("GET", path, owner.token, headers=headers)
    found = spans.get_finished_spans()
    [request] = requests_in(found)
    statements = [span for span in found if span is not request]
    assert request.name == "GET /api/v2/organizations/<organization>/projects"
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == TRACE
    attributes = dict(request.attributes or {})
    assert attributes["http.response.status_code"] == 200
    assert attributes["groundplan.caller.id"] == owner.id
    assert {span.name for span in statements} >= {"SELECT"}
    assert len(statements) >= 2
    for span in statements:
        assert span.parent is not None
        assert span.parent.span_id == request.context.span_id


def test_spans_tell_no_secret(traced_app: Flask, spans: InMemorySpanExporter, world: World) -> None:
    owner = world.person()
    workspace = world.workspace(world.project(world.organization(owner=owner)))
    sent = {"data": {"type": "vars", "attributes": {"key": "password", "value": "a-secret", "category": "env"}}}
    Api(traced_app).get("/organizations?page[size]=a-secret", owner.token, expect=400)
    Api(traced_app).post(f"/workspaces/{workspace.id}/vars", owner.token, sent)
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "a-secret" not in told
    assert owner.token not in told
    assert workspace.id not in told, "not even addresses"


def test_a_setting_without_the_package_is_refused(tmp_path: Path, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"GROUNDPLAN_HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    settings = Settings.from_environment(given)
    assert settings.traces
    assert not Settings.from_environment({"GROUNDPLAN_HOME": str(tmp_path)}).traces
    monkeypatch.setitem(sys.modules, "app.web.opentelemetry_spans", None)
    monkeypatch.delattr("app.web.opentelemetry_spans")
    with pytest.raises(InvalidSettingError, match="pip install"):
        create_app(replace(services(app).settings, traces=True))


def test_spans_are_sent_to_where_the_environment_says(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{HOST}:{collector.port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        sending = create_app(replace(services(app).settings, traces=True))
        Api(sending).get("/account/details", world.person().token)
        # Statements may be sent before their request, which ends after them.
        poll_until(lambda: any(b"/api/v2/account/details" in each.body for each in collector.requests), 20, "spans")
    assert collector.requests[0].path == "/v1/traces"
