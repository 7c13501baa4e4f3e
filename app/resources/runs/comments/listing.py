"""Reading comments."""

from typing import Final

from sqlalchemy import select

from app.models.comments import Comment
from app.models.run_events import RunEvent
from app.models.workspaces import Workspace
from app.resources.runs.comments.schema import CommentSchema
from app.web.listing import Listing, plain

COMMENTS: Final = Listing(
    schema=CommentSchema,
    model=Comment,
    columns={
        **plain(Comment, "id organization_id workspace_id run_id body created_by_id created_at"),
        "project_id": Workspace.project_id,
        "run_event_id": select(RunEvent.id)
        .where(RunEvent.run_id == Comment.run_id, RunEvent.comment_id == Comment.id)
        .correlate(Comment.__table__)
        .scalar_subquery(),
    },
    joined=Comment.__table__.join(Workspace.__table__, Workspace.__table__.c.id == Comment.workspace_id),
    order=(Comment.created_at, Comment.__table__.c.id),
)
