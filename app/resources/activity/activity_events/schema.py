"""The attributes and relationships of an activity event."""

from typing import Any

from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Computed, DateTime, ToOne
from app.jsonapi.schema import Schema
from app.persistence import AnyRow

_NAMED = {
    "type": "object",
    "required": ["type", "id", "name"],
    "properties": {
        "type": {"type": "string"},
        "id": {"type": ["string", "null"]},
        "name": {"type": ["string", "null"]},
    },
}
_CHANGES = {
    "type": "object",
    "description": "For each member what it was and is; tags and members of teams are nested by their names",
    "additionalProperties": {"type": "object"},
}


def _actor(row: AnyRow, _held: object) -> dict[str, Any]:
    return {"type": row.actor_type, "id": row.actor_id, "name": row.actor_name}


def _subject(row: AnyRow, _held: object) -> dict[str, Any]:
    return {"type": row.subject_type, "id": row.subject_id, "name": row.subject_name}


def _changes(row: AnyRow, _held: object) -> Json:
    return before_and_after(row.changes)


def before_and_after(changes: Json) -> Json:
    """The changes, with names for the value before and the value after."""
    match changes:
        case [before, after]:
            return {"before": before, "after": after}
        case dict():
            return {name: before_and_after(change) for name, change in changes.items()}
    return changes


class ActivityEventSchema(Schema):
    """Who did what, to which resource, and when. Events can't be changed, and stay when the resource is deleted."""

    class Meta:
        """Its type and address."""

        type_ = "activity-events"
        self_link = "/api/v2/activity-events/{id}"

    id = Attribute()
    action = Attribute(description="What happened, as type and verb: `project.created`, `workspace.locked`.")
    actor = Computed(
        _actor,
        schema=_NAMED,
        description="The person or program that did it: type, id and name. The name stays when the account is deleted.",
    )
    token_kind = Attribute(
        description="The kind of token that was used; null for a signed-in person or the service itself."
    )
    subject = Computed(_subject, schema=_NAMED, description="What it happened to: type, id and name.")
    changes = Computed(
        _changes,
        schema=_CHANGES,
        description="The attributes that changed, each with its value before and after. Values that the "
        "caller may not see are `(hidden)`.",
    )
    created_at = DateTime(dump_only=True)
    request_id = Attribute(description="The id of the request, as in the header `X-Request-Id` and in the log.")

    organization = ToOne("organizations", column="organization_name")
    project = ToOne("projects", column="project_id")
    workspace = ToOne("workspaces", column="workspace_id")
