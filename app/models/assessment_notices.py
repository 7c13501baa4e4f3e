"""What people are told about assessments, through the notification configurations of the workspace."""

from sqlalchemy.orm import Session

from app.models.assessment_results import AssessmentResult
from app.models.workspaces import Workspace


def tell_assessment(
    session: Session, workspace: Workspace, result: AssessmentResult, before: AssessmentResult | None
) -> None:
    """Tell what is new in the result, and not in the one before it."""
