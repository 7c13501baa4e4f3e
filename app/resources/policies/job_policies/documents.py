"""What policies are told of a run, beside its plan. The names are those that HCP Terraform gives (spec: OPA)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.agents import BUILT_IN_POOL
from app.models.configuration_versions import ConfigurationVersion
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.runs import Run
from app.models.tag_bindings import TagBinding
from app.models.users import User
from app.models.workspaces import Workspace
from app.resources.runs.agent_jobs.documents import variables_of
from app.resources.runs.runs.schema import open_variables

CATEGORIES = {"terraform": "input", "env": "environment"}


def describe_run(session: Session, workspace: Workspace, run: Run) -> dict[str, Any]:
    """The run and its workspace, without the values of variables."""
    organization, project, creator, speculative = session.execute(
        select(Organization.name, Project.name, User.username, ConfigurationVersion.speculative)
        .select_from(Run)
        .join(Organization, Organization.__table__.c.id == Run.organization_id)
        .join(Project, Project.__table__.c.id == workspace.project_id)
        .join(ConfigurationVersion, ConfigurationVersion.__table__.c.id == Run.configuration_version_id)
        .outerjoin(User, User.__table__.c.id == Run.created_by_id)
        .where(Run.__table__.c.id == run.id)
    ).one()
    tags = session.execute(
        select(TagBinding.key, TagBinding.value)
        .where(TagBinding.workspace_id == workspace.id)
        .order_by(TagBinding.position, TagBinding.key)
    ).all()
    own = [] if run.sealed_variables is None else open_variables(run.sealed_variables)
    return {
        "id": run.id,
        "created_at": run.created_at.isoformat(),
        "created_by": creator,
        "message": run.message,
        "commit_sha": None,
        "is_destroy": run.is_destroy,
        "refresh": run.refresh,
        "refresh_only": run.refresh_only,
        "replace_addrs": run.replace_addrs,
        "target_addrs": run.target_addrs,
        "speculative": run.plan_only or speculative,
        "project": {"id": workspace.project_id, "name": project},
        "organization": {"name": organization},
        "variables": {
            each["key"]: {"category": CATEGORIES[each["category"]], "sensitive": each["sensitive"]}
            for each in variables_of(session, workspace, own)
        },
        "workspace": {
            "id": workspace.id,
            "name": workspace.name,
            "created_at": workspace.created_at.isoformat(),
            "description": workspace.description,
            "auto_apply": workspace.auto_apply,
            "execution_mode": "remote" if run.pool == BUILT_IN_POOL else "agent",
            "tags": [tag.key for tag in tags if not tag.value],
            "tag_bindings": [{"key": tag.key, "value": tag.value} for tag in tags],
            "working_directory": workspace.working_directory,
            "vcs_repo": None,
        },
    }
