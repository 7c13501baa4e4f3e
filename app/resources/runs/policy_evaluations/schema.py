"""The attributes and relationships of a policy evaluation (spec: policy evaluations)."""

from app.jsonapi.fields import Attribute, Computed, DateTime, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.persistence import AnyRow

COUNTS = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in ("advisory-failed", "errored", "mandatory-failed", "passed")},
}


def show_counts(row: AnyRow, _held: object) -> dict[str, int]:
    """How many policies said what."""
    return {
        "advisory-failed": row.advisory_failed,
        "errored": row.errored,
        "mandatory-failed": row.mandatory_failed,
        "passed": row.passed,
    }


class PolicyEvaluationSchema(Schema):
    """What the policies of one kind say about the plan of a run."""

    class Meta:
        """Its type and address."""

        type_ = "policy-evaluations"
        self_link = "/api/v2/policy-evaluations/{id}"

    id = Attribute()
    status = Attribute(
        description="`pending`, `running`, then `passed`, `failed`, `errored`, `canceled` or `unreachable`; "
        "`overridden` if somebody let the run go on."
    )
    policy_kind = Attribute(description="`opa`.")
    status_timestamps = Attribute(description="When it got each of its statuses: `passed-at`, …")
    result_count = Computed(show_counts, schema=COUNTS, description="How many policies said what.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    policy_attachable = ToOne("task-stages", column="task_stage_id", related="/api/v2/task-stages/{task_stage_id}")
    policy_set_outcomes = ToMany(
        "policy-set-outcomes",
        column="policy_set_outcome_ids",
        related="/api/v2/policy-evaluations/{id}/policy-set-outcomes",
    )
