"""Requests to this service in the same process, by its operator.

They go through the same routes, rules, transactions and events as requests from outside. The operator may do
everything, and stands in the record of activity as the commands do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.authentication.callers import Caller
from app.authz import roles
from app.authz.grants import SITE, Source
from app.authz.policy import Level
from app.jsonapi import MEDIA_TYPE
from app.models.users import SUPER_USER
from app.transfer.client import Answer
from app.web.context import SIGNED_IN

# As in the events of other commands.
KIND: Final = "command"
NAME: Final = "flask"


def operator() -> Caller:
    """Whoever may run commands on this host, who may do everything."""
    found = Caller(KIND, "", NAME, token_id=None)
    found.grants.add(Level.SITE, SITE, roles.SITE_ROLES[SUPER_USER], Source(found.type, ""))
    return found


class Inside:
    """The way to an application in this process."""

    def __init__(self, app: Flask) -> None:
        """Ask this application."""
        self._app = app
        self._operator = operator()

    @contextmanager
    def request(self, method: str, address: str, body: bytes, media_type: str) -> Iterator[Answer]:
        """The answer of the application."""
        named = urlsplit(address)
        builder = EnvironBuilder(
            path=named.path, query_string=named.query, method=method, data=body, content_type=media_type
        )
        environ: dict[str, Any] = {**builder.get_environ(), SIGNED_IN: self._operator, "HTTP_ACCEPT": MEDIA_TYPE}
        builder.close()
        # A context of its own: what the request notes in ``g`` is not the command's.
        with self._app.app_context():
            pieces, status, _ = run_wsgi_app(self._app.wsgi_app, environ)
        try:
            yield Answer(int(status.partition(" ")[0]), iter(pieces))
        finally:
            if callable(close := getattr(pieces, "close", None)):
                close()
