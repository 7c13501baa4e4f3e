"""Comments over HTTP (spec: comments)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.resources.runs.comments.listing import COMMENTS
from app.resources.runs.comments.schema import CommentSchema
from app.resources.runs.runs import service
from app.resources.runs.runs.access import run_for
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.requests import body

blueprint = Blueprint("comments", __name__, url_prefix="/api/v2")


@blueprint.get("/runs/<run_id>/comments")
@requires(P.RUN_READ)
@describes(listing=COMMENTS, errors=(400,))
def list_comments(run_id: str) -> Response:
    """List the comments on a run, oldest first."""
    run_for(run_id, P.RUN_READ)
    return COMMENTS.page_response({"run_id": run_id})


@blueprint.post("/runs/<run_id>/comments")
@requires(P.RUN_READ, P.RUN_PLAN)
@describes(body=CommentSchema, answer=CommentSchema, status=201, errors=(422,))
def create_comment(run_id: str) -> Response:
    """Comment on a run."""
    run_for(run_id, P.RUN_PLAN)
    comment_id = service.create_comment(run_id, load(CommentSchema, body())["body"])
    return resource_response(COMMENTS.get_resource({"id": comment_id}), 201)


@blueprint.get("/comments/<comment_id>")
@requires(P.RUN_READ)
@describes(answer=CommentSchema)
def show_comment(comment_id: str) -> Response:
    """Show a comment."""
    return resource_response(COMMENTS.get_resource({"id": comment_id}))
