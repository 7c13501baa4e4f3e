"""Resolving the plain tags that a client sends, by id or by name."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import in_values


@dataclass(frozen=True, slots=True)
class SentTags:
    """Tags that a client named, by id or by name; names are in lower case, without duplicates, in their order."""

    identifiers: tuple[str, ...]
    names: tuple[str, ...]


def names_of(
    session: Session,
    organization_id: str,
    tags: SentTags,
    visible: ColumnElement[bool],
    *,
    ignoring_unknown: bool = False,
) -> list[str]:
    """The names of the tags; tags sent by id must be in use on a visible workspace of the organization."""
    if not tags.identifiers:
        return list(tags.names)
    rows = session.execute(
        select(TagBinding.tag_id, TagBinding.key)
        .join(Workspace, Workspace.id == TagBinding.workspace_id)
        .where(
            visible,
            in_values(TagBinding.__table__.c.tag_id, tags.identifiers),
            TagBinding.organization_id == organization_id,
        )
        .distinct(),
    )
    found = {row.tag_id: row.key for row in rows}
    if not ignoring_unknown and len(found) < len(tags.identifiers):
        raise NotFound
    return list(dict.fromkeys([*tags.names, *found.values()]))
