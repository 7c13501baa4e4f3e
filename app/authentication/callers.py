"""Loading the caller: one indexed statement for the token and its teams, at most one more for their grants."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from app.authentication.granting import add_access, add_projects, add_some_project, add_team
from app.authentication.holders import has_no_holder
from app.authentication.narrowing import add_narrowed, is_for_address
from app.authentication.tokens import MAXIMUM_LENGTH, digest, same
from app.authz import roles
from app.authz.grants import EVERYBODY, SITE, Grants, GrantsWithSources, Source
from app.authz.permissions import P
from app.authz.policy import Level
from app.models.agents import BUILT_IN_POOL
from app.models.authentication_tokens import AUDIT_TRAILS, NARROWED, AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.teams import Team, TeamMember
from app.models.users import User
from app.persistence import AnyRow, KeptStatement, Timestamp, fold_case, now

# How stale "last used" may be; a write for each read would cost more than the read.
LAST_USED_EVERY = timedelta(minutes=5)
ANONYMOUS = "anonymous"
"""The kind of a caller without a token."""

TokenRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class OrganizationRef:
    """The columns of the caller's organization that requests need."""

    id: str
    name: str
    membership_id: str | None = None
    """The caller's membership; None for tokens that are not a user's, and for access through a site role."""


@dataclass(slots=True)
class Caller:
    """The sender of the request with all grants, known by a token: a user, an organization, a team or a project.

    The agents of a pool are one caller; the built-in pool has the id ``BUILT_IN_POOL``. A user who has signed in on a
    page has no token, and only the grants that the pages need.
    """

    kind: str
    id: str
    name: str
    token_id: str | None
    grants: Grants = field(default_factory=Grants)
    organizations: dict[str, OrganizationRef] = field(default_factory=dict)
    """The caller's organizations by lower-case name."""
    closed: set[str] = field(default_factory=set)
    """Lower-case names of the organizations that do not accept user tokens."""

    def __post_init__(self) -> None:
        """Add the grants that everybody has."""
        granted = roles.ANONYMOUS if self.kind == ANONYMOUS else roles.EVERYBODY
        self.grants.add(Level.PUBLIC, EVERYBODY, granted, Source(self.type, self.id))

    @property
    def type(self) -> str:
        """The JSON:API type of the caller."""
        return "agent-pools" if self.kind == "agent" else f"{self.kind}s"

    def membership_in(self, organization_id: str) -> str | None:
        """The id of the caller's membership in the organization; None unless the caller is a user who belongs to it."""
        found = (each for each in self.organizations.values() if each.id == organization_id)
        return next((each.membership_id for each in found), None)

    @property
    def account(self) -> tuple[str, str]:
        """The id and username of the caller's account. A caller that is not a user has a service account.

        A service account has a fixed id that no user has: the caller's own id with the prefix of users.
        """
        if self.kind == "user":
            return self.id, self.name
        number = self.id.partition("-")[2]
        name = f"api-org-{self.name}" if self.kind == "organization" else f"api-{self.kind}_{number}"
        return f"user-{number}", name

    @property
    def user_id(self) -> str | None:
        """The id of the calling user; None if the token is not a user's."""
        return self.id if self.kind == "user" else None


def nobody() -> Caller:
    """The caller of a request without a token, who sees only public resources."""
    return Caller(ANONYMOUS, "", "", token_id=None)


def signed_in_as(user_id: str, username: str) -> Caller:
    """The caller for a user who has signed in with a password instead of a token."""
    user = Caller("user", user_id, username, token_id=None)
    user.grants.add(Level.USER, user_id, roles.SIGNED_IN, Source(user.type, user_id))
    return user


# The project of a project's token.
_OwnProject = aliased(Project)
_MEMBERSHIP = and_(OrganizationMembership.user_id == User.id, OrganizationMembership.status == "active")


