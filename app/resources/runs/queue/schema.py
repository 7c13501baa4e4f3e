"""Runs in the queue of an organization, and how many there are (spec: runs; the CLI reads both while it waits)."""

from app.jsonapi.fields import Attribute
from app.resources.runs.runs.schema import RunSchema


class QueuedRunSchema(RunSchema):
    """A run that waits or works, with its position."""

    class Meta:
        """Its type and address."""

        type_ = "runs"
        self_link = "/api/v2/runs/{id}"

    position_in_queue = Attribute(
        description="How many runs of the organization are ahead of it, plus one; 0 for one that an agent works on."
    )
