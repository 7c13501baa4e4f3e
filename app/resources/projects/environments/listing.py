"""Reading environments."""

from app.authz.permissions import P
from app.models.environments import Environment
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.projects.environments.schema import EnvironmentSchema
from app.web.filters import Contains, Equals, OneOf
from app.web.listing import Counted, Listing, plain

_NAME = case_folded(Environment.name)

ENVIRONMENTS = Listing(
    schema=EnvironmentSchema,
    model=Environment,
    columns={
        **plain(
            Environment,
            "id organization_id project_id name display_name type description color git_branch is_default "
            "created_at updated_at",
        ),
        "workspace_count": Counted(
            P.WORKSPACE_READ,
            Workspace,
            Workspace.environment_id == Environment.id,
            shared={
                "organization_id": Environment.organization_id,
                "project_id": Environment.project_id,
                "environment_id": Environment.id,
            },
        ),
    },
    joined=Environment.__table__,
    order=(_NAME,),
    sorts={"name": (_NAME,)},
    filters=(
        Contains("q", (Environment.name, Environment.display_name)),
        OneOf("filter[name]", Environment.name),
        Equals("filter[type]", Environment.type),
    ),
)