def _loading(who: FromClause) -> Select[*tuple[Any, ...]]:
    """Everything about the caller in the row of ``who``; a user has one row for each membership and team."""
    its = who.c
    return (
        select(
            its.id.label("token_id"),
            its.digest,
            its.kind,
            its.expired_at,
            its.last_used_at,
            its.role,
            its.purpose,
            its.narrowed_to,
            its.agent_pool_id,
            has_no_holder(its.membership_id, its.project_id).label("has_no_holder"),
            User.id.label("user_id"),
            User.username,
            User.site_role,
            User.suspended_at,
            Organization.id.label("organization_id"),
            Organization.name.label("organization_name"),
            Organization.user_tokens_enabled,
            Organization.allow_force_delete_workspaces,
            Team.id.label("team_id"),
            Team.is_owners,
            Team.name.label("team_name"),
            Team.organization_access,
            Team.allow_member_token_management,
            OrganizationMembership.id.label("membership_id"),
            Project.id.label("default_project_id"),
            _OwnProject.id.label("project_id"),
            _OwnProject.name.label("project_name"),
        )
        .select_from(who)
        .outerjoin(User, User.id == its.user_id)
        .outerjoin(OrganizationMembership, _MEMBERSHIP)
        .outerjoin(
            Organization,
            Organization.id == func.coalesce(its.organization_id, OrganizationMembership.organization_id),
        )
        .outerjoin(TeamMember, TeamMember.membership_id == OrganizationMembership.id)
        .outerjoin(Team, Team.id == func.coalesce(its.team_id, TeamMember.team_id))
        .outerjoin(Project, and_(Project.organization_id == Organization.id, Project.is_default))
        .outerjoin(_OwnProject, _OwnProject.id == its.project_id)
    )


# The columns of a token that are texts.
_TEXTS = (
    "id",
    "digest",
    "role",
    "purpose",
    "user_id",
    "organization_id",
    "team_id",
    "project_id",
    "agent_pool_id",
    "membership_id",
)


def _row_for(kind: str, condition: ColumnElement[bool], **columns: Any) -> FromClause:  # noqa: ANN401 - an attribute
    # For a caller who is loaded without a token, the columns of the token are null.
    texts = [columns.get(name, null().cast(Text)).label(name) for name in _TEXTS]
    moments = [null().cast(Timestamp()).label(name) for name in ("expired_at", "last_used_at")]
    others = [literal(kind).label("kind"), null().cast(JSON).label("narrowed_to")]
    return select(*others, *texts, *moments).where(condition).subquery("who")


def _standing_for(kind: str, key: Any, **columns: Any) -> Select[*tuple[Any, ...]]:  # noqa: ANN401 - an attribute
    return _loading(_row_for(kind, key == bindparam("identifier"), **columns))


_TOKENS = AuthenticationToken.__table__
_BY_DIGEST = KeptStatement(_loading(_TOKENS).where(_TOKENS.c.digest == bindparam("digest")))
# Loads others than the sender of the request, by their JSON:API types, to explain their permissions.
_BY_ID = {
    "authentication-tokens": KeptStatement(_loading(_TOKENS).where(_TOKENS.c.id == bindparam("identifier"))),
    "teams": KeptStatement(_standing_for("team", Team.id, team_id=Team.id, organization_id=Team.organization_id)),
    "users": KeptStatement(_standing_for("user", User.id, user_id=User.id)),
}

_USED = (
    update(AuthenticationToken)
    .where(
        AuthenticationToken.id == bindparam("token_id"),
        or_(AuthenticationToken.last_used_at.is_(None), AuthenticationToken.last_used_at < bindparam("stale")),
    )
    .values(last_used_at=bindparam("moment"))
)


