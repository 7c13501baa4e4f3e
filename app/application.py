"""The application, put together from its parts."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from flask import Flask

from app import cli, console, resources
from app.analytics import connect_analytics
from app.config import Settings
from app.mail import server as mail_server
from app.migrate import is_known_version, migrate, schema_version
from app.openapi import openapi_document
from app.persistence.database import connect_engines
from app.services import EXTENSION, Services
from app.storage.keyring import Keyring
from app.storage.spare_names import SpareNames
from app.storage.vault import connect_vault
from app.web import (
    addresses,
    compression,
    cross_origin,
    documentation,
    errors,
    measuring,
    metrics,
    negotiation,
    rate_limits,
    request_log,
    requests,
    tracing,
)

LINE = "%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"


class Application(Flask):
    """Flask without views that are coroutines: it would ask each view and each hook whether it is one, each time."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Build the WSGI application; without settings it reads them from the environment."""
    settings = settings or Settings.from_environment()
    app = Application("app", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.request_bytes
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # OPTIONS would answer without a token, and no client needs it: this API does not serve browsers of other sites.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # Superfluous slashes are removed before routing: a redirect would lose the body of a POST.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    keyring = Keyring(settings.encryption_keys)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        engines=connect_engines(app, settings.database_url, settings.pool_size),
        keyring=keyring,
        vault=connect_vault(settings, keyring),
        spare_names=SpareNames(),
        analytics=connect_analytics(settings),
        # Made when it is first asked for, once in each process.
        openapi=cache(lambda: orjson.dumps(openapi_document(app))),
        schema_version=cache(schema_version),
        is_known_version=is_known_version,
    )
    log_to_standard_error(settings.log_level, as_json=settings.log_format == request_log.JSON)
    mail_server.configure(app, settings.mail_server)
    addresses.install(app, settings)
    migrate(app)
    errors.install(app)
    # What is registered first is asked last about an answer.
    compression.install(app)
    cross_origin.install(app)
    tracing.install(app)
    requests.install(app)
    rate_limits.install(app)
    if settings.metrics_token is not None or settings.log_format == request_log.JSON:
        measuring.install(app)
    metrics.install(app)
    request_log.install(app)
    negotiation.install(app)
    resources.install(app)
    documentation.install(app)
    console.install(app)
    cli.install(app)
    return app


def log_to_standard_error(level: str, *, as_json: bool = False) -> None:
    """Log to standard error, one line for each record, with the id of the request that it belongs to."""
    handler = logging.StreamHandler()
    handler.addFilter(requests.RequestIdFilter())
    handler.setFormatter(request_log.json_formatter() if as_json else logging.Formatter(LINE))
    logger = logging.getLogger("app")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)
