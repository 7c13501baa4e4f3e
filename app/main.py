"""The command ``groundplan``: the service, its worker, its agent, and the commands of operators.

What a command needs is imported when it is called, because an agent needs nothing of the service.
"""
# ruff: noqa: PLC0415 - as the text above says

import gc
import os
import sys
from http.client import HTTPConnection, HTTPException

import click

# Everything that follows the name is for the other command.
PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
HEALTH_SECONDS = 3


@click.group()
@click.version_option(package_name="groundplan")
def main() -> None:
    """Groundplan, a home for Terraform. Settings are variables of the environment."""


@main.command()
@click.option(
    "--no-upgrade", is_flag=True, help="Leave the tables as they are: another command brings them up to date."
)
def serve(no_upgrade: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Run the service on HOST:PORT. The tables are brought up to date before."""
    # Importing makes many objects that stay; to look through them again and again would take a fifth of the time.
    # Garbage is collected again when gunicorn is ready, see gunicorn.conf.py.
    gc.disable()
    from app import serve, start_faults

    start_faults.tell_in_one_sentence()
    serve.serve(upgrades=not no_upgrade)


@main.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def worker(arguments: tuple[str, ...]) -> None:
    """Do background tasks until it is told to end."""
    from app.worker.main import main as run

    sys.exit(run(list(arguments)))


@main.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def agent(arguments: tuple[str, ...]) -> None:
    """Run Terraform for the service; --single takes one job and ends."""
    from app.agent.main import main as run

    sys.exit(run(list(arguments)))


@main.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def admin(arguments: tuple[str, ...]) -> None:
    """Run a command of operators; `admin --help` lists them."""
    from flask.cli import FlaskGroup

    from app import start_faults
    from app.application import create_app

    start_faults.tell_in_one_sentence()
    commands = FlaskGroup(create_app=create_app, add_default_commands=False, load_dotenv=False, set_debug_flag=False)
    commands.main(list(arguments), prog_name="groundplan admin")


@main.command()
def healthcheck() -> None:
    """End with 0 if the service on HOST:PORT is alive, for the health checks of containers."""
    host = os.environ.get("HOST") or "127.0.0.1"
    connection = HTTPConnection(
        EVERY_ADDRESS.get(host, host), int(os.environ.get("PORT") or "8080"), timeout=HEALTH_SECONDS
    )
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise click.ClickException(f"The service does not answer: {error}") from error
    finally:
        connection.close()
    if status != 200:  # noqa: PLR2004
        raise click.ClickException(f"The service answers with {status}")


if __name__ == "__main__":
    main()
