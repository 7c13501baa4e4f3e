"""Loading the caller: one indexed statement for the token and its teams, at most one more for their grants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, and_, bindparam, func, null, or_, select, union_all, update

from app.authentication.tokens import MAXIMUM_LENGTH, digest, same
from app.authz import roles
from app.authz.grants import SITE, Grants
from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import among, now, set_parameter
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organizations.model import Organization
from app.resources.projects.model import Project
from app.resources.team_projects.model import TeamProject
from app.resources.team_workspaces.model import TeamWorkspace
from app.resources.teams.model import Team, TeamMember
from app.resources.users.model import User
from app.resources.workspaces.model import Workspace

# How stale "last used" may be; a write for each read would cost more than the read.
LAST_USED_EVERY = timedelta(minutes=5)


TokenRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Home:
    """An organization as a request needs it."""

    id: str
    name: str


@dataclass(slots=True)
class Caller:
    """Whoever sent the request: a user, an organization or a team, by a token, with the union of all grants.

    A user who has signed in with a password has no token, and no grants: the pages do nothing that needs any.
    """

    kind: str
    id: str
    name: str
    token_id: str | None
    grants: Grants = field(default_factory=Grants)
    homes: dict[str, Home] = field(default_factory=dict)
    """The caller's organizations by lower-case name."""
    closed: set[str] = field(default_factory=set)
    """Lower-case names of those that do not take user tokens."""

    @property
    def type(self) -> str:
        """The JSON:API type of whoever calls."""
        return f"{self.kind}s"

    @property
    def user_id(self) -> str | None:
        """The user; none for a token that is not a user's."""
        return self.id if self.kind == "user" else None


_MEMBERSHIP = and_(OrganizationMembership.user_id == User.id, OrganizationMembership.status == "active")

_TOKEN: Select[*tuple[Any, ...]] = (
    select(
        AuthenticationToken.id.label("token_id"),
        AuthenticationToken.digest,
        AuthenticationToken.kind,
        AuthenticationToken.expired_at,
        AuthenticationToken.last_used_at,
        User.id.label("user_id"),
        User.username,
        User.site_role,
        Organization.id.label("organization_id"),
        Organization.name.label("organization_name"),
        Organization.user_tokens_enabled,
        Organization.allow_force_delete_workspaces,
        Team.id.label("team_id"),
        Team.is_owners,
        Team.name.label("team_name"),
        Team.organization_access,
        Team.allow_member_token_management,
        Project.id.label("default_project_id"),
    )
    .select_from(AuthenticationToken)
    .outerjoin(User, User.id == AuthenticationToken.user_id)
    .outerjoin(OrganizationMembership, _MEMBERSHIP)
    .outerjoin(
        Organization,
        Organization.id == func.coalesce(AuthenticationToken.organization_id, OrganizationMembership.organization_id),
    )
    .outerjoin(TeamMember, TeamMember.membership_id == OrganizationMembership.id)
    .outerjoin(Team, Team.id == func.coalesce(AuthenticationToken.team_id, TeamMember.team_id))
    .outerjoin(Project, and_(Project.organization_id == Organization.id, Project.is_default))
    .where(AuthenticationToken.digest == bindparam("digest"))
)

_TEAM_ACCESS = union_all(
    select(
        TeamProject.team_id,
        TeamProject.organization_id,
        TeamProject.project_id,
        null().cast(Text).label("workspace_id"),
        TeamProject.access,
        TeamProject.details,
    ).where(among(TeamProject.__table__.c.team_id, set_parameter("teams"))),
    select(
        TeamWorkspace.team_id,
        TeamWorkspace.organization_id,
        Workspace.project_id,
        TeamWorkspace.workspace_id,
        TeamWorkspace.access,
        TeamWorkspace.details,
    )
    .join(Workspace, Workspace.id == TeamWorkspace.workspace_id)
    .where(among(TeamWorkspace.__table__.c.team_id, set_parameter("teams"))),
)

_USED = (
    update(AuthenticationToken)
    .where(
        AuthenticationToken.id == bindparam("token_id"),
        or_(AuthenticationToken.last_used_at.is_(None), AuthenticationToken.last_used_at < bindparam("stale")),
    )
    .values(last_used_at=bindparam("moment"))
)


def load_caller(connection: Connection, token: str, key: str, *, users_create_organizations: bool) -> Caller | None:
    """The caller with this token, or None when it is unknown, revoked or expired."""
    if not token or len(token) > MAXIMUM_LENGTH:
        return None
    wanted = digest(token, key)
    rows = connection.execute(_TOKEN, {"digest": wanted}).all()
    if not rows or not same(wanted, rows[0].digest):
        return None
    first = rows[0]
    moment = now()
    if first.expired_at is not None and first.expired_at <= moment:
        return None
    _note_use(connection, first, moment)
    if first.kind == "organization":
        return _organization(first)
    if first.kind == "team":
        return _team(connection, first)
    return _user(connection, rows, users_create_organizations=users_create_organizations)


def _note_use(connection: Connection, token: TokenRow, moment: datetime) -> None:
    stale = moment - LAST_USED_EVERY
    if token.last_used_at is None or token.last_used_at < stale:
        connection.execute(_USED, {"token_id": token.token_id, "stale": stale, "moment": moment})


def _organization(row: TokenRow) -> Caller:
    caller = Caller("organization", row.organization_id, row.organization_name, row.token_id)
    caller.homes[row.organization_name.lower()] = Home(row.organization_id, row.organization_name)
    granted = roles.ORGANIZATION_TOKEN
    if row.allow_force_delete_workspaces:
        granted = roles.with_force(granted)
    caller.grants.add(Level.ORGANIZATION, row.organization_id, granted)
    return caller


