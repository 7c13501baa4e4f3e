"""What each request took: its time and its statements. Only measured where metrics or request logs ask for it."""

import time

from flask import Flask, g, has_request_context, request
from sqlalchemy import event

from app.services import services

UNKNOWN = "unknown"
"""The route and method of a request to no route: anybody could make up as many as they like."""


def install(app: Flask) -> None:
    """Measure each request from here on."""

    @app.before_request
    def begin() -> None:
        g.began_at = time.perf_counter()

    def count(*_: object) -> None:
        if has_request_context():
            g.statements = g.get("statements", 0) + 1

    engines = services(app).engines
    for engine in (engines.reading, engines.writing):
        event.listen(engine, "before_cursor_execute", count)


def seconds() -> float:
    """How long the request has taken so far."""
    return time.perf_counter() - float(g.get("began_at", time.perf_counter()))


def statements() -> int:
    """How many statements the request has sent so far."""
    return int(g.get("statements", 0))


def route() -> tuple[str, str]:
    """The route of the request, as it is declared, and the method."""
    rule = request.url_rule
    return (UNKNOWN, UNKNOWN) if rule is None else (rule.rule, request.method)
