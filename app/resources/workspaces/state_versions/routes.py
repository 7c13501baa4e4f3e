"""State versions over HTTP (spec: state versions)."""

from typing import Final

from flask import Response, request
from sqlalchemy import select

from app.authz.permissions import P
from app.jsonapi.errors import ApiError, NotFound, Unprocessable
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.workspaces import Workspace
from app.persistence import AnyRow, case_folded, fold_case
from app.resources.workspaces.state_versions import objects, outputs, resources, service
from app.resources.workspaces.state_versions.access import workspace_for
from app.resources.workspaces.state_versions.blueprint import API, OF_WORKSPACE, blueprint
from app.resources.workspaces.state_versions.listing import (
    INCLUDES,
    LISTED_STATE_VERSIONS,
    STATE_VERSIONS,
    including,
    link_output_ids,
)
from app.resources.workspaces.state_versions.schema import RollbackSchema, StateVersionSchema
from app.services import services
from app.web.answers import resource_response
from app.web.context import reader
from app.web.guard import describes, requires
from app.web.policy import organization_or_404, visible
from app.web.requests import body, filter_text

# Imported so that their routes are registered.
__all__ = ["blueprint", "objects", "outputs", "resources"]

# A state inside a document is in memory several times over; a larger one must be uploaded.
INLINE_BYTES: Final = 32_000_000
ORGANIZATION: Final = "filter[organization][name]"
WORKSPACE: Final = "filter[workspace][name]"


@blueprint.post(f"{OF_WORKSPACE}/state-versions")
@requires(P.STATE_READ, P.STATE_WRITE)
@describes(body=StateVersionSchema, answer=StateVersionSchema, status=201, errors=(400, 409, 412, 413, 422))
def create_state_version(workspace_id: str) -> Response:
    """Create a state version, with its state or with an address to upload it to. The caller must hold the lock."""
    if (request.content_length or INLINE_BYTES) > services().settings.request_bytes:
        # A large state is not read for somebody who may not store it.
        workspace_for(workspace_id, P.STATE_WRITE)
    try:
        members = load(StateVersionSchema, body(INLINE_BYTES))
    except ApiError:
        # Whoever may not store states here learns of nothing else.
        workspace_for(workspace_id, P.STATE_WRITE)
        raise
    # The outputs are read from the state itself.
    members.pop("json_state_outputs", None)
    is_forced = members.pop("force", None) is True
    members["md5"] = members["md5"].lower()
    return _answer(service.create_state_version(workspace_id, members, is_forced=is_forced), 201)


@blueprint.patch(f"{OF_WORKSPACE}/state-versions")
@requires(P.STATE_READ, P.STATE_WRITE)
@describes(body=RollbackSchema, is_partial=True, answer=StateVersionSchema, status=201, errors=(400, 409, 422))
def roll_back_state(workspace_id: str) -> Response:
    """Make an earlier state the newest one: a copy with the next serial, which is also written into its bytes."""
    workspace_for(workspace_id, P.STATE_WRITE)
    rollback_of_id = load(RollbackSchema, body())["rollback_of_id"]
    return _answer(service.roll_back(workspace_id, rollback_of_id), 201)


@blueprint.get(f"{API}/state-versions")
@requires(P.ORGANIZATION_READ, P.STATE_READ)
@describes(
    listing=LISTED_STATE_VERSIONS,
    includes=INCLUDES,
    parameters=[(ORGANIZATION, "The organization; required"), (WORKSPACE, "The workspace; required")],
    errors=(400, 422),
)
def list_state_versions() -> Response:
    """List the state versions of a workspace, newest first.

    Resources, modules and providers of a large state are null in the list; ask for the single version to see them.
    """
    names = {name: filter_text(name) for name in (ORGANIZATION, WORKSPACE)}
    for name, given in names.items():
        if given is None:
            raise Unprocessable(f"{name} is required", parameter=name)
    org = organization_or_404(str(names[ORGANIZATION]), P.ORGANIZATION_READ)
    found = select(Workspace.__table__.c.id).where(
        Workspace.organization_id == org.id,
        case_folded(Workspace.name) == fold_case(str(names[WORKSPACE])),
        visible(P.STATE_READ, Workspace),
    )
    workspace_id = reader().execute(found).scalar_one_or_none()
    if workspace_id is None:
        raise NotFound
    include = including(includes_of(request.args, INCLUDES))
    return LISTED_STATE_VERSIONS.page_response({"workspace_id": workspace_id}, include=include)


@blueprint.get(f"{API}/state-versions/<version_id>")
@requires(P.STATE_READ)
@describes(answer=StateVersionSchema, includes=INCLUDES, errors=(400,))
def show_state_version(version_id: str) -> Response:
    """Show a state version."""
    return _answer(STATE_VERSIONS.get({"id": version_id}))


@blueprint.get(f"{OF_WORKSPACE}/current-state-version")
@requires(P.STATE_READ)
@describes(answer=StateVersionSchema, includes=INCLUDES, errors=(400,))
def show_current_state_version(workspace_id: str) -> Response:
    """Show the current state version of a workspace; 404 if it has none."""
    return _answer(STATE_VERSIONS.get({"current_in": workspace_id}))


def _answer(row: AnyRow, status: int = 200) -> Response:
    include = including(includes_of(request.args, INCLUDES))
    shown = STATE_VERSIONS.to_resource(row)
    found = include([row], [shown]) if include else None
    if "data" not in shown["relationships"]["outputs"]:
        link_output_ids(shown, row.output_ids)
    return resource_response(shown, status, found)
