"""The stored reasons for access, each with its holder and the grants that it gives alone.

The grants are made by the functions that make those of a caller, so a reason that is found here never says more or less
than what the policy would decide.
"""

from collections import namedtuple
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, Text, and_, bindparam, func, literal, null, or_, select, union_all

from app.authentication.callers import grants_of_token
from app.authentication.granting import access_of_holders, add_given, add_team, given_access
from app.authentication.holders import has_no_holder
from app.authz.grants import Grants, Source
from app.authz.permissions import P
from app.authz.rules import permissions_on
from app.models.authentication_tokens import AUDIT_TRAILS, AuthenticationToken
from app.models.expiring_grants import is_in_force
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.teams import Team, TeamMember
from app.models.users import User
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import AnyRow, KeptStatement, Timestamp, in_values, now, values_param

Key = tuple[str, str]
"""The JSON:API type and id of something."""

TEAMS: Final = "teams"
MEMBERSHIPS: Final = "organization-memberships"
TOKENS: Final = "authentication-tokens"
USERS: Final = "users"
NO_FLAGS: Final = "[]"


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody who acts: a user, a team with its tokens, or a token of an organization or a project."""

    type: str
    id: str
    name: str | None = field(compare=False)
    last_used_at: datetime | None = field(compare=False, default=None)
    """When one of their tokens was last used."""

    @property
    def key(self) -> Key:
        """Its type and id."""
        return self.type, self.id


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One reason for access. Its holder is a team, a membership or a token; it counts in a project or a part of one."""

    holder: Key
    source: Source
    grants: Grants
    project_id: str | None = None
    environment_id: str | None = None
    cells: str | None = None
    workspace_id: str | None = None
    expires_at: datetime | None = None

    def on(self, scope: Mapping[str, str], row: AnyRow) -> frozenset[P]:
        """What it gives on this row of a model with the ``grant_columns`` in ``scope``."""
        return permissions_on(self, scope, row)


_MOMENT: Final = bindparam("moment", callable_=now, type_=Timestamp())
_GIVEN_COLUMNS: Final = [
    "type",
    "id",
    "organization_id",
    "project_id",
    "workspace_id",
    "environment_id",
    "cells",
    "access",
    "details",
    "holder_id",
    "expires_at",
]
# A row of the caller's grants, in which those of one kind are together.
_GivenRow = namedtuple(  # noqa: PYI024 - the names are those of a statement
    "_GivenRow", "type id organization_id project_ids workspace_ids environment_id cells access details"
)


def _kept(given: Any) -> KeptStatement:  # noqa: ANN401 - a union
    rows = given.subquery("given").c
    may_force = select(Organization.allow_force_delete_workspaces).where(Organization.id == rows.organization_id)
    columns = (*(rows[name] for name in _GIVEN_COLUMNS), may_force.scalar_subquery().label("may_force"))
    return KeptStatement(select(*columns).where(is_in_force(rows)).order_by(rows.type, rows.id))


_PROJECTS: Final = values_param("projects")
_IN_PROJECTS: Final = in_values(Workspace.__table__.c.project_id, _PROJECTS)
_WORKSPACES: Final = values_param("workspaces")
# Access to whole projects, to their parts, and to each of their workspaces.
_IN_ALL: Final = _kept(
    given_access(
        in_values(TeamProject.__table__.c.project_id, _PROJECTS),
        _IN_PROJECTS,
        in_values(ProjectMember.__table__.c.project_id, _PROJECTS),
        _IN_PROJECTS,
    )
)
# The same, with the access to these workspaces alone.
_IN_SOME: Final = _kept(
    given_access(
        in_values(TeamProject.__table__.c.project_id, _PROJECTS),
        in_values(TeamWorkspace.__table__.c.workspace_id, _WORKSPACES),
        in_values(ProjectMember.__table__.c.project_id, _PROJECTS),
        in_values(WorkspaceAclEntry.__table__.c.workspace_id, _WORKSPACES),
    )
)
_OF_HOLDERS: Final = _kept(access_of_holders())


