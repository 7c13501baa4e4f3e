"""Reading run events."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Row

from app.models.run_events import RunEvent
from app.models.workspaces import Workspace
from app.resources.accounts.users.listing import some_users
from app.resources.runs.comments.listing import COMMENTS
from app.resources.runs.run_events.schema import RunEventSchema
from app.web.listing import Listing, ResourceObject, plain

INCLUDES: Final = ("actor", "comment")

RUN_EVENTS: Final = Listing(
    schema=RunEventSchema,
    model=RunEvent,
    columns={
        **plain(
            RunEvent,
            "id organization_id workspace_id run_id number action description actor_id comment_id created_at",
        ),
        "project_id": Workspace.project_id,
    },
    joined=RunEvent.__table__.join(Workspace.__table__, Workspace.__table__.c.id == RunEvent.workspace_id),
    order=(RunEvent.number, RunEvent.__table__.c.id),
)

Rows = Sequence[Row[Any]]


def including(wanted: set[str]) -> Callable[[Rows, list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for run events."""
    if not wanted:
        return None

    def load(rows: Rows, _shown: list[ResourceObject]) -> list[ResourceObject]:
        included: list[ResourceObject] = []
        if "actor" in wanted:
            included += some_users({row.actor_id for row in rows if row.actor_id})
        if "comment" in wanted:
            included += COMMENTS.find_many({row.comment_id for row in rows if row.comment_id})
        return included

    return load
