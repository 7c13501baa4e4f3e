"""Reading configuration versions."""

from typing import Final

from sqlalchemy import select

from app.models.configuration_versions import ConfigurationVersion
from app.models.runs import Run
from app.models.workspaces import Workspace
from app.resources.runs.configuration_versions.schema import ConfigurationVersionSchema
from app.web.listing import Listing, plain

# There is no version control that they could come from, so there are no ingress attributes.
INCLUDES: Final = ("ingress_attributes", "run")

CONFIGURATION_VERSIONS: Final = Listing(
    schema=ConfigurationVersionSchema,
    model=ConfigurationVersion,
    columns={
        **plain(
            ConfigurationVersion,
            "id organization_id workspace_id created_at status source speculative provisional auto_queue_runs "
            "error error_message status_timestamps",
        ),
        "project_id": Workspace.project_id,
        # The latest one that was made from it.
        "run_id": select(Run.id)
        .where(Run.configuration_version_id == ConfigurationVersion.__table__.c.id)
        .order_by(Run.number.desc())
        .limit(1)
        .correlate(ConfigurationVersion.__table__)
        .scalar_subquery(),
    },
    joined=ConfigurationVersion.__table__.join(
        Workspace.__table__, Workspace.__table__.c.id == ConfigurationVersion.workspace_id
    ),
    order=(ConfigurationVersion.created_at, ConfigurationVersion.__table__.c.id),
    newest_first=True,
)
