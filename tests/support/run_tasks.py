"""Run tasks in tests: a workspace that asks one, and the answers that the task gives."""

from typing import Any, Final

from flask import Flask
from sqlalchemy import update

from app.models import RunTask, WorkspaceTask
from app.models.background_tasks import BackgroundTask
from app.services import services
from tests.support.api import Api, document
from tests.support.receivers import Receiver
from tests.support.runs import Runs

KEY: Final = "a secret of the task"


def ask(
    app: Flask, runs: Runs, receiver: Receiver, *stages: str, level: str = "mandatory", **attributes: Any
) -> RunTask:
    """A run task that the workspace asks in these stages."""
    place = {"organization_id": runs.organization.id}
    sealed = services(app).keyring.seal(KEY.encode())
    name = f"task-{len(runs.world.all(RunTask))}"
    given = {"name": name, "url": receiver.url, "sealed_hmac_key": sealed, **attributes}
    task = runs.world.add(RunTask(**place, **given))
    if stages:
        link = {"workspace_id": runs.workspace.id, "task_id": task.id, "enforcement_level": level}
        runs.world.add(WorkspaceTask(**place, **link, stages=list(stages)))
    return task


def answer(api: Api, asked: dict[str, Any], status: str, *, expect: int = 200, **members: Any) -> Any:
    """Answer as the run task does, with what it was told."""
    path = asked["task_result_callback_url"].removeprefix("https://plan.example.test/api/v2")
    relationships = members.pop("relationships", None)
    sent = document("task-results", {"status": status, **members})
    if relationships is not None:
        sent["data"]["relationships"] = relationships
    return api.patch(path, asked["access_token"], sent, expect=expect)


def stage_of(runs: Runs, run_id: str) -> Any:
    [stage] = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
    return stage


def let_time_pass(app: Flask, kind: str, key: str | None = None) -> None:
    """Let the time pass for the tasks of one kind alone."""
    table = BackgroundTask.__table__
    with services(app).engines.writing.begin() as connection:
        wanted = [table.c.kind == kind] if key is None else [table.c.key == key]
        connection.execute(update(BackgroundTask).where(*wanted).values(run_at=table.c.created_at, lease_until=None))
