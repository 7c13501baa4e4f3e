"""The resources that a workspace manages, over HTTP (spec: workspaces, resources)."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Response, request
from sqlalchemy import Row, select

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.fields import format_timestamp
from app.jsonapi.query import text_of
from app.models.state_versions import StateVersion
from app.persistence import fold_case
from app.persistence.identifiers import derived_text
from app.resources.workspaces.state_versions.access import workspace_for
from app.resources.workspaces.state_versions.blueprint import OF_WORKSPACE, blueprint
from app.resources.workspaces.state_versions.instances import Instance
from app.resources.workspaces.state_versions.resource_names import index_text, module_path, provider_name
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
    "name-index": {"type": ["string", "null"]},
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
    """List the resources in the current state of a workspace, by address: an entry for each instance.

    Its id, times and version stay while it does not change. States that were saved by an earlier release have one entry
    for each resource.
    """
    current = workspace_for(workspace_id, P.STATE_READ).current_state_version_id
    wanted, order = text_of(request.args, "q"), _order()
    table = StateVersion.__table__
    found = select(table.c.id, table.c.resources, table.c.instances, table.c.created_at).where(table.c.id == current)
    row = reader().execute(found).one_or_none()
    shown = [_shown(workspace_id, resource, instance) for resource, instance in _instances(row)] if row else []
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


def _instances(row: Row[*tuple[Any, ...]]) -> Iterator[tuple[dict[str, Any], Instance]]:
    resources = row.resources or ()
    if row.instances is None:
        moment = format_timestamp(row.created_at)
        for number, resource in enumerate(resources):
            yield resource, Instance(number, None, "", moment, moment, row.id)
    else:
        for item in row.instances:
            yield resources[item[0]], Instance(*item)


def _shown(workspace_id: str, resource: dict[str, Any], instance: Instance) -> dict[str, Any]:
    module = module_path(resource["module"])
    inside = f"{resource['type']}.{resource['name']}{index_text(instance.name_index)}"
    address = inside if module == ROOT else f"{module}.{inside}"
    return {
        # Always the same for the same address in the workspace.
        "id": f"wsr-{derived_text(f'{workspace_id}/{address}')}",
        "type": "resources",
        "attributes": {
            "address": address,
            "name": resource["name"],
            "created-at": instance.created_at,
            "updated-at": instance.updated_at,
            "module": module,
            "provider": provider_name(resource["provider"]),
            "provider-type": resource["type"],
            "modified-by-state-version-id": instance.version_id,
            "name-index": None if instance.name_index is None else str(instance.name_index),
        },
    }
