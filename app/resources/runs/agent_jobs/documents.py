"""What an agent is told about a job. Plain JSON, because no client of HCP Terraform reads it."""

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.configuration_versions import ConfigurationVersion
from app.models.organizations import Organization
from app.models.plans import Plan
from app.models.projects import Project
from app.models.run_jobs import PLAN as PLAN_PHASE
from app.models.run_jobs import RunJob
from app.models.run_phases import RunPhase
from app.models.runs import OF_REMOTE_BACKEND, Run
from app.models.users import User
from app.models.vars import Var
from app.models.varsets import Varset
from app.models.workspaces import Workspace
from app.persistence import AnyRow
from app.resources.workspaces.varsets.listing import applied_to_workspace, by_project, by_workspace
from app.resources.workspaces.varsets.operations import effective
from app.services import services

_VALUES: Final = (Var.key, Var.category, Var.value, Var.sealed_value, Var.hcl, Var.sensitive)


def describe_job(session: Session, job: RunJob, phase: RunPhase) -> dict[str, Any]:
    """Everything about the job but its secrets, which the agent gets when it starts."""
    run, workspace, organization, project, size, creator, planned_with = session.execute(
        select(
            Run,
            Workspace,
            Organization.name,
            Project.name,
            ConfigurationVersion.size,
            User.username,
            Plan.terraform_version,
        )
        .join(Plan, Plan.run_id == Run.__table__.c.id)
        .join(Workspace, Workspace.__table__.c.id == Run.workspace_id)
        .join(Organization, Organization.__table__.c.id == Run.organization_id)
        .join(Project, Project.__table__.c.id == Workspace.project_id)
        .join(ConfigurationVersion, ConfigurationVersion.__table__.c.id == Run.configuration_version_id)
        .outerjoin(User, User.__table__.c.id == Run.created_by_id)
        .where(Run.__table__.c.id == job.run_id)
    ).one()
    settings = services().settings
    seconds = settings.plan_seconds if job.phase == PLAN_PHASE else settings.apply_seconds
    return {
        "id": job.id,
        "fence": job.fence,
        "phase": job.phase,
        "lease-seconds": settings.lease_seconds,
        "timeout-seconds": seconds,
        "log-length": phase.log_length,
        "organization": organization,
        "workspace": {
            "id": workspace.id,
            "name": workspace.name,
            "working-directory": workspace.working_directory or "",
            "project-id": workspace.project_id,
            "project-name": project,
        },
        "run": {
            "id": run.id,
            "message": run.message,
            "is-destroy": run.is_destroy,
            "refresh": run.refresh,
            "refresh-only": run.refresh_only,
            "plan-only": run.plan_only,
            "save-plan": run.save_plan,
            "auto-apply": run.auto_apply,
            "allow-empty-apply": run.allow_empty_apply,
            "allow-config-generation": run.allow_config_generation,
            "debugging-mode": run.debugging_mode,
            "target-addrs": run.target_addrs or [],
            "replace-addrs": run.replace_addrs or [],
            "created-by": creator,
        },
        "tool": workspace.iac_tool,
        # Terraform applies no plan of another version.
        "version": planned_with or run.terraform_version or workspace.terraform_version,
        "json-log": workspace.structured_run_output_enabled and run.source != OF_REMOTE_BACKEND,
        "configuration-size": size,
    }


def variables_of(session: Session, workspace: Workspace, own: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The variables that count for the run, each name once: its own, then those of the workspace and of sets.

    (spec: variables, precedence)
    """
    of_workspace = session.execute(select(*_VALUES).where(Var.workspace_id == workspace.id)).all()
    shared = session.execute(
        select(
            *_VALUES,
            Varset.name.label("varset_name"),
            Varset.priority,
            Varset.is_global,
            Varset.project_id,
            by_workspace(workspace.id).label("by_workspace"),
            by_project(workspace.project_id).label("by_project"),
        )
        .join(Varset, Varset.id == Var.varset_id)
        .where(applied_to_workspace(workspace))
    ).all()
    found = {(row.key, row.category): _shown(row) for row in effective(of_workspace, shared)}
    for each in own:
        # The values of a run's variables are HCL already.
        variable = {
            "key": each["key"],
            "value": each["value"],
            "category": "terraform",
            "hcl": True,
            "sensitive": False,
        }
        found[each["key"], "terraform"] = variable
    return [found[pair] for pair in sorted(found)]


def _shown(row: AnyRow) -> dict[str, Any]:
    value = row.value if row.sealed_value is None else services().keyring.unseal(row.sealed_value).decode()
    return {
        "key": row.key,
        "value": value,
        "category": row.category,
        "hcl": row.hcl,
        "sensitive": row.sensitive,
    }
