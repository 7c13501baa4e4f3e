"""The attributes and relationships of a comment (spec: comments)."""

from app.jsonapi.fields import Attribute, DateTime, Text, ToOne
from app.jsonapi.schema import Schema

BODY_LENGTH = 10_000


class CommentSchema(Schema):
    """A comment on a run."""

    class Meta:
        """Its type and address."""

        type_ = "comments"
        self_link = "/api/v2/comments/{id}"

    id = Attribute()
    body = Text(
        required=True,
        minimum=1,
        maximum=BODY_LENGTH,
        description="What somebody has to say about the run.",
        example="Looks good",
    )
    created_at = DateTime(dump_only=True)

    run_event = ToOne("run-events", column="run_event_id", related="/api/v2/run-events/{run_event_id}")
    created_by = ToOne("users", column="created_by_id", related="/api/v2/users/{created_by_id}")
