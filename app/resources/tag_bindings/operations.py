"""Setting the tags of a project."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.resources.projects.model import Project
from app.resources.tag_bindings.model import MAXIMUM, TagBinding

Changes = dict[str, list[str | None]]
"""The value of each key that changed, before and after."""


def add_tags(session: Session, project: Project, tags: Mapping[str, str]) -> Changes:
    """Give the project these tags beside its others; an existing key gets the new value. What changed, by key.

    The project's row is locked by the caller, so that two requests can't pass the limit together.
    """
    return _bind(session, project, _bindings(session, project), tags)


def replace_tags(session: Session, project: Project, tags: Mapping[str, str]) -> Changes:
    """Give the project exactly these tags. What changed, by key."""
    bound = _bindings(session, project)
    changes: Changes = {}
    for key in [key for key in bound if key not in tags]:
        binding = bound.pop(key)
        session.delete(binding)
        changes[key] = [binding.value, None]
    return changes | _bind(session, project, bound, tags)


def _bindings(session: Session, project: Project) -> dict[str, TagBinding]:
    found = session.scalars(select(TagBinding).where(TagBinding.project_id == project.id))
    return {binding.key: binding for binding in found}


def _bind(
    session: Session,
    project: Project,
    bound: Mapping[str, TagBinding],
    tags: Mapping[str, str],
) -> Changes:
    if len(bound.keys() | tags.keys()) > MAXIMUM:
        raise Unprocessable(f"Tag bindings cannot exceed {MAXIMUM} bindings per resource", pointer="/data")
    changes: Changes = {}
    for key, value in tags.items():
        binding = bound.get(key)
        if binding is None:
            session.add(
                TagBinding(organization_id=project.organization_id, project_id=project.id, key=key, value=value),
            )
            changes[key] = [None, value]
        elif binding.value != value:
            changes[key] = [binding.value, value]
            binding.value = value
    return changes
