"""The attributes of a background task."""

from typing import Final

from app.jsonapi.fields import Attribute, Choice, DateTime
from app.jsonapi.schema import Schema

SHOWN_STATUSES: Final = ("waiting", "running", "dead")


class BackgroundTaskSchema(Schema):
    """Something that the service does later, such as sending mail. What was done is not shown any more.

    Only administrators of the site see it.
    """

    class Meta:
        """Its type and address."""

        type_ = "background-tasks"
        self_link = "/api/v2/admin/background-tasks/{id}"
        is_own = True

    id = Attribute()
    kind = Attribute(description="What is to be done.")
    key = Attribute(description="The name under which it is scheduled once; null if there is none.")
    lane = Attribute(description="Tasks with the same lane are done one after the other; null if there is none.")
    status = Choice(
        SHOWN_STATUSES,
        dump_only=True,
        description="`dead` after too many attempts, or one that showed that it can't be done.",
    )
    run_at = DateTime(dump_only=True, description="When it is due.")
    attempts = Attribute(description="How many attempts were begun.")
    last_error = Attribute(description="Why the last attempt failed; null if none has.")
    lease_until = DateTime(
        dump_only=True, description="Until when it belongs to its worker, which renews that time; null without one."
    )
    owner = Attribute(description="The worker that does it: host, process and a random text; null without one.")
    every_seconds = Attribute(description="How long after it was done it is due again; null if it is done once.")
    created_at = DateTime(dump_only=True)
