"""What is told about runs and workspaces: a background task for each configuration that wants to know.

The tasks are written in the transaction of the change that they tell of.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from app.models.background_tasks import schedule
from app.models.notification_configurations import NotificationConfiguration
from app.models.organizations import Organization
from app.models.run_transitions import Event, is_possible
from app.models.runs import (
    APPLIED,
    APPLYING,
    AWAITING_DECISION,
    CANCELED,
    DISCARDED,
    ERRORED,
    PENDING,
    PLANNED,
    PLANNED_AND_FINISHED,
    PLANNED_AND_SAVED,
    PLANNING,
    POST_PLAN_COMPLETED,
    Run,
)
from app.models.task_stages import POST_PLAN
from app.models.users import User
from app.models.workspaces import Workspace

DELIVER: Final = "deliver-notification"
"""The kind of the background tasks."""

KNOWN: Final = "groundplan.notification-configurations"
"""The key in a session's ``info``: the enabled configurations of workspaces that were looked for already."""

# What each status of a run is told as.
_TRIGGERS: Final[Mapping[str, str]] = {
    PENDING: "run:created",
    PLANNING: "run:planning",
    PLANNED: "run:needs_attention",
    PLANNED_AND_SAVED: "run:needs_attention",
    POST_PLAN_COMPLETED: "run:needs_attention",
    **dict.fromkeys(AWAITING_DECISION, "run:needs_attention"),
    APPLYING: "run:applying",
    PLANNED_AND_FINISHED: "run:completed",
    APPLIED: "run:completed",
    DISCARDED: "run:errored",
    ERRORED: "run:errored",
    CANCELED: "run:errored",
}
_MESSAGES: Final[Mapping[str, str]] = {
    PENDING: "Run Created",
    PLANNED: "Run Needs Attention",
    PLANNED_AND_SAVED: "Run Needs Attention",
    POST_PLAN_COMPLETED: "Run Needs Attention",
    **dict.fromkeys(AWAITING_DECISION, "Run Needs Attention"),
    PLANNED_AND_FINISHED: "Run Planned and Finished",
}
_OTHER_MESSAGES: Final[Mapping[str, str]] = {
    "assessment:drifted": "Drift Detected",
    "assessment:check_failure": "Checks Failed",
    "assessment:failed": "Health Assessment Failed",
    "workspace:auto_destroy_reminder": "Auto Destroy Reminder",
    "workspace:auto_destroy_run_results": "Auto Destroy Run Results",
}


def notify(session: Session, workspace: Workspace, trigger: str, details: Mapping[str, Any]) -> None:
    """Tell those who want it of ``assessment:…`` or ``workspace:…``, after the transaction has committed.

    ``details`` are those of HCP Terraform's payload of version 2, as JSON; the names and ids of workspace and
    organization are added. Without a configuration that wants it, this costs one select.
    """
    subscribers = _subscribers(session, workspace, trigger)
    if not subscribers:
        return
    organization = _name_of_organization(session, workspace)
    scope = trigger.partition(":")[0]
    told = {
        "version": 2,
        "trigger": trigger,
        "message": _OTHER_MESSAGES[trigger],
        "path": f"/app/{organization}/workspaces/{workspace.name}",
        "body": {
            "trigger_scope": scope,
            "trigger": trigger,
            "message": _OTHER_MESSAGES[trigger],
            "details": {
                **details,
                "workspace_id": workspace.id,
                "workspace_name": workspace.name,
                "organization_name": organization,
            },
        },
    }
    _deliver(session, subscribers, told, lane=f"{workspace.id} {scope}")


def notify_run(session: Session, workspace: Workspace, run: Run, actor_id: str | None) -> None:
    """Tell those who want it of the run's new status, after the transaction has committed.

    Runs that only plan are not told of. Without a configuration of the workspace, this costs one select in the whole
    transaction.
    """
    trigger = _TRIGGERS.get(run.status)
    if trigger is None or run.plan_only or _goes_on(run):
        return
    subscribers = _subscribers(session, workspace, trigger)
    if not subscribers:
        return
    creator, actor = aliased(User), aliased(User)
    named = (
        select(Organization.name, creator.username.label("creator"), actor.username.label("actor"))
        .select_from(Organization)
        .outerjoin(creator, creator.id == run.created_by_id)
        .outerjoin(actor, actor.id == actor_id)
        .where(Organization.id == workspace.organization_id)
    )
    names = session.connection().execute(named).one()
    message = _MESSAGES.get(run.status) or f"Run {run.status.replace('_', ' ').title()}"
    told = {
        "version": 1,
        "trigger": trigger,
        "message": message,
        "path": f"/app/{names.name}/workspaces/{workspace.name}/runs/{run.id}",
        "body": {
            "run_id": run.id,
            "run_message": run.message,
            "run_created_at": _shown(run.created_at),
            "run_created_by": names.creator,
            "workspace_id": workspace.id,
            "workspace_name": workspace.name,
            "organization_name": names.name,
            "notifications": [
                {
                    "message": message,
                    "trigger": trigger,
                    "run_status": run.status,
                    "run_updated_at": _shown(run.updated_at),
                    "run_updated_by": names.actor,
                }
            ],
        },
    }
    _deliver(session, subscribers, told, lane=run.id)


def _goes_on(run: Run) -> bool:
    """Whether the run leaves a status in which others wait for somebody to confirm them."""
    if run.status == PLANNED and run.has_stage(POST_PLAN):
        return True
    if run.status == POST_PLAN_COMPLETED and is_possible(run, Event.PROCEED):
        return True
    return run.auto_apply and run.status in {PLANNED, POST_PLAN_COMPLETED}


def _subscribers(session: Session, workspace: Workspace, trigger: str) -> list[str]:
    """The ids of the enabled configurations of the workspace and its project that have the trigger."""
    known: dict[str, list[tuple[str, list[str]]]] = session.info.setdefault(KNOWN, {})
    if workspace.id not in known:
        columns = NotificationConfiguration.__table__.c
        found = (
            select(columns.id, columns.triggers)
            .where(
                columns.enabled,
                or_(columns.workspace_id == workspace.id, columns.own_project_id == workspace.project_id),
            )
            .order_by(columns.created_at, columns.id)
        )
        known[workspace.id] = [(row.id, row.triggers) for row in session.connection().execute(found)]
    return [identifier for identifier, triggers in known[workspace.id] if trigger in triggers]


def _deliver(session: Session, subscribers: list[str], told: Mapping[str, Any], lane: str) -> None:
    for identifier in subscribers:
        payload = {"configuration_id": identifier, **told}
        # What is told of one run arrives in its order.
        schedule(session, DELIVER, payload, lane=f"{identifier} {lane}")


def _name_of_organization(session: Session, workspace: Workspace) -> str:
    found = select(Organization.name).where(Organization.id == workspace.organization_id)
    return str(session.connection().execute(found).scalar_one())


def _shown(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"
