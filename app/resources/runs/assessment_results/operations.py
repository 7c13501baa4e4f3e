"""The rules of assessments: when a workspace can be assessed, and the run that does it."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, Unprocessable
from app.models.assessment_results import REASON, SOURCE
from app.models.auto_destroy import MANAGES_SOMETHING
from app.models.configuration_versions import UPLOADED, ConfigurationVersion
from app.models.organizations import Organization
from app.models.runs import APPLIED, FINAL, Run
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.runs.configuration_versions.operations import find_latest
from app.resources.runs.runs.creation import create_run_for
from app.resources.runs.runs.operations import ConfigurationMissing

EVERY: Final = timedelta(days=1)
MESSAGE: Final = "Assessment: has anything drifted, and do the checks hold?"

_COLUMNS: Final = Workspace.__table__.c


class AssessmentsOff(Unprocessable):
    """Assessments are not enabled for the workspace."""

    code = "assessments-off"
    detail = (
        "Assessments are off for this workspace; set its assessments-enabled, or assessments-enforced of its "
        "organization"
    )
    pointer = "/data/attributes/assessments-enabled"


class NotAssessable(Conflict):
    """The workspace can't be assessed now."""

    code = "workspace-not-assessable"


def due_workspaces(limit: int) -> Select[Any]:
    """The ids of workspaces that have not been assessed for a day, and manage something."""
    is_due = or_(_COLUMNS.assessed_at.is_(None), _COLUMNS.assessed_at <= now() - EVERY)
    is_wanted = or_(
        _COLUMNS.assessments_enabled,
        _COLUMNS.organization_id.in_(select(Organization.__table__.c.id).where(Organization.assessments_enforced)),
    )
    return (
        select(_COLUMNS.id)
        .where(is_due, is_wanted, MANAGES_SOMETHING)
        .order_by(_COLUMNS.assessed_at.nulls_first())
        .limit(limit)
    )


def is_enabled(session: Session, workspace: Workspace) -> bool:
    """Whether the workspace, or its whole organization, is to be assessed."""
    if workspace.assessments_enabled:
        return True
    enforced = select(Organization.assessments_enforced).where(Organization.__table__.c.id == workspace.organization_id)
    return bool(session.scalar(enforced))


def check_assessable(session: Session, workspace: Workspace) -> None:
    """Refuse a workspace that has nothing to look at, or is being assessed or changed right now."""
    if not session.scalar(select(_COLUMNS.id).where(_COLUMNS.id == workspace.id, MANAGES_SOMETHING)):
        raise NotAssessable("The workspace has no state with resources, so there is nothing that could have drifted")
    busy = select(Run.id).where(
        Run.workspace_id == workspace.id,
        Run.status.not_in(sorted(FINAL)),
        or_(Run.trigger_reason == REASON, and_(Run.holds_lock, Run.status == "applying")),
    )
    run_id = session.scalar(busy.limit(1))
    if run_id is not None:
        raise NotAssessable(f"The workspace is being assessed or changed by {run_id}; wait until that has ended")


def start_assessment(session: Session, workspace: Workspace, *, created_by_id: str | None) -> Run:
    """Queue the plan-only run that refreshes, from the configuration that was applied last."""
    workspace.assessed_at = now()
    version = _applied_configuration(session, workspace.id) or find_latest(session, workspace.id)
    if version is None:
        raise ConfigurationMissing
    members = {"message": MESSAGE, "plan_only": True, "refresh_only": True, "trigger_reason": REASON}
    return create_run_for(
        session, workspace, version, members, source=SOURCE, created_by_id=created_by_id, may_apply=False
    )


def _applied_configuration(session: Session, workspace_id: str) -> ConfigurationVersion | None:
    columns = ConfigurationVersion.__table__.c
    applied = (
        select(ConfigurationVersion)
        .join(Run, Run.configuration_version_id == columns.id)
        .where(Run.workspace_id == workspace_id, Run.status == APPLIED, ~Run.is_destroy, columns.status == UPLOADED)
        .order_by(Run.number.desc())
        .limit(1)
    )
    return session.scalars(applied).one_or_none()
