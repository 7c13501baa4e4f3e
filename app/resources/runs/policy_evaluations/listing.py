"""Reading policy evaluations."""

from typing import Final

from sqlalchemy import null

from app.models.policy_evaluations import PolicyEvaluation
from app.models.workspaces import Workspace
from app.resources.runs.policy_evaluations.schema import PolicyEvaluationSchema
from app.web.listing import Listing, plain

_EVALUATION: Final = PolicyEvaluation.__table__

POLICY_EVALUATIONS: Final = Listing(
    schema=PolicyEvaluationSchema,
    model=PolicyEvaluation,
    columns={
        **plain(
            PolicyEvaluation,
            "id organization_id workspace_id run_id task_stage_id policy_kind status status_timestamps passed "
            "advisory_failed mandatory_failed errored created_at updated_at",
        ),
        "project_id": Workspace.project_id,
        "no_ids": null(),
    },
    joined=_EVALUATION.join(Workspace.__table__, Workspace.__table__.c.id == PolicyEvaluation.workspace_id),
    order=(PolicyEvaluation.created_at, _EVALUATION.c.id),
)
