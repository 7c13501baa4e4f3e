"""Variables of workspaces over HTTP, and the older addresses of the same (spec: variables)."""

from typing import Any

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.body import resource_list
from app.jsonapi.errors import BadRequest, InvalidAttribute, NotFound, Unprocessable
from app.jsonapi.schema import load
from app.persistence import fold_case
from app.resources.workspaces.vars import service
from app.resources.workspaces.vars.listing import readable_workspace, var_of_workspace, vars_of_workspace
from app.resources.workspaces.vars.schema import PlacedSchema, VarSchema
from app.web.answers import document_response, no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body, filter_text

blueprint = Blueprint("vars", __name__, url_prefix="/api/v2")

AT_ONCE = 1_000
BATCH = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "array",
            "maxItems": AT_ONCE,
            "items": {
                "allOf": [
                    {"$ref": "#/components/schemas/vars-update"},
                    {"required": ["id"], "properties": {"id": {"minLength": 1}}},
                ],
            },
        },
    },
}
ORGANIZATION_FILTER = "filter[organization][name]"
WORKSPACE_FILTER = "filter[workspace][name]"


@blueprint.get("/workspaces/<workspace_id>/vars")
@requires(P.VARIABLE_READ)
@describes(answer=VarSchema, many=True, paged=False)
def list_vars(workspace_id: str) -> Response:
    """List all variables of a workspace."""
    return document_response({"data": vars_of_workspace(workspace_id)})


@blueprint.post("/workspaces/<workspace_id>/vars")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=VarSchema, answer=VarSchema, status=201, errors=(422,))
def create_var(workspace_id: str) -> Response:
    """Create a variable."""
    return _create(workspace_id, load(VarSchema, body()))


@blueprint.get("/workspaces/<workspace_id>/vars/<var_id>")
@requires(P.VARIABLE_READ)
@describes(answer=VarSchema)
def show_var(workspace_id: str, var_id: str) -> Response:
    """Show a variable; the value of a sensitive one is null."""
    readable_workspace({"id": workspace_id})
    return resource_response(var_of_workspace(workspace_id, var_id))


@blueprint.patch("/workspaces/<workspace_id>/vars/<var_id>")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=VarSchema, is_partial=True, answer=VarSchema, errors=(422,))
def update_var(workspace_id: str, var_id: str) -> Response:
    """Update a variable, which also gets a new version id; attributes that are left out stay as they are."""
    return _update(workspace_id, var_id)


@blueprint.delete("/workspaces/<workspace_id>/vars/<var_id>")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(status=204)
def destroy_var(workspace_id: str, var_id: str) -> Response:
    """Delete a variable."""
    return _destroy(workspace_id, var_id)


@blueprint.patch("/workspaces/<workspace_id>/relationships/vars")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=BATCH, status=204, errors=(400, 422))
def update_vars(workspace_id: str) -> Response:
    """Update many variables of a workspace at once: all of them, or none."""
    items = _sent_batch()
    service.update_vars(workspace_id, items)
    return no_content()


# --- the older addresses -------------------------------------------------------------------------------------------


@blueprint.get("/vars")
@requires(P.ORGANIZATION_READ, P.VARIABLE_READ)
@describes(
    answer=VarSchema,
    many=True,
    paged=False,
    parameters=(
        (ORGANIZATION_FILTER, "The organization's name; required"),
        (WORKSPACE_FILTER, "The workspace's name; required"),
    ),
    errors=(400,),
)
def list_vars_by_name() -> Response:
    """List the variables of the workspace with this name."""
    organization = filter_text(ORGANIZATION_FILTER)
    name = filter_text(WORKSPACE_FILTER)
    if organization is None or name is None:
        raise NotFound
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    workspace = readable_workspace({"organization_id": org.id, "name_lower": fold_case(name)})
    return document_response({"data": vars_of_workspace(workspace.id)})


@blueprint.post("/vars")
@requires(P.ORGANIZATION_READ, P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=PlacedSchema, answer=VarSchema, status=201, errors=(422,))
def create_placed_var() -> Response:
    """Create a variable in the workspace that the document names.

    Older clients name it by `filter` beside `data`: `{"organization": {"name": …}, "workspace": {"name": …}}`.
    """
    sent = body()
    members = load(PlacedSchema, sent)
    workspace_id = members.pop("workspace_id", None) or _workspace_in_filter(sent)
    if workspace_id is None:
        raise InvalidAttribute("Workspace can't be blank", pointer="/data/relationships/workspace")
    return _create(workspace_id, members)


@blueprint.patch("/vars/<var_id>")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=VarSchema, is_partial=True, answer=VarSchema, errors=(422,))
def update_var_by_id(var_id: str) -> Response:
    """Update a variable of a workspace by its id alone."""
    return _update(None, var_id)


@blueprint.delete("/vars/<var_id>")
@requires(P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(status=204)
def destroy_var_by_id(var_id: str) -> Response:
    """Delete a variable of a workspace by its id alone."""
    return _destroy(None, var_id)


def _workspace_in_filter(document: object) -> str | None:
    """The id of the workspace that the filter beside ``data`` names; None without a filter."""
    given = document.get("filter") if isinstance(document, dict) else None
    if given is None:
        return None
    names = []
    for kind in ("organization", "workspace"):
        member = given.get(kind) if isinstance(given, dict) else None
        name = member.get("name") if isinstance(member, dict) else None
        if not isinstance(name, str) or not name:
            raise InvalidAttribute(f"Name of the {kind} must be a string", pointer=f"/filter/{kind}/name")
        names.append(name)
    org = organization_or_404(names[0], P.ORGANIZATION_READ)
    found = readable_workspace({"organization_id": org.id, "name_lower": fold_case(names[1])})
    return str(found.id)


def _create(workspace_id: str, members: dict[str, Any]) -> Response:
    return resource_response(service.create_var(workspace_id, members), 201)


def _update(workspace_id: str | None, var_id: str) -> Response:
    members = load(VarSchema, body(), partial=True, identifier=var_id)
    return resource_response(service.update_var(workspace_id, var_id, members))


def _destroy(workspace_id: str | None, var_id: str) -> Response:
    service.destroy_var(workspace_id, var_id)
    return no_content()


def _sent_batch() -> list[dict[str, Any]]:
    try:
        items = resource_list(body(), ("vars",), AT_ONCE)
    except Unprocessable as error:
        # HCP Terraform answers 400 to a batch that is empty or too long.
        raise BadRequest(error.detail, pointer=error.pointer) from None
    identifiers = [item.get("id") for item in items]
    for index, identifier in enumerate(identifiers):
        if not isinstance(identifier, str) or not identifier:
            raise BadRequest("id must be a string", pointer=f"/data/{index}/id")
        for group in ("attributes", "relationships"):
            if not isinstance(items[index].get(group, {}), dict):
                raise BadRequest(f"{group} must be an object", pointer=f"/data/{index}/{group}")
    if len(set(identifiers)) < len(identifiers):
        raise BadRequest("data names a variable twice", pointer="/data")
    return items
