"""Traces for OpenTelemetry: a span for each request and background task, and in it one for each statement.

Spans say which route it was, and not which address: addresses may be secrets. Statements are told with placeholders,
never with values. OpenTelemetry's own instrumentation of Flask would send addresses.
"""

from typing import Any, Final

from flask import Flask, Response, g, request
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext

from app.services import services
from app.web import measuring
from app.web.context import request_id
from app.web.tracing import EXTENSION

NAME: Final = "groundplan"
SPAN: Final = "span"
SERVER_ERROR: Final = 500
# A statement of a long list of columns says little more at its end.
STATEMENT_LENGTH: Final = 1_000


def install(app: Flask, tracer: Tracer) -> None:
    """Trace with this tracer."""
    app.extensions[EXTENSION] = tracer.start_as_current_span

    @app.before_request
    def begin() -> None:
        route, method = measuring.route()
        # The client's trace goes on here, if it sends one.
        g.span_of_request = tracer.start_as_current_span(
            f"{method} {route}", context=propagate.extract(request.headers), kind=SpanKind.SERVER
        )
        g.span_of_request.__enter__()

    @app.after_request
    def describe(response: Response) -> Response:
        span = trace.get_current_span()
        route, method = measuring.route()
        caller = g.get("caller")
        known = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": response.status_code,
            "groundplan.request_id": request_id(),
            "groundplan.caller.type": None if caller is None else caller.type,
            "groundplan.caller.id": None if caller is None else caller.id,
        }
        span.set_attributes({name: value for name, value in known.items() if value is not None})
        if response.status_code >= SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        if (span := g.pop("span_of_request", None)) is not None:
            span.__exit__(None, None, None)

    _trace_statements(app, tracer)


def _trace_statements(app: Flask, tracer: Tracer) -> None:

    system = services(app).engines.reading.dialect.name

    def begin(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - the driver's
        text = statement.lstrip()
        verb = text.partition(" ")[0].upper()
        told = {"db.system.name": system, "db.operation.name": verb, "db.query.text": text[:STATEMENT_LENGTH]}
        connection.info[SPAN] = tracer.start_span(verb, kind=SpanKind.CLIENT, attributes=told)

    def end(connection: Connection, *_: Any) -> None:  # noqa: ANN401 - likewise
        if (span := connection.info.pop(SPAN, None)) is not None:
            span.end()

    def fail(context: ExceptionContext) -> None:
        connection = context.connection
        if connection is not None and not connection.invalidated and (span := connection.info.pop(SPAN, None)):
            # Not the text of the error, which may quote values.
            span.set_status(Status(StatusCode.ERROR, type(context.original_exception).__name__))
            span.end()

    engines = services(app).engines
    for engine in (engines.reading, engines.writing):
        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "after_cursor_execute", end)
        event.listen(engine, "handle_error", fail)


def exporting_tracer() -> Tracer:
    """Sends what it makes to where the environment says."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(NAME)
