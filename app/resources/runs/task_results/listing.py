"""Reading results of run tasks and their outcomes."""

from typing import Final

from sqlalchemy import func, select

from app.models.run_tasks import TaskResult, TaskResultOutcome
from app.models.runs import Run
from app.models.task_stages import TaskStage
from app.models.workspaces import Workspace
from app.persistence import string_agg
from app.resources.runs.task_results.schema import TaskResultOutcomeSchema, TaskResultSchema
from app.web.listing import Listing, plain

_RESULT: Final = TaskResult.__table__
_OUTCOME: Final = TaskResultOutcome.__table__
_WORKSPACE: Final = Workspace.__table__

TASK_RESULTS: Final = Listing(
    schema=TaskResultSchema,
    model=TaskResult,
    columns={
        **plain(
            TaskResult,
            "id organization_id workspace_id run_id task_stage_id task_id workspace_task_id task_name task_url "
            "enforcement_level status status_timestamps message url created_at updated_at",
        ),
        "project_id": Workspace.project_id,
        "stage": TaskStage.stage,
        "is_speculative": Run.plan_only,
        "outcome_ids": string_agg(
            TaskResultOutcome.id, TaskResultOutcome.task_result_id == _RESULT.c.id, TaskResultOutcome.position, _RESULT
        ),
        "task_result_outcomes_count": select(func.count())
        .where(_OUTCOME.c.task_result_id == _RESULT.c.id)
        .correlate(_RESULT)
        .scalar_subquery(),
    },
    joined=_RESULT.join(_WORKSPACE, _WORKSPACE.c.id == TaskResult.workspace_id)
    .join(TaskStage.__table__, TaskStage.__table__.c.id == TaskResult.task_stage_id)
    .join(Run.__table__, Run.__table__.c.id == TaskResult.run_id),
    order=(TaskResult.task_name, _RESULT.c.id),
)

TASK_RESULT_OUTCOMES: Final = Listing(
    schema=TaskResultOutcomeSchema,
    model=TaskResultOutcome,
    columns={
        **plain(
            TaskResultOutcome,
            "id organization_id workspace_id task_result_id outcome_id description body url tags created_at",
        ),
        "project_id": Workspace.project_id,
    },
    joined=_OUTCOME.join(_WORKSPACE, _WORKSPACE.c.id == TaskResultOutcome.workspace_id),
    order=(TaskResultOutcome.position, _OUTCOME.c.id),
)