def _teams() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Team.id.label("team_id"),
            Team.organization_id,
            Team.is_owners,
            Team.organization_access,
            Organization.allow_force_delete_workspaces,
            Project.id.label("default_project_id"),
        )
        .join(Organization, Organization.id == Team.organization_id)
        .outerjoin(Project, and_(Project.organization_id == Organization.id, Project.is_default))
    )


_IN_ORGANIZATION: Final = Team.organization_id == bindparam("organization_id")
_HAS_ACCESS: Final = or_(Team.is_owners, Team.organization_access.cast(Text) != NO_FLAGS)
_TEAMS: Final = KeptStatement(_teams().where(_IN_ORGANIZATION, _HAS_ACCESS))
_SOME_TEAMS: Final = KeptStatement(
    _teams().where(in_values(Team.__table__.c.id, values_param("teams")), _HAS_ACCESS, _IN_ORGANIZATION)
)
_ITS: Final = AuthenticationToken.__table__.c


def _tokens() -> Select[*tuple[Any, ...]]:
    return (
        select(
            _ITS.id.label("token_id"),
            _ITS.kind,
            _ITS.purpose,
            _ITS.role,
            _ITS.narrowed_to,
            _ITS.project_id,
            _ITS.expired_at,
            Organization.id.label("organization_id"),
            Organization.name.label("organization_name"),
            Organization.allow_force_delete_workspaces,
            Project.name.label("project_name"),
        )
        .join(Organization, Organization.id == _ITS.organization_id)
        .outerjoin(Project, Project.id == _ITS.project_id)
        .where(
            _ITS.kind.in_(("organization", "project")),
            _ITS.purpose != AUDIT_TRAILS,
            or_(_ITS.expired_at.is_(None), _ITS.expired_at > _MOMENT),
            ~has_no_holder(_ITS.membership_id, _ITS.project_id),
            _ITS.organization_id == bindparam("organization_id"),
        )
    )


_TOKENS: Final = KeptStatement(_tokens().where(or_(_ITS.project_id.is_(None), in_values(_ITS.project_id, _PROJECTS))))
_ONE_TOKEN: Final = KeptStatement(_tokens().where(_ITS.id == bindparam("token_id")))


def paths_to(
    connection: Connection, organization_id: str, projects: Collection[str], workspaces: Collection[str] | None = None
) -> list[Path]:
    """Every reason for access to these projects of the organization and to their workspaces; three statements.

    ``workspaces`` are those whose own access counts, if not all in the projects. Administrators of the site are not
    among the holders: they reach everything.
    """
    values: dict[str, Any] = {"projects": projects}
    given = _IN_ALL if workspaces is None else _IN_SOME
    if workspaces is not None:
        values["workspaces"] = workspaces
    teams = _TEAMS.all(connection, {"organization_id": organization_id})
    tokens = _TOKENS.all(connection, {"organization_id": organization_id, "projects": projects})
    return [*map(_of_team, teams), *map(_given, given.all(connection, values)), *map(_of_token, tokens)]


def paths_of(
    connection: Connection, organization_id: str, *, teams: Collection[str] = (), memberships: Collection[str] = ()
) -> list[Path]:
    """Every reason for which these teams and memberships of the organization reach something in it."""
    of_teams = _SOME_TEAMS.all(connection, {"organization_id": organization_id, "teams": teams})
    rows = _OF_HOLDERS.all(connection, {"teams": teams, "memberships": memberships})
    return [*map(_of_team, of_teams), *map(_given, rows)]


def paths_of_token(connection: Connection, organization_id: str, token_id: str) -> list[Path]:
    """The same for one token of the organization or of one of its projects; none if it has expired.

    A token that is narrowed to some projects has a path to each of them.
    """
    found = []
    for row in _ONE_TOKEN.all(connection, {"organization_id": organization_id, "token_id": token_id}):
        path = _of_token(row)
        projects = (row.narrowed_to or {}).get("project_ids")
        found += [path] if projects is None else [replace(path, project_id=each) for each in projects]
    return found


