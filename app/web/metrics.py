"""Counters and histograms of requests, for Prometheus, if the operator has set a token for them.

Each process of the service counts in files of its own, and any of them answers for all: that is the multi-process mode
of prometheus-client.
"""

import os
from pathlib import Path
from typing import Final

from flask import Flask, Response, g
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.registry import Collector

from app.services import services
from app.web import measuring

FOLDER: Final = "metrics"
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
# Most answers take a few milliseconds; uploads take seconds.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STATEMENTS: Final = (1, 2, 3, 4, 6, 8, 12, 20, 50)
UNAUTHORIZED: Final = 401


class RequestMetrics:
    """What is counted of requests."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is where the processes of one service count."""
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER_VARIABLE] = str(folder)
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        self._requests = Counter(
            "groundplan_requests", "Requests, by route and status", ["route", "method", "status"], registry=own
        )
        self._seconds = Histogram(
            "groundplan_request_seconds",
            "How long requests took",
            ["route", "method"],
            buckets=SECONDS,
            registry=own,
        )
        self._statements = Histogram(
            "groundplan_request_statements",
            "How many statements requests sent to the database",
            ["route", "method"],
            buckets=STATEMENTS,
            registry=own,
        )
        self._refused = Counter(
            "groundplan_authentication_failures", "Requests that were refused with 401", ["method"], registry=own
        )
        self._limited = Counter(
            "groundplan_rate_limited", "Requests that were refused by a limit of requests a second", registry=own
        )
        self._connections = Gauge(
            "groundplan_database_connections",
            "Connections to the database that are in use",
            ["pool"],
            multiprocess_mode="livesum",
            registry=own,
        )

    def note(self, app: Flask, response: Response) -> None:
        """Count a request that is answered."""
        route, method = measuring.route()
        self._requests.labels(route, method, str(response.status_code)).inc()
        self._seconds.labels(route, method).observe(measuring.seconds())
        self._statements.labels(route, method).observe(measuring.statements())
        if response.status_code == UNAUTHORIZED:
            self._refused.labels(method).inc()
        if "rate_refused" in g:
            self._limited.inc()
        engines = services(app).engines
        for name, engine in (("reading", engines.reading), ("writing", engines.writing)):
            self._connections.labels(name).set(engine.pool.checkedout())  # type: ignore[attr-defined]


def text(also: Collector) -> bytes:
    """All that the processes have counted, and what the collector knows, in the format of Prometheus."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(services().settings.home / FOLDER))  # type: ignore[no-untyped-call]
    registry.register(also)
    return generate_latest(registry)


def install(app: Flask) -> None:
    """Count requests, if there is a token for the metrics."""
    settings = services(app).settings
    if settings.metrics_token is None:
        return
    metrics = RequestMetrics(settings.home / FOLDER)

    @app.after_request
    def note(response: Response) -> Response:
        metrics.note(app, response)
        return response


def forget_processes(home: Path) -> None:
    """Remove what processes have counted that are gone: for the start of the service."""
    for file in (home / FOLDER).glob("*.db"):
        file.unlink(missing_ok=True)


def forget_process(home: Path, pid: int) -> None:
    """Remove the gauges of a process that has ended. What it has counted stays in the totals."""
    if (home / FOLDER).is_dir():
        multiprocess.mark_process_dead(pid, path=str(home / FOLDER))  # type: ignore[no-untyped-call]
