"""Creating runs: for a request, and for a configuration that was uploaded."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy.orm import Session

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.models.configuration_versions import ConfigurationVersion
from app.models.run_machine import Machine
from app.models.runs import Run
from app.models.workspaces import Workspace
from app.resources.runs.runs.operations import check_parameters, check_runs_here
from app.resources.runs.runs.schema import DEFAULT_MESSAGE
from app.services import services
from app.web.transaction import created_changes, record_event

UPLOADED_MESSAGE: Final = "Queued by the upload of a configuration version"
UPLOADED_SOURCE: Final = "tfe-configuration-version"
# The flags that a request may set, with what they are without it.
FLAGS: Final[Mapping[str, bool]] = {
    "is_destroy": False,
    "refresh": True,
    "refresh_only": False,
    "save_plan": False,
    "allow_empty_apply": False,
    "allow_config_generation": False,
    "debugging_mode": False,
}


# What only the service itself sets.
OF_THE_SERVICE: Final = ("trigger_reason", "triggering_run_id", "triggering_source_id")
RECORDED: Final = ("message", "is_destroy", "refresh_only", "plan_only", "save_plan", "auto_apply", "source")


def create_run_for(  # noqa: PLR0913 - what a run needs to know
    session: Session,
    workspace: Workspace,
    version: ConfigurationVersion,
    members: Mapping[str, Any],
    *,
    source: str,
    created_by_id: str | None,
    may_apply: bool,
) -> Run:
    """Create a run of the workspace, whose row is locked, and queue its plan if nothing is in its way.

    A run applies by itself only for somebody who may apply, whatever the workspace's setting is.
    """
    execution = check_runs_here(session, workspace)
    asked_for = members.get("plan_only")
    plan_only = version.speculative if asked_for is None else asked_for
    check_parameters({**members, "plan_only": plan_only}, workspace)
    auto_apply = members.get("auto_apply")
    variables = members.get("variables")
    run = Run(
        organization_id=workspace.organization_id,
        workspace_id=workspace.id,
        configuration_version_id=version.id,
        message=members.get("message") or DEFAULT_MESSAGE,
        **{name: members[name] for name in OF_THE_SERVICE if name in members},
        source=source,
        plan_only=plan_only,
        auto_apply=may_apply and not plan_only and (workspace.auto_apply if auto_apply is None else auto_apply),
        target_addrs=members.get("target_addrs"),
        replace_addrs=members.get("replace_addrs"),
        terraform_version=members.get("terraform_version"),
        sealed_variables=services().keyring.seal(orjson.dumps(variables)) if variables else None,
        pool=execution.pool,
        created_by_id=created_by_id,
        **{name: members.get(name, default) for name, default in FLAGS.items()},
    )
    Machine(session, workspace, created_by_id).create(run)
    return run


def record_creation(session: Session, run: Run) -> None:
    """Write the event of a new run."""
    record_event(session, "runs.create", run, created_changes({name: getattr(run, name) for name in RECORDED}))


def queue_uploaded(session: Session, workspace: Workspace, version: ConfigurationVersion, issuer: Caller) -> None:
    """Create the run that an upload brings, for whoever announced it: one that only plans, if it is speculative."""
    run = create_run_for(
        session,
        workspace,
        version,
        {"message": UPLOADED_MESSAGE},
        source=UPLOADED_SOURCE,
        created_by_id=issuer.user_id,
        may_apply=rules.holds(issuer, P.RUN_APPLY, workspace),
    )
    record_creation(session, run)
