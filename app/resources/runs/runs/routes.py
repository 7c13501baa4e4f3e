"""Runs over HTTP (spec: runs)."""

from typing import Any, Final

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.runs.comments.requests import COMMENT_BODY, sent_comment
from app.resources.runs.runs import service
from app.resources.runs.runs.listing import INCLUDES, ORGANIZATION_RUNS, RUNS, including
from app.resources.runs.runs.schema import NewRunSchema, RunSchema
from app.resources.workspaces.state_versions.access import workspace_for
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("runs", __name__, url_prefix="/api/v2")

# What the included resources ask for.
_INCLUDED: Final = (P.RUN_READ, P.USER_READ, P.WORKSPACE_READ)


@blueprint.post("/runs")
@requires(P.WORKSPACE_READ, P.RUN_PLAN, P.RUN_APPLY, P.RUN_READ)
@describes(body=NewRunSchema, answer=RunSchema, status=201, errors=(403, 422))
def create_run() -> Response:
    """Create a run of a workspace. A run that destroys, or applies by itself, is for callers who may apply."""
    return resource_response(service.create_run(load(NewRunSchema, body())), 201)


@blueprint.get("/workspaces/<workspace_id>/runs")
@requires(*_INCLUDED)
@describes(listing=RUNS, includes=INCLUDES, errors=(400,))
def list_runs(workspace_id: str) -> Response:
    """List the runs of a workspace, newest first. Those that only plan are left out unless asked for."""
    workspace_for(workspace_id, P.RUN_READ)
    return RUNS.page_response({"workspace_id": workspace_id}, include=_including())


@blueprint.get("/organizations/<organization>/runs")
@requires(P.ORGANIZATION_READ, *_INCLUDED)
@describes(listing=ORGANIZATION_RUNS, includes=INCLUDES, errors=(400,))
def list_organization_runs(organization: str) -> Response:
    """List the runs of all workspaces that the caller can see, newest first."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return ORGANIZATION_RUNS.page_response({"organization_id": org.id}, include=_including())


@blueprint.get("/runs/<run_id>")
@requires(*_INCLUDED)
@describes(answer=RunSchema, includes=INCLUDES, errors=(400,))
def show_run(run_id: str) -> Response:
    """Show a run."""
    include = _including()
    row = RUNS.get({"id": run_id})
    shown = RUNS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.post("/runs/<run_id>/actions/apply")
@requires(P.RUN_READ, P.RUN_APPLY)
@describes(body=COMMENT_BODY, status=202, errors=(409, 422))
def apply_run(run_id: str) -> Response:
    """Confirm the plan of a run: its apply is queued."""
    service.apply_run(run_id, sent_comment())
    return _accepted()


@blueprint.post("/runs/<run_id>/actions/discard")
@requires(P.RUN_READ, P.RUN_APPLY)
@describes(body=COMMENT_BODY, status=202, errors=(409, 422))
def discard_run(run_id: str) -> Response:
    """Discard a run that waits for somebody, or for its turn."""
    service.discard_run(run_id, sent_comment())
    return _accepted()


@blueprint.post("/runs/<run_id>/actions/cancel")
@requires(P.RUN_READ, P.RUN_PLAN, P.RUN_APPLY)
@describes(body=COMMENT_BODY, status=202, errors=(409, 422))
def cancel_run(run_id: str) -> Response:
    """Cancel a run. One that is planning or applying is interrupted, and ends as soon as terraform does."""
    service.cancel_run(run_id, sent_comment())
    return _accepted()


@blueprint.post("/runs/<run_id>/actions/force-cancel")
@requires(P.RUN_READ, P.RUN_APPLY, P.WORKSPACE_UPDATE)
@describes(body=COMMENT_BODY, status=202, errors=(409, 422))
def force_cancel_run(run_id: str) -> Response:
    """End a run that was canceled a minute ago and has not stopped. The workspace is unlocked."""
    service.force_cancel_run(run_id, sent_comment())
    return _accepted()


@blueprint.post("/runs/<run_id>/actions/force-execute")
@requires(P.RUN_READ, P.RUN_APPLY)
@describes(status=202, errors=(403, 409))
def force_execute_run(run_id: str) -> Response:
    """Discard the run that holds the workspace and waits for somebody, and begin this one."""
    service.force_execute_run(run_id)
    return _accepted()


def _accepted() -> Response:
    response = Response(status=202)
    del response.headers["Content-Type"]
    return response


def _including() -> Any:  # noqa: ANN401 - a function or None
    return including(includes_of(request.args, INCLUDES))
