"""Reports of access over HTTP."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, request

from app.authentication.access_paths import MEMBERSHIPS, TEAMS, Path, Subject, paths_of, paths_of_token, subjects_of
from app.authz.grants import Grants, Source
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import BadParameter, Unprocessable
from app.jsonapi.fields import format_timestamp
from app.jsonapi.parameters import Known
from app.jsonapi.query import Arguments, list_values, text_of
from app.models.authentication_tokens import AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.projects import Project
from app.models.teams import Team
from app.models.workspaces import Workspace
from app.persistence import AnyRow, fold_case
from app.resources.access.access_reports.reading import teams_of
from app.resources.access.access_reports.rows import AccessPath, given_anywhere, names_in, rows_of, sorted_rows
from app.resources.access.access_reports.schema import PATHS, SUBJECTS, AccessPathSchema
from app.resources.organizations.access_paths.sources import SEEN_BY, seen_sources
from app.resources.organizations.access_paths.standing import reached, standing
from app.web.answers import single_page_response
from app.web.context import caller, reader
from app.web.guard import describes, requires
from app.web.policy import denial, get_visible, is_allowed_at, require
from app.web.tables import table_response, wants_table

blueprint = Blueprint("access_reports", __name__, url_prefix="/api/v2")

SORTS: Final = ("name", "path", "role", "team-name", "resource-name", "expires-at", "last-used-at")
FILTERS: Final = ("q", "filter[path]", "filter[subject-type]", "filter[role]")
PARAMETERS: Final = (
    ("q", "Part of the name or of the team's name, without regard to case"),
    ("filter[path]", f"One or more of {', '.join(PATHS)}"),
    ("filter[subject-type]", f"One or more of {', '.join(SUBJECTS)}"),
    ("filter[role]", "One or more roles, as they are shown"),
    ("sort", f"One or more of {', '.join(SORTS)}, each with - before it for descending; what is null comes last"),
)
COLUMNS: Final = [
    "subject_type",
    "subject_id",
    "name",
    "path",
    "role",
    "team_name",
    "resource_type",
    "resource_id",
    "resource_name",
    "environment_name",
    "cells",
    "expires_at",
    "last_used_at",
    "source_type",
    "source_id",
]
DESCRIBED: Final[dict[str, Any]] = {
    "answer": AccessPathSchema,
    "many": True,
    "parameters": PARAMETERS,
    "has_table": True,
    "errors": (400, 403, 422),
}
_dump = compile_dump(AccessPathSchema, AccessPath._fields)
Found = Iterable[tuple[Subject, Path, Iterable[P]]]


class TokenWithoutReport(Unprocessable):
    """The token reaches what somebody else reaches."""

    code = "token-without-report"
    pointer = ""
    detail = (
        "Tokens of organizations, teams and projects have a report. A user's token reaches what the user does: ask at "
        "/organization-memberships/:id/access-report. Agents reach what their jobs need"
    )


@blueprint.get("/projects/<project_id>/access-report")
@requires(P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, *SEEN_BY)
@describes(**DESCRIBED)
def report_on_project(project_id: str) -> Response:
    """List everybody who reaches a project, by which path, and when they were last active.

    A user has an entry for each path: their own role, and each of their teams. A team stands for its tokens. Whoever
    reaches a single workspace sees the name of its project. Only those who manage the project's members get the report.
    Administrators of the site are not listed, because they reach everything. With `Accept: text/csv` the answer is the
    whole list as a table.
    """
    row = get_visible(Project, project_id)
    require(P.PROJECT_MANAGE_MEMBERS, row, Project)
    return _report_on("projects", row, row.id, None)


@blueprint.get("/workspaces/<workspace_id>/access-report")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_ACL, *SEEN_BY)
@describes(**DESCRIBED)
def report_on_workspace(workspace_id: str) -> Response:
    """List everybody who reaches a workspace, by which path, and when they were last active.

    It is like the report on a project, for those who manage the workspace's access list.
    """
    row = get_visible(Workspace, workspace_id)
    require(P.WORKSPACE_MANAGE_ACL, row, Workspace)
    return _report_on("workspaces", row, row.project_id, [row.id])


@blueprint.get("/organization-memberships/<membership_id>/access-report")
@requires(P.MEMBERSHIP_READ, P.PROJECT_MANAGE_MEMBERS, *SEEN_BY)
@describes(**DESCRIBED)
def report_on_membership(membership_id: str) -> Response:
    """List what a member of an organization reaches in it, by which path.

    For the member, and for those who manage the members of all projects of the organization.
    """
    row = get_visible(OrganizationMembership, membership_id)
    if row.user_id != caller().user_id:
        _require_over_all(row)
    subjects = subjects_of(reader(), [_held_by(MEMBERSHIPS, row.id)]).get((MEMBERSHIPS, row.id), ())
    teams = teams_of(reader(), row.id)
    return _report_of(row, subjects, paths_of(reader(), row.organization_id, teams=teams, memberships=[row.id]))


@blueprint.get("/teams/<team_id>/access-report")
@requires(P.TEAM_READ, P.PROJECT_MANAGE_MEMBERS, *SEEN_BY)
@describes(**DESCRIBED)
def report_on_team(team_id: str) -> Response:
    """List what a team reaches in its organization, and by that its members and tokens."""
    row = get_visible(Team, team_id)
    _require_over_all(row)
    subject = Subject(TEAMS, row.id, row.name)
    return _report_of(row, [subject], paths_of(reader(), row.organization_id, teams=[row.id]))


@blueprint.get("/authentication-tokens/<token_id>/access-report")
@requires(P.TOKEN_MANAGE, P.PROJECT_MANAGE_MEMBERS, *SEEN_BY)
@describes(**DESCRIBED)
def report_on_token(token_id: str) -> Response:
    """List what a token of an organization, a team or a project reaches; nothing once it has expired."""
    row = get_visible(AuthenticationToken, token_id)
    if row.kind in ("user", "agent"):
        raise TokenWithoutReport
    _require_over_all(row)
    subject = Subject("authentication-tokens", row.id, row.description, row.last_used_at)
    if row.team_id is not None:
        return _report_of(row, [subject], paths_of(reader(), row.organization_id, teams=[row.team_id]))
    return _report_of(row, [subject], paths_of_token(reader(), row.organization_id, row.id))


def _require_over_all(row: AnyRow) -> None:
    # The report names projects and workspaces: whoever gets it sees all of them anyway.
    if not is_allowed_at(P.PROJECT_MANAGE_MEMBERS, Level.ORGANIZATION, row.organization_id):
        raise denial(P.PROJECT_MANAGE_MEMBERS)


def _held_by(type_: str, identifier: str) -> Path:
    return Path((type_, identifier), Source(type_, identifier), Grants())


def _report_on(type_: str, row: AnyRow, project_id: str, workspaces: Sequence[str] | None) -> Response:
    at = standing(reader(), row.organization_id, [project_id], workspaces)
    found = reached(at, type_, row, at.paths)
    entries = ((subject, path, given) for subject, paths in found.items() for path, given in paths)
    return _answer(row.organization_id, entries, at.paths, at.seen)


def _report_of(row: AnyRow, subjects: Iterable[Subject], paths: Sequence[Path]) -> Response:
    sources = [path.source for path in paths]
    sources += [Source(TEAMS, path.holder[1]) for path in paths if path.holder[0] == TEAMS]
    seen = {*seen_sources(reader(), set(sources)), *(subject.key for subject in subjects)}
    given = [(path, given_anywhere(path)) for path in paths]
    entries = ((subject, path, permissions) for subject in subjects for path, permissions in given if permissions)
    return _answer(row.organization_id, entries, paths, seen)


def _answer(organization_id: str, found: Found, paths: Sequence[Path], seen: Iterable[tuple[str, str]]) -> Response:
    arguments = Known(FILTERS, is_strict=True).understand(request.args)
    order = _order(arguments)
    rows = rows_of(organization_id, found, names_in(reader(), organization_id, paths), set(seen))
    rows = sorted_rows([row for row in rows if _matches(row, arguments)], order)
    if wants_table():
        return table_response("access", [each.replace("_", "-") for each in COLUMNS], map(_cells, rows))
    return single_page_response([_dump(row, None) for row in rows])


def _order(arguments: Arguments) -> list[str]:
    wanted = list_values(arguments, "sort")
    if not {each.removeprefix("-") for each in wanted} <= set(SORTS):
        raise BadParameter(f"sort must be one or more of {', '.join(SORTS)}", parameter="sort")
    return wanted


def _matches(row: AccessPath, arguments: Arguments) -> bool:
    text = text_of(arguments, "q")
    if text is not None and not any(fold_case(text) in fold_case(each or "") for each in (row.name, row.team_name)):
        return False
    # Several flags of a team are one role.
    roles = (row.role or "").split(",")
    for name, values in (("path", [row.path]), ("subject-type", [row.subject_type]), ("role", roles)):
        wanted = list_values(arguments, f"filter[{name}]")
        if wanted and not set(wanted) & set(values):
            return False
    return True


def _cells(row: AccessPath) -> list[object]:
    shown: list[object] = []
    for name in COLUMNS:
        value = getattr(row, name)
        if name == "cells" and value is not None:
            value = " ".join(value)
        shown.append(format_timestamp(value) if isinstance(value, datetime) else value)
    return shown
