"""The rows of a report, from the paths that are found."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, literal, select, union_all

from app.authentication.access_paths import TEAMS, TOKENS, Path, Subject, source_key
from app.authz.permissions import P
from app.jsonapi.errors import Unprocessable
from app.models.authentication_tokens import NARROWED
from app.models.environments import Environment
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.teams import Team
from app.models.workspaces import Workspace
from app.persistence import KeptStatement, in_values, values_param
from app.persistence.identifiers import derived_text
from app.resources.organizations.access_paths.standing import ABOUT, is_own

MAXIMUM: Final = 50_000
"""How many rows a report may have. They are in memory together."""
_NAMED: Final = {
    "organizations": Organization,
    "projects": Project,
    "workspaces": Workspace,
    "teams": Team,
    "environments": Environment,
}
Names = Mapping[tuple[str, str], str]


class TooManyPaths(Unprocessable):
    """The report would be too long."""

    code = "too-many-paths"
    detail = f"More than {MAXIMUM} paths lead here, which are too many for one report"
    pointer = ""


class AccessPath(NamedTuple):
    """The values of one row."""

    id: str
    name: str | None
    path: str
    role: str | None
    team_name: str | None
    resource_name: str | None
    environment_name: str | None
    cells: list[str] | None
    permissions: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    subject_type: str
    subject_id: str | None
    source_type: str
    source_id: str | None
    team_id: str | None
    environment_id: str | None
    resource_type: str
    resource_id: str


def _names() -> KeptStatement:
    parts = [
        select(literal(type_).label("type"), model.__table__.c.id, model.__table__.c.name).where(
            in_values(model.__table__.c.id, values_param(type_.replace("-", "_")))
        )
        for type_, model in _NAMED.items()
    ]
    found = union_all(*parts).subquery("found")
    return KeptStatement(select(*found.c))


_NAMES: Final = _names()


def names_in(connection: Connection, organization_id: str, paths: Iterable[Path]) -> Names:
    """The names of everything that the paths are about; one statement."""
    ids: dict[str, dict[str, None]] = {type_: {} for type_ in _NAMED}
    ids["organizations"][organization_id] = None
    for path in paths:
        for type_, identifier in (
            ("projects", path.project_id),
            ("workspaces", path.workspace_id),
            ("environments", path.environment_id),
            ("teams", path.holder[1] if path.holder[0] == TEAMS else None),
        ):
            if identifier is not None:
                ids[type_][identifier] = None
    return {(row.type, row.id): row.name for row in _NAMES.all(connection, ids)}


def rows_of(
    organization_id: str,
    found: Iterable[tuple[Subject, Path, Iterable[P]]],
    names: Names,
    seen: Collection[tuple[str, str]],
) -> list[AccessPath]:
    """A row for each subject and path, each as far as the caller may see it."""
    rows: list[AccessPath] = []
    for subject, path, permissions in found:
        if len(rows) == MAXIMUM:
            raise TooManyPaths
        rows.append(_row(organization_id, subject, path, permissions, names, seen))
    return rows


def _row(  # noqa: PLR0913, PLR0917 - what a row is made of
    organization_id: str,
    subject: Subject,
    path: Path,
    permissions: Iterable[P],
    names: Names,
    seen: Collection[tuple[str, str]],
) -> AccessPath:
    own = is_own(subject)
    is_seen = own or source_key(path.source) in seen
    is_named = own or subject.type == "users" or subject.key in seen
    through = path.holder[1] if path.holder[0] == TEAMS and is_seen and (own or path.holder in seen) else None
    if path.workspace_id is not None:
        resource = ("workspaces", path.workspace_id)
    elif path.project_id is not None:
        resource = ("projects", path.project_id)
    else:
        resource = ("organizations", names["organizations", organization_id])
    environment = path.environment_id
    return AccessPath(
        id=f"acp-{derived_text('/'.join((*subject.key, *source_key(path.source), *resource)))}",
        name=subject.name if is_named else None,
        path=_kind(path),
        role=path.source.role if is_seen else None,
        team_name=None if through is None else names.get((TEAMS, through)),
        resource_name=resource[1] if resource[0] == "organizations" else names.get(resource),
        environment_name=None if environment is None else names.get(("environments", environment)),
        cells=None if path.cells is None else orjson.loads(path.cells),
        permissions=sorted(permissions),
        expires_at=path.expires_at,
        last_used_at=subject.last_used_at,
        subject_type=subject.type,
        subject_id=subject.id if is_named else None,
        source_type=path.source.type,
        source_id=path.source.id if is_seen else None,
        team_id=through,
        environment_id=environment,
        resource_type=resource[0],
        resource_id=resource[1],
    )


def _kind(path: Path) -> str:
    if path.source.type == TEAMS:
        return "owners" if path.source.role == "owners" else "organization-access"
    if path.source.type == TOKENS:
        if path.source.role == NARROWED:
            return "narrowed-token"
        return "organization-token" if path.project_id is None else "project-token"
    return path.source.type


def given_anywhere(path: Path) -> frozenset[P]:
    """What the path gives where it counts."""
    found: frozenset[P] = frozenset()
    for scope, wanted in ABOUT.values():
        for level in path.grants.levels:
            if level in scope:
                found = found.union(*path.grants.by_target(level).values()) & wanted | found
    return found


def sorted_rows(rows: list[AccessPath], order: Sequence[str]) -> list[AccessPath]:
    """The rows in this order; without one, people first, by name. What is null comes last."""
    rows.sort(key=_usual)
    for each in reversed(order):
        name = each.removeprefix("-").replace("-", "_")
        known = [row for row in rows if getattr(row, name) is not None]
        known.sort(key=lambda row: _folded(getattr(row, name)), reverse=each.startswith("-"))
        rows = known + [row for row in rows if getattr(row, name) is None]
    return rows


def _usual(row: AccessPath) -> tuple[Any, ...]:
    return (row.subject_type != "users", row.subject_type, row.name is None, _folded(row.name or ""), row.path, row.id)


def _folded(value: Any) -> Any:  # noqa: ANN401 - the value of any column
    return value.casefold() if isinstance(value, str) else value
