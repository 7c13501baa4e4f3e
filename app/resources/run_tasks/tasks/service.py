"""Use cases of run tasks. An address is verified before the transaction: a host may take its time."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.run_tasks import RunTask
from app.outbound import TOTAL_SECONDS, OutboundError, post
from app.persistence import AnyRow, now
from app.resources.run_tasks.tasks.listing import TASKS
from app.resources.runs.task_results.payloads import headers_of, verification
from app.services import services
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, get_visible, require
from app.web.transaction import apply_changes, created_changes, record_event, transaction
from app.web.waiting import waiting_for_others

MAXIMUM: Final = 100
SECONDS: Final = TOTAL_SECONDS
HIDDEN: Final = "(hidden)"
SECRET: Final = frozenset({"url", "sealed-hmac-key"})
OF_REQUESTS: Final = frozenset({"url", "sealed_hmac_key", "enabled"})


class TooManyRunTasks(Unprocessable):
    """The organization has as many run tasks as are allowed."""

    code = "too-many-run-tasks"
    pointer = "/data"
    detail = f"An organization can't have more than {MAXIMUM} run tasks"


class TaskNotReached(InvalidAttribute):
    """The run task did not take a request that verifies its address."""

    code = "run-task-not-reached"
    pointer = "/data/attributes/url"


def create_task(members: dict[str, Any], org: OrganizationRef) -> ResourceObject:
    """Add a run task to an organization; if it is enabled, its address is verified first."""
    columns = _columns(members)
    if columns.get("enabled", True):
        _verify(org.name, columns["url"], columns.get("sealed_hmac_key"))
    with transaction() as session:
        count = select(func.count()).select_from(RunTask).where(RunTask.organization_id == org.id)
        if (session.scalar(count) or 0) >= MAXIMUM:
            raise TooManyRunTasks
        task = RunTask(organization_id=org.id, **columns)
        session.add(task)
        session.flush()
        record_event(session, "tasks.create", task, _told(created_changes(columns)))
        return TASKS.get_resource({"id": task.id}, session)


def update_task(task_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a run task; if it is enabled then, a new address or key is verified first."""
    columns = _columns(members)
    stored = get_visible(RunTask, task_id)
    require(P.RUN_TASK_MANAGE, stored, RunTask)
    merged = {**stored._asdict(), **columns}
    if merged["enabled"] and columns.keys() & OF_REQUESTS:
        _verify(_name_of(stored), merged["url"], merged["sealed_hmac_key"])
    with transaction() as session:
        task = get_for_update(session, RunTask, task_id, P.RUN_TASK_MANAGE)
        changes = apply_changes(task, columns)
        if changes:
            task.updated_at = now()
            session.flush()
            record_event(session, "tasks.update", task, _told(changes))
        session.flush()
        return TASKS.get_resource({"id": task_id}, session)


def destroy_task(task_id: str) -> None:
    """Delete a run task. Runs that wait for it are told that it is gone, or wait until its time is over."""
    with transaction() as session:
        task = get_for_update(session, RunTask, task_id, P.RUN_TASK_MANAGE)
        session.delete(task)
        record_event(session, "tasks.delete", task, {"name": [task.name, None]})


def _verify(organization_name: str, url: str, sealed_key: str | None) -> None:
    body = verification(organization_name)
    headers = headers_of(body, sealed_key)
    with waiting_for_others():
        try:
            answer = post(url, body, headers, services().settings.outbound_private, seconds=SECONDS)
        except OutboundError as error:
            raise TaskNotReached(f"Url could not be verified: {error}") from None
    if not answer.is_success:
        raise TaskNotReached(f"Url could not be verified: it answered {answer.status} instead of 200")


def _name_of(stored: AnyRow) -> str:
    return str(TASKS.get({"id": stored.id}).organization_name)


def _columns(members: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for these attributes: the key in sealed form, the parts of the global configuration."""
    if members.get("agent_pool") is not None:
        raise InvalidAttribute(
            "Agent pool can't be set: the service itself sends the requests", pointer="/data/relationships/agent-pool"
        )
    plain = {name: members[name] for name in ("name", "url", "description", "enabled") if name in members}
    if "hmac_key" in members:
        key = members["hmac_key"]
        plain["sealed_hmac_key"] = services().keyring.seal(key.encode()) if key else None
    return {**plain, **(members.get("global_configuration") or {})}


def _told(changes: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The changes for the event, without the key, and without the address, which may have one."""
    return {
        {"sealed-hmac-key": "hmac-key"}.get(name, name): [each and HIDDEN for each in pair] if name in SECRET else pair
        for name, pair in changes.items()
    }
