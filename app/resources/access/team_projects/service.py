"""Use cases of team projects: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import Session

from app.authentication.granting import project_level
from app.authz.permissions import P
from app.authz.policy import Level, allowed_at
from app.authz.rules import permissions_on
from app.jsonapi.errors import NotFound
from app.models.expiring_grants import has_ended
from app.models.projects import Project
from app.models.team_projects import TeamProject
from app.resources.access.expiring_grants.ending import end_expired
from app.resources.access.expiring_grants.operations import expiry_in
from app.resources.access.levels import team_in_organization
from app.resources.access.team_projects.listing import TEAM_PROJECTS
from app.resources.access.team_projects.operations import AboveOwnRights, normalize_access
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed, require
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_team_project(members: dict[str, Any]) -> ResourceObject:
    """Give a team access to a project."""
    with transaction() as session:
        project = get_for_update(session, Project, members["project_id"], P.PROJECT_MANAGE_TEAMS, share_lock=True)
        team = team_in_organization(session, members["team_id"], project.organization_id)
        normalized = normalize_access(members) | expiry_in(members)
        _require_not_above(project, normalized)
        in_its_place = and_(TeamProject.team_id == team.id, TeamProject.project_id == project.id)
        end_expired(session, TeamProject, in_its_place)
        access = TeamProject(
            organization_id=project.organization_id,
            project_id=project.id,
            team_id=team.id,
            **normalized,
        )
        access.team = team
        require(P.PROJECT_MANAGE_TEAMS, access)
        session.add(access)
        session.flush()
        record_event(
            session, "team-projects.create", access, {"team": [None, team.name], **created_changes(normalized)}
        )
        session.flush()
        return TEAM_PROJECTS.get_resource({"id": access.id}, session)


def update_team_project(team_project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a team's access to a project; details of a custom access that are left out stay as they are."""
    with transaction() as session:
        access = _lock_access(session, team_project_id)
        normalized = normalize_access(members, access) | expiry_in(members)
        _require_not_above(session.get_one(Project, access.project_id), normalized)
        changes = apply_changes(access, normalized)
        session.flush()
        if changes:
            record_event(session, "team-projects.update", access, {"team": [access.team.name] * 2, **changes})
        return TEAM_PROJECTS.get_resource({"id": team_project_id}, session)


def destroy_team_project(team_project_id: str) -> None:
    """Remove a team's access to a project."""
    with transaction() as session:
        access = _lock_access(session, team_project_id)
        team_name = access.team.name
        session.delete(access)
        record_event(
            session, "team-projects.delete", access, {"team": [team_name, None], "access": [access.access, None]}
        )


def _require_not_above(project: Project, normalized: Mapping[str, Any]) -> None:
    """Refuse to give a team more than the caller may do.

    Callers who manage the members of the project may make anybody its administrator, so they may give every level. A
    custom access with ``teams: manage`` alone is no way to more rights, neither for its own team nor for another one.
    """
    if is_allowed(P.PROJECT_MANAGE_MEMBERS, project):
        return
    given = allowed_at(Level.PROJECT, project_level(normalized["access"], normalized["details"]))
    if not given <= permissions_on(caller(), project.grant_columns, project):
        raise AboveOwnRights


def _lock_access(session: Session, team_project_id: str) -> TeamProject:
    access = get_for_update(session, TeamProject, team_project_id, P.PROJECT_MANAGE_TEAMS)
    if has_ended(access):
        raise NotFound
    return access
