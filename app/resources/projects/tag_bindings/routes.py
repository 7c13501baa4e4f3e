"""The tags of projects: two ways to read them, three to set them."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.models.projects import Project
from app.resources.projects.tag_bindings.listing import (
    dump_effective,
    tags_of_projects,
)
from app.resources.projects.tag_bindings.schema import EffectiveTagBindingSchema, TagBindingSchema
from app.resources.projects.tag_bindings.targets import Target
from app.web.guard import describes, requires

blueprint = Blueprint("tag_bindings", __name__, url_prefix="/api/v2")

OF_PROJECTS: Final = Target(
    model=Project,
    tags=tags_of_projects,
    path="projects",
    add=P.PROJECT_ADD_TAGS,
    remove=P.PROJECT_REMOVE_TAGS,
)


@blueprint.get("/projects/<project_id>/tag-bindings")
@blueprint.get("/projects/<project_id>/relationships/tag-bindings", endpoint="list_tag_bindings_relationship")
@requires(P.PROJECT_READ)
@describes(answer=TagBindingSchema, many=True, paged=False)
def list_tag_bindings(project_id: str) -> Response:
    """List the tags of a project."""
    return OF_PROJECTS.listed(project_id)


@blueprint.get("/projects/<project_id>/effective-tag-bindings")
@requires(P.PROJECT_READ)
@describes(answer=EffectiveTagBindingSchema, many=True, paged=False)
def list_effective_tag_bindings(project_id: str) -> Response:
    """List the tags that count for a project; these are its own, because it inherits none."""
    return OF_PROJECTS.listed(project_id, dump_effective)


@blueprint.patch("/projects/<project_id>/tag-bindings")
@requires(P.PROJECT_READ, P.PROJECT_ADD_TAGS)
@describes(body=TagBindingSchema, answer=TagBindingSchema, many=True, paged=False, errors=(422,))
def update_tag_bindings(project_id: str) -> Response:
    """Add tags, or give existing keys new values; the other tags stay. The answer has the tags in the order sent."""
    return OF_PROJECTS.updated(project_id)


@blueprint.post("/projects/<project_id>/relationships/tag-bindings")
@requires(P.PROJECT_READ, P.PROJECT_ADD_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def add_tag_bindings(project_id: str) -> Response:
    """Add tags or give existing keys new values; the other tags stay."""
    return OF_PROJECTS.added(project_id)


@blueprint.patch("/projects/<project_id>/relationships/tag-bindings")
@requires(P.PROJECT_READ, P.PROJECT_REMOVE_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def replace_tag_bindings(project_id: str) -> Response:
    """Replace all tags by these; an empty list removes every one."""
    return OF_PROJECTS.replaced(project_id)
