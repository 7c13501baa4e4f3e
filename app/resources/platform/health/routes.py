"""Health over HTTP, without a token, for balancers and orchestrators."""

from typing import Any, Final

import orjson
from flask import Blueprint, Response

from app.resources.platform.health.checks import health
from app.web.guard import describes, open_to_all

blueprint = Blueprint("health", __name__)

TEXT: Final = {"type": "string"}
ALIVE: Final[dict[str, Any]] = {"type": "object", "required": ["status"], "properties": {"status": TEXT}}
READY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {"status": TEXT, "checks": {"type": "object", "additionalProperties": TEXT}},
}


@blueprint.get("/healthz")
@open_to_all
@describes(answer=ALIVE, is_plain=True)
def show_health() -> Response:
    """Show that the process answers. It asks for nothing else; if this fails, the process has to be replaced."""
    return _answer({"status": "alive"})


@blueprint.get("/readyz")
@open_to_all
@describes(answer=READY, is_plain=True, errors=(503,))
def show_readiness() -> Response:
    """Show whether requests can be answered.

    The status is 200 if the database answers, has the tables of this version, and the store of objects answers; else it
    is 503. Whether background tasks are late, and how many agents are alive, is told as well, but changes no status.
    """
    found = health()
    status = "ready" if found.is_ready else "not ready"
    return _answer({"status": status, "checks": found.checks}, 200 if found.is_ready else 503)


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, content_type="application/json")
