"""Reading configuration versions."""

from typing import Final

from app.models.configuration_versions import ConfigurationVersion
from app.models.workspaces import Workspace
from app.resources.runs.configuration_versions.schema import ConfigurationVersionSchema
from app.web.listing import Listing, plain

# There is no version control that they could come from, so nothing is included.
INCLUDES: Final = ("ingress_attributes",)

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
    },
    joined=ConfigurationVersion.__table__.join(
        Workspace.__table__, Workspace.__table__.c.id == ConfigurationVersion.workspace_id
    ),
    order=(ConfigurationVersion.created_at, ConfigurationVersion.__table__.c.id),
    newest_first=True,
)
