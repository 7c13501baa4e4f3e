"""The attributes and relationships of a run event (spec: run events)."""

from app.jsonapi.fields import Attribute, Constant, DateTime, ToOne
from app.jsonapi.schema import Schema


class RunEventSchema(Schema):
    """Something that happened to a run."""

    class Meta:
        """Its type and address."""

        type_ = "run-events"
        self_link = "/api/v2/run-events/{id}"

    id = Attribute()
    action = Attribute(description="What happened: the run's new status, or another word such as `commented`.")
    description = Attribute(description="What there is to say about it, in a sentence; mostly null.")
    created_at = DateTime(dump_only=True)
    target = Constant(None)

    run = ToOne("runs", column="run_id", related="/api/v2/runs/{run_id}")
    actor = ToOne("users", column="actor_id", related="/api/v2/users/{actor_id}")
    comment = ToOne("comments", column="comment_id", related="/api/v2/comments/{comment_id}")
