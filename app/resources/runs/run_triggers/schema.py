"""The attributes and relationships of a run trigger (spec: run triggers)."""

from app.jsonapi.fields import Attribute, Computed, DateTime, ToOne
from app.jsonapi.schema import Schema


class RunTriggerSchema(Schema):
    """A source whose applies start runs of a workspace."""

    class Meta:
        """Its type and address."""

        type_ = "run-triggers"
        self_link = "/api/v2/run-triggers/{id}"

    id = Attribute()
    workspace_name = Attribute(description="The name of the workspace whose runs are started.")
    sourceable_name = Computed(
        lambda row, _held: row.sourceable_name,
        schema={"type": ["string", "null"]},
        description="The name of the workspace whose applies start them; null if the caller can't see it.",
    )
    created_at = DateTime(dump_only=True)

    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
    sourceable = ToOne(
        "workspaces",
        column="sourceable_id",
        related="/api/v2/workspaces/{sourceable_id}",
        writable=True,
        required=True,
    )
