"""``groundplan serve``: migrate, create what a new service lacks, and serve, in one process.

The same as ``flask db upgrade``, ``flask bootstrap`` and gunicorn, but the application is built once.
"""

import os
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from gunicorn.app.base import Application

from app.application import create_app
from app.cli import bootstrap_command
from app.companions import GUNICORN
from app.services import services
from app.start_faults import check_addresses, check_keys_if_there_are_tables


class Server(Application):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn with an application that is built already."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        super().__init__()

    def init(self, *_: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Take no arguments: everything is said by variables of the environment."""

    def load_config(self) -> None:
        """Read the file that ships with the service, then GUNICORN_CMD_ARGS, as the command gunicorn does."""
        self.load_config_from_file(str(GUNICORN))
        given = vars(self.cfg.parser().parse_args(self.cfg.get_cmd_args_from_env()))
        for name, value in given.items():
            if value is not None and name != "args":
                self.cfg.set(name.lower(), value)

    def load(self) -> Flask:
        """The application."""
        return self._app


def serve(*, upgrades: bool) -> None:
    """Run the service; with ``upgrades``, bring the tables up to date before and create what a new service lacks."""
    app = create_app()
    check_keys_if_there_are_tables(app)
    server = Server(app)
    # With these, gunicorn takes over sockets that are open already.
    if not os.environ.get("LISTEN_FDS") and not os.environ.get("GUNICORN_FD"):
        check_addresses(server.cfg.address)
    if upgrades:
        with app.app_context():
            upgrade()
            bootstrap_command.main([], standalone_mode=False)
    # Each worker opens its own connections.
    services(app).engines.dispose()
    server.run()
