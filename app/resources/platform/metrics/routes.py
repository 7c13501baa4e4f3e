"""Metrics over HTTP, for whoever has the token that the operator has set for them."""

from typing import Final

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from app.jsonapi.errors import NotFound, Unauthorized
from app.resources.platform.metrics.collector import DatabaseMetrics
from app.services import services
from app.web.guard import describes, open_to_all
from app.web.metrics import text
from app.web.signatures import is_same

blueprint = Blueprint("metrics", __name__)

TEXT: Final = {"type": "string", "format": "binary", "contentMediaType": "text/plain"}


@blueprint.get("/metrics")
@open_to_all
@describes(answer=TEXT, errors=(401, 404))
def show_metrics() -> Response:
    """Show what Prometheus collects: requests, statements, runs, background tasks, agents, stored objects.

    The bearer token is the one in `GROUNDPLAN_METRICS_TOKEN`; without that setting, the address does not exist.
    """
    wanted = services().settings.metrics_token
    if wanted is None:
        raise NotFound
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not is_same(given.strip(), wanted):
        raise Unauthorized
    return Response(text(DatabaseMetrics()), content_type=CONTENT_TYPE_LATEST)
