"""Use cases of team workspaces: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.expiring_grants import has_ended
from app.models.team_workspaces import TeamWorkspace
from app.models.workspaces import Workspace
from app.resources.access.expiring_grants.ending import end_expired
from app.resources.access.expiring_grants.operations import expiry_in
from app.resources.access.levels import team_in_organization
from app.resources.access.team_workspaces.listing import TEAM_WORKSPACES
from app.resources.access.team_workspaces.operations import normalize_access
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, require
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_team_workspace(members: dict[str, Any]) -> ResourceObject:
    """Give a team access to a workspace."""
    with transaction() as session:
        workspace = get_for_update(
            session, Workspace, members["workspace_id"], P.WORKSPACE_MANAGE_TEAMS, share_lock=True
        )
        team = team_in_organization(session, members["team_id"], workspace.organization_id)
        normalized = normalize_access(members) | expiry_in(members)
        in_its_place = and_(TeamWorkspace.team_id == team.id, TeamWorkspace.workspace_id == workspace.id)
        end_expired(session, TeamWorkspace, in_its_place)
        access = TeamWorkspace(
            organization_id=workspace.organization_id,
            workspace_id=workspace.id,
            team_id=team.id,
            **normalized,
        )
        access.team, access.workspace = team, workspace
        require(P.WORKSPACE_MANAGE_TEAMS, access)
        session.add(access)
        session.flush()
        record_event(
            session, "team-workspaces.create", access, {"team": [None, team.name], **created_changes(normalized)}
        )
        session.flush()
        return TEAM_WORKSPACES.get_resource({"id": access.id}, session)


def update_team_workspace(team_workspace_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a team's access to a workspace; details of a custom access that are left out stay as they are."""
    with transaction() as session:
        access = _lock_access(session, team_workspace_id)
        changes = apply_changes(access, normalize_access(members, access) | expiry_in(members))
        session.flush()
        if changes:
            record_event(session, "team-workspaces.update", access, {"team": [access.team.name] * 2, **changes})
        return TEAM_WORKSPACES.get_resource({"id": team_workspace_id}, session)


def destroy_team_workspace(team_workspace_id: str) -> None:
    """Remove a team's access to a workspace."""
    with transaction() as session:
        access = _lock_access(session, team_workspace_id)
        name = access.team.name
        session.delete(access)
        record_event(session, "team-workspaces.delete", access, {"team": [name, None], "access": [access.access, None]})


def _lock_access(session: Session, team_workspace_id: str) -> TeamWorkspace:
    needed = P.WORKSPACE_MANAGE_TEAMS
    access = get_for_update(session, TeamWorkspace, team_workspace_id, needed, visible_by=needed)
    if has_ended(access):
        raise NotFound
    return access
