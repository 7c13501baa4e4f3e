"""Teams and their members over HTTP (spec: teams)."""

from typing import Any

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.body import resource_list
from app.jsonapi.errors import BadRequest
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.organizations.organization_memberships.listing import MEMBERSHIPS
from app.resources.organizations.teams import service
from app.resources.organizations.teams.includes import INCLUDES, included, including
from app.resources.organizations.teams.listing import TEAMS
from app.resources.organizations.teams.operations import (
    Finder,
    members_by_id,
    members_by_username,
)
from app.resources.organizations.teams.schema import TeamSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.listing import ResourceObject
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("teams", __name__, url_prefix="/api/v2")

MEMBERS_AT_ONCE = 1_000
USERS = {"$ref": "#/components/schemas/users-identifiers"}
MEMBERSHIP_IDS = {"$ref": "#/components/schemas/organization-memberships-identifiers"}


@blueprint.get("/organizations/<organization>/teams")
@requires(P.ORGANIZATION_READ, P.TEAM_READ)
@describes(listing=TEAMS, includes=INCLUDES, errors=(400,))
def list_teams(organization: str) -> Response:
    """List the teams of an organization that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return TEAMS.page_response({"organization_id": org.id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.post("/organizations/<organization>/teams")
@requires(P.TEAM_READ, P.TEAM_CREATE, P.TEAM_UPDATE, P.TEAM_UPDATE_ORGANIZATION_ACCESS)
@describes(body=TeamSchema, answer=TeamSchema, includes=INCLUDES, errors=(400, 422))
def create_team(organization: str) -> Response:
    """Create a team. The status is 200, not 201, as with HCP Terraform.

    A caller who could not manage the new team, because it is secret, may not create it.
    """
    org = organization_or_404(organization, P.TEAM_CREATE)
    wanted = includes_of(request.args, INCLUDES)
    members = load(TeamSchema, body())
    return _answer(service.create_team(org, members), wanted)


@blueprint.get("/teams/<team_id>")
@requires(P.TEAM_READ)
@describes(answer=TeamSchema, includes=INCLUDES, errors=(400,))
def show_team(team_id: str) -> Response:
    """Show a team."""
    wanted = includes_of(request.args, INCLUDES)
    return _answer(TEAMS.get_resource({"id": team_id}), wanted)


@blueprint.patch("/teams/<team_id>")
@requires(P.TEAM_READ, P.TEAM_UPDATE, P.TEAM_UPDATE_ORGANIZATION_ACCESS, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=TeamSchema, is_partial=True, answer=TeamSchema, includes=INCLUDES, errors=(400, 403, 422))
def update_team(team_id: str) -> Response:
    """Update a team; attributes and flags of its organization-access that are left out stay as they are.

    A caller who could not manage the team if it were secret may not make it secret.
    """
    wanted = includes_of(request.args, INCLUDES)
    members = load(TeamSchema, body(), partial=True, identifier=team_id)
    needed = P.TEAM_UPDATE_ORGANIZATION_ACCESS if set(members) == {"organization_access"} else P.TEAM_UPDATE
    return _answer(service.update_team(team_id, needed, members), wanted)


@blueprint.delete("/teams/<team_id>")
@requires(P.TEAM_READ, P.TEAM_DELETE)
@describes(status=204, errors=(403,))
def destroy_team(team_id: str) -> Response:
    """Delete a team."""
    service.destroy_team(team_id)
    return no_content()


# --- members -------------------------------------------------------------------------------------------------------


@blueprint.get("/teams/<team_id>/relationships/organization-memberships")
@requires(P.TEAM_READ, P.MEMBERSHIP_READ)
@describes(listing=MEMBERSHIPS, errors=(400,))
def list_team_memberships(team_id: str) -> Response:
    """List the memberships in a team that the caller can see."""
    team = TEAMS.get({"id": team_id})
    return MEMBERSHIPS.page_response({"organization_id": team.organization_id, "team_id": team_id})


@blueprint.post("/teams/<team_id>/relationships/users")
@requires(P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=USERS, status=204, errors=(400, 422))
def add_users(team_id: str) -> Response:
    """Add members of the organization to a team, by username: all of them, or none."""
    return _add(team_id, "users", members_by_username)


@blueprint.delete("/teams/<team_id>/relationships/users")
@requires(P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=USERS, status=204, errors=(400, 403, 422))
def remove_users(team_id: str) -> Response:
    """Remove members from a team, by username: all of them, or none."""
    return _remove(team_id, "users", members_by_username)


@blueprint.post("/teams/<team_id>/relationships/organization-memberships")
@requires(P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=MEMBERSHIP_IDS, status=204, errors=(400, 422))
def add_organization_memberships(team_id: str) -> Response:
    """Add members of the organization to a team, also invited ones, by membership: all of them, or none."""
    return _add(team_id, "organization-memberships", members_by_id)


@blueprint.delete("/teams/<team_id>/relationships/organization-memberships")
@requires(P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=MEMBERSHIP_IDS, status=204, errors=(400, 403, 422))
def remove_organization_memberships(team_id: str) -> Response:
    """Remove members from a team, by membership: all of them, or none."""
    return _remove(team_id, "organization-memberships", members_by_id)


def _add(team_id: str, type_: str, find: Finder) -> Response:
    wanted = _identifiers(type_)
    service.add_to_team(team_id, find, wanted)
    return no_content()


def _remove(team_id: str, type_: str, find: Finder) -> Response:
    wanted = _identifiers(type_)
    service.remove_from_team(team_id, find, wanted)
    return no_content()


def _identifiers(type_: str) -> list[str]:
    # HCP Terraform answers 400 to invalid linkage, but 422 to other invalid documents.
    items = resource_list(body(), (), MEMBERS_AT_ONCE)
    for index, item in enumerate(items):
        if item.get("type") != type_:
            raise BadRequest(f"type must be {type_}", pointer=f"/data/{index}/type")
        if not isinstance(item.get("id"), str) or not item["id"].strip():
            raise BadRequest("id can't be blank", pointer=f"/data/{index}/id")
    return list(dict.fromkeys(item["id"] for item in items))


def _answer(shown: ResourceObject, wanted: set[str]) -> Response:
    found: list[dict[str, Any]] | None = included([shown], wanted) if wanted else None
    return resource_response(shown, included=found)
