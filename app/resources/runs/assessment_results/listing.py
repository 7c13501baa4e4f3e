"""Reading assessment results."""

from typing import Final

from app.models.assessment_results import AssessmentResult
from app.models.plans import Plan
from app.resources.runs.assessment_results.schema import AssessmentResultSchema
from app.web.listing import Listing, plain

ASSESSMENT_RESULTS: Final = Listing(
    schema=AssessmentResultSchema,
    model=AssessmentResult,
    columns={
        **plain(
            AssessmentResult,
            "id organization_id workspace_id created_at succeeded drifted all_checks_succeeded resources_drifted "
            "resources_undrifted checks_passed checks_failed checks_errored checks_unknown error_message",
        ),
        "plan_id": Plan.__table__.c.id,
        "json_object": Plan.json_object,
    },
    joined=AssessmentResult.__table__.join(Plan.__table__, Plan.run_id == AssessmentResult.run_id),
    order=(AssessmentResult.created_at, AssessmentResult.__table__.c.id),
    newest_first=True,
)
