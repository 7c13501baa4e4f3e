"""Use cases of tags: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import NotFound
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.projects.tag_bindings.operations import Changes, add_plain_tags, remove_plain_tags
from app.resources.workspaces.tags.operations import SentTags, names_of
from app.web.policy import get_for_update, is_allowed, is_allowed_at, visible
from app.web.transaction import record_events, transaction

Changed = list[tuple[Workspace, Changes]]


def destroy_tags(org: OrganizationRef, wanted: list[str]) -> None:
    """Remove plain tags from all workspaces of an organization; the caller must manage the tags of all of them."""
    with transaction() as session:
        names = names_of(session, org.id, SentTags(tuple(dict.fromkeys(wanted)), ()), _visible(), ignoring_unknown=True)
        tagged = select(TagBinding.workspace_id).where(
            TagBinding.organization_id == org.id,
            TagBinding.workspace_id.is_not(None),
            TagBinding.value == "",
            in_values(TagBinding.__table__.c.key, names),
        )
        workspaces = session.scalars(
            # Always in the same order, so that two requests can't deadlock.
            select(Workspace).where(Workspace.id.in_(tagged)).order_by(Workspace.id).with_for_update(),
        ).all()
        _record(session, remove_plain_tags(session, workspaces, names))


def add_workspaces_to_tag(tag_id: str, wanted: Collection[str]) -> None:
    """Add an existing tag to further workspaces: all of them, or none."""
    with transaction() as session:
        organization_id, name = _visible_tag(session, tag_id)
        workspaces = session.scalars(
            select(Workspace)
            .where(in_values(Workspace.__table__.c.id, wanted), Workspace.organization_id == organization_id)
            .order_by(Workspace.id)
            .with_for_update(),
        ).all()
        if len(workspaces) < len(wanted) or not all(
            is_allowed(P.WORKSPACE_READ, each) and is_allowed(P.WORKSPACE_MANAGE_TAGS, each) for each in workspaces
        ):
            raise NotFound
        _record(session, add_plain_tags(session, workspaces, [name]))


def change_tags_of_workspace(
    workspace_id: str,
    tags: SentTags,
    operation: Callable[[Session, Sequence[Workspace], Iterable[str]], Changed],
    *,
    ignoring_unknown: bool,
) -> None:
    """Add these plain tags to the workspace or remove them from it, as the operation does."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_MANAGE_TAGS)
        names = names_of(session, workspace.organization_id, tags, _visible(), ignoring_unknown=ignoring_unknown)
        _record(session, operation(session, [workspace], names))


def _visible() -> ColumnElement[bool]:
    return visible(P.WORKSPACE_READ, Workspace)


def _visible_tag(session: Session, tag_id: str) -> tuple[str, str]:
    found = session.execute(
        select(TagBinding.organization_id, TagBinding.key)
        .join(Workspace, Workspace.id == TagBinding.workspace_id)
        .where(TagBinding.tag_id == tag_id, TagBinding.value == "", _visible())
        .limit(1),
    ).one_or_none()
    if found is None or not is_allowed_at(P.ORGANIZATION_READ, Level.ORGANIZATION, found.organization_id):
        raise NotFound
    return found.organization_id, found.key


def _record(session: Session, changed: Changed) -> None:
    session.flush()
    events = [(workspace, {"tag-bindings": changes}) for workspace, changes in changed if changes]
    record_events(session, "workspaces.tag", events)
