"""Terraform in the sandbox of a run as a caller: it reads the states that its workspace may consume, and nothing else.

The remote state settings of workspaces decide, not the rights of whoever created the run.
"""

from typing import Final

from sqlalchemy import Connection, and_, bindparam, exists, or_, select

from app.authentication.callers import Caller, OrganizationRef
from app.authentication.tokens import digest, same
from app.authz import roles
from app.authz.grants import Source
from app.authz.policy import Level
from app.models.organizations import Organization
from app.models.run_jobs import STARTED, RunJob
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.persistence import KeptStatement, fold_case

_WORKSPACE = Workspace.__table__.c
_RUNNING: Final = KeptStatement(
    select(
        RunJob.token_digest,
        RunJob.run_id,
        RunJob.workspace_id,
        RunJob.organization_id,
        _WORKSPACE.project_id,
        Organization.name.label("organization_name"),
    )
    .select_from(RunJob)
    .join(Workspace.__table__, _WORKSPACE.id == RunJob.workspace_id)
    .join(Organization.__table__, Organization.id == RunJob.organization_id)
    .where(RunJob.token_digest == bindparam("digest"), RunJob.status == STARTED)
)
_IS_CONSUMER: Final = exists().where(
    RemoteStateConsumer.workspace_id == _WORKSPACE.id,
    RemoteStateConsumer.consumer_id == bindparam("workspace"),
)
_READABLE: Final = KeptStatement(
    select(_WORKSPACE.id).where(
        _WORKSPACE.organization_id == bindparam("organization"),
        or_(
            _WORKSPACE.id == bindparam("workspace"),
            _WORKSPACE.global_remote_state,
            and_(_WORKSPACE.project_remote_state, _WORKSPACE.project_id == bindparam("project")),
            _IS_CONSUMER,
        ),
    )
)


def load_run_caller(connection: Connection, token: str, key: str) -> Caller | None:
    """The run whose job has this token; None once the job is over."""
    wanted = digest(token, key)
    job = _RUNNING.one_or_none(connection, {"digest": wanted})
    if job is None or not same(wanted, job.token_digest):
        return None
    place = {"organization": job.organization_id, "workspace": job.workspace_id, "project": job.project_id}
    readable = [row.id for row in _READABLE.all(connection, place)]
    caller = Caller("run", job.run_id, job.run_id, token_id=None)
    source = Source("runs", job.run_id)
    reference = OrganizationRef(job.organization_id, job.organization_name)
    caller.organizations[fold_case(job.organization_name)] = reference
    # Terraform looks for the organization before it looks for a workspace.
    caller.grants.add(Level.ORGANIZATION, job.organization_id, roles.RUN_IN_ORGANIZATION, source)
    caller.grants.add_each(Level.WORKSPACE, readable, roles.RUN, source)
    return caller
