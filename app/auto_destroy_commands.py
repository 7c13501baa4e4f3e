"""Commands about auto-destroy: whether it is held back, and letting it go on."""

import click
from flask.cli import AppGroup
from sqlalchemy import func, select

from app.models.workspaces import Workspace
from app.persistence import now
from app.persistence.database import new_session
from app.resources.runs.auto_destroy import hold

auto_destroy_commands = AppGroup("auto-destroy", help="Workspaces that are destroyed by themselves.")


@auto_destroy_commands.command("status")
def status_command() -> None:
    """Say whether auto-destroy is held back, and how many workspaces are due."""
    due = Workspace.__table__.c.auto_destroy_due_at
    with new_session() as session:
        mark = hold.held_since(session)
        count = session.scalar(select(func.count()).select_from(Workspace.__table__).where(due <= now()))
    told = f"{count} workspace{'' if count == 1 else 's'} due now"
    if mark is None:
        click.echo(f"Auto-destroy is on: {told}.")
    else:
        click.echo(
            f"Auto-destroy is held back since {mark.at:%Y-%m-%d %H:%M} UTC, because the database may have been "
            f"restored or upgraded: {told}. Look at their auto-destroy-at, then run `flask auto-destroy resume`."
        )


@auto_destroy_commands.command("resume")
def resume_command() -> None:
    """Let auto-destroy go on: whatever is due is destroyed within a minute."""
    with new_session() as session:
        was_held = hold.release(session)
        session.commit()
    click.echo("Auto-destroy goes on." if was_held else "Auto-destroy was not held back.")
