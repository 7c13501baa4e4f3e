"""The queue of a pool over HTTP, for what starts agents when there is work: plain JSON, for the token of the pool."""

from typing import Any, Final

from flask import Blueprint, Response, jsonify

from app.authz.permissions import P
from app.resources.organizations.agents.service import own_pool
from app.resources.runs.agent_jobs.pool_queue import MOST_JOBS, queue_of
from app.web.context import reader
from app.web.guard import describes, requires

blueprint = Blueprint("pool_queue", __name__, url_prefix="/api/agent/v1")

_COUNT: Final = {"type": "integer", "minimum": 0}
QUEUE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["queued", "ready", "running", "idle", "wanted", "jobs"],
    "properties": {
        **dict.fromkeys(("queued", "ready", "running", "idle", "wanted"), _COUNT),
        "jobs": {"type": "array", "maxItems": MOST_JOBS, "items": {"type": "string"}},
    },
}


@blueprint.get("/queue")
@requires(P.AGENT_POOL_SERVE)
@describes(answer=QUEUE, is_plain=True)
def show_queue() -> Response:
    """Show how many agents the pool of the token could use: `wanted` is how many more than there are.

    `queued` jobs wait; as many as `ready` may begin now by the limits of the pool and of the organizations, up to 500.
    Agents work on `running` ones, and have room for `idle` more. `jobs` names those that are ready, in about the order
    in which they are given out; a job that is given out again has another name.
    """
    return jsonify(queue_of(reader(), own_pool()))
