"""Reading workspaces."""

from dataclasses import replace

from sqlalchemy import and_, case, func, literal, select

from app.authz.permissions import P
from app.models.configuration_versions import latest_configuration
from app.models.environments import Environment
from app.models.images import Image
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.runs import Run
from app.models.tag_bindings import TagBinding
from app.models.vars import Var
from app.models.workspaces import Workspace
from app.persistence import case_folded, string_agg
from app.resources.inheritance.execution_mode import MODE_OF_PROJECT, POOL_OF_PROJECT
from app.resources.projects.tag_bindings.listing import Tagged, workspace_has
from app.resources.workspaces.workspaces.filters import RunStatus, TagNames, Wildcard
from app.resources.workspaces.workspaces.schema import PublicWorkspaceSchema, WorkspaceSchema
from app.web.filters import Contains, Equals, InOrganization, OneOf
from app.web.listing import Listing, plain

_NAME = case_folded(Workspace.name)
_LATEST_CHANGE = func.coalesce(Workspace.state_changed_at, Workspace.created_at)
_RUN_CREATED_AT = (
    select(Run.created_at).where(Run.__table__.c.id == Workspace.current_run_id).correlate(Workspace).scalar_subquery()
)
_PLAIN = (
    "id organization_id project_id name description created_at updated_at auto_apply "
    "allow_destroy_plan inherits_project_auto_destroy own_execution_mode file_triggers_enabled "
    "global_remote_state locked locked_by_type locked_by_id locked_reason current_state_version_id "
    "current_run_id latest_run_id "
    "auto_apply_run_trigger assessments_enabled project_remote_state trigger_prefixes "
    "trigger_patterns own_auto_destroy_at source_name source_url queue_all_runs resource_count "
    "source speculative_enabled structured_run_output_enabled terraform_version working_directory "
    "environment_id cell title iac_tool auto_destroy_due_at auto_destroy_status state_changed_at "
    "current_assessment_result_id last_assessment_result_at"
)
# Anyone who sees a workspace sees the id of its environment and its cell, so these filters reveal nothing more.
PLACED = (Equals("filter[environment]", Workspace.environment_id), OneOf("filter[cell]", Workspace.cell))

WORKSPACES = Listing(
    schema=WorkspaceSchema,
    model=Workspace,
    columns={
        **plain(Workspace, _PLAIN),
        "organization_name": Organization.name,
        "environment": Environment.name,
        "avatar_url": func.coalesce(
            Workspace.avatar_url,
            select(literal("/api/v2/workspaces/") + Image.workspace_id + "/avatar")
            .where(Image.workspace_id == Workspace.id)
            .scalar_subquery(),
        ),
        "shown_to": case((Project.public_read, literal("everybody"))),
        # Inherited values are read from where they are set, so that a change there counts at once.
        "execution_mode": func.coalesce(Workspace.own_execution_mode, MODE_OF_PROJECT),
        "ssh_key_id": Workspace.ssh_key_id,
        "agent_pool": case(
            (Workspace.own_execution_mode.is_not(None), Workspace.own_agent_pool_id),
            else_=POOL_OF_PROJECT,
        ),
        "auto_destroy_activity_duration": case(
            (Workspace.inherits_project_auto_destroy, Project.auto_destroy_activity_duration),
            else_=Workspace.own_auto_destroy_activity_duration,
        ),
        "latest_change_at": _LATEST_CHANGE,
        "current_configuration_version_id": latest_configuration(Workspace.__table__.c.id)
        .correlate(Workspace)
        .scalar_subquery(),
        "var_ids": string_agg(Var.id, Var.workspace_id == Workspace.id, Var.key, Workspace.__table__),
        "tag_names": string_agg(
            TagBinding.key,
            and_(TagBinding.workspace_id == Workspace.id, TagBinding.value == ""),
            TagBinding.position,
            Workspace.__table__,
        ),
    },
    joined=Workspace.__table__.join(Project.__table__, Project.id == Workspace.project_id)
    .join(Organization.__table__, Organization.id == Workspace.organization_id)
    .join(Environment.__table__, Environment.id == Workspace.environment_id),
    order=(_NAME,),
    sorts={
        "name": (_NAME,),
        "latest-change-at": (_LATEST_CHANGE,),
        # Workspaces without a run come as if it had been created with them.
        "current-run.created-at": (func.coalesce(_RUN_CREATED_AT, Workspace.created_at),),
    },
    filters=(
        Contains("search[name]", (Workspace.name,)),
        Wildcard("search[wildcard-name]"),
        TagNames("search[tags]", wanted=True),
        TagNames("search[exclude-tags]", wanted=False),
        Equals("filter[project][id]", Workspace.project_id),
        *PLACED,
        RunStatus("filter[current-run][status]"),
        Tagged(having=workspace_has),
    ),
)

# Those of one project, or of everywhere, are asked for by their names as projects are, too.
_NAMED = (
    OneOf("filter[names]", Workspace.name),
    Contains("q", (Workspace.name,), ignored_with="filter[names]"),
)

# Workspaces of all organizations. Names are unique only within one of them.
REACHABLE_WORKSPACES = replace(
    WORKSPACES,
    order=(_NAME, Workspace.id),
    sorts={"name": (_NAME,)},
    filters=(
        InOrganization("filter[organization]", Workspace.organization_id),
        Contains("search[name]", (Workspace.name,)),
        Wildcard("search[wildcard-name]"),
        Equals("filter[project][id]", Workspace.project_id),
        *_NAMED,
        *PLACED,
    ),
    is_own=True,
)

PROJECT_WORKSPACES = replace(WORKSPACES, filters=(*WORKSPACES.filters, *_NAMED), is_own=True)

PUBLIC_WORKSPACES = Listing(
    schema=PublicWorkspaceSchema,
    model=Workspace,
    visible_by=P.WORKSPACE_READ_PUBLIC,
    columns=plain(Workspace, "id project_id name description title iac_tool terraform_version created_at updated_at"),
    joined=Workspace.__table__,
    order=(_NAME,),
)
