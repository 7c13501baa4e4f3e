"""The protocol of agents: plain JSON and bytes below ``/api/agent/v1``, for the token of a pool.

docs/agents.md says what an agent does; ``app.agent`` is one. Nothing here is part of HCP Terraform's API.
"""

from datetime import timedelta
from typing import Any, Final

import orjson
from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, NotFound
from app.resources.runs.agent_jobs import files, service
from app.resources.runs.agent_jobs.requests import FENCE, JOB, JSON, sent_document, sent_fence, sent_number
from app.web.answers import no_content
from app.web.guard import any_media_type, describes, requires
from app.web.requests import sent_pieces

blueprint = Blueprint("agent_jobs", __name__, url_prefix="/api/agent/v1")

BYTES: Final = {"type": "string", "format": "binary"}
BODY_BYTES: Final = 64 * 1024
LOG_BYTES: Final = 1024 * 1024
ERROR_LENGTH: Final = 10_000
OUTCOMES: Final = ("ok", "failed", "canceled")


@blueprint.post("/agents/<agent_id>/acquire")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=JSON, answer=JSON, statuses=(204,), is_plain=True)
def acquire_job(agent_id: str) -> Response:
    """Take a job; 204 with ``Retry-After`` if there is none."""
    job = service.acquire_job(agent_id)
    if not isinstance(job, timedelta):
        return _json(job)
    response = no_content()
    response.headers["Retry-After"] = str(int(job.total_seconds()))
    return response


@blueprint.post(f"{JOB}/start")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=JSON, answer=JSON, parameters=FENCE, errors=(400, 409), is_plain=True)
def start_job(job_id: str) -> Response:
    """Begin to work on the job; answers with its variables and with the token for terraform."""
    return _json(service.start_job(job_id, sent_fence()))


@blueprint.put(f"{JOB}/lease")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(answer=JSON, parameters=FENCE, errors=(400, 409), is_plain=True)
def renew_lease(job_id: str) -> Response:
    """Keep the job, and learn whether it should stop."""
    return _json(service.renew_lease(job_id, sent_fence()))


@blueprint.put(f"{JOB}/log")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(
    body=BYTES,
    answer=JSON,
    parameters=[*FENCE, ("offset", "Where the bytes belong, counted without the marks")],
    errors=(400, 409, 413),
    is_plain=True,
)
def write_log(job_id: str) -> Response:
    """Append to the log. What overlaps is dropped; after a gap nothing is stored. Answers with the length."""
    fence, offset = sent_fence(), sent_number("offset")
    sent = b"".join(sent_pieces(LOG_BYTES))
    return _json({"length": service.write_log(job_id, fence, offset, sent)})


@blueprint.get(f"{JOB}/configuration")
@requires(P.AGENT_POOL_SERVE)
@describes(answer=BYTES, statuses=(204,), parameters=FENCE, errors=(400, 409))
def download_configuration(job_id: str) -> Response:
    """Download the configuration of the run as a compressed tar archive."""
    return _bytes(files.open_configuration(job_id, sent_fence()))


@blueprint.get(f"{JOB}/state")
@requires(P.AGENT_POOL_SERVE)
@describes(answer=BYTES, statuses=(204,), parameters=FENCE, errors=(400, 409))
def download_state(job_id: str) -> Response:
    """Download the current state of the workspace; 204 if it has none."""
    return _bytes(files.open_state(job_id, sent_fence()))


@blueprint.put(f"{JOB}/state")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(
    body=BYTES,
    answer=JSON,
    parameters=[*FENCE, ("final", "``true`` for the last one, after which terraform changes nothing any more")],
    errors=(400, 409, 413, 422),
    is_plain=True,
)
def upload_state(job_id: str) -> Response:
    """Store a state of the apply. One that comes too late to become a version is kept beside the apply."""
    is_last = request.args.get("final") == "true"
    return _json({"kept-as": files.store_state(job_id, sent_fence(), sent_pieces, is_last=is_last)})


@blueprint.get(f"{JOB}/artifacts/<kind>")
@requires(P.AGENT_POOL_SERVE)
@describes(answer=BYTES, statuses=(204,), parameters=FENCE, errors=(400, 409))
def download_artifact(job_id: str, kind: str) -> Response:
    """Download a file that the plan has left: ``plan`` or ``lock-file``."""
    if kind not in files.DOWNLOADED:
        raise NotFound
    return _bytes(files.open_artifact(job_id, sent_fence(), kind))


@blueprint.put(f"{JOB}/artifacts/<kind>")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=BYTES, status=204, parameters=FENCE, errors=(400, 409, 413))
def upload_artifact(job_id: str, kind: str) -> Response:
    """Store a file of the plan: ``plan``, ``plan-json``, ``plan-json-redacted`` or ``lock-file``."""
    if kind not in files.ARTIFACTS:
        raise NotFound
    files.store_artifact(job_id, sent_fence(), kind, sent_pieces)
    return no_content()


@blueprint.post(f"{JOB}/finish")
@any_media_type
@requires(P.AGENT_POOL_SERVE)
@describes(body=JSON, answer=JSON, parameters=FENCE, errors=(400, 409, 422), is_plain=True)
def finish_job(job_id: str) -> Response:
    """End the phase with its outcome. Saying it again changes nothing."""
    service.finish_phase(job_id, sent_fence(), _result(sent_document(BODY_BYTES)))
    return _json({})


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")


def _bytes(pieces: Any) -> Response:  # noqa: ANN401 - an iterator or None
    return no_content() if pieces is None else Response(pieces, content_type="application/octet-stream")


def _result(sent: dict[str, Any]) -> dict[str, Any]:
    if sent.get("outcome") not in OUTCOMES:
        raise InvalidAttribute(f"outcome must be one of {', '.join(OUTCOMES)}", pointer="/outcome")
    counts = {name: sent.get(name) for name in service.COUNTS}
    for name, count in counts.items():
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 2**31):
            raise InvalidAttribute(f"{name} must be a whole number", pointer=f"/{name}")
    texts = {name: sent.get(name) for name in ("error", "terraform-version")}
    for name, text in texts.items():
        if text is not None and (not isinstance(text, str) or "\0" in text):
            raise InvalidAttribute(f"{name} must be a text", pointer=f"/{name}")
    return {
        "outcome": sent["outcome"],
        **counts,
        "has_changes": sent.get("has-changes") is True,
        "generated_configuration": sent.get("generated-configuration") is True,
        "state_missing": sent.get("state-missing") is True,
        "is_killed": sent.get("killed") is True,
        "terraform_version": texts["terraform-version"],
        "error": (texts["error"] or "")[:ERROR_LENGTH] or None,
    }
