"""The attributes and relationships of an assessment result (spec: assessment results)."""

from typing import ClassVar

from app.jsonapi.fields import Attribute, DateTime, ToOne
from app.jsonapi.schema import Schema


class AssessmentResultSchema(Schema):
    """Whether a workspace had drifted when it was assessed, and whether its checks held."""

    class Meta:
        """Its type and addresses."""

        type_ = "assessment-results"
        self_link = "/api/v2/assessment-results/{id}"
        more_links: ClassVar = {
            "json-output": "/api/v2/assessment-results/{id}/json-output",
            "log-output": "/api/v2/assessment-results/{id}/log-output",
        }

    id = Attribute()
    succeeded = Attribute(description="Whether the assessment came to an end.")
    drifted = Attribute(description="Whether something is not as the state says.")
    all_checks_succeeded = Attribute(description="Whether no check failed.")
    resources_drifted = Attribute(description="How many resources are not as the state says.")
    resources_undrifted = Attribute(description="How many resources are.")
    checks_passed = Attribute(description="How many checks hold.")
    checks_failed = Attribute(description="How many checks do not hold.")
    checks_errored = Attribute(description="How many checks could not be evaluated.")
    checks_unknown = Attribute(description="How many checks depend on what is not known yet.")
    error_message = Attribute(description="Why the assessment did not come to an end.")
    created_at = DateTime(dump_only=True)

    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
    source = ToOne("plans", column="plan_id", related="/api/v2/plans/{plan_id}")
