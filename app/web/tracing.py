"""Whether there are traces for OpenTelemetry: ``opentelemetry_spans`` makes them, if its packages are installed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from flask import Flask

from app.services import services
from app.variables import InvalidSettingError

EXTENSION: Final = "groundplan.spans"
LACKING: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install 'groundplan[opentelemetry]', "
    "or unset it"
)


def install(app: Flask) -> None:
    """Trace what the application does from here on, if there is somewhere to send it to."""
    if not services(app).settings.traces:
        return
    try:
        # An extra, which takes time to import.
        from app.web import opentelemetry_spans  # noqa: PLC0415
    except ImportError:
        raise InvalidSettingError(LACKING) from None
    opentelemetry_spans.install(app, opentelemetry_spans.exporting_tracer())


@contextmanager
def traced(app: Flask, name: str) -> Iterator[None]:
    """Do something under a span of this name, if there are traces."""
    start: Callable[[str], AbstractContextManager[object]] | None = app.extensions.get(EXTENSION)
    if start is None:
        yield
        return
    with start(name):
        yield
