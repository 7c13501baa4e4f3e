"""Results of run tasks over HTTP (spec: run tasks integration)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute
from app.jsonapi.schema import load
from app.models.run_tasks import TaskResult
from app.resources.runs.task_results import service
from app.resources.runs.task_results.listing import TASK_RESULT_OUTCOMES, TASK_RESULTS
from app.resources.runs.task_results.schema import (
    AnswerSchema,
    TaskResultOutcomeSchema,
    TaskResultSchema,
    read_outcomes,
)
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body

blueprint = Blueprint("task_results", __name__, url_prefix="/api/v2")


@blueprint.get("/task-results/<task_result_id>")
@requires(P.RUN_READ)
@describes(answer=TaskResultSchema)
def show_task_result(task_result_id: str) -> Response:
    """Show what a run task says about a stage of a run."""
    return resource_response(TASK_RESULTS.get_resource({"id": task_result_id}))


@blueprint.patch("/task-results/<task_result_id>/callback")
@requires(P.RUN_READ, P.RUN_TASK_ANSWER)
@describes(body=AnswerSchema, answer=TaskResultSchema, errors=(409, 422))
def answer_task_result(task_result_id: str) -> Response:
    """Give the result: for the run task, with the token of the request that it got.

    `running` is a sign of life, of which there must be one every 10 minutes. The relationship `outcomes` may have up
    to 100 resource objects of the type `task-result-outcomes`, with the attributes `outcome-id`, `description`, `body`,
    `url` and `tags`.
    """
    get_visible(TaskResult, task_result_id, P.RUN_TASK_ANSWER)
    sent = body()
    members = load(AnswerSchema, sent)
    return resource_response(service.answer(task_result_id, members, _outcomes(sent)))


@blueprint.get("/task-results/<task_result_id>/outcomes")
@requires(P.RUN_READ)
@describes(listing=TASK_RESULT_OUTCOMES, errors=(400,))
def list_task_result_outcomes(task_result_id: str) -> Response:
    """List the findings of a run task, in its order."""
    TASK_RESULTS.get({"id": task_result_id})
    return TASK_RESULT_OUTCOMES.page_response({"task_result_id": task_result_id})


@blueprint.get("/task-result-outcomes/<task_result_outcome_id>")
@requires(P.RUN_READ)
@describes(answer=TaskResultOutcomeSchema)
def show_task_result_outcome(task_result_outcome_id: str) -> Response:
    """Show a finding of a run task."""
    return resource_response(TASK_RESULT_OUTCOMES.get_resource({"id": task_result_outcome_id}))


def _outcomes(sent: object) -> list[dict[str, Any]] | None:
    data = sent.get("data") if isinstance(sent, Mapping) else None
    try:
        return read_outcomes(data.get("relationships") if isinstance(data, Mapping) else None)
    except ValidationError as error:
        raise InvalidAttribute(f"Outcomes {error.messages[0]}", pointer=service.OUTCOMES_POINTER) from None
