"""The part of the agents' protocol that is about policies: plain JSON, for the token of a pool."""

from typing import Any, Final

import orjson
from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute
from app.resources.policies.job_policies import service
from app.resources.policies.job_policies.operations import STATUSES
from app.resources.runs.agent_jobs.requests import FENCE, JOB, JSON, sent_document, sent_fence
from app.web.guard import any_media_type, describes, requires

blueprint = Blueprint("job_policies", __name__, url_prefix="/api/agent/v1")

OUTCOME_BYTES: Final = 8 << 20
ERROR_LENGTH: Final = 4_000


@blueprint.post(f"{JOB}/policies")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=JSON, answer=JSON, parameters=FENCE, errors=(400, 409), is_plain=True)
def begin_policies(job_id: str) -> Response:
    """Begin to evaluate policies: those that count for the run, with their code. Asking again begins anew."""
    return _json(service.describe_policies(job_id, sent_fence()))


@blueprint.post(f"{JOB}/policy-outcomes")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=JSON, answer=JSON, parameters=FENCE, errors=(400, 409, 413, 422), is_plain=True)
def store_policy_outcomes(job_id: str) -> Response:
    """Tell what the policies say about the plan, before the job is finished. What is not told is an error."""
    sent = sent_document(OUTCOME_BYTES)
    service.store_outcomes(job_id, sent_fence(), _told(sent.get("sets")), _text(sent.get("error"), "/error"))
    return _json({})


def _told(sent: Any) -> dict[str, list[dict[str, Any]]]:  # noqa: ANN401 - any JSON
    if not isinstance(sent, list):
        raise InvalidAttribute("sets must be an array", pointer="/sets")
    told = {}
    for index, each in enumerate(sent):
        pointer = f"/sets/{index}"
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise InvalidAttribute("must be an object with an id", pointer=pointer)
        policies = each.get("policies")
        if not isinstance(policies, list):
            raise InvalidAttribute("policies must be an array", pointer=f"{pointer}/policies")
        told[each["id"]] = [_policy(policy, f"{pointer}/policies/{number}") for number, policy in enumerate(policies)]
    return told


def _policy(sent: Any, pointer: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    if not isinstance(sent, dict) or sent.get("status") not in STATUSES:
        raise InvalidAttribute(f"status must be one of {', '.join(STATUSES)}", pointer=f"{pointer}/status")
    output = sent.get("output")
    if output is not None and not isinstance(output, list):
        raise InvalidAttribute("output must be an array", pointer=f"{pointer}/output")
    return {"status": sent["status"], "output": output}


def _text(sent: Any, pointer: str) -> str | None:  # noqa: ANN401 - any JSON
    if sent is None:
        return None
    if not isinstance(sent, str):
        raise InvalidAttribute("must be a text", pointer=pointer)
    return sent[:ERROR_LENGTH]


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")
