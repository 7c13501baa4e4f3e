"""The attributes and relationships of an apply (spec: applies)."""

from app.jsonapi.fields import Attribute, Computed, ToMany
from app.jsonapi.schema import Schema
from app.resources.runs.plans.schema import show_execution, show_log_url


class ApplySchema(Schema):
    """The apply of a run."""

    class Meta:
        """Its type and address."""

        type_ = "applies"
        self_link = "/api/v2/applies/{id}"

    id = Attribute()
    status = Attribute(
        description="`pending`, `queued`, `running`, then `finished`, `errored`, `canceled` or `unreachable`."
    )
    status_timestamps = Attribute(description="When it got its statuses: `queued-at`, `started-at`, `finished-at`, …")
    resource_additions = Attribute(description="How many resources it added.")
    resource_changes = Attribute(description="How many resources it changed.")
    resource_destructions = Attribute(description="How many resources it destroyed.")
    resource_imports = Attribute(description="How many resources it imported.")
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

    state_versions = ToMany("state-versions", column="state_version_ids")
