"""The attributes and relationships of recoverable items (spec: HCP's API document)."""

from app.jsonapi.fields import Attribute, DateTime, ToOne
from app.jsonapi.schema import Schema


class RecoverableItemSchema(Schema):
    """A workspace or a project that was deleted, and can be recovered until it expires."""

    class Meta:
        """Its type and address."""

        type_ = "recoverable-items"
        self_link = "/api/v2/recoverable-items/{id}"

    id = Attribute()
    recoverable_name = Attribute(description="The name of what was deleted.", example="network")
    deleted_at = DateTime(dump_only=True, description="When it was deleted.")
    expires_at = DateTime(dump_only=True, description="When it is deleted for good.")
    unmanaged_resources = Attribute(
        description="How many resources its states manage: they still exist, and nothing manages them.",
    )
    permanently_deleted_at = DateTime(
        dump_only=True, allow_none=True, description="When somebody deleted it for good, or it expired."
    )
    recovered_at = DateTime(dump_only=True, allow_none=True, description="When it was recovered.")

    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
    recoverable = ToOne("workspaces", "projects", column="recoverable_id", type_column="recoverable_type")
    deleted_by = ToOne("users", column="deleted_by_id", related="/api/v2/users/{deleted_by_id}")
