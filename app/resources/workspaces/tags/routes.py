"""Plain tags over HTTP: of a workspace, of an organization (spec: workspaces, tags)."""

from collections.abc import Callable, Iterable, Sequence

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.body import identifiers, primary_data, resource_list
from app.jsonapi.errors import Unprocessable
from app.models.workspaces import Workspace
from app.resources.projects.tag_bindings.operations import add_plain_tags, remove_plain_tags
from app.resources.workspaces.tags import service
from app.resources.workspaces.tags.listing import TAGS, WORKSPACE_TAGS, first_of_each
from app.resources.workspaces.tags.schema import NAMED_TAGS, read_tags
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("tags", __name__, url_prefix="/api/v2")

AT_ONCE = 1_000


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
@requires(P.WORKSPACE_MANAGE_TAGS, P.WORKSPACE_READ)
@describes(body={"$ref": "#/components/schemas/tags-identifiers"}, status=204, errors=(422,))
def destroy_tags(organization: str) -> Response:
    """Remove plain tags from all workspaces of an organization; the caller must manage the tags of all of them."""
    org = organization_or_404(organization, P.WORKSPACE_MANAGE_TAGS)
    wanted = identifiers(resource_list(body(), ("tags",), AT_ONCE))
    service.destroy_tags(org, wanted)
    return no_content()


@blueprint.post("/tags/<tag_id>/relationships/workspaces")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body={"$ref": "#/components/schemas/workspaces-identifiers"}, status=204, errors=(422,))
def add_workspaces_to_tag(tag_id: str) -> Response:
    """Add an existing tag to further workspaces: all of them, or none."""
    wanted = set(identifiers(resource_list(body(), ("workspaces",), AT_ONCE)))
    service.add_workspaces_to_tag(tag_id, wanted)
    return no_content()


def _change(
    workspace_id: str,
    operation: Callable[[Session, Sequence[Workspace], Iterable[str]], service.Changed],
    *,
    ignoring_unknown: bool,
) -> Response:
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    tags = read_tags(data)
    service.change_tags_of_workspace(workspace_id, tags, operation, ignoring_unknown=ignoring_unknown)
    return no_content()
