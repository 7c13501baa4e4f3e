"""Groundplan: a self-hosted home for Terraform projects and workspaces."""

import logging

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, resources
from app.analytics import ANALYTICS, connect_analytics
from app.config import Settings
from app.mail import outbox
from app.migrate import migrate
from app.openapi import openapi_document
from app.persistence import connect_engines
from app.storage.keyring import Keyring
from app.storage.place import VAULT, connect_vault
from app.storage.secrets import KEYRING
from app.web import documentation, errors, requests


def create_app(settings: Settings | None = None) -> Flask:
    """Build the WSGI application; without settings it reads them from the environment."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.request_bytes
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # OPTIONS would answer without a token, and nobody asks it: this API serves no browsers of other sites.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A trailing slash is another address, not a redirect that would lose the body of a POST.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.extensions["groundplan.settings"] = settings
    app.extensions["groundplan.engines"] = connect_engines(settings.database_url, settings.pool_size)
    app.extensions["groundplan.engine"] = app.extensions["groundplan.engines"].writing
    app.extensions[KEYRING] = Keyring(settings.encryption_keys)
    app.extensions[VAULT] = connect_vault(settings, app.extensions[KEYRING])
    app.extensions[ANALYTICS] = connect_analytics(settings)
    outbox.install(app, settings.mail_server)
    log_to_standard_error(settings.log_level)
    trust_proxies(app, settings.trusted_proxies)
    migrate(app)
    errors.install(app)
    requests.install(app)
    resources.install(app)
    documentation.install(app, openapi_document)
    cli.install(app)
    return app


def trust_proxies(app: Flask, count: int) -> None:
    """Take the scheme, host and address of the client from the headers of this many proxies; by default from none.

    Anybody who can reach the service around its proxies could send these headers, so believing them must be asked for.
    """
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )


def log_to_standard_error(level: str) -> None:
    """Log to standard error, one line for each record, with the id of the request that it belongs to."""
    handler = logging.StreamHandler()
    handler.addFilter(requests.RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"))
    logger = logging.getLogger("app")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)
