"""Reading run triggers."""

from typing import Final

from sqlalchemy.orm import aliased

from app.models.run_triggers import RunTrigger
from app.models.workspaces import Workspace
from app.resources.runs.run_triggers.schema import RunTriggerSchema
from app.web.listing import Listing, plain

_SOURCE = aliased(Workspace.__table__, name="source_workspaces")

RUN_TRIGGERS: Final = Listing(
    schema=RunTriggerSchema,
    model=RunTrigger,
    columns={
        **plain(RunTrigger, "id organization_id workspace_id source_id created_at"),
        "workspace_name": Workspace.name,
        "sourceable_name": _SOURCE.c.name,
    },
    joined=RunTrigger.__table__.join(Workspace.__table__, Workspace.__table__.c.id == RunTrigger.workspace_id).join(
        _SOURCE, _SOURCE.c.id == RunTrigger.source_id
    ),
    order=(RunTrigger.created_at, RunTrigger.__table__.c.id),
)
