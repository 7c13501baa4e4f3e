"""The attributes and relationships of an explanation."""

from typing import Any

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.fields import Attribute, Choice, Computed, ToOne
from app.jsonapi.schema import Schema
from app.resources.access.permissions.targets import TARGETS

SUBJECTS = ("users", "teams", "authentication-tokens")

_TEXT = {"type": "string"}
_SOURCE: dict[str, Any] = {
    "type": ["object", "null"],
    "required": ["type", "id"],
    "properties": {"type": _TEXT, "id": {"type": ["string", "null"]}},
}
_GRANT: dict[str, Any] = {
    "type": "object",
    "required": ["level", "target", "role", "source"],
    "properties": {
        "level": {"enum": list(Level)},
        "target": _TEXT,
        "role": {"type": ["string", "null"]},
        "source": _SOURCE,
    },
}
_PERMISSIONS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["permission", "allowed", "refusal", "grants"],
        "properties": {
            "permission": {"enum": list(P)},
            "allowed": {"type": "boolean"},
            "refusal": {"enum": [None, 403, 404]},
            "grants": {"type": "array", "items": _GRANT},
        },
    },
}


class PermissionExplanationSchema(Schema):
    """What somebody (by default the caller) may do on a resource, and through which grants.

    Without a permission, it explains all that apply to the resource; ``allowed`` says whether all of them are held.
    ``refusal`` is the status of the answer to a caller without the permission.
    """

    class Meta:
        """Its type."""

        type_ = "permission-explanations"

    id = Attribute()
    permission = Choice(
        list(P),
        message="is not a permission",
        allow_none=True,
        description="The permission that is asked about; null for all that mean something on the resource.",
        example="project:read",
    )
    allowed = Computed(
        lambda row, _held: row.allowed,
        schema={"type": "boolean"},
        description="Whether the subject has the permission, or all of them if none was named.",
    )
    permissions = Computed(
        lambda row, _held: row.permissions,
        schema=_PERMISSIONS,
        description="For each permission: the grants that give it, and the status of the answer without it.",
    )

    subject = ToOne(*SUBJECTS, column="subject_id", type_column="subject_type", writable=True, typed=True)
    resource = ToOne(
        *TARGETS, column="resource_id", type_column="resource_type", writable=True, typed=True, required=True
    )
