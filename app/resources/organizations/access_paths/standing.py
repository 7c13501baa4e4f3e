"""Those who reach some projects and workspaces at one moment, and those who gain or lose access until another."""

from collections import Counter, namedtuple
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection, select

from app.authentication.access_paths import TEAMS, Key, Path, Subject, paths_to, source_key, subjects_of
from app.authz.grants import Source
from app.authz.permissions import P
from app.authz.policy import POLICY, Level
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import AnyRow, KeptStatement, in_values, values_param
from app.resources.organizations.access_paths.sources import seen_sources
from app.web.context import caller

LISTED: Final = 100
"""How many of those who gain or lose access are listed."""
ProjectRow = namedtuple("ProjectRow", "id organization_id")  # noqa: PYI024 - a row of the table, as the policy needs it


def about(level: Level) -> frozenset[P]:
    """The permissions that are about one thing of this level: those granted on it alone, or that have its name.

    What everybody has is not among them.
    """
    named = f"{level}:"
    return frozenset(
        each
        for each in P
        if level in POLICY[each].levels or (each.startswith(named) and Level.PUBLIC not in POLICY[each].levels)
    )


def _scope(columns: Mapping[str, str]) -> Mapping[str, str]:
    return {level: column for level, column in columns.items() if level != Level.PUBLIC}


ABOUT: Final[Mapping[str, tuple[Mapping[str, str], frozenset[P]]]] = {
    "projects": (_scope(Project.grant_columns), about(Level.PROJECT)),
    "workspaces": (_scope(Workspace.grant_columns), about(Level.WORKSPACE)),
}
Reached = Mapping[Subject, Sequence[tuple[Path, frozenset[P]]]]
"""Those who reach a thing, each with the paths and with what each of the paths gives alone."""

_PLACE: Final = ["id", "organization_id", "project_id", "environment_id", "project_cell_key", "environment_cell_key"]
_COLUMNS: Final = select(*(getattr(Workspace, name).label(name) for name in _PLACE))
_OF_PROJECTS: Final = KeptStatement(
    _COLUMNS.where(in_values(Workspace.__table__.c.project_id, values_param("projects")))
)
_BY_ID: Final = KeptStatement(_COLUMNS.where(in_values(Workspace.__table__.c.id, values_param("workspaces"))))


@dataclass(frozen=True, slots=True)
class Standing:
    """The paths to some projects and workspaces, and those who may act by them."""

    paths: Sequence[Path] = ()
    subjects: Mapping[Key, Sequence[Subject]] = field(default_factory=dict)
    seen: Collection[Key] = ()
    """The sources that the caller can see."""
    projects: Mapping[str, AnyRow] = field(default_factory=dict)
    workspaces: Mapping[str, AnyRow] = field(default_factory=dict)

    def without(self, gone: Collection[str]) -> "Standing":
        """The same when these workspaces are gone, and the access to them alone."""
        return replace(
            self,
            paths=[path for path in self.paths if path.workspace_id not in gone],
            workspaces={each: row for each, row in self.workspaces.items() if each not in gone},
        )


def standing(
    connection: Connection,
    organization_id: str,
    projects: Collection[str],
    workspaces: Collection[str] | None = None,
    *,
    with_projects: bool = True,
) -> Standing:
    """How it stands now with the workspaces: by default, all of the projects; and with the projects themselves.

    It takes six statements, however much there is.
    """
    paths = paths_to(connection, organization_id, projects, workspaces)
    rows = (
        _OF_PROJECTS.all(connection, {"projects": projects})
        if workspaces is None
        else _BY_ID.all(connection, {"workspaces": workspaces})
    )
    sources = [path.source for path in paths]
    sources += [Source(TEAMS, path.holder[1]) for path in paths if path.holder[0] == TEAMS]
    return Standing(
        paths,
        subjects_of(connection, paths),
        seen_sources(connection, set(sources)),
        {each: ProjectRow(each, organization_id) for each in projects} if with_projects else {},
        {row.id: row for row in rows},
    )


def reached(at: Standing, type_: str, row: AnyRow | None, paths: Iterable[Path]) -> Reached:
    """Those who reach this project or workspace by these paths; nobody, if there is none."""
    found: dict[Subject, list[tuple[Path, frozenset[P]]]] = {}
    if row is None:
        return found
    scope, wanted = ABOUT[type_]
    for path in paths:
        given = path.on(scope, row) & wanted
        if given:
            for subject in at.subjects.get(path.holder, ()):
                found.setdefault(subject, []).append((path, given))
    return found


@dataclass(slots=True)
class Change:
    """What somebody gains, or loses: on how many projects and workspaces, and by which paths."""

    permissions: set[P] = field(default_factory=set)
    paths: dict[Path, None] = field(default_factory=dict)
    things: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Changes:
    """Those who gain access and those who lose access, with the sources that the caller can see."""

    gains: Mapping[Subject, Change]
    loses: Mapping[Subject, Change]
    before: Standing
    after: Standing

    def shown(self) -> dict[str, Any]:
        """The two lists, bounded, without anybody whose access the caller can't see; those are counted."""
        known = {source_key(path.source) for path in self.before.paths}
        return {
            "gains-access": _shown(self.gains, self.after, known),
            "loses-access": _shown(self.loses, self.before, known),
        }


