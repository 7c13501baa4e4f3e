"""Makes grants from the stored roles of a caller: site role, teams, project memberships, access lists, tokens."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from app.authz import custom_access, roles
from app.authz.grants import Grants, GrantsWithSources, Source
from app.authz.permissions import P
from app.authz.policy import Level
from app.models.expiring_grants import has_expired, is_in_force
from app.models.project_members import ProjectMember
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import SEPARATOR, AnyRow, KeptStatement, in_values, values_param

_NO_TEXT = null().cast(Text)
# The JSON text of an empty list, as the database stores it.
NO_CELLS = "[]"


def _ended_with_role() -> ColumnElement[bool]:
    """The condition that an entry came with creating the workspace, and that the role which it came with has ended.

    It is as ``end_creators_levels`` decides. The roles that have ended are few, and are looked up once.
    """
    entry, role, other = (
        WorkspaceAclEntry.__table__.c,
        ProjectMember.__table__.c,
        ProjectMember.__table__.alias("other").c,
    )
    ended = select(role.membership_id, role.project_id).where(has_expired(role))
    cells = other.cells.cast(Text)
    reaches = select(other.id).where(
        other.membership_id == entry.membership_id,
        other.project_id == entry.created_in_id,
        is_in_force(other),
        Workspace.project_id == entry.created_in_id,
        or_(other.environment_id.is_(None), other.environment_id == Workspace.environment_id),
        # Not LIKE, which knows no case on SQLite.
        or_(cells.is_(None), func.replace(cells, literal('"') + Workspace.cell + literal('"'), "") != cells),
    )
    return and_(
        entry.created_in_id.is_not(None),
        tuple_(entry.membership_id, entry.created_in_id).in_(ended),
        ~exists(reaches.correlate(entry.id.table, Workspace.__table__)),
    )


_HAS_ENDED_WITH_ROLE = _ended_with_role()


def given_access(
    of_team_projects: ColumnElement[bool],
    of_team_workspaces: ColumnElement[bool],
    of_members: ColumnElement[bool],
    of_entries: ColumnElement[bool],
) -> CompoundSelect[Any]:
    """All access to projects and workspaces that matches these conditions, of any holder.

    Whoever reads it leaves out what has ended: once for all kinds, because each parameter takes its time.

    JSON is cast to text, so that rows can be grouped by it.
    """
    return union_all(
        select(
            literal("team-projects").label("type"),
            TeamProject.id,
            TeamProject.organization_id,
            TeamProject.project_id,
            _NO_TEXT.label("workspace_id"),
            _NO_TEXT.label("environment_id"),
            _NO_TEXT.label("cells"),
            TeamProject.access,
            TeamProject.details.cast(Text).label("details"),
            TeamProject.team_id.label("holder_id"),
            TeamProject.expires_at,
        ).where(of_team_projects),
        select(
            literal("team-workspaces"),
            TeamWorkspace.id,
            TeamWorkspace.organization_id,
            Workspace.project_id,
            TeamWorkspace.workspace_id,
            _NO_TEXT,
            _NO_TEXT,
            TeamWorkspace.access,
            TeamWorkspace.details.cast(Text),
            TeamWorkspace.team_id,
            TeamWorkspace.expires_at,
        )
        .join(Workspace, Workspace.id == TeamWorkspace.workspace_id)
        .where(of_team_workspaces),
        select(
            literal("project-members"),
            ProjectMember.id,
            ProjectMember.organization_id,
            ProjectMember.project_id,
            _NO_TEXT,
            ProjectMember.environment_id,
            ProjectMember.cells.cast(Text),
            ProjectMember.role,
            _NO_TEXT,
            ProjectMember.membership_id,
            ProjectMember.expires_at,
        ).where(of_members),
        select(
            literal("workspace-acl-entries"),
            WorkspaceAclEntry.id,
            WorkspaceAclEntry.organization_id,
            Workspace.project_id,
            WorkspaceAclEntry.workspace_id,
            _NO_TEXT,
            _NO_TEXT,
            WorkspaceAclEntry.level,
            _NO_TEXT,
            WorkspaceAclEntry.membership_id,
            WorkspaceAclEntry.expires_at,
        )
        .join(Workspace, Workspace.id == WorkspaceAclEntry.workspace_id)
        .where(of_entries, ~_HAS_ENDED_WITH_ROLE),
    )


def access_of_holders() -> CompoundSelect[Any]:
    """The same for the teams and memberships whose ids are the parameters ``teams`` and ``memberships``."""
    teams, memberships = values_param("teams"), values_param("memberships")
    return given_access(
        in_values(TeamProject.__table__.c.team_id, teams),
        in_values(TeamWorkspace.__table__.c.team_id, teams),
        in_values(ProjectMember.__table__.c.membership_id, memberships),
        in_values(WorkspaceAclEntry.__table__.c.membership_id, memberships),
    )


_GIVEN = access_of_holders().subquery("given")


def _given(*apart: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    """One statement for all access: a row for each kind of grant, with the ids that it is granted on."""
    given = _GIVEN.c
    kind = (given.type, given.organization_id, given.environment_id, given.cells, given.access, given.details)
    return (
        select(
            *kind,
            func.min(given.id).label("id"),
            func.aggregate_strings(given.project_id, SEPARATOR).label("project_ids"),
            func.aggregate_strings(given.workspace_id, SEPARATOR).label("workspace_ids"),
        )
        .where(is_in_force(given))
        .group_by(*kind, *apart)
    )


# A caller with thousands of grants has few kinds of them. They are only kept separate to explain their sources.
_TOGETHER = KeptStatement(_given())
_APART = KeptStatement(_given(_GIVEN.c.id).order_by(_GIVEN.c.id))


# What a permission on the organization brings at other levels of it.
_BESIDE = (
    (P.VARIABLE_READ, Level.SHARED_VARSETS, roles.SHARED_VARSETS_READER),
    (P.WORKSPACE_MANAGE_ACL, Level.WORKSPACES, roles.INVITATIONS),
    (P.AGENT_POOL_MANAGE, Level.AGENT_POOLS, roles.POOL_TOKENS),
)


def add_team(grants: Grants, team: AnyRow) -> None:
    """Add the grants of a member of the team, except for its access to projects and workspaces."""
    organization = team.organization_id
    if team.is_owners:
        grants.add(Level.ORGANIZATION, organization, roles.OWNER, Source("teams", team.team_id, "owners"))
        return
    itself = Source("teams", team.team_id)
    grants.add(Level.TEAM, team.team_id, roles.VISIBLE_TEAM_MEMBER, itself)
    flags: list[str] = team.organization_access or []
    if not flags:
        return
    source = Source("teams", team.team_id, ",".join(sorted(flags)))
    granted = roles.organization_access(frozenset(flags))
    if team.allow_force_delete_workspaces:
        granted = roles.with_force(granted)
    grants.add(Level.ORGANIZATION, organization, granted, source)
    for permission, level, beside in _BESIDE:
        if permission in granted:
            grants.add(level, organization, beside, source)
    if granted >= roles.WORKSPACE_READER - roles.ACTIVITY:
        reach = Level.PROJECTS if granted >= roles.PROJECT_READER - roles.ACTIVITY else Level.WORKSPACES
        grants.add(reach, organization, roles.ACTIVITY, source)
    managed = roles.team_access(frozenset(flags))
    if managed:
        sees_secret = "access-secret-teams" in flags
        # On the organization, managing tokens would include the organization's own token.
        grants.add(
            Level.ORDINARY_TEAMS if sees_secret else Level.VISIBLE_TEAMS,
            organization,
            managed & roles.OWN_TOKENS,
            source,
        )
        managed -= roles.OWN_TOKENS
        grants.add(Level.ORGANIZATION if sees_secret else Level.VISIBLE_TEAMS, organization, managed, source)
        grants.add(Level.TEAM, team.team_id, roles.OWN_TEAM, source)
    if "manage-workspaces" in flags:
        grants.add(Level.SHARED_VARSETS, organization, roles.SHARED_VARSETS_MANAGER, source)
    if "manage-workspaces" in flags and team.default_project_id is not None:
        grants.add(Level.PROJECT, team.default_project_id, roles.DEFAULT_PROJECT, source)
        add_some_project(grants, organization, roles.DEFAULT_PROJECT, source)


def add_access(
    grants: Grants,
    connection: Connection,
    *,
    teams: Iterable[str],
    memberships: Iterable[str] = (),
    forcing: Container[str],
) -> None:
    """Add the grants of the teams and memberships on projects and on single workspaces.

    ``forcing`` are the organizations that allow deleting by force.
    """
    statement = _APART if isinstance(grants, GrantsWithSources) else _TOGETHER
    for row in statement.all(connection, {"teams": teams, "memberships": memberships}):
        add_given(grants, row, may_force=row.organization_id in forcing)


def add_given(grants: Grants, row: AnyRow, *, may_force: bool) -> None:
    """Add the grants of one kind of access, on the projects or workspaces with these ids."""
    source = Source(row.type, row.id, row.access)
    granted = _granted(row)
    if may_force:
        granted = roles.with_force(granted)
    projects = row.project_ids.split(SEPARATOR)
    if row.workspace_ids is not None:
        grants.add_each(Level.WORKSPACE, row.workspace_ids.split(SEPARATOR), granted, source)
        # A caller who sees a workspace also sees the name of its project.
        grants.add_each(Level.PROJECT, projects, roles.PROJECT_OF_WORKSPACE, source)
    elif row.environment_id is None and row.cells is None:
        add_projects(grants, projects, granted, source)
    else:
        _add_places(grants, row, granted, source)
        if row.cells == NO_CELLS:
            # An empty list of cells: the role applies nowhere.
            return
    if P.VARIABLE_READ in granted:
        grants.add(Level.SHARED_VARSETS, row.organization_id, roles.SHARED_VARSETS_READER, source)
    add_some_project(grants, row.organization_id, granted, source)
    if granted & roles.ADDERS:
        grants.add(Level.ORGANIZATION, row.organization_id, roles.FINDER, source)


def add_some_project(grants: Grants, organization_id: str, granted: frozenset[P], source: Source) -> None:
    """Add the grants on the organization for a caller who may create workspaces somewhere in a project."""
    if P.PROJECT_CREATE_WORKSPACE in granted:
        grants.add(Level.SOME_PROJECT, organization_id, granted, source)


def add_projects(grants: Grants, projects: Sequence[str], granted: frozenset[P], source: Source) -> None:
    """Grant these permissions on whole projects."""
    grants.add_each(Level.PROJECT, projects, granted, source)
    if P.PROJECT_MANAGE_MEMBERS in granted:
        grants.add_each(Level.PROJECT_ACCESS, projects, roles.PROJECT_ACCESS, source)


def _add_places(grants: Grants, row: AnyRow, granted: frozenset[P], source: Source) -> None:
    """Add the grants of a role that is limited to one environment, to some cells, or to both."""
    projects = row.project_ids.split(SEPARATOR)
    grants.add_each(Level.PROJECT, projects, roles.SCOPED_IN_PROJECT, source)
    if row.environment_id is None:
        # A caller with a role in all environments may see them.
        grants.add_each(Level.PROJECT, projects, roles.SCOPED_IN_ENVIRONMENT, source)
    else:
        grants.add(Level.ENVIRONMENT, row.environment_id, roles.SCOPED_IN_ENVIRONMENT, source)
    if row.cells is None:
        grants.add(Level.ENVIRONMENT, row.environment_id, granted, source)
        return
    for cell in orjson.loads(row.cells):
        if row.environment_id is None:
            grants.add_each(Level.CELL, [cell_key(each, cell) for each in projects], granted, source)
        else:
            grants.add(Level.ENVIRONMENT_CELL, cell_key(row.environment_id, cell), granted, source)


def cell_key(place_id: str, cell: str) -> str:
    """The target of a grant on a cell of a project or an environment, in the form that ``Workspace`` computes."""
    return f"{place_id}/{cell}"


def _granted(row: AnyRow) -> frozenset[P]:
    if row.type == "project-members":
        return roles.PROJECT_ROLES[row.access]
    if row.type == "workspace-acl-entries":
        return roles.ACL_LEVELS[row.access]
    details = orjson.loads(row.details) if row.details else None
    if row.type == "team-projects":
        return project_level(row.access, details)
    return workspace_level(row.access, details)


def project_level(access: str, details: Mapping[str, Any] | None) -> frozenset[P]:
    """The permissions that one team project access grants."""
    if access == "custom":
        return custom_access.custom_project_level(frozenset((details or {}).items()))
    return roles.PROJECT_LEVELS[access]


def workspace_level(access: str, details: Mapping[str, Any] | None) -> frozenset[P]:
    """The permissions that one team workspace access grants."""
    if access == "custom":
        return custom_access.custom_workspace_level(frozenset((details or {}).items()))
    return roles.WORKSPACE_LEVELS[access]
