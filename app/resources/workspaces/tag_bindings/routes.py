"""The tags of workspaces: two ways to read them, three to set them."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.models.workspaces import Workspace
from app.resources.projects.tag_bindings.listing import effective_tags, tags_of_workspaces
from app.resources.projects.tag_bindings.schema import EffectiveTagBindingSchema, TagBindingSchema
from app.resources.projects.tag_bindings.targets import Target
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import document_response
from app.web.guard import describes, requires

blueprint = Blueprint("workspace_tag_bindings", __name__, url_prefix="/api/v2")

OF_WORKSPACES: Final = Target(
    model=Workspace,
    tags=tags_of_workspaces,
    path="workspaces",
    add=P.WORKSPACE_MANAGE_TAGS,
    remove=P.WORKSPACE_MANAGE_TAGS,
)


@blueprint.get("/workspaces/<workspace_id>/tag-bindings")
@blueprint.get(
    "/workspaces/<workspace_id>/relationships/tag-bindings",
    endpoint="list_workspace_tag_bindings_relationship",
)
@requires(P.WORKSPACE_READ)
@describes(answer=TagBindingSchema, many=True, paged=False)
def list_workspace_tag_bindings(workspace_id: str) -> Response:
    """List a workspace's own tags; those without a value are its plain tags."""
    return OF_WORKSPACES.listed(workspace_id)


@blueprint.get("/workspaces/<workspace_id>/effective-tag-bindings")
@requires(P.WORKSPACE_READ)
@describes(answer=EffectiveTagBindingSchema, many=True, paged=False)
def list_effective_workspace_tag_bindings(workspace_id: str) -> Response:
    """List the keys and values that count for a workspace: its own, and those of the project whose keys it lacks.

    Plain tags are not among them.
    """
    workspace = WORKSPACES.get({"id": workspace_id})
    return document_response(
        {"data": effective_tags([workspace])[workspace_id], "links": OF_WORKSPACES.links(workspace_id)}
    )


@blueprint.patch("/workspaces/<workspace_id>/tag-bindings")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body=TagBindingSchema, answer=TagBindingSchema, many=True, paged=False, errors=(422,))
def update_workspace_tag_bindings(workspace_id: str) -> Response:
    """Add tags, or give existing keys new values; the other tags stay. The answer has the tags in the order sent."""
    return OF_WORKSPACES.updated(workspace_id)


@blueprint.post("/workspaces/<workspace_id>/relationships/tag-bindings")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def add_workspace_tag_bindings(workspace_id: str) -> Response:
    """Add tags or give existing keys new values; the other tags stay."""
    return OF_WORKSPACES.added(workspace_id)


@blueprint.patch("/workspaces/<workspace_id>/relationships/tag-bindings")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def replace_workspace_tag_bindings(workspace_id: str) -> Response:
    """Replace all keys and values of a workspace by these. Its plain tags stay, unless one of these keys is theirs."""
    return OF_WORKSPACES.replaced(workspace_id)
