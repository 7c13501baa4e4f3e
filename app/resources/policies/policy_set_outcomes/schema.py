"""The attributes and relationships of a policy set outcome (spec: policy set outcomes)."""

from typing import Any

from app.jsonapi.fields import Attribute, Computed, Constant, ToOne
from app.jsonapi.schema import Schema
from app.persistence import AnyRow
from app.resources.runs.policy_evaluations.schema import COUNTS, show_counts

OUTCOMES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "enforcement_level": {"type": "string"},
            "query": {"type": "string"},
            "status": {"type": "string"},
            "policy_name": {"type": "string"},
            "description": {"type": "string"},
            "output": {"type": ["array", "null"]},
        },
    },
}


def show_outcomes(row: AnyRow, _held: object) -> list[dict[str, Any]]:
    """What each policy says."""
    outcomes: list[dict[str, Any]] = row.outcomes["policies"]
    return outcomes


class PolicySetOutcomeSchema(Schema):
    """A set of policies as it was when the plan was finished, and what its policies say about the plan."""

    class Meta:
        """Its type and address."""

        type_ = "policy-set-outcomes"
        self_link = "/api/v2/policy-set-outcomes/{id}"

    id = Attribute()
    outcomes = Computed(
        show_outcomes,
        schema=OUTCOMES,
        description="What each policy says: `passed`, `failed`, `errored`, or `pending` before the plan is finished.",
    )
    error = Attribute(description="Why the set could not be evaluated, if so.")
    warnings = Constant([])
    overridable = Attribute(description="Whether a person may let the run go on if the set's policies stop it.")
    policy_set_name = Attribute(description="The name of the set.")
    policy_set_description = Attribute(description="The note on the set.")
    policy_tool_version = Attribute(description="The version of OPA that the set asks for.")
    result_count = Computed(show_counts, schema=COUNTS, description="How many policies said what.")

    policy_evaluation = ToOne(
        "policy-evaluations",
        column="policy_evaluation_id",
        related="/api/v2/policy-evaluations/{policy_evaluation_id}",
    )
