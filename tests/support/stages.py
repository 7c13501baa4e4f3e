"""Task stages of runs, made by hand: what has a say, and what it says."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import PolicyEvaluation, Run, TaskStage
from app.models.run_machine import Machine, lock_run
from app.models.run_stages import find_stage, settle_stage
from app.models.task_stages import STAGES
from app.services import services
from tests.support.runs import Runs


def add_stages(runs: Runs, run_id: str, *stages: str, says: str = "passed", overridable: bool = False) -> list[str]:
    """Give the run these stages, each with a mandatory part that says this; the ids of the stages."""
    place: dict[str, Any] = {
        "organization_id": runs.organization.id,
        "workspace_id": runs.workspace.id,
        "run_id": run_id,
        "status_timestamps": {},
    }
    with services(runs.app).engines.writing.begin() as connection:
        connection.execute(update(Run).where(Run.__table__.c.id == run_id).values(stages=list(stages)))
    made = []
    for name in stages:
        stage = runs.world.add(TaskStage(**place, stage=name, position=STAGES.index(name)))
        runs.world.add(PolicyEvaluation(**place, task_stage_id=stage.id, status=says, overridable=overridable))
        made.append(stage.id)
    return made


def settle(runs: Runs, run_id: str, stage: str, says: str) -> None:
    """The part of a running stage says this now."""
    with Session(services(runs.app).engines.writing) as session, session.begin():
        locked = lock_run(session, run_id)
        assert locked
        workspace, run = locked
        found = find_stage(session, run, stage)
        assert found
        part = session.scalars(select(PolicyEvaluation).where(PolicyEvaluation.task_stage_id == found.id)).one()
        part.enter(says)
        session.flush()
        settle_stage(Machine(session, workspace), run, found)
