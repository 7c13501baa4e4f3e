"""Setting the tags of a project."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.resources.projects.model import Project
from app.resources.tag_bindings.model import MAXIMUM, TagBinding


def add_tags(session: Session, project: Project, tags: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Give the project these tags beside its others; an existing key gets the new value. What changed, by key.

    The project's row is locked by the caller, so that two requests can't pass the limit together.
    """
    bound = {binding.key: binding for binding in _bindings(session, project)}
    if len(bound.keys() | tags.keys()) > MAXIMUM:
        raise Unprocessable(f"Tag bindings cannot exceed {MAXIMUM} bindings per resource", pointer="/data")
    changes: dict[str, list[str | None]] = {}
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


def replace_tags(session: Session, project: Project, tags: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Give the project exactly these tags. What changed, by key."""
    changes: dict[str, list[str | None]] = {}
    for binding in _bindings(session, project):
        if binding.key not in tags:
            changes[binding.key] = [binding.value, None]
            session.delete(binding)
    session.flush()
    return changes | add_tags(session, project, tags)


def _bindings(session: Session, project: Project) -> list[TagBinding]:
    return list(session.scalars(select(TagBinding).where(TagBinding.project_id == project.id)))
