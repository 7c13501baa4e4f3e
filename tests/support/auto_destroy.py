"""Auto-destroy in tests: setting the time, letting it come, and what the timer does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.models.runs import Run
from app.models.workspaces import Workspace
from app.resources.runs.auto_destroy import timer
from app.services import services
from app.web.context import act_as_service
from tests.support.api import document
from tests.support.runs import Runs


def look(app: Flask) -> int:
    """What the timer does when it looks; how many runs were created."""
    with app.app_context():
        act_as_service()
        return timer.look()


def change(runs: Runs, **attributes: Any) -> Any:
    sent = document("workspaces", {name.replace("_", "-"): value for name, value in attributes.items()})
    return runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)["data"]["attributes"]


def shown(runs: Runs) -> Any:
    return runs.api.get(f"/workspaces/{runs.workspace.id}", runs.owner.token)["data"]["attributes"]


def make_due(runs: Runs, hours: float = 0.1) -> None:
    """Move the time of the workspace so many hours into the past."""
    with services(runs.app).engines.writing.begin() as connection:
        connection.execute(update(Workspace).values(auto_destroy_due_at=datetime.now(UTC) - timedelta(hours=hours)))


def moment(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def runs_of_the_timer(runs: Runs) -> list[Run]:
    return [run for run in runs.world.all(Run) if run.trigger_reason.startswith("auto_destroy")]