def load_caller(
    connection: Connection, token: str, key: str, *, users_create_organizations: bool, address: str | None = None
) -> Caller | None:
    """The caller with this token; None if it is unknown, over, or not for this address, or its user is suspended."""
    if not token or len(token) > MAXIMUM_LENGTH:
        return None
    wanted = digest(token, key)
    rows = _BY_DIGEST.all(connection, {"digest": wanted})
    if not rows or not same(wanted, rows[0].digest):
        return None
    moment = now()
    if _is_over(rows[0], moment) or not is_for_address(rows[0], address):
        return None
    _note_use(connection, rows[0], moment)
    return _granted(connection, rows, Grants(), users_create_organizations=users_create_organizations)


def load_caller_with_sources(
    connection: Connection, type_: str, identifier: str, *, users_create_organizations: bool
) -> Caller | None:
    """The user, team or token with this id as a caller whose grants have their sources.

    A team stands for its tokens. None if nothing has this id, if the token has expired, or if the user is suspended.
    """
    rows = _BY_ID[type_].all(connection, {"identifier": identifier})
    if not rows or _is_over(rows[0], now()):
        return None
    return _granted(connection, rows, GrantsWithSources(), users_create_organizations=users_create_organizations)


def loading_user(user_id: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Read the user with this id as a caller without a token, and further columns beside it."""
    return _loading(_row_for("user", User.id == user_id, user_id=User.id)).add_columns(*columns)


def signed_in_user(
    connection: Connection, rows: Sequence[TokenRow], *, users_create_organizations: bool
) -> Caller | None:
    """The caller in the rows of ``loading_user``; None if there is none, or the user is suspended."""
    if not rows or _is_over(rows[0], now()):
        return None
    return _user(connection, rows, Grants(), users_create_organizations=users_create_organizations, has_token=False)


def _is_over(token: TokenRow, moment: datetime) -> bool:
    # An organization keeps a project's token whose holder is suspended, but nobody can use it meanwhile.
    has_expired = token.expired_at is not None and token.expired_at <= moment
    return has_expired or token.suspended_at is not None or token.has_no_holder


def _granted(
    connection: Connection, rows: Sequence[TokenRow], grants: Grants, *, users_create_organizations: bool
) -> Caller:
    first = rows[0]
    if first.kind == "user":
        return _user(connection, rows, grants, users_create_organizations=users_create_organizations)
    load = {"agent": _agent, "organization": _organization, "project": _project, "team": _team}[first.kind]
    return load(connection, first, grants)


def _note_use(connection: Connection, token: TokenRow, moment: datetime) -> None:
    stale = moment - LAST_USED_EVERY
    if token.last_used_at is None or token.last_used_at < stale:
        connection.execute(_USED, {"token_id": token.token_id, "stale": stale, "moment": moment})


def _organization(_connection: Connection | None, row: AnyRow, grants: Grants) -> Caller:
    caller = Caller("organization", row.organization_id, row.organization_name, row.token_id, grants)
    caller.organizations[fold_case(row.organization_name)] = OrganizationRef(row.organization_id, row.organization_name)
    if row.purpose == AUDIT_TRAILS:
        caller.grants.add(Level.ORGANIZATION, row.organization_id, roles.AUDIT_TRAILS_TOKEN, _of_token(row))
        return caller
    if row.purpose == NARROWED:
        add_narrowed(caller.grants, row, _of_token(row))
        return caller
    may_force = row.allow_force_delete_workspaces
    granted = roles.with_force(roles.ORGANIZATION_TOKEN) if may_force else roles.ORGANIZATION_TOKEN
    caller.grants.add(Level.ORGANIZATION, row.organization_id, granted, _of_token(row))
    return caller


def grants_of_token(row: AnyRow) -> Grants:
    """The grants of a token of an organization or a project, from a row with its columns as a caller is loaded."""
    load = _project if row.kind == "project" else _organization
    return load(None, row, Grants()).grants


def _agent(_connection: Connection, row: TokenRow, grants: Grants) -> Caller:
    pool = row.agent_pool_id or BUILT_IN_POOL
    caller = Caller("agent", pool, pool, row.token_id, grants)
    caller.grants.add(Level.AGENT_POOL, pool, roles.AGENT, _of_token(row))
    return caller


def _project(_connection: Connection | None, row: AnyRow, grants: Grants) -> Caller:
    caller = Caller("project", row.project_id, row.project_name, row.token_id, grants)
    caller.organizations[fold_case(row.organization_name)] = OrganizationRef(row.organization_id, row.organization_name)
    caller.grants.add(Level.ORGANIZATION, row.organization_id, roles.PROJECT_TOKEN, _of_token(row))
    granted = roles.PROJECT_TOKEN_ROLES[row.role]
    if row.allow_force_delete_workspaces:
        granted = roles.with_force(granted)
    add_projects(caller.grants, [row.project_id], granted, _of_token(row))
    add_some_project(caller.grants, row.organization_id, granted, _of_token(row))
    return caller


def _team(connection: Connection, row: TokenRow, grants: Grants) -> Caller:
    caller = Caller("team", row.team_id, row.team_name, row.token_id, grants)
    caller.organizations[fold_case(row.organization_name)] = OrganizationRef(row.organization_id, row.organization_name)
    caller.grants.add(Level.ORGANIZATION, row.organization_id, roles.TEAM_TOKEN, _of_token(row))
    caller.grants.add(Level.VISIBLE_TEAMS, row.organization_id, roles.VISIBLE_TEAM_MEMBER, _of_token(row))
    add_team(caller.grants, row)
    if not row.is_owners:
        forcing = {row.organization_id} if row.allow_force_delete_workspaces else set()
        add_access(caller.grants, connection, teams=[row.team_id], forcing=forcing)
    return caller


def _of_token(row: AnyRow) -> Source:
    if row.token_id is None:
        return Source("teams", row.team_id)
    return Source("authentication-tokens", row.token_id, row.role)


def _user(
    connection: Connection,
    rows: Sequence[TokenRow],
    grants: Grants,
    *,
    users_create_organizations: bool,
    has_token: bool = True,
) -> Caller:
    first = rows[0]
    caller = Caller("user", first.user_id, first.username, first.token_id, grants)
    oneself = Source("users", first.user_id, first.site_role)
    grants.add(Level.USER, first.user_id, roles.SELF, oneself)
    on_site = roles.SITE_ROLES[first.site_role] | (roles.SITE_USER if users_create_organizations else frozenset())
    if on_site:
        grants.add(Level.SITE, SITE, on_site, oneself)
    teams: set[str] = set()
    memberships: set[str] = set()
    forcing: set[str] = set()
    for row in rows:
        if row.organization_id is None:
            continue
        name = fold_case(row.organization_name)
        # An administrator of the site can open an organization again that refuses user tokens.
        if has_token and not row.user_tokens_enabled and P.ORGANIZATION_UPDATE not in on_site:
            caller.closed.add(name)
            continue
        caller.organizations[name] = OrganizationRef(row.organization_id, row.organization_name, row.membership_id)
        source = Source("organization-memberships", row.membership_id)
        grants.add(Level.ORGANIZATION, row.organization_id, roles.MEMBER, source)
        grants.add(Level.VISIBLE_TEAMS, row.organization_id, roles.VISIBLE_TEAM_MEMBER, source)
        grants.add(Level.MEMBERSHIP, row.membership_id, roles.OWN_ACCESS, source)
        memberships.add(row.membership_id)
        if row.allow_force_delete_workspaces:
            forcing.add(row.organization_id)
        if row.team_id is not None:
            add_team(grants, row)
            if not row.is_owners:
                if row.allow_member_token_management:
                    grants.add(Level.TEAM, row.team_id, roles.OWN_TOKENS, Source("teams", row.team_id))
                teams.add(row.team_id)
    # Owners have all permissions in the organization already.
    memberships -= {row.membership_id for row in rows if row.is_owners}
    if teams or memberships:
        add_access(grants, connection, teams=teams, memberships=memberships, forcing=forcing)
    return caller
