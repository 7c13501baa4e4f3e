"""Reading run triggers."""

from typing import Final

from sqlalchemy import func

from app.authz.permissions import P
from app.models.run_triggers import RunTrigger
from app.models.workspaces import Workspace
from app.persistence import Expression
from app.resources.runs.run_triggers.schema import RunTriggerSchema
from app.web.listing import Counted, Listing, plain


def _of_source(column: Expression) -> Counted:
    """The column of the source, if the caller sees it."""
    its_own = Workspace.__table__.c.id == RunTrigger.source_id
    return Counted(P.WORKSPACE_READ, Workspace, its_own, what=func.max(column))


RUN_TRIGGERS: Final = Listing(
    schema=RunTriggerSchema,
    model=RunTrigger,
    columns={
        **plain(RunTrigger, "id organization_id workspace_id created_at"),
        "workspace_name": Workspace.name,
        # Whoever sees the workspace alone does not see what else there is.
        "sourceable_id": _of_source(Workspace.__table__.c.id),
        "sourceable_name": _of_source(Workspace.__table__.c.name),
    },
    joined=RunTrigger.__table__.join(Workspace.__table__, Workspace.__table__.c.id == RunTrigger.workspace_id),
    order=(RunTrigger.created_at, RunTrigger.__table__.c.id),
)
