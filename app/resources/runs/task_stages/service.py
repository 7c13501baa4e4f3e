"""Use cases of task stages."""

from app.authz.permissions import P
from app.jsonapi.errors import Conflict
from app.models.run_machine import Machine
from app.models.run_stages import override_needs, override_stage
from app.models.task_stages import AWAITING_OVERRIDE, TaskStage
from app.resources.runs.runs.service import add_comment, lock
from app.resources.runs.task_stages.listing import TASK_STAGES
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import denial, is_allowed
from app.web.transaction import record_event, transaction


class StageNotOverridable(Conflict):
    """Nothing waits for somebody's override."""

    code = "task-stage-not-overridable"


def override(stage_id: str, comment: str | None) -> ResourceObject:
    """Let a run go on although policies or run tasks of the stage say no."""
    run_id = TASK_STAGES.get({"id": stage_id}).run_id
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_READ)
        stage = session.get_one(TaskStage, stage_id, populate_existing=True)
        for need in override_needs(session, stage):
            if not any(is_allowed(permission, run) for permission in need):
                raise denial(need[0])
        if stage.status != AWAITING_OVERRIDE:
            raise StageNotOverridable(
                f"Only a stage with the status awaiting_override can be overridden; this one is {stage.status}"
            )
        before = run.status
        machine = Machine(session, workspace, caller().user_id)
        if comment:
            add_comment(session, machine, run, comment)
        override_stage(machine, run, stage)
        session.flush()
        record_event(session, "task-stages.override", run, {"status": [before, run.status]})
        return TASK_STAGES.get_resource({"id": stage_id}, session)
