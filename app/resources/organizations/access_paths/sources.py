"""The resources that grants can come from, and those of them that the caller can see."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, literal, select, union_all

from app.authz.grants import Source
from app.authz.permissions import P
from app.models.authentication_tokens import AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.teams import Team
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.persistence import in_values
from app.web.policy import visible

# The permission to see the source of a grant: the same as for the source's own views.
SOURCES: Mapping[str, tuple[type[Any], P]] = {
    "authentication-tokens": (AuthenticationToken, P.TOKEN_MANAGE),
    "organization-memberships": (OrganizationMembership, P.MEMBERSHIP_READ),
    "project-members": (ProjectMember, P.PROJECT_READ_MEMBERS),
    "team-projects": (TeamProject, P.PROJECT_READ_TEAMS),
    "team-workspaces": (TeamWorkspace, P.WORKSPACE_MANAGE_TEAMS),
    "teams": (Team, P.TEAM_READ),
    "workspace-acl-entries": (WorkspaceAclEntry, P.WORKSPACE_READ_ACL),
}
SEEN_BY: tuple[P, ...] = tuple(dict.fromkeys(read_by for _, read_by in SOURCES.values()))
"""The permissions that ``seen_sources`` asks for."""


def seen_sources(connection: Connection, sources: Collection[Source]) -> set[tuple[str, str]]:
    """The types and ids of those sources that the caller can see; one statement, or none without sources."""
    parts = []
    for type_ in sorted({source.type for source in sources} & SOURCES.keys()):
        model, read_by = SOURCES[type_]
        column = model.__table__.c.id
        wanted = [source.id for source in sources if source.type == type_]
        seen = visible(read_by, model)
        parts.append(select(literal(type_).label("type"), column).where(in_values(column, wanted), seen))
    return {(type_, identifier) for type_, identifier in connection.execute(union_all(*parts))} if parts else set()