class _Comparing:
    def __init__(self, before: Standing, after: Standing) -> None:
        self.before, self.after = before, after
        self.gains: dict[Subject, Change] = {}
        self.loses: dict[Subject, Change] = {}

    def compare(self, type_: str, was: Reached, is_now: Reached, times: Mapping[Subject, int]) -> None:
        for subject in {**was, **is_now}:
            count = times[subject]
            if count <= 0:
                continue
            then, now = _union(was.get(subject, ())), _union(is_now.get(subject, ()))
            for changes, more, less, by in (
                (self.gains, now, then, is_now.get(subject, ())),
                (self.loses, then, now, was.get(subject, ())),
            ):
                if different := more - less:
                    change = changes.setdefault(subject, Change())
                    change.permissions |= different
                    change.things[type_] += count
                    change.paths |= {path: None for path, given in by if given & different}


class _Times(dict[Subject, int]):
    """On how many things something is true of each subject: on all of them, but for those told apart."""

    def __init__(self, count: int, apart: Mapping[Subject, int] | None = None) -> None:
        super().__init__()
        self.count, self.apart = count, apart or {}

    def __missing__(self, subject: Subject) -> int:
        return self.count - self.apart.get(subject, 0)


def compare(before: Standing, after: Standing) -> Changes:
    """Those who gain and those who lose access from one moment to the other.

    Workspaces in the same part of a project are compared once, except for those who have access to one of them alone.
    """
    comparing = _Comparing(before, after)
    for identifier in {**before.projects, **after.projects}:
        was, is_now = (reached(at, "projects", at.projects.get(identifier), at.paths) for at in (before, after))
        comparing.compare("projects", was, is_now, _Times(1))
    own = [_by_workspace(at.paths) for at in (before, after)]
    shared = [[path for path in at.paths if path.workspace_id is None] for at in (before, after)]
    for identifiers in _groups(before, after).values():
        rows = [at.workspaces.get(identifiers[0]) for at in (before, after)]
        bases = [
            reached(at, "workspaces", row, paths) for at, row, paths in zip((before, after), rows, shared, strict=True)
        ]
        apart: Counter[Subject] = Counter()
        for identifier in identifiers:
            alone = [
                reached(at, "workspaces", at.workspaces.get(identifier), paths.get(identifier, ()))
                for at, paths in zip((before, after), own, strict=True)
            ]
            subjects = {**alone[0], **alone[1]}
            if subjects:
                both = [_together(base, each, subjects) for base, each in zip(bases, alone, strict=True)]
                comparing.compare("workspaces", both[0], both[1], _Times(1))
                apart.update(subjects.keys())
        comparing.compare("workspaces", bases[0], bases[1], _Times(len(identifiers), apart))
    return Changes(comparing.gains, comparing.loses, before, after)


def _groups(before: Standing, after: Standing) -> Mapping[Any, list[str]]:
    """The workspaces by the places that they were in and are in."""
    groups: dict[Any, list[str]] = {}
    for identifier in {**before.workspaces, **after.workspaces}:
        rows = (at.workspaces.get(identifier) for at in (before, after))
        key = tuple(None if row is None else tuple(getattr(row, name) for name in _PLACE[1:]) for row in rows)
        groups.setdefault(key, []).append(identifier)
    return groups


def _by_workspace(paths: Iterable[Path]) -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        if path.workspace_id is not None:
            found.setdefault(path.workspace_id, []).append(path)
    return found


def _together(base: Reached, alone: Reached, subjects: Iterable[Subject]) -> Reached:
    return {each: [*base.get(each, ()), *alone.get(each, ())] for each in subjects}


def _union(given: Sequence[tuple[Path, frozenset[P]]]) -> frozenset[P]:
    return frozenset().union(*(permissions for _, permissions in given))


def _shown(changes: Mapping[Subject, Change], at: Standing, known: Collection[Key]) -> dict[str, Any]:
    """The list of changes. A source that is made by the change itself has no id yet."""
    names = {key: subjects for key, subjects in at.subjects.items() if key[0] == TEAMS}
    listed = []
    for subject in sorted(changes, key=lambda each: (each.type != "users", each.type, each.name or "", each.id)):
        change = changes[subject]
        paths = [
            shown_path(path, at.seen, _team_name(names, path), has_id=source_key(path.source) in known)
            for path in change.paths
            if is_seen(path, subject, at.seen)
        ]
        if paths:
            listed.append(
                {
                    "type": subject.type,
                    "id": subject.id,
                    "name": subject.name,
                    "projects": change.things["projects"],
                    "workspaces": change.things["workspaces"],
                    "permissions": sorted(change.permissions),
                    "paths": paths,
                }
            )
    return {"total": len(changes), "hidden": len(changes) - len(listed), "listed": listed[:LISTED]}


def is_seen(path: Path, subject: Subject, seen: Collection[Key]) -> bool:
    """Whether the caller may know of this path: they see its source, or it is their own."""
    return is_own(subject) or source_key(path.source) in seen


def is_own(subject: Subject) -> bool:
    """Whether it is the caller."""
    who = caller()
    return subject.key == (who.type, who.id) or subject.id == who.token_id


def shown_path(path: Path, seen: Collection[Key], team: str | None, *, has_id: bool = True) -> dict[str, Any]:
    """A path in the answer; ``team`` is the name of the team that it comes through."""
    through = path.holder if path.holder[0] == TEAMS and path.holder in seen else None
    return {
        "type": path.source.type,
        "id": path.source.id if has_id else None,
        "role": path.source.role,
        "team": None if through is None else {"id": through[1], "name": team},
    }


def _team_name(names: Mapping[Key, Sequence[Subject]], path: Path) -> str | None:
    return next((each.name for each in names.get(path.holder, ()) if each.type == TEAMS), None)
