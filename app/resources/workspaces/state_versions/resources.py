"""The resources that a workspace manages, over HTTP (spec: workspaces, resources)."""

from typing import Any, Final

from flask import Response, request
from sqlalchemy import select

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.fields import format_timestamp
from app.jsonapi.query import text_of
from app.models.state_versions import StateVersion
from app.persistence import fold_case
from app.resources.workspaces.state_versions.access import workspace_for
from app.resources.workspaces.state_versions.blueprint import OF_WORKSPACE, blueprint
from app.resources.workspaces.state_versions.state_contents import ROOT
from app.web.answers import single_page_response
from app.web.context import reader
from app.web.guard import describes, requires

TEXT = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}
ATTRIBUTES = {
    "address": TEXT,
    "name": TEXT,
    "created-at": MOMENT,
    "updated-at": MOMENT,
    "module": TEXT,
    "provider": TEXT,
    "provider-type": TEXT,
    "modified-by-state-version-id": TEXT,
    "name-index": {"const": None},
}
ITEM = {
    "type": "object",
    "required": ["id", "type", "attributes"],
    "properties": {
        "id": TEXT,
        "type": {"const": "resources"},
        "attributes": {"type": "object", "required": sorted(ATTRIBUTES), "properties": ATTRIBUTES},
    },
}
# Unlike in other lists, the parameter is a field with an order. No index is needed: the resources are one JSON value.
SORTED_BY: Final = {
    "name": "name",
    "nameIndex": "name-index",
    "provider": "provider",
    "providerType": "provider-type",
    "module": "module",
    "updatedAt": "updated-at",
}
DESCRIBED = {
    "type": "object",
    "required": ["data", "links", "meta"],
    "properties": {
        "data": {"type": "array", "items": ITEM},
        "links": {"$ref": "#/components/schemas/page-links"},
        "meta": {
            "type": "object",
            "required": ["pagination"],
            "properties": {"pagination": {"$ref": "#/components/schemas/pagination"}},
        },
    },
}


@blueprint.get(f"{OF_WORKSPACE}/resources")
@requires(P.STATE_READ)
@describes(
    answer=DESCRIBED,
    parameters=[
        ("q", "Part of the address, without regard to case"),
        ("sort", f"One of {', '.join(SORTED_BY)}, with :asc or :desc; else by address"),
    ],
    errors=(400,),
)
def list_resources(workspace_id: str) -> Response:
    """List the resources in the current state of a workspace, by address."""
    current = workspace_for(workspace_id, P.STATE_READ).current_state_version_id
    wanted, order = text_of(request.args, "q"), _order()
    table = StateVersion.__table__
    row = reader().execute(select(table.c.resources, table.c.created_at).where(table.c.id == current)).one_or_none()
    moment = format_timestamp(row.created_at) if row else None
    shown = [_shown(current, index, each, moment) for index, each in enumerate(row.resources or () if row else ())]
    if wanted:
        shown = [each for each in shown if fold_case(wanted) in fold_case(each["attributes"]["address"])]
    shown.sort(key=lambda each: str(each["attributes"]["address"]))
    if order is not None:
        attribute, is_descending = order
        shown.sort(key=lambda each: str(each["attributes"][attribute]), reverse=is_descending)
    return single_page_response(shown)


def _order() -> tuple[str, bool] | None:
    sort = text_of(request.args, "sort")
    if sort is None:
        return None
    field, _, order = sort.partition(":")
    if field not in SORTED_BY or order not in ("asc", "desc"):
        raise BadParameter("sort must be one of the fields with :asc or :desc", parameter="sort")
    return SORTED_BY[field], order == "desc"


def _shown(version_id: str, index: int, resource: dict[str, Any], moment: str | None) -> dict[str, Any]:
    kind, name, module = resource["type"], resource["name"], resource["module"]
    address = f"{kind}.{name}" if module == ROOT else f"{module}.{kind}.{name}"
    return {
        # The version's id and the index in it: always the same for the same state.
        "id": f"wsr-{version_id.removeprefix('sv-')}{index}",
        "type": "resources",
        "attributes": {
            "address": address,
            "name": name,
            "created-at": moment,
            "updated-at": moment,
            "module": module,
            "provider": resource["provider"],
            "provider-type": kind,
            "modified-by-state-version-id": version_id,
            "name-index": None,
        },
    }
