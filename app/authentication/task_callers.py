"""A run task as a caller: it reads the run that it is asked about, and gives its result, and nothing else."""

from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.authentication.callers import Caller
from app.authz import roles
from app.authz.grants import Source
from app.authz.policy import Level
from app.models.run_tasks import OPEN, TaskResult
from app.models.runs import Run
from app.persistence import KeptStatement

_ASKED: Final = KeptStatement(
    select(
        TaskResult.id,
        TaskResult.status,
        TaskResult.task_id,
        TaskResult.task_name,
        TaskResult.run_id,
        Run.configuration_version_id,
    )
    .join(Run, Run.__table__.c.id == TaskResult.run_id)
    .where(TaskResult.__table__.c.id == bindparam("result"))
)


def load_task_caller(connection: Connection, result_id: str) -> Caller | None:
    """The run task that was asked for this result. Once it has answered, it reads nothing more."""
    row = _ASKED.one_or_none(connection, {"result": result_id})
    if row is None:
        return None
    caller = Caller("task", row.task_id, row.task_name, token_id=None)
    source = Source("task-results", row.id)
    if row.status in OPEN:
        read = (row.id, row.run_id, row.configuration_version_id)
        caller.grants.add_each(Level.RUN_TASK, read, roles.RUN_TASK, source)
    else:
        caller.grants.add(Level.RUN_TASK, row.id, roles.ANSWERED_RUN_TASK, source)
    return caller
