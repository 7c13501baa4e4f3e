"""Reading policy evaluations."""

from typing import Final

from app.models.policy_evaluations import PolicyEvaluation
from app.models.policy_set_outcomes import PolicySetOutcome
from app.models.workspaces import Workspace
from app.persistence import string_agg
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
        "policy_set_outcome_ids": string_agg(
            PolicySetOutcome.id,
            PolicySetOutcome.policy_evaluation_id == _EVALUATION.c.id,
            PolicySetOutcome.position,
            _EVALUATION,
        ),
    },
    joined=_EVALUATION.join(Workspace.__table__, Workspace.__table__.c.id == PolicyEvaluation.workspace_id),
    order=(PolicyEvaluation.created_at, _EVALUATION.c.id),
)
