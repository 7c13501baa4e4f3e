"""The attributes and relationships of a task stage (spec: task stages)."""

from collections.abc import Container

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, Computed, DateTime, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.run_task_parts import OVERRIDE_DEMANDED, OVERRIDE_NEEDS
from app.models.task_stages import AWAITING_OVERRIDE
from app.persistence import AnyRow


def show_permissions(row: AnyRow, held: Container[P]) -> dict[str, bool]:
    """What the caller may do with the stage, whatever its status is."""
    policies = P.RUN_OVERRIDE_POLICIES in held
    needs = [*OVERRIDE_NEEDS, *([OVERRIDE_DEMANDED] if row.is_demanded_of_all else [])]
    tasks = all(any(permission in held for permission in need) for need in needs)
    needed = [*([policies] if row.policy_evaluation_ids else []), *([tasks] if row.task_result_ids else [])]
    return {"can-override-policy": policies, "can-override-tasks": tasks, "can-override": bool(needed) and all(needed)}


def show_actions(row: AnyRow, _held: object) -> dict[str, bool]:
    """What the status of the stage allows, whoever asks."""
    return {"is-overridable": row.status == AWAITING_OVERRIDE}


class TaskStageSchema(Schema):
    """A stage of a run, in which policies and run tasks have a say."""

    class Meta:
        """Its type and address."""

        type_ = "task-stages"
        self_link = "/api/v2/task-stages/{id}"

    id = Attribute()
    stage = Attribute(description="When it happens: `pre_plan`, `post_plan`, `pre_apply` or `post_apply`.")
    status = Attribute(
        description="`pending`, `running`, then `passed`, `failed`, `canceled` or `unreachable`; `awaiting_override` "
        "while it waits for somebody who lets the run go on."
    )
    status_timestamps = Attribute(description="When it got each of its statuses: `running-at`, `passed-at`, …")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    actions = Computed(
        show_actions,
        schema={"type": "object", "properties": {"is-overridable": {"type": "boolean"}}},
        description="What the status allows, whoever asks.",
    )
    permissions = Computed(
        show_permissions,
        schema={
            "type": "object",
            "properties": {
                name: {"type": "boolean"} for name in ("can-override-policy", "can-override-tasks", "can-override")
            },
        },
        description="What the caller may do, whatever the status is.",
    )

    run = ToOne("runs", column="run_id", related="/api/v2/runs/{run_id}")
    policy_evaluations = ToMany(
        "policy-evaluations",
        column="policy_evaluation_ids",
        related="/api/v2/task-stages/{id}/policy-evaluations",
    )
    task_results = ToMany("task-results", column="task_result_ids")
    # Not built; clients look whether there is one.
    cost_estimate = ToOne("cost-estimates")
