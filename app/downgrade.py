"""``flask db downgrade`` with a question: what newer versions have stored is lost."""

import sys
from typing import Any, Final

import click
from flask_migrate.cli import db as db_commands

QUESTION: Final = (
    "A downgrade removes the tables and columns that newer versions have added, with everything in them. "
    "Have you made a backup, and is that what you want?"
)
REFUSAL: Final = (
    "A downgrade removes the tables and columns that newer versions have added, with everything in them. "
    "Make a backup, and say --yes or set GROUNDPLAN_ALLOW_DATA_LOSS=1."
)
_DOWNGRADE: Final = db_commands.commands["downgrade"]


class Downgrade(click.Command):
    """Flask-Migrate's command, which asks before it begins."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own
        """Ask, and downgrade."""
        yes = ctx.params.pop("yes")
        # With --sql it only prints what somebody else may run.
        if not yes and not ctx.params["sql"]:
            if not sys.stdin.isatty():
                raise click.ClickException(REFUSAL)
            click.confirm(QUESTION, abort=True)
        return super().invoke(ctx)


def install() -> None:
    """Put it in the place of Flask-Migrate's own."""
    yes = click.Option(
        ["--yes"],
        is_flag=True,
        envvar="GROUNDPLAN_ALLOW_DATA_LOSS",
        help="Don't ask; likewise if GROUNDPLAN_ALLOW_DATA_LOSS is 1.",
    )
    db_commands.add_command(
        Downgrade("downgrade", callback=_DOWNGRADE.callback, params=[*_DOWNGRADE.params, yes], help=_DOWNGRADE.help)
    )
