"""Hides ids and attributes in events that their reader can't see elsewhere.

An event belongs to the project, environment and workspace of its subject at that time. It may name others: the project
that a workspace was moved from, or the workspaces that may read its state. Readers who may not read the record of the
whole organization get only the ids of resources that they can see elsewhere; the others are replaced by "(hidden)".

The values of an attribute that its schema shows only with a permission (``shown_to``) are hidden from readers who lack
that permission on the event's project, environment or workspace.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select, union_all

from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.rules import holds_at, permissions_on
from app.jsonapi import Json
from app.jsonapi.schema import protected_by_type
from app.models.environments import Environment
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import AnyRow, in_values
from app.web.context import caller, reader
from app.web.policy import visible

HIDDEN = "(hidden)"
LOCATION_ID = re.compile("(?:prj|env|ws)-[1-9A-Za-z]{16}")
# The columns of an event that say where it happened, by the policy's levels.
LOCATION: Mapping[str, str] = {
    Level.ORGANIZATION: "organization_id",
    Level.PROJECT: "project_id",
    Level.ENVIRONMENT: "environment_id",
    Level.CELL: "project_cell_key",
    Level.ENVIRONMENT_CELL: "environment_cell_key",
    Level.WORKSPACE: "workspace_id",
}
CELLS = frozenset({"cell", "cell-scopes"})


def redact(events: Sequence[Any]) -> list[Any]:
    """The rows of events as the caller may see them; takes at most one statement for all of them."""
    careful = {event.id: event for event in events if not _reads_everything(event)}
    location_ids = {
        each for event in careful.values() for each in (event.project_id, *_location_ids(event.changes)) if each
    }
    seen = _seen(location_ids)
    shown = (_redacted(event, seen) if event.id in careful else event for event in events)
    return [_without_protected(event) for event in shown]


def _reads_everything(event: AnyRow) -> bool:
    return holds_at(caller(), P.ACTIVITY_READ, Level.ORGANIZATION, event.organization_id)


def _reads_project(event: AnyRow) -> bool:
    return any(
        holds_at(caller(), P.ACTIVITY_READ, level, target)
        for level, target in (
            (Level.PROJECT, event.project_id),
            (Level.PROJECTS, event.organization_id),
            (Level.WORKSPACES, event.organization_id),
        )
    )


def _without_protected(event: AnyRow) -> AnyRow:
    protected = protected_by_type().get(event.subject_type, {})
    named = protected.keys() & event.changes.keys()
    if not named:
        return event
    held = permissions_on(caller(), LOCATION, event)
    hidden = {name for name in named if protected[name] not in held}
    changes = {name: _hidden(change) if name in hidden else change for name, change in event.changes.items()}
    return event._replace(changes=changes)


def _hidden(change: Json) -> Json:
    # Null is not hidden: that there was no value before, or is none now, does not reveal the value.
    if isinstance(change, list):
        return [_hidden(each) for each in change]
    return None if change is None else HIDDEN


def _location_ids(changes: Json) -> Iterator[str]:
    if isinstance(changes, dict):
        for name, change in changes.items():
            yield from _location_ids(name)
            yield from _location_ids(change)
    elif isinstance(changes, list):
        for each in changes:
            yield from _location_ids(each)
    elif isinstance(changes, str) and LOCATION_ID.fullmatch(changes):
        yield changes


def _seen(identifiers: Iterable[str]) -> set[str]:
    wanted = sorted(identifiers)
    if not wanted:
        return set()
    workspaces = visible(P.WORKSPACE_READ, Workspace)
    found = union_all(
        select(Project.id).where(in_values(Project.__table__.c.id, wanted), visible(P.PROJECT_READ, Project)),
        select(Environment.id).where(
            in_values(Environment.__table__.c.id, wanted), visible(P.ENVIRONMENT_READ, Environment)
        ),
        select(Workspace.id).where(in_values(Workspace.__table__.c.id, wanted), workspaces),
        # A caller who sees a workspace also sees its project and environment.
        select(Workspace.project_id).where(in_values(Workspace.__table__.c.project_id, wanted), workspaces),
        select(Workspace.environment_id).where(in_values(Workspace.__table__.c.environment_id, wanted), workspaces),
    )
    return set(reader().execute(found).scalars())


def _redacted(event: AnyRow, seen: set[str]) -> AnyRow:
    seen = {*seen, event.subject_id, event.workspace_id}
    comes_from_elsewhere = any(each not in seen for each in _location_ids(event.changes))
    changes = _without(event.changes, seen)
    if comes_from_elsewhere or not _reads_project(event):
        changes = {name: _cells(change, event.cell) if name in CELLS else change for name, change in changes.items()}
    return event._replace(changes=changes, project_id=event.project_id if event.project_id in seen else None)


def _without(changes: Json, seen: set[str]) -> Json:
    if isinstance(changes, dict):
        return {_without(name, seen): _without(change, seen) for name, change in changes.items()}
    if isinstance(changes, list):
        return [_without(each, seen) for each in changes]
    is_hidden = isinstance(changes, str) and LOCATION_ID.fullmatch(changes) and changes not in seen
    return HIDDEN if is_hidden else changes


def _cells(change: Json, own: str | None) -> Json:
    if isinstance(change, list):
        return [_cells(each, own) for each in change]
    return change if change in (None, own) else HIDDEN
