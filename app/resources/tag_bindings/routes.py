"""The tags of a project: two ways to read them, one that adds and answers, one that adds, one that replaces."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.body import primary_data
from app.jsonapi.errors import Unprocessable
from app.resources.projects.listing import PROJECTS
from app.resources.projects.model import Project
from app.resources.tag_bindings.listing import dump_binding, dump_effective, tags_of_projects
from app.resources.tag_bindings.operations import add_tags, replace_tags
from app.resources.tag_bindings.schema import EffectiveTagBindingSchema, TagBindingSchema, read_tags
from app.web.answers import answer, nothing
from app.web.context import subject
from app.web.guard import describes, requires
from app.web.requests import body
from app.web.transaction import change, record

blueprint = Blueprint("tag_bindings", __name__, url_prefix="/api/v2")


@blueprint.get("/projects/<project_id>/tag-bindings")
@blueprint.get("/projects/<project_id>/relationships/tag-bindings", endpoint="list_tag_bindings_relationship")
@requires(P.PROJECT_READ)
@describes(answer=TagBindingSchema, many=True, paged=False)
def list_tag_bindings(project_id: str) -> Response:
    """List the tags of a project."""
    PROJECTS.one({"id": project_id})
    return _answer_tags(project_id, dump_binding)


@blueprint.get("/projects/<project_id>/effective-tag-bindings")
@requires(P.PROJECT_READ)
@describes(answer=EffectiveTagBindingSchema, many=True, paged=False)
def list_effective_tag_bindings(project_id: str) -> Response:
    """List the tags that count for a project; nothing is above it, so they are its own."""
    PROJECTS.one({"id": project_id})
    return _answer_tags(project_id, dump_effective)


@blueprint.patch("/projects/<project_id>/tag-bindings")
@requires(P.PROJECT_ADD_TAGS)
@describes(body=TagBindingSchema, answer=TagBindingSchema, many=True, paged=False, errors=(422,))
def update_tag_bindings(project_id: str) -> Response:
    """Add tags or give existing keys new values; the other tags stay. Answers them in the order sent."""
    tags = _sent_tags()
    _add(project_id, tags)
    by_key = {row.key: dump_binding(row, None) for row in tags_of_projects([project_id])}
    return answer({"data": [by_key[key] for key in tags if key in by_key], "links": _target(project_id)})


@blueprint.post("/projects/<project_id>/relationships/tag-bindings")
@requires(P.PROJECT_ADD_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def add_tag_bindings(project_id: str) -> Response:
    """Add tags or give existing keys new values; the other tags stay."""
    _add(project_id, _sent_tags())
    return nothing()


@blueprint.patch("/projects/<project_id>/relationships/tag-bindings")
@requires(P.PROJECT_REMOVE_TAGS)
@describes(body=TagBindingSchema, many=True, status=204, errors=(422,))
def replace_tag_bindings(project_id: str) -> Response:
    """Replace all tags by these; an empty list removes every one."""
    tags = _sent_tags()
    with change() as session:
        project = subject(session, Project, project_id, P.PROJECT_REMOVE_TAGS, visible_by=P.PROJECT_READ)
        changes = replace_tags(session, project, tags)
        if changes:
            record(session, "projects.tag", project, {"tag-bindings": changes})
    return nothing()


def _add(project_id: str, tags: Mapping[str, str]) -> None:
    with change() as session:
        project = subject(session, Project, project_id, P.PROJECT_ADD_TAGS, visible_by=P.PROJECT_READ)
        changes = add_tags(session, project, tags)
        if changes:
            record(session, "projects.tag", project, {"tag-bindings": changes})


def _sent_tags() -> dict[str, str]:
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return read_tags(data)


def _answer_tags(project_id: str, dump: Any) -> Response:  # noqa: ANN401 - a compiled dump
    return answer({"data": [dump(row, None) for row in tags_of_projects([project_id])], "links": _target(project_id)})


def _target(project_id: str) -> dict[str, str]:
    return {"target": f"/api/v2/projects/{project_id}"}
