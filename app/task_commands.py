"""Background tasks administered by commands, for operators: the rules of ``/api/v2/admin/background-tasks``."""

from collections.abc import Iterator, Sequence

import click
from sqlalchemy import ColumnElement, func, select

from app.bootstrap import record_event
from app.jsonapi.errors import ApiError
from app.jsonapi.fields import format_timestamp
from app.models.background_tasks import DEAD, BackgroundTask
from app.persistence.database import new_session
from app.resources.platform.background_tasks import operations
from app.resources.platform.background_tasks.listing import STATUS
from app.resources.platform.background_tasks.schema import SHOWN_STATUSES

# More are counted, and found by the API.
SHOWN = 1_000


@click.command("background-tasks")
@click.option("--status", type=click.Choice(SHOWN_STATUSES), help="Only those with this status.")
@click.option("--kind", help="Only those of this kind.")
def background_tasks_command(status: str | None, kind: str | None) -> None:
    """List what the service has still to do, and how many tasks there are.

    Each line has the id, kind, status, attempts, due time and last error.
    """
    for line in _tasks(status, kind):
        click.echo(line)


def _tasks(status: str | None, kind: str | None) -> Iterator[str]:
    wanted: list[ColumnElement[bool]] = []
    if status:
        wanted.append(STATUS.in_([status]))
    if kind:
        wanted.append(BackgroundTask.kind == kind)
    table = BackgroundTask.__table__.c
    columns = (table.id, table.kind, STATUS.label("shown"), table.attempts, table.run_at, table.last_error)
    with new_session() as session:
        for row in session.execute(select(*columns).where(*wanted).order_by(table.run_at).limit(SHOWN)):
            time = format_timestamp(row.run_at)
            yield "\t".join((row.id, row.kind, row.shown, str(row.attempts), str(time), row.last_error or ""))
        counted = session.execute(select(STATUS.label("shown"), func.count()).where(*wanted).group_by(STATUS)).all()
    numbers = {shown: number for shown, number in counted}  # noqa: C416 - rows are no pairs to mypy
    yield ", ".join(f"{numbers.get(each, 0)} {each}" for each in SHOWN_STATUSES)


@click.command("retry-background-tasks")
@click.argument("task_ids", nargs=-1)
@click.option("--dead", is_flag=True, help="All that are dead.")
def retry_command(task_ids: tuple[str, ...], dead: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Have background tasks done now, with as many attempts as new ones have."""
    if dead == bool(task_ids):
        raise click.UsageError("Name the ids of tasks, or give --dead for all that are dead.")
    try:
        count = _retry(task_ids)
    except ApiError as error:
        raise click.ClickException(error.detail or error.title) from error
    click.echo(f"{count} will be tried now.")


def _retry(task_ids: Sequence[str]) -> int:
    wanted = BackgroundTask.id.in_(task_ids) if task_ids else BackgroundTask.status == DEAD
    with new_session() as session:
        found = session.scalars(
            select(BackgroundTask).where(wanted).order_by(BackgroundTask.id).with_for_update()
        ).all()
        if missing := set(task_ids) - {task.id for task in found}:
            raise click.ClickException(f"There is no background task {', '.join(sorted(missing))}.")
        for task in found:
            changes = operations.retry(session, task)
            record_event(session, "background-tasks.retry", task, changes)
        session.commit()
    return len(found)
