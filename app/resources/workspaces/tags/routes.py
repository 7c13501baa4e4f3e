"""Plain tags over HTTP: of a workspace, of an organization (spec: workspaces, tags)."""

from collections.abc import Callable, Iterable, Sequence

from flask import Blueprint, Response
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.body import identifiers, primary_data, resource_list
from app.jsonapi.errors import NotFound, Unprocessable
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.projects.tag_bindings.operations import Changes, add_plain_tags, remove_plain_tags
from app.resources.workspaces.tags.listing import TAGS, WORKSPACE_TAGS, first_of_each
from app.resources.workspaces.tags.operations import SentTags, names_of
from app.resources.workspaces.tags.schema import NAMED_TAGS, read_tags
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content
from app.web.guard import describes, requires
from app.web.policy import get_for_update, is_allowed, is_allowed_at, organization_or_404, visible
from app.web.requests import body
from app.web.transaction import record_events, transaction

blueprint = Blueprint("tags", __name__, url_prefix="/api/v2")

AT_ONCE = 1_000
Changed = list[tuple[Workspace, Changes]]


@blueprint.get("/workspaces/<workspace_id>/relationships/tags")
@requires(P.WORKSPACE_READ, P.ORGANIZATION_READ)
@describes(listing=WORKSPACE_TAGS)
def list_tags_of_workspace(workspace_id: str) -> Response:
    """List the plain tags of a workspace."""
    workspace = WORKSPACES.get({"id": workspace_id})
    return WORKSPACE_TAGS.page_response(
        {"organization_id": workspace.organization_id, "workspace_id": workspace_id, "value": ""}
    )


@blueprint.post("/workspaces/<workspace_id>/relationships/tags")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body=NAMED_TAGS, status=204, errors=(422,))
def add_tags_to_workspace(workspace_id: str) -> Response:
    """Add plain tags, by name or by id; a new name makes a new tag."""
    return _change(workspace_id, add_plain_tags, ignoring_unknown=False)


@blueprint.delete("/workspaces/<workspace_id>/relationships/tags")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body=NAMED_TAGS, status=204, errors=(422,))
def remove_tags_from_workspace(workspace_id: str) -> Response:
    """Remove plain tags, by name or by id; those that the workspace does not have are ignored."""
    return _change(workspace_id, remove_plain_tags, ignoring_unknown=True)


@blueprint.get("/organizations/<organization>/tags")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ)
@describes(listing=TAGS, errors=(400,))
def list_tags(organization: str) -> Response:
    """List the plain tags of those workspaces of an organization that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return TAGS.page_response({"organization_id": org.id}, extra_filters=(first_of_each(org.id),))


@blueprint.delete("/organizations/<organization>/tags")
@requires(P.WORKSPACE_MANAGE_TAGS)
@describes(body={"$ref": "#/components/schemas/tags-identifiers"}, status=204, errors=(422,))
def destroy_tags(organization: str) -> Response:
    """Remove plain tags from all workspaces of an organization; the caller must manage the tags of all of them."""
    org = organization_or_404(organization, P.WORKSPACE_MANAGE_TAGS)
    wanted = identifiers(resource_list(body(), ("tags",), AT_ONCE))
    with transaction() as session:
        names = names_of(session, org.id, SentTags(tuple(dict.fromkeys(wanted)), ()), _visible(), ignoring_unknown=True)
        tagged = select(TagBinding.workspace_id).where(
            TagBinding.organization_id == org.id,
            TagBinding.workspace_id.is_not(None),
            TagBinding.value == "",
            in_values(TagBinding.__table__.c.key, names),
        )
        workspaces = session.scalars(
            # Always in the same order, so that two can't lock each other out.
            select(Workspace).where(Workspace.id.in_(tagged)).order_by(Workspace.id).with_for_update(),
        ).all()
        _record(session, remove_plain_tags(session, workspaces, names))
    return no_content()


@blueprint.post("/tags/<tag_id>/relationships/workspaces")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body={"$ref": "#/components/schemas/workspaces-identifiers"}, status=204, errors=(422,))
def add_workspaces_to_tag(tag_id: str) -> Response:
    """Add an existing tag to further workspaces: all of them, or none."""
    wanted = set(identifiers(resource_list(body(), ("workspaces",), AT_ONCE)))
    with transaction() as session:
        organization_id, name = _tag(session, tag_id)
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
    return no_content()


def _visible() -> ColumnElement[bool]:
    return visible(P.WORKSPACE_READ, Workspace)


def _tag(session: Session, tag_id: str) -> tuple[str, str]:
    found = session.execute(
        select(TagBinding.organization_id, TagBinding.key)
        .join(Workspace, Workspace.id == TagBinding.workspace_id)
        .where(TagBinding.tag_id == tag_id, TagBinding.value == "", _visible())
        .limit(1),
    ).one_or_none()
    if found is None or not is_allowed_at(P.ORGANIZATION_READ, Level.ORGANIZATION, found.organization_id):
        raise NotFound
    return found.organization_id, found.key


def _change(
    workspace_id: str,
    operation: Callable[[Session, Sequence[Workspace], Iterable[str]], Changed],
    *,
    ignoring_unknown: bool,
) -> Response:
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    tags = read_tags(data)
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_MANAGE_TAGS)
        names = names_of(session, workspace.organization_id, tags, _visible(), ignoring_unknown=ignoring_unknown)
        _record(session, operation(session, [workspace], names))
    return no_content()


def _record(session: Session, changed: Changed) -> None:
    session.flush()
    events = [(workspace, {"tag-bindings": changes}) for workspace, changes in changed if changes]
    record_events(session, "workspaces.tag", events)
