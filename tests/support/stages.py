"""Task stages of runs, made by hand: what has a say, and what it says."""

from typing import Any

from sqlalchemy import Select, false, literal, select, update
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models import PolicyEvaluation, Run, TaskStage, Workspace
from app.models.run_machine import Machine, lock_run
from app.models.run_stages import find_stage, settle_stage
from app.models.stage_parts import Part
from app.models.task_stages import STAGES
from app.services import services
from tests.support.runs import Runs


class WaitingParts:
    """A kind of part that says something later; what it says, by the id of its stage."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def stages(self, _workspace: Workspace) -> Select[str]:
        return select(literal("")).where(false())

    def add(self, *_: object) -> None:
        pass

    begin = override = end = add

    def override_needs(self, *_: object) -> list[tuple[P, ...]]:
        return [(P.RUN_OVERRIDE_POLICIES,)]

    def parts(self, _session: Session, stage: TaskStage) -> list[Part]:
        return [Part(self.said[stage.id], is_mandatory=True)] if stage.id in self.said else []


def add_stages(
    runs: Runs,
    run_id: str,
    *stages: str,
    says: str = "passed",
    overridable: bool = False,
    later: WaitingParts | None = None,
) -> list[str]:
    """Give the run these stages, each with a mandatory part that says this now or later; the ids of the stages."""
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
        if later is not None:
            later.said[stage.id] = "running"
        else:
            runs.world.add(PolicyEvaluation(**place, task_stage_id=stage.id, status=says, overridable=overridable))
        made.append(stage.id)
    return made


def settle(runs: Runs, later: WaitingParts, run_id: str, stage: str, says: str) -> None:
    """The part of a running stage says this now."""
    with Session(services(runs.app).engines.writing) as session, session.begin():
        locked = lock_run(session, run_id)
        assert locked
        workspace, run = locked
        found = find_stage(session, run, stage)
        assert found
        later.said[found.id] = says
        settle_stage(Machine(session, workspace), run, found)
