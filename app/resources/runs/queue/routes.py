"""The queue of an organization over HTTP: what the CLI reads while a run waits."""

from typing import Final

from flask import Blueprint, Response
from sqlalchemy import func, select

from app.authz.permissions import P
from app.models.runs import WORKING, Run
from app.resources.runs.queue.listing import ACTIVE, QUEUE, WAITING
from app.web.answers import document_response
from app.web.context import reader
from app.web.filters import FilterClause
from app.web.guard import describes, requires
from app.web.policy import organization_or_404

blueprint = Blueprint("queue", __name__, url_prefix="/api/v2")

CAPACITY: Final = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "type", "attributes"],
            "properties": {
                "id": {"type": "string"},
                "type": {"const": "organization-capacity"},
                "attributes": {
                    "type": "object",
                    "required": ["pending", "running"],
                    "properties": {"pending": {"type": "integer"}, "running": {"type": "integer"}},
                },
            },
        }
    },
}


@blueprint.get("/organizations/<organization>/runs/queue")
@requires(P.ORGANIZATION_READ, P.RUN_READ)
@describes(listing=QUEUE, errors=(400,))
def list_queue(organization: str) -> Response:
    """List the runs that wait or that agents work on, oldest first, as far as the caller can see them."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    active = FilterClause("active", lambda: [Run.status.in_(ACTIVE)])
    return QUEUE.page_response({"organization_id": org.id}, extra_filters=[active])


@blueprint.get("/organizations/<organization>/capacity")
@requires(P.ORGANIZATION_READ)
@describes(answer=CAPACITY)
def show_capacity(organization: str) -> Response:
    """Show how many runs of the organization wait, and how many agents work on."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    by_status = (
        select(Run.status, func.count())
        .where(Run.organization_id == org.id, Run.status.in_(ACTIVE))
        .group_by(Run.status)
    )
    counts = {status: count for status, count in reader().execute(by_status)}  # noqa: C416 - a dict of rows is not typed
    attributes = {
        "pending": sum(counts.get(status, 0) for status in WAITING),
        "running": sum(counts.get(status, 0) for status in WORKING),
    }
    return document_response({"data": {"id": org.name, "type": "organization-capacity", "attributes": attributes}})
