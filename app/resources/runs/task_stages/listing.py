"""Reading task stages."""

from typing import Final

from app.models.policy_evaluations import PolicyEvaluation
from app.models.run_task_parts import is_demanded_of_all
from app.models.run_tasks import TaskResult
from app.models.task_stages import TaskStage
from app.models.workspaces import Workspace
from app.persistence import string_agg
from app.resources.runs.task_stages.schema import TaskStageSchema
from app.web.listing import Listing, plain

_STAGE: Final = TaskStage.__table__

TASK_STAGES: Final = Listing(
    schema=TaskStageSchema,
    model=TaskStage,
    columns={
        **plain(
            TaskStage, "id organization_id workspace_id run_id stage status status_timestamps created_at updated_at"
        ),
        "project_id": Workspace.project_id,
        "is_demanded_of_all": is_demanded_of_all(),
        "task_result_ids": string_agg(
            TaskResult.id, TaskResult.task_stage_id == _STAGE.c.id, TaskResult.task_name, _STAGE
        ),
        "policy_evaluation_ids": string_agg(
            PolicyEvaluation.id, PolicyEvaluation.task_stage_id == _STAGE.c.id, PolicyEvaluation.policy_kind, _STAGE
        ),
    },
    joined=_STAGE.join(Workspace.__table__, Workspace.__table__.c.id == TaskStage.workspace_id),
    order=(TaskStage.position, _STAGE.c.id),
)
