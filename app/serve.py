"""The command ``groundplan serve``: migrate, create what a new service lacks, and serve, in one process.

The same as ``flask db upgrade``, ``flask bootstrap`` and gunicorn, but the application is built once.
"""

import os
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_migrate import upgrade
from gunicorn.app.base import Application

from app.application import create_app
from app.cli import bootstrap_command
from app.services import services
from app.variables import InvalidSettingError

CONFIGURATION = Path(__file__).resolve().parent.parent / "gunicorn.conf.py"


class Server(Application):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn with an application that is built already."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        super().__init__()

    def init(self, *_: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Take no arguments: everything is said by variables of the environment."""

    def load_config(self) -> None:
        """Read the file that ships with the service, then GUNICORN_CMD_ARGS, as the command gunicorn does."""
        self.load_config_from_file(str(CONFIGURATION))
        given = vars(self.cfg.parser().parse_args(self.cfg.get_cmd_args_from_env()))
        for name, value in given.items():
            if value is not None and name != "args":
                self.cfg.set(name.lower(), value)

    def load(self) -> Flask:
        """The application."""
        return self._app


@click.group()
def main() -> None:
    """Groundplan, a home for Terraform."""


@main.command()
def serve() -> None:
    """Run the service on HOST:PORT. The tables are brought up to date before."""
    os.environ.setdefault("FLASK_APP", "wsgi.py")
    try:
        app = create_app()
    except InvalidSettingError as error:
        raise click.ClickException(str(error)) from error
    with app.app_context():
        upgrade()
        bootstrap_command.main([], standalone_mode=False)
        # Each worker opens its own connections.
        services(app).engines.dispose()
    Server(app).run()


if __name__ == "__main__":
    main()
