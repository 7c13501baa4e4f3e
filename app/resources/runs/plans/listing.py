"""Reading plans."""

from typing import Final

from sqlalchemy import and_, null

from app.models.agent_pools import AgentPool
from app.models.plans import Plan
from app.models.runs import OF_REMOTE_BACKEND, Run
from app.models.workspaces import Workspace
from app.resources.runs.plans.schema import PlanSchema
from app.web.listing import Listing, plain

PLANS: Final = Listing(
    schema=PlanSchema,
    model=Plan,
    columns={
        **plain(
            Plan,
            "id organization_id workspace_id run_id status status_timestamps has_changes resource_additions "
            "resource_changes resource_destructions resource_imports generated_configuration agent_id agent_name "
            "json_object json_key redacted_object redacted_key",
        ),
        "project_id": Workspace.project_id,
        "structured_run_output_enabled": and_(Workspace.structured_run_output_enabled, Run.source != OF_REMOTE_BACKEND),
        "pool": Run.pool,
        "agent_pool_name": AgentPool.name,
        "no_ids": null(),
    },
    joined=Plan.__table__.join(Workspace.__table__, Workspace.__table__.c.id == Plan.workspace_id)
    .join(Run.__table__, Run.__table__.c.id == Plan.run_id)
    .outerjoin(AgentPool.__table__, AgentPool.__table__.c.id == Run.pool),
    order=(Plan.__table__.c.id,),
)