def _team(connection: Connection, row: TokenRow) -> Caller:
    caller = Caller("team", row.team_id, row.team_name, row.token_id)
    caller.homes[row.organization_name.lower()] = Home(row.organization_id, row.organization_name)
    caller.grants.add(Level.ORGANIZATION, row.organization_id, roles.TEAM_TOKEN)
    caller.grants.add(Level.VISIBLE_TEAMS, row.organization_id, roles.VISIBLE_TEAM_MEMBER)
    add_team(caller.grants, row)
    if not row.is_owners:
        add_projects(caller.grants, connection, {row.team_id: row.allow_force_delete_workspaces})
    return caller


def _user(connection: Connection, rows: Sequence[TokenRow], *, users_create_organizations: bool) -> Caller:
    first = rows[0]
    caller = Caller("user", first.user_id, first.username, first.token_id)
    caller.grants.add(Level.USER, first.user_id, roles.SELF)
    is_admin = first.site_role == "admin"
    if is_admin:
        caller.grants.add(Level.SITE, SITE, roles.SITE_ADMIN)
    elif users_create_organizations:
        caller.grants.add(Level.SITE, SITE, roles.SITE_USER)
    teams: dict[str, bool] = {}
    for row in rows:
        if row.organization_id is None:
            continue
        name = row.organization_name.lower()
        # The administrator of the site is how an organization that closed itself to users is opened again.
        if not row.user_tokens_enabled and not is_admin:
            caller.closed.add(name)
            continue
        caller.homes[name] = Home(row.organization_id, row.organization_name)
        caller.grants.add(Level.ORGANIZATION, row.organization_id, roles.MEMBER)
        caller.grants.add(Level.VISIBLE_TEAMS, row.organization_id, roles.VISIBLE_TEAM_MEMBER)
        if row.team_id is not None:
            add_team(caller.grants, row)
            if not row.is_owners:
                if row.allow_member_token_management:
                    caller.grants.add(Level.TEAM, row.team_id, roles.OWN_TOKENS)
                teams[row.team_id] = row.allow_force_delete_workspaces
    if teams:
        add_projects(caller.grants, connection, teams)
    return caller


def add_team(grants: Grants, team: Any) -> None:  # noqa: ANN401 - a row with the team's columns
    """What membership in a team grants beside its access to projects."""
    organization = team.organization_id
    if team.is_owners:
        grants.add(Level.ORGANIZATION, organization, roles.OWNER)
        return
    grants.add(Level.TEAM, team.team_id, roles.VISIBLE_TEAM_MEMBER)
    flags: list[str] = team.organization_access or []
    if not flags:
        return
    granted = roles.organization_access(frozenset(flags))
    if team.allow_force_delete_workspaces:
        granted = roles.with_force(granted)
    grants.add(Level.ORGANIZATION, organization, granted)
    if P.VARIABLE_READ in granted:
        grants.add(Level.SHARED_VARSETS, organization, roles.SHARED_VARSETS_READER)
    managed = roles.team_access(frozenset(flags))
    if managed:
        sees_secret = "access-secret-teams" in flags
        # On the organization, managing tokens would reach the token of the organization itself.
        grants.add(
            Level.ORDINARY_TEAMS if sees_secret else Level.VISIBLE_TEAMS, organization, managed & roles.OWN_TOKENS
        )
        managed -= roles.OWN_TOKENS
        grants.add(Level.ORGANIZATION if sees_secret else Level.VISIBLE_TEAMS, organization, managed)
        grants.add(Level.TEAM, team.team_id, roles.OWN_TEAM)
    if "manage-workspaces" in flags:
        grants.add(Level.SHARED_VARSETS, organization, roles.SHARED_VARSETS_MANAGER)
    if "manage-workspaces" in flags and team.default_project_id is not None:
        grants.add(Level.PROJECT, team.default_project_id, roles.DEFAULT_PROJECT)


def add_projects(grants: Grants, connection: Connection, teams: Mapping[str, bool]) -> None:
    """What the teams were granted on projects and on single workspaces.

    The value says whether the team's organization allows force.
    """
    for team_id, organization_id, project_id, workspace_id, access, details in connection.execute(
        _TEAM_ACCESS,
        {"teams": list(teams)},
    ).all():
        granted = project_level(access, details) if workspace_id is None else workspace_level(access, details)
        if teams[team_id]:
            granted = roles.with_force(granted)
        if workspace_id is None:
            grants.add(Level.PROJECT, project_id, granted)
        else:
            grants.add(Level.WORKSPACE, workspace_id, granted)
            # Who sees a workspace sees what its project is called.
            grants.add(Level.PROJECT, project_id, roles.PROJECT_OF_WORKSPACE)
        if P.VARIABLE_READ in granted:
            grants.add(Level.SHARED_VARSETS, organization_id, roles.SHARED_VARSETS_READER)


def project_level(access: str, details: Mapping[str, Any] | None) -> frozenset[P]:
    """What one team project access grants."""
    if access == "custom":
        return roles.custom_project_level(frozenset((details or {}).items()))
    return roles.PROJECT_LEVELS[access]


def workspace_level(access: str, details: Mapping[str, Any] | None) -> frozenset[P]:
    """What one team workspace access grants."""
    if access == "custom":
        return roles.custom_workspace_level(frozenset((details or {}).items()))
    return roles.WORKSPACE_LEVELS[access]
