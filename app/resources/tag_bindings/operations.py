"""Setting the tags of a project or a workspace."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.jsonapi.errors import Unprocessable
from app.resources.projects.model import Project
from app.resources.tag_bindings.model import MAXIMUM, MAXIMUM_PLAIN, TagBinding
from app.resources.workspaces.model import Workspace

Tagged = Project | Workspace
Bound = dict[str, TagBinding]
Changes = dict[str, list[str | None]]
"""The value of each key that changed, before and after."""


def add_tags(session: Session, owner: Tagged, tags: Mapping[str, str]) -> Changes:
    """Give the project or workspace these tags beside its others; an existing key gets the new value.

    What changed, by key. The owner's row is locked by the caller, so that two requests can't pass the limit together.
    """
    return _bind(session, owner, _bindings(session, owner), tags)


def replace_tags(session: Session, owner: Tagged, tags: Mapping[str, str]) -> Changes:
    """Give the project or workspace exactly these tags. What changed, by key."""
    bound = _bindings(session, owner)
    changes = _unbind(session, bound, [key for key in bound if key not in tags])
    return changes | _bind(session, owner, bound, tags)


def add_plain_tags(session: Session, workspace: Workspace, names: Iterable[str]) -> Changes:
    """Give the workspace these tags without a value; a key that is there keeps its value. What changed, by key."""
    bound = _bindings(session, workspace)
    return _bind(session, workspace, bound, {name: "" for name in names if name not in bound})


def remove_plain_tags(session: Session, workspace: Workspace, names: Iterable[str]) -> Changes:
    """Take these tags without a value from the workspace, as far as it has them. What changed, by key."""
    bound = _bindings(session, workspace)
    return _unbind(session, bound, [name for name in names if name in bound and not bound[name].value])


def replace_plain_tags(session: Session, workspace: Workspace, names: Iterable[str]) -> Changes:
    """Give the workspace exactly these tags without a value, beside those with one. What changed, by key."""
    bound, wanted = _bindings(session, workspace), list(names)
    changes = _unbind(session, bound, [key for key, each in bound.items() if not each.value and key not in wanted])
    return changes | _bind(session, workspace, bound, {name: "" for name in wanted if name not in bound})


def _bindings(session: Session, owner: Tagged) -> Bound:
    # What the same transaction has added before counts as well.
    session.flush()
    found = session.scalars(select(TagBinding).where(_owner_column(owner) == owner.id))
    return {binding.key: binding for binding in found}


def _owner_column(owner: Tagged) -> InstrumentedAttribute[str | None]:
    return TagBinding.project_id if isinstance(owner, Project) else TagBinding.workspace_id


def _unbind(session: Session, bound: Bound, keys: Iterable[str]) -> Changes:
    changes: Changes = {}
    for key in keys:
        binding = bound.pop(key)
        session.delete(binding)
        changes[key] = [binding.value, None]
    return changes


def _bind(session: Session, owner: Tagged, bound: Bound, tags: Mapping[str, str]) -> Changes:
    _check_limits(owner, {key: binding.value for key, binding in bound.items()} | dict(tags))
    owned = {"organization_id": owner.organization_id, _owner_column(owner).key: owner.id}
    position = max((binding.position for binding in bound.values()), default=0)
    changes: Changes = {}
    for key, value in tags.items():
        binding = bound.get(key)
        if binding is None:
            position += 1
            bound[key] = TagBinding(**owned, key=key, value=value, position=position)
            session.add(bound[key])
            changes[key] = [None, value]
        elif binding.value != value:
            changes[key] = [binding.value, value]
            binding.value = value
    return changes


def _check_limits(owner: Tagged, tags: Mapping[str, str]) -> None:
    valued = sum(1 for value in tags.values() if value)
    # The tags of projects are all bindings; a workspace has plain ones as well, for which clients know no limit.
    if valued > MAXIMUM or (isinstance(owner, Project) and len(tags) > MAXIMUM):
        raise Unprocessable(f"Tag bindings cannot exceed {MAXIMUM} bindings per resource", pointer="/data")
    if len(tags) - valued > MAXIMUM_PLAIN:
        raise Unprocessable(f"Tags cannot exceed {MAXIMUM_PLAIN} per workspace", pointer="/data")
