"""Use cases of assessments: each checks the caller, changes in one transaction and records its event."""

from app.authz.permissions import P
from app.models.workspaces import Workspace
from app.resources.runs.assessment_results.operations import (
    AssessmentsOff,
    check_assessable,
    is_enabled,
    start_assessment,
)
from app.resources.runs.runs.creation import record_creation
from app.web.context import caller
from app.web.policy import get_for_update, require
from app.web.transaction import transaction


def assess_workspace(workspace_id: str) -> None:
    """Queue an assessment of the workspace now."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_UPDATE)
        require(P.RUN_PLAN, workspace)
        if not is_enabled(session, workspace):
            raise AssessmentsOff
        check_assessable(session, workspace)
        run = start_assessment(session, workspace, created_by_id=caller().user_id)
        record_creation(session, run)
