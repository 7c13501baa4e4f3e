"""Reading projects."""

from dataclasses import replace

from sqlalchemy import and_, func, literal, select

from app.authz.permissions import P
from app.models.expiring_grants import is_in_force
from app.models.images import Image
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.team_projects import TeamProject
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.inheritance.execution_mode import MODE_OF_PROJECT, POOL_OF_PROJECT
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.projects.tag_bindings.listing import Tagged
from app.web.filters import Contains, InOrganization, OneOf, Permitted
from app.web.listing import Counted, Listing, plain

_NAME = case_folded(Project.name)

PROJECTS = Listing(
    schema=ProjectSchema,
    model=Project,
    columns={
        **plain(Project, "id organization_id"),
        "organization_name": Organization.name,
        **plain(Project, "name description created_at"),
        "updated_at": func.coalesce(Project.updated_at, Project.created_at),
        "auto_destroy_activity_duration": Project.auto_destroy_activity_duration,
        "default_execution_mode": MODE_OF_PROJECT,
        "default_agent_pool": POOL_OF_PROJECT,
        "own_execution_mode": Project.own_execution_mode,
        "icon_url": select(literal("/api/v2/projects/") + Image.project_id + "/icon")
        .where(Image.project_id == Project.id)
        .scalar_subquery(),
        **plain(
            Project,
            "slug display_name color single_server_mode default_server_id auto_error_tracking_enabled "
            "public_read custom_metadata cloud_provider_id",
        ),
        "workspace_count": Counted(
            P.WORKSPACE_READ,
            Workspace,
            Workspace.project_id == Project.id,
            shared={"organization_id": Project.organization_id, "project_id": Project.id},
        ),
        "team_count": Counted(
            P.PROJECT_READ_TEAMS,
            TeamProject,
            and_(TeamProject.project_id == Project.id, is_in_force(TeamProject)),
            shared={"organization_id": Project.organization_id},
        ),
    },
    joined=Project.__table__.join(Organization.__table__),
    order=(_NAME,),
    sorts={"name": (_NAME,)},
    filters=(
        Contains("q", (Project.name,), ignored_with="filter[names]"),
        OneOf("filter[names]", Project.name),
        Permitted("filter[permissions][create-workspace]", P.PROJECT_CREATE_WORKSPACE, Project),
        Permitted("filter[permissions][update]", P.PROJECT_UPDATE, Project),
        OneOf("filter[slug]", Project.slug),
        OneOf("filter[cloud-provider]", Project.cloud_provider_id),
        Tagged(),
    ),
    counted_by_status=True,
)

# Projects of all organizations. Names are unique only within one of them.
REACHABLE_PROJECTS = replace(
    PROJECTS,
    order=(_NAME, Project.id),
    filters=(InOrganization("filter[organization]", Project.organization_id), *PROJECTS.filters),
    is_own=True,
)