# Those who act for a holder: the active members of a team and the team itself, a user, a token.
_LAST_USE: Final = select(func.max(_ITS.last_used_at)).where(_ITS.user_id == User.id).scalar_subquery()
_IS_IN: Final = and_(OrganizationMembership.status == "active", User.suspended_at.is_(None))
_NO_TEXT: Final = null().cast(Text)


def _subjects() -> KeptStatement:
    teams = values_param("teams")
    of_team = select(func.max(_ITS.last_used_at)).where(_ITS.team_id == Team.id).scalar_subquery()
    columns = (User.id.label("id"), User.username.label("name"), _LAST_USE.label("last_used_at"))
    found = union_all(
        select(literal(USERS).label("type"), literal(TEAMS).label("holder"), TeamMember.team_id.label("key"), *columns)
        .join(OrganizationMembership, OrganizationMembership.id == TeamMember.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(in_values(TeamMember.__table__.c.team_id, teams), _IS_IN),
        select(literal(USERS), literal(MEMBERSHIPS), OrganizationMembership.id, *columns)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(in_values(OrganizationMembership.__table__.c.id, values_param("memberships")), _IS_IN),
        select(literal(TEAMS), literal(TEAMS), Team.id, Team.id, Team.name, of_team).where(
            in_values(Team.__table__.c.id, teams)
        ),
        select(literal(TOKENS), literal(TOKENS), _ITS.id, _ITS.id, _ITS.description, _ITS.last_used_at).where(
            in_values(_ITS.id, values_param("tokens"))
        ),
    ).subquery("found")
    return KeptStatement(select(*found.c).order_by(found.c.type, found.c.id))


_SUBJECTS: Final = _subjects()


def subjects_of(connection: Connection, paths: Iterable[Path]) -> Mapping[Key, Sequence[Subject]]:
    """Those who act for the holders of these paths, by holder; one statement."""
    ids: dict[str, dict[str, None]] = {TEAMS: {}, MEMBERSHIPS: {}, TOKENS: {}}
    for path in paths:
        ids[path.holder[0]][path.holder[1]] = None
    values = {"teams": ids[TEAMS], "memberships": ids[MEMBERSHIPS], "tokens": ids[TOKENS]}
    found: dict[Key, list[Subject]] = {}
    for row in _SUBJECTS.all(connection, values):
        found.setdefault((row.holder, row.key), []).append(Subject(row.type, row.id, row.name, row.last_used_at))
    return found


def _of_team(row: AnyRow) -> Path:
    grants = Grants()
    add_team(grants, row)
    role = "owners" if row.is_owners else ",".join(sorted(row.organization_access))
    return Path((TEAMS, row.team_id), Source(TEAMS, row.team_id, role), grants)


def _of_token(row: AnyRow) -> Path:
    source = Source(TOKENS, row.token_id, row.role or row.purpose or row.kind)
    return Path(source_key(source), source, grants_of_token(row), row.project_id, expires_at=row.expired_at)


def _given(row: AnyRow) -> Path:
    place = (row.project_id, row.workspace_id, row.environment_id, row.cells)
    grants = Grants()
    one = _GivenRow(row.type, row.id, row.organization_id, *place, row.access, row.details)
    add_given(grants, one, may_force=bool(row.may_force))
    holder = TEAMS if row.type.startswith("team-") else MEMBERSHIPS
    return Path(
        (holder, row.holder_id),
        Source(row.type, row.id, row.access),
        grants,
        row.project_id,
        row.environment_id,
        row.cells,
        row.workspace_id,
        row.expires_at,
    )


def source_key(source: Source) -> Key:
    """The type and id of a source."""
    return source.type, source.id
