"""Reading policy set outcomes."""

from typing import Final

from app.models.policy_set_outcomes import PolicySetOutcome
from app.models.workspaces import Workspace
from app.resources.policies.policy_set_outcomes.schema import PolicySetOutcomeSchema
from app.web.listing import Listing, plain

_OUTCOME: Final = PolicySetOutcome.__table__

POLICY_SET_OUTCOMES: Final = Listing(
    schema=PolicySetOutcomeSchema,
    model=PolicySetOutcome,
    columns={
        **plain(
            PolicySetOutcome,
            "id organization_id workspace_id policy_evaluation_id policy_set_name policy_set_description overridable "
            "policy_tool_version outcomes error passed advisory_failed mandatory_failed errored",
        ),
        "project_id": Workspace.project_id,
    },
    joined=_OUTCOME.join(Workspace.__table__, Workspace.__table__.c.id == PolicySetOutcome.workspace_id),
    order=(PolicySetOutcome.position, _OUTCOME.c.id),
)
