"""Setting the tags of a project or a workspace."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.projects import Project
from app.models.reserved_tag_keys import ReservedTagKey
from app.models.tag_bindings import MAXIMUM, MAXIMUM_PLAIN, TagBinding
from app.models.workspaces import Workspace
from app.persistence import case_folded, in_values

Tagged = Project | Workspace
Bound = dict[str, TagBinding]
Changes = dict[str, list[str | None]]
"""The value of each key that changed, before and after."""


class OverrideDisabled(InvalidAttribute):
    """The workspace inherits the key from its project, and the organization has reserved the key against overrides."""

    code = "tag-override-disabled"


def add_tags(session: Session, owner: Tagged, tags: Mapping[str, str]) -> Changes:
    """Add these tags to the project or workspace; a key that exists already gets the new value.

    Returns what changed, by key. The caller has locked the owner's row, so two requests can't exceed the limit
    together.
    """
    bound = _bindings(session, owner)
    return _bind(session, owner, bound, tags, _fixed_for(session, owner, bound, tags))


def replace_tags(session: Session, owner: Tagged, tags: Mapping[str, str]) -> Changes:
    """Replace all tags of the project or workspace but its plain ones; returns what changed, by key."""
    bound = _bindings(session, owner)
    for key in bound:
        # Sent as a key with an empty value, it is no longer a plain tag.
        bound[key].is_plain &= key not in tags
    changes = _unbind(session, bound, [key for key, each in bound.items() if key not in tags and not each.is_plain])
    return changes | _bind(session, owner, bound, tags, _fixed_for(session, owner, bound, tags))


def add_plain_tags(
    session: Session, workspaces: Sequence[Workspace], names: Iterable[str]
) -> list[tuple[Workspace, Changes]]:
    """Add these tags without a value to each workspace; an existing key keeps its value. Returns what changed."""
    wanted, bound = list(names), _bindings_of(session, workspaces)
    new = {key: {name: "" for name in wanted if name not in each} for key, each in bound.items()}
    fixed = _fixed_keys(session, workspaces, wanted)
    changed = [
        (workspace, _bind(session, workspace, bound[workspace.id], new[workspace.id], fixed))
        for workspace in workspaces
    ]
    for each in bound.values():
        _mark_plain(each, wanted)
    return changed


def remove_plain_tags(
    session: Session, workspaces: Sequence[Workspace], names: Iterable[str]
) -> list[tuple[Workspace, Changes]]:
    """Remove these tags without a value from each workspace that has them. Returns what changed."""
    wanted, bound = list(names), _bindings_of(session, workspaces)
    there = {key: [name for name in wanted if name in each and not each[name].value] for key, each in bound.items()}
    return [(workspace, _unbind(session, bound[workspace.id], there[workspace.id])) for workspace in workspaces]


def replace_plain_tags(session: Session, workspace: Workspace, names: Iterable[str]) -> Changes:
    """Replace the workspace's tags without a value; those with a value stay. Returns what changed, by key."""
    bound, wanted = _bindings(session, workspace), list(names)
    changes = _unbind(session, bound, [key for key, each in bound.items() if not each.value and key not in wanted])
    new = {name: "" for name in wanted if name not in bound}
    changes |= _bind(session, workspace, bound, new, _fixed_for(session, workspace, bound, new))
    _mark_plain(bound, wanted)
    return changes


def _mark_plain(bound: Bound, names: Iterable[str]) -> None:
    for name in names:
        bound[name].is_plain = not bound[name].value


def _bindings(session: Session, owner: Tagged) -> Bound:
    # Tags added earlier in the same transaction count as well.
    session.flush()
    found = session.scalars(select(TagBinding).where(_owner_column(owner) == owner.id))
    return {binding.key: binding for binding in found}


def _bindings_of(session: Session, workspaces: Sequence[Workspace]) -> dict[str, Bound]:
    found: dict[str, Bound] = {workspace.id: {} for workspace in workspaces}
    for binding in session.scalars(
        select(TagBinding).where(in_values(TagBinding.__table__.c.workspace_id, list(found)))
    ):
        found[str(binding.workspace_id)][binding.key] = binding
    return found


Fixed = set[tuple[str | None, str]]
"""Pairs of a project and a key whose value its workspaces can't override."""


def _fixed_for(session: Session, owner: Tagged, bound: Bound, tags: Mapping[str, str]) -> Fixed:
    # Existing overrides may stay, because clients send all tags of a workspace to change one.
    new = [key for key, value in tags.items() if key not in bound or bound[key].value != value]
    return _fixed_keys(session, [owner] if isinstance(owner, Workspace) else [], new)


def _fixed_keys(session: Session, workspaces: Sequence[Workspace], keys: Sequence[str]) -> Fixed:
    if not workspaces or not keys:
        return set()
    found = session.execute(
        select(TagBinding.project_id, TagBinding.key)
        .join(
            ReservedTagKey,
            (ReservedTagKey.organization_id == TagBinding.organization_id)
            & (case_folded(ReservedTagKey.key) == case_folded(TagBinding.key)),
        )
        .where(
            in_values(TagBinding.__table__.c.project_id, {workspace.project_id for workspace in workspaces}),
            in_values(TagBinding.__table__.c.key, keys),
            ReservedTagKey.disable_overrides,
        ),
    )
    return {(row.project_id, row.key) for row in found}


def _owner_column(owner: Tagged) -> InstrumentedAttribute[str | None]:
    return TagBinding.project_id if isinstance(owner, Project) else TagBinding.workspace_id


def _unbind(session: Session, bound: Bound, keys: Iterable[str]) -> Changes:
    changes: Changes = {}
    for key in keys:
        binding = bound.pop(key)
        session.delete(binding)
        changes[key] = [binding.value, None]
    return changes


def _bind(session: Session, owner: Tagged, bound: Bound, tags: Mapping[str, str], fixed: Fixed) -> Changes:
    _check_limits(owner, {key: binding.value for key, binding in bound.items()} | dict(tags))
    for key in tags:
        if isinstance(owner, Workspace) and (owner.project_id, key) in fixed:
            raise OverrideDisabled(f"Key {key} is inherited from the project and can't be overridden", pointer="/data")
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
            binding.is_plain = False
    return changes


def _check_limits(owner: Tagged, tags: Mapping[str, str]) -> None:
    valued = sum(1 for value in tags.values() if value)
    # All tags of a project are bindings; a workspace has plain tags as well, for which clients know no limit.
    if valued > MAXIMUM or (isinstance(owner, Project) and len(tags) > MAXIMUM):
        raise Unprocessable(f"Tag bindings cannot exceed {MAXIMUM} bindings per resource", pointer="/data")
    if len(tags) - valued > MAXIMUM_PLAIN:
        raise Unprocessable(f"Tags cannot exceed {MAXIMUM_PLAIN} per workspace", pointer="/data")
