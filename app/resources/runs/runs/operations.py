"""The rules of runs: what can be planned, and when an action is possible."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, Forbidden, Unprocessable
from app.models.agents import BUILT_IN_POOL
from app.models.comments import Comment
from app.models.configuration_versions import UPLOADED, ConfigurationVersion
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.run_transitions import Event, find_transition
from app.models.runs import DISCARDABLE, PENDING, PLANNED_AND_SAVED, Run
from app.models.workspaces import Workspace
from app.resources.inheritance.execution_mode import AGENT, LOCAL, MODE_OF_PROJECT, POOL_OF_PROJECT
from app.resources.runs.configuration_versions.operations import find_latest

ATTRIBUTES: Final = "/data/attributes"
COMMENTS: Final = 1_000


class InvalidRunParameters(Unprocessable):
    """The run was asked for in a way that can't be."""

    code = "invalid-run-parameters"
    title = "unprocessable entity"
    detail = "invalid run parameters"


class ConfigurationMissing(Unprocessable):
    """The workspace has no configuration that was uploaded. Clients know the text."""

    code = "configuration-version-missing"
    detail = "Configuration version is missing"
    pointer = "/data/relationships/configuration-version"


class WorkspaceRunsLocally(Unprocessable):
    """The workspace's runs happen on the user's machine."""

    code = "workspace-runs-locally"
    detail = (
        "The workspace has the execution mode local, so runs happen on your own machine; "
        "set its execution mode to remote or agent to run here"
    )
    pointer = "/data/relationships/workspace"


class RunStateConflict(Conflict):
    """The run's status does not allow the action."""

    code = "run-state-conflict"


class WorkspaceIsBusy(Conflict):
    """A saved plan can't be applied while something else holds the workspace."""

    code = "workspace-is-busy"


class TooManyComments(Unprocessable):
    """The run has as many comments as it can have."""

    code = "too-many-comments"
    detail = "A run has at most 1,000 comments"


class NotForceExecutable(Forbidden):
    """The run does not wait for another one."""

    code = "run-not-force-executable"
    detail = "Only a pending run can be executed by force, and only if another run has locked its workspace"


class Execution(NamedTuple):
    """Where runs of a workspace happen."""

    mode: str
    pool: str


def execution_of(session: Session, workspace: Workspace) -> Execution:
    """The mode in force and the pool whose agents take the runs."""
    mode = func.coalesce(Workspace.own_execution_mode, MODE_OF_PROJECT)
    pool = case((Workspace.own_execution_mode.is_not(None), Workspace.own_agent_pool_id), else_=POOL_OF_PROJECT)
    row = session.execute(
        select(mode.label("mode"), pool.label("pool"))
        .select_from(Workspace)
        .join(Project, Project.__table__.c.id == Workspace.project_id)
        .join(Organization, Organization.__table__.c.id == Workspace.organization_id)
        .where(Workspace.__table__.c.id == workspace.id)
    ).one()
    return Execution(row.mode, row.pool if row.mode == AGENT and row.pool else BUILT_IN_POOL)


def check_runs_here(session: Session, workspace: Workspace) -> Execution:
    """Refuse a workspace whose runs happen elsewhere; returns where they happen."""
    execution = execution_of(session, workspace)
    if execution.mode == LOCAL:
        raise WorkspaceRunsLocally
    return execution


def find_configuration(session: Session, workspace: Workspace, wanted: str | None) -> ConfigurationVersion:
    """The configuration that the run is about: the one that is named, or the latest that was uploaded."""
    version = ConfigurationVersion.__table__.c
    query = select(ConfigurationVersion).where(version.workspace_id == workspace.id)
    if wanted is not None:
        found = session.scalars(query.where(version.id == wanted)).one_or_none()
        if found is None:
            raise ConfigurationMissing
        if found.status != UPLOADED:
            raise InvalidRunParameters(
                "invalid run parameters: the configuration version is not uploaded",
                pointer="/data/relationships/configuration-version",
            )
        return found
    latest = find_latest(session, workspace.id)
    if latest is None:
        raise ConfigurationMissing
    return latest


def check_parameters(members: Mapping[str, Any], workspace: Workspace) -> None:
    """Refuse attributes that contradict each other or the workspace."""
    if members.get("is_destroy") and members.get("refresh_only"):
        raise _clash("is-destroy and refresh-only can't both be true", "refresh-only")
    if members.get("refresh_only") and members.get("refresh") is False:
        raise _clash("refresh can't be false if refresh-only is true", "refresh")
    if members.get("refresh_only") and members.get("replace_addrs"):
        raise _clash("replace-addrs can't be given if refresh-only is true", "replace-addrs")
    if members.get("save_plan") and members.get("plan_only"):
        raise _clash("save-plan and plan-only can't both be true", "save-plan")
    if members.get("is_destroy") and not workspace.allow_destroy_plan:
        raise _clash("the workspace does not allow destroy plans; set its allow-destroy-plan", "is-destroy")
    if members.get("terraform_version") and not members.get("plan_only"):
        raise _clash("terraform-version can be given only if plan-only is true", "terraform-version")


def _clash(text: str, attribute: str) -> InvalidRunParameters:
    return InvalidRunParameters(f"invalid run parameters: {text}", pointer=f"{ATTRIBUTES}/{attribute}")


def check_possible(run: Run, event: Event) -> None:
    """Refuse an action that the status does not allow."""
    if find_transition(run, event) is not None:
        return
    if event is Event.FORCE_CANCEL and run.force_cancel_available_at is not None:
        raise RunStateConflict(
            f"The run can be canceled by force from {run.force_cancel_available_at:%H:%M:%S} UTC on, "
            f"while it is planning or applying; its status is {run.status}"
        )
    if event is Event.FORCE_CANCEL:
        raise RunStateConflict(f"The run must be canceled before it is canceled by force; its status is {run.status}")
    if event is Event.CANCEL and run.canceled_at is not None:
        raise RunStateConflict("The run was already asked to stop; wait for it, or cancel it by force")
    raise RunStateConflict(f"The run can't be {_DONE[event]}: its status is {run.status}")


_DONE: Final[Mapping[Event, str]] = {
    Event.APPLY: "applied",
    Event.DISCARD: "discarded",
    Event.CANCEL: "canceled",
}


def check_room_for_comment(session: Session, run: Run) -> None:
    """Refuse a comment on a run that has very many: every list of runs names all of them."""
    count = session.scalar(select(func.count()).select_from(Comment).where(Comment.run_id == run.id))
    if (count or 0) >= COMMENTS:
        raise TooManyComments


def check_unlocked_for(run: Run, workspace: Workspace) -> None:
    """Refuse to apply a saved plan while the workspace is locked: its state might change meanwhile."""
    if run.status == PLANNED_AND_SAVED and workspace.locked:
        raise WorkspaceIsBusy(
            f"The plan is saved, and its workspace is locked by {workspace.locked_by_type} "
            f"{workspace.locked_by_name}; apply it when the workspace is unlocked"
        )


def blocking_run(session: Session, workspace: Workspace, run: Run) -> Run:
    """The run that this one waits for, and that can be discarded; refuses any other situation."""
    if run.status != PENDING or workspace.locked_by_type != "runs" or workspace.locked_by_id is None:
        raise NotForceExecutable
    blocking = session.scalars(
        select(Run).where(Run.__table__.c.id == workspace.locked_by_id).with_for_update(of=Run)
    ).one_or_none()
    if blocking is None or blocking.status not in DISCARDABLE:
        status = "gone" if blocking is None else blocking.status
        raise RunStateConflict(f"The run that has locked the workspace can't be discarded: its status is {status}")
    return blocking
