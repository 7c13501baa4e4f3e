"""The record of activity in the form of HCP Terraform's audit trail, which is not that of JSON:API."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, Select, func, select

from app.jsonapi.fields import format_timestamp
from app.jsonapi.query import Page, page_meta
from app.models.activity_events import ActivityEvent

AT_ONCE: Final = 1_000
# Audit events have UUIDs. This namespace gives each of our events the same one every time.
EVENTS: Final = UUID("7c2d4c0e-95f8-4c43-a1e4-3f6f8b5d2a60")
# Types whose names differ in the audit trail.
TYPES: Final = {"organization-memberships": "organization_user"}
ACTIONS: Final = {"delete": "destroy"}
# The actor of changes that are made by commands on the machine of the service.
COMMANDS: Final = "commands"

_TEXT = {"type": "string"}
_MAY_LACK = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_PAGE = {"type": ["integer", "null"], "minimum": 1}


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


TRAIL: Final = _object(
    data={
        "type": "array",
        "items": _object(
            id={"type": "string", "format": "uuid"},
            version=_TEXT,
            type=_TEXT,
            timestamp={"type": "string", "format": "date-time"},
            auth=_object(
                accessor_id=_MAY_LACK,
                description=_MAY_LACK,
                type={"type": "string", "enum": ["Client", "System"]},
                impersonator_id={"type": "null"},
                organization_id=_TEXT,
            ),
            request=_object(id=_MAY_LACK),
            resource=_object(id=_TEXT, type=_TEXT, action=_TEXT, meta={"type": "null"}),
        ),
    },
    pagination=_object(
        current_page=_COUNT,
        page_size=_COUNT,
        prev_page=_PAGE,
        next_page=_PAGE,
        total_pages=_COUNT,
        total_count=_COUNT,
    ),
)


def trail_page(connection: Connection, organization_id: str, since: datetime | None, page: Page) -> dict[str, Any]:
    """A page of the events of the organization after the moment, oldest first."""
    table = ActivityEvent.__table__
    wanted = [table.c.organization_id == organization_id]
    if since is not None:
        wanted.append(table.c.created_at > since)
    total = connection.execute(select(func.count()).select_from(table).where(*wanted)).scalar_one()
    found: Select[Any] = select(table).where(*wanted).order_by(table.c.position, table.c.id)
    rows = connection.execute(found.limit(page.size).offset(page.offset)).all()
    return {
        "data": [_shown(row) for row in rows],
        "pagination": {name.replace("-", "_"): value for name, value in page_meta(page, total).items()},
    }


def _shown(event: Row[Any]) -> dict[str, Any]:
    verb = event.action.partition(".")[2]
    return {
        "id": str(uuid5(EVENTS, event.id)),
        "version": "0",
        "type": "Resource",
        "timestamp": format_timestamp(event.created_at),
        "auth": {
            "accessor_id": event.actor_id,
            "description": event.actor_name,
            "type": "System" if event.actor_type == COMMANDS else "Client",
            "impersonator_id": None,
            "organization_id": event.organization_id,
        },
        "request": {"id": event.request_id},
        "resource": {
            "id": event.subject_id,
            "type": TYPES.get(event.subject_type) or singular(event.subject_type),
            "action": ACTIONS.get(verb) or verb.replace("-", "_"),
            "meta": None,
        },
    }


def singular(type_: str) -> str:
    """The type of one resource as audit trails spell it: ``state_version`` for ``state-versions``."""
    one = type_.removesuffix("ies") + "y" if type_.endswith("ies") else type_.removesuffix("s")
    return one.replace("-", "_")
