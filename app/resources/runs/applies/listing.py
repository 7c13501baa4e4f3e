"""Reading applies."""

from typing import Final

from sqlalchemy import and_

from app.models.agent_pools import AgentPool
from app.models.applies import Apply
from app.models.runs import OF_REMOTE_BACKEND, Run
from app.models.state_versions import StateVersion
from app.models.workspaces import Workspace
from app.persistence import string_agg
from app.resources.runs.applies.schema import ApplySchema
from app.web.listing import Listing, plain

APPLIES: Final = Listing(
    schema=ApplySchema,
    model=Apply,
    columns={
        **plain(
            Apply,
            "id organization_id workspace_id run_id status status_timestamps resource_additions resource_changes "
            "resource_destructions resource_imports agent_id agent_name errored_state_object errored_state_key",
        ),
        "project_id": Workspace.project_id,
        "structured_run_output_enabled": and_(Workspace.structured_run_output_enabled, Run.source != OF_REMOTE_BACKEND),
        "pool": Run.pool,
        "agent_pool_name": AgentPool.name,
        "state_version_ids": string_agg(
            StateVersion.id, StateVersion.run_id == Apply.run_id, StateVersion.number, Apply.__table__
        ),
    },
    joined=Apply.__table__.join(Workspace.__table__, Workspace.__table__.c.id == Apply.workspace_id)
    .join(Run.__table__, Run.__table__.c.id == Apply.run_id)
    .outerjoin(AgentPool.__table__, AgentPool.__table__.c.id == Run.pool),
    order=(Apply.__table__.c.id,),
)
