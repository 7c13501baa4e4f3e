"""Use cases of background tasks: each checks the caller, changes in one transaction and records its event."""

from app.authz.permissions import P
from app.models.background_tasks import BackgroundTask
from app.resources.platform.background_tasks import operations
from app.resources.platform.background_tasks.listing import BACKGROUND_TASKS
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import record_event, transaction


def retry_background_task(task_id: str) -> ResourceObject:
    """Have a task done now."""
    with transaction() as session:
        task = get_for_update(session, BackgroundTask, task_id, P.BACKGROUND_TASK_MANAGE)
        changes = operations.retry(session, task)
        record_event(session, "background-tasks.retry", task, changes)
        return BACKGROUND_TASKS.get_resource({"id": task_id}, session)


def destroy_background_task(task_id: str) -> None:
    """Give a task up."""
    with transaction() as session:
        task = get_for_update(session, BackgroundTask, task_id, P.BACKGROUND_TASK_MANAGE)
        operations.check_deletable(task)
        session.delete(task)
        session.flush()
        record_event(session, "background-tasks.delete", task, {"kind": [task.kind, None]})
