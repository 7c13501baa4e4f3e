"""State versions over HTTP (spec: state versions)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, NotFound, Unprocessable
from app.jsonapi.query import includes_of, text_of
from app.jsonapi.schema import load
from app.models.state_versions import FINALIZED, StateVersion
from app.models.workspaces import Workspace
from app.persistence import case_folded, fold_case
from app.resources.workspaces.state_versions import objects, outputs, resources
from app.resources.workspaces.state_versions.access import workspace_for
from app.resources.workspaces.state_versions.blueprint import API, OF_WORKSPACE, blueprint
from app.resources.workspaces.state_versions.ingest import IngestedState, in_pieces, ingest
from app.resources.workspaces.state_versions.listing import (
    INCLUDES,
    LISTED_STATE_VERSIONS,
    STATE_VERSIONS,
    including,
    link_outputs,
)
from app.resources.workspaces.state_versions.operations import check_agrees, create_pending, newest_version
from app.resources.workspaces.state_versions.schema import RollbackSchema, StateVersionSchema
from app.resources.workspaces.state_versions.serial_rewriter import rewrite_serial
from app.resources.workspaces.workspaces.locking import check_held_by
from app.storage.place import vault
from app.web.answers import resource_response
from app.web.context import caller, reader
from app.web.guard import describes, requires
from app.web.policy import get_for_update, organization_or_404, visible
from app.web.requests import body
from app.web.transaction import created_changes, record_event, transaction

# Imported, so that their routes are there.
__all__ = ["blueprint", "objects", "outputs", "resources"]

# A state within a document stands in memory several times over; what is larger is uploaded.
INLINE_BYTES: Final = 32_000_000
ORGANIZATION: Final = "filter[organization][name]"
WORKSPACE: Final = "filter[workspace][name]"


class OvertakenRollback(Conflict):
    """Another state version was created while the old state was copied."""

    code = "rollback-overtaken"
    detail = "Another state version was created meanwhile; read the current one and retry"


@blueprint.post(f"{OF_WORKSPACE}/state-versions")
@requires(P.STATE_READ, P.STATE_WRITE)
@describes(body=StateVersionSchema, answer=StateVersionSchema, status=201, errors=(400, 409, 412, 413, 422))
def create_state_version(workspace_id: str) -> Response:
    """Create a state version, with its state or with an address to upload it to. The caller must hold the lock."""
    workspace_for(workspace_id, P.STATE_WRITE)
    members = load(StateVersionSchema, body(INLINE_BYTES))
    # What it says about outputs stands in the state as well.
    members.pop("json_state_outputs", None)
    is_forced = members.pop("force", None) is True
    members["md5"] = members["md5"].lower()
    with _inline(workspace_id, members) as arrival, transaction() as session:
        workspace = _held(session, workspace_id)
        if not is_forced:
            check_agrees(session, workspace_id, members["serial"], members["md5"], members.get("lineage"))
        version = create_pending(session, workspace, caller().user_id, members)
        if arrival is not None:
            arrival.accept(session, workspace, version)
        _record(session, version)
    return _answer(version.id, 201)


@blueprint.patch(f"{OF_WORKSPACE}/state-versions")
@requires(P.STATE_READ, P.STATE_WRITE)
@describes(body=RollbackSchema, is_partial=True, answer=StateVersionSchema, status=201, errors=(400, 409, 422))
def roll_back_state(workspace_id: str) -> Response:
    """Make an earlier state the newest one: a copy with the next serial, which is also written into its bytes."""
    workspace_for(workspace_id, P.STATE_WRITE)
    wanted = load(RollbackSchema, body())["rollback_of_id"]
    with transaction() as session:
        _held(session, workspace_id)
        origin = session.scalars(
            select(StateVersion).where(
                StateVersion.__table__.c.id == wanted,
                StateVersion.workspace_id == workspace_id,
                StateVersion.status == FINALIZED,
            ),
        ).one_or_none()
        if origin is None or origin.state_object is None or origin.state_key is None:
            raise NotFound
        serial = _next_serial(session, workspace_id)
    pieces = rewrite_serial(vault().open(origin.state_object, origin.state_key), serial)
    with ingest(workspace_id, pieces) as arrival, transaction() as session:
        workspace = _held(session, workspace_id)
        if _next_serial(session, workspace_id) != serial:
            raise OvertakenRollback
        members = {
            "serial": serial,
            "md5": arrival.summary.md5,
            "lineage": origin.lineage,
            "rollback_of_id": origin.id,
        }
        version = create_pending(session, workspace, caller().user_id, members)
        arrival.accept(session, workspace, version)
        _record(session, version)
    return _answer(version.id, 201)


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
    names = {name: text_of(request.args, name) for name in (ORGANIZATION, WORKSPACE)}
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
    return _answer(version_id)


@blueprint.get(f"{OF_WORKSPACE}/current-state-version")
@requires(P.STATE_READ)
@describes(answer=StateVersionSchema, includes=INCLUDES, errors=(400,))
def show_current_state_version(workspace_id: str) -> Response:
    """Show the current state version of a workspace; 404 if it has none."""
    current = workspace_for(workspace_id, P.STATE_READ).current_state_version_id
    if current is None:
        raise NotFound
    return _answer(current)


@contextmanager
def _inline(workspace_id: str, members: dict[str, Any]) -> Iterator[IngestedState | None]:
    """The stored state that was sent inside the members, taken out of them; None if it will be uploaded later."""
    state, json_state = members.pop("state", None), members.pop("json_state", None)
    if state is None:
        yield None
        return
    # A refusal because of the lock comes before one because of the content, and before anything is stored.
    with transaction() as session:
        _held(session, workspace_id)
    with ingest(workspace_id, in_pieces(state), md5=members["md5"], json_state=json_state) as arrival:
        yield arrival


def _held(session: Session, workspace_id: str) -> Workspace:
    """The workspace; refuses a caller who does not hold its lock."""
    workspace = get_for_update(session, Workspace, workspace_id, P.STATE_WRITE, visible_by=P.STATE_WRITE)
    check_held_by(workspace, caller())
    return workspace


def _next_serial(session: Session, workspace_id: str) -> int:
    newest = newest_version(session, workspace_id)
    return 0 if newest is None else newest.serial + 1


def _record(session: Session, version: StateVersion) -> None:
    told = {"serial": version.serial, "rollback_state_version": version.rollback_of_id}
    record_event(session, "state-versions.create", version, created_changes(told))


def _answer(version_id: str, status: int = 200) -> Response:
    include = including(includes_of(request.args, INCLUDES))
    row = STATE_VERSIONS.get({"id": version_id})
    shown = STATE_VERSIONS.to_resource(row)
    found = include([row], [shown]) if include else None
    if "data" not in shown["relationships"]["outputs"]:
        link_outputs([shown])
    return resource_response(shown, status, found)
