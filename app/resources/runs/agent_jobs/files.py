"""The files of a job: what terraform needs, and what it leaves."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, NotFound
from app.models.applies import Apply
from app.models.configuration_versions import ConfigurationVersion
from app.models.plans import Plan
from app.models.run_jobs import ACQUIRED, APPLY, STARTED, RunJob
from app.models.run_machine import Machine, lock_run
from app.models.runs import FINAL, Run
from app.models.state_versions import StateVersion
from app.models.workspace_states import latest_versions
from app.models.workspaces import Workspace
from app.persistence import AnyRow
from app.persistence.identifiers import random_text
from app.resources.runs.agent_jobs.operations import JobLost, check_held
from app.resources.workspaces.state_versions.ingest import IngestedState, create_with_state, ingest
from app.services import services
from app.storage.ledger import attach, mark_for_deletion
from app.web.context import reader, release_reader
from app.web.objects import delete_objects, stored_object
from app.web.policy import visible
from app.web.transaction import record_event, transaction

Pieces = Callable[[int], Iterator[bytes]]

# For each file, the columns of the plan with the name of the object and its key.
ARTIFACTS: Final[Mapping[str, tuple[str, str]]] = {
    "plan": ("plan_object", "plan_key"),
    "plan-json": ("json_object", "json_key"),
    "plan-json-redacted": ("redacted_object", "redacted_key"),
    "lock-file": ("lock_file_object", "lock_file_key"),
}
DOWNLOADED: Final = frozenset({"plan", "lock-file"})
# What a state was kept as.
VERSION, BESIDE, UNCHANGED = "state-version", "errored-state", "unchanged"


class NotApplying(Conflict):
    """A state came from a job that applies nothing."""

    code = "job-without-state"
    detail = "Only an apply has a state to store"


def open_configuration(job_id: str, fence: int) -> Iterator[bytes] | None:
    """The archive with the configuration of the run; None if it has none."""
    job = _find(job_id, fence)
    columns = ConfigurationVersion.__table__.c
    found = select(columns.archive_object, columns.archive_key).join_from(
        ConfigurationVersion, Run, Run.configuration_version_id == columns.id
    )
    return _open(reader().execute(found.where(Run.__table__.c.id == job.run_id)).one_or_none())


def open_state(job_id: str, fence: int) -> Iterator[bytes] | None:
    """The current state of the workspace; None if it has none."""
    job = _find(job_id, fence)
    found = select(StateVersion.state_object, StateVersion.state_key).join_from(
        StateVersion, Workspace, Workspace.current_state_version_id == StateVersion.__table__.c.id
    )
    return _open(reader().execute(found.where(Workspace.__table__.c.id == job.workspace_id)).one_or_none())


def open_artifact(job_id: str, fence: int, kind: str) -> Iterator[bytes] | None:
    """A file that the plan of the run has left; None if it has left none."""
    job = _find(job_id, fence)
    name, key = (getattr(Plan, column) for column in ARTIFACTS[kind])
    return _open(reader().execute(select(name, key).where(Plan.run_id == job.run_id)).one_or_none())


def store_artifact(job_id: str, fence: int, kind: str, pieces_of: Pieces) -> None:
    """Store a file of the plan. Sending it again replaces it."""
    job = _find(job_id, fence)
    release_reader()
    name, key = ARTIFACTS[kind]
    pieces = pieces_of(services().settings.state_bytes)
    object_name = f"runs/{job.run_id}/{random_text(24)}"
    with stored_object(object_name, pieces) as stored, transaction() as session:
        held = _lock_held(session, job_id, fence)
        plan = session.scalars(select(Plan).where(Plan.run_id == held.run_id)).one()
        before = getattr(plan, name)
        if before is not None:
            mark_for_deletion(session, select(getattr(Plan, name)).where(Plan.__table__.c.id == plan.id))
        attach(session, stored.name)
        setattr(plan, name, stored.name)
        setattr(plan, key, stored.key)
        session.flush()


def store_state(job_id: str, fence: int, pieces_of: Pieces, *, is_last: bool) -> str:
    """Store a state of an apply, also one that arrives after the run was given up; says what it was kept as.

    It becomes a version of the workspace while the run holds the workspace and the state follows the newest one. Else
    it is kept beside the apply, so that nothing that terraform made is forgotten.
    """
    job = _find_any(job_id)
    if job.phase != APPLY or job.started_at is None or job.fence != fence:
        raise NotApplying if job.phase != APPLY else JobLost
    release_reader()
    with ingest(pieces_of(services().settings.state_bytes)) as arrival:
        with transaction() as session:
            locked = lock_run(session, job.run_id)
            if locked is None:
                raise JobLost
            workspace, run = locked
            kept_as = _keep(session, workspace, run, arrival)
            if run.status in FINAL and kept_as != BESIDE and is_last:
                # The state that the lock waited for is here. Before the last one, terraform is still at work.
                Machine(session, workspace).release(run)
                session.flush()
        if kept_as == UNCHANGED:
            delete_objects([arrival.state.name])
    return kept_as


def _keep(session: Session, workspace: Workspace, run: Run, arrival: IngestedState) -> str:
    newest = latest_versions(session, workspace.id).arrived
    summary = arrival.summary
    if newest is not None and newest.md5 == summary.md5:
        return UNCHANGED
    holds = workspace.locked_by_type == "runs" and workspace.locked_by_id == run.id
    follows = newest is None or (
        (not newest.lineage or not summary.lineage or newest.lineage == summary.lineage)
        and (summary.serial or 0) > max(newest.serial, newest.serial_in_state or 0)
    )
    if not (holds and follows):
        _keep_beside(session, run, arrival)
        return BESIDE
    members = {"serial": summary.serial or 0, "md5": summary.md5, "lineage": summary.lineage, "run_id": run.id}
    create_with_state(session, workspace, run.created_by_id, members, arrival)
    return VERSION


def _keep_beside(session: Session, run: Run, arrival: IngestedState) -> None:
    apply = session.scalars(select(Apply).where(Apply.run_id == run.id)).one()
    if apply.errored_state_object is not None:
        mark_for_deletion(session, select(Apply.errored_state_object).where(Apply.__table__.c.id == apply.id))
    attach(session, arrival.state.name)
    apply.errored_state_object, apply.errored_state_key = arrival.state.name, arrival.state.key
    session.flush()
    record_event(session, "runs.keep-errored-state", run)


def _find(job_id: str, fence: int) -> AnyRow:
    job = _find_any(job_id)
    if job.fence != fence or job.status not in {ACQUIRED, STARTED}:
        raise JobLost
    return job


def _find_any(job_id: str) -> AnyRow:
    columns = RunJob.__table__.c
    found = select(RunJob.__table__).where(columns.id == job_id, visible(P.AGENT_POOL_SERVE, RunJob))
    row = reader().execute(found).one_or_none()
    if row is None:
        raise NotFound
    return row


def _lock_held(session: Session, job_id: str, fence: int) -> RunJob:
    columns = RunJob.__table__.c
    found = select(RunJob).where(columns.id == job_id, visible(P.AGENT_POOL_SERVE, RunJob))
    job = session.scalars(found.with_for_update(of=RunJob)).one_or_none()
    if job is None:
        raise NotFound
    check_held(job, fence)
    return job


def _open(row: Any) -> Iterator[bytes] | None:  # noqa: ANN401 - a row with the name and the key
    release_reader()
    if row is None or row[0] is None:
        return None
    return services().vault.open(row[0], row[1])
