"""The attributes and relationships of a plan (spec: plans)."""

from typing import ClassVar

from app.jsonapi.fields import Attribute, Computed, Constant, ToMany
from app.jsonapi.schema import Schema
from app.models.agents import BUILT_IN_POOL
from app.persistence import AnyRow
from app.resources.runs.logs.addresses import log_address

NUMBER = {"type": ["integer", "null"]}


def show_execution(row: AnyRow, _held: object) -> dict[str, object]:
    """Which agent worked on it, and in which mode."""
    mode = "remote" if row.pool == BUILT_IN_POOL else "agent"
    if row.agent_id is None:
        return {"mode": mode}
    pool = {} if row.agent_pool_name is None else {"agent-pool-id": row.pool, "agent-pool-name": row.agent_pool_name}
    return {"mode": mode, "agent-id": row.agent_id, "agent-name": row.agent_name, **pool}


def show_log_url(row: AnyRow, _held: object) -> str:
    """The address of the log."""
    return log_address(row.id)


class PlanSchema(Schema):
    """The plan of a run."""

    class Meta:
        """Its type and address."""

        type_ = "plans"
        self_link = "/api/v2/plans/{id}"
        more_links: ClassVar = {
            "json-output": "/api/v2/plans/{id}/json-output",
            "json-output-redacted": "/api/v2/plans/{id}/json-output-redacted",
        }

    id = Attribute()
    status = Attribute(
        description="`pending`, `queued`, `running`, then `finished`, `errored`, `canceled` or `unreachable`."
    )
    status_timestamps = Attribute(description="When it got its statuses: `queued-at`, `started-at`, `finished-at`, …")
    has_changes = Attribute(description="Whether it changes anything.")
    resource_additions = Attribute(description="How many resources it adds.")
    resource_changes = Attribute(description="How many resources it changes.")
    resource_destructions = Attribute(description="How many resources it destroys.")
    resource_imports = Attribute(description="How many resources it imports.")
    generated_configuration = Attribute(description="Whether terraform wrote configuration for imported resources.")
    structured_run_output_enabled = Attribute(
        description="Whether the lines of the log are JSON, as the workspace's setting says."
    )
    execution_details = Computed(
        show_execution, schema={"type": "object"}, description="Which agent works on it, and in which mode."
    )
    log_read_url = Computed(
        show_log_url,
        schema={"type": "string"},
        description="A signed address that gives the log from an offset on. It is good for one to two days.",
    )
    actions = Constant({"is-exportable": False}, description="Whether the plan can be exported.")
    permissions = Constant({"can-export": False}, description="Whether the caller may export it.")

    state_versions = ToMany("state-versions", column="no_ids")
