"""Use cases of runs: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping
from typing import Any, Final

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Forbidden, NotFound
from app.models.comments import Comment
from app.models.run_machine import Machine, lock_run
from app.models.run_transitions import Event
from app.models.runs import OF_REMOTE_BACKEND, Run
from app.models.workspaces import Workspace
from app.resources.runs.runs.creation import create_run_for, record_creation
from app.resources.runs.runs.listing import RUNS
from app.resources.runs.runs.operations import (
    blocking_run,
    check_possible,
    check_room_for_comment,
    check_runs_here,
    check_unlocked_for,
    find_configuration,
)
from app.resources.runs.runs.schema import cancel_permission
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import NOT_AUTHORIZED, get_for_update, is_allowed, require, visible
from app.web.transaction import record_event, transaction

# What a caller asks for only if they may apply: a run that needs nobody's word, or destroys everything.
_FOR_APPLIERS: Final = ("is_destroy", "auto_apply", "allow_empty_apply")


def create_run(members: Mapping[str, Any]) -> ResourceObject:
    """Create a run of a workspace, and queue its plan if nothing is in its way."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, members["workspace"], P.RUN_PLAN)
        may_apply = is_allowed(P.RUN_APPLY, workspace)
        if not may_apply and any(members.get(name) for name in _FOR_APPLIERS):
            raise Forbidden(NOT_AUTHORIZED)
        # Before the configuration is looked for, because such a workspace needs none.
        check_runs_here(session, workspace)
        version = find_configuration(session, workspace, members.get("configuration_version"))
        run = create_run_for(
            session,
            workspace,
            version,
            members,
            source=_source(),
            created_by_id=caller().user_id,
            may_apply=may_apply,
        )
        record_creation(session, run)
        return RUNS.get_resource({"id": run.id}, session)


def apply_run(run_id: str, comment: str | None) -> None:
    """Confirm the plan of a run: its apply is queued."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_APPLY)
        check_possible(run, Event.APPLY)
        check_unlocked_for(run, workspace)
        before = _move(session, workspace, run, Event.APPLY, comment)
        record_event(session, "runs.apply", run, {"status": [before, run.status]})


def discard_run(run_id: str, comment: str | None) -> None:
    """Discard a run that waits for somebody, or for its turn."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_APPLY)
        check_possible(run, Event.DISCARD)
        before = _move(session, workspace, run, Event.DISCARD, comment)
        record_event(session, "runs.discard", run, {"status": [before, run.status]})


def cancel_run(run_id: str, comment: str | None) -> None:
    """Cancel a run: at once if it waits for an agent, else the agent interrupts terraform."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_PLAN)
        require(cancel_permission(run.status), run)
        check_possible(run, Event.CANCEL)
        before = _move(session, workspace, run, Event.CANCEL, comment)
        record_event(session, "runs.cancel", run, {"status": [before, run.status]})


def force_cancel_run(run_id: str, comment: str | None) -> None:
    """End a run that was canceled and does not stop. The agent kills terraform; its state is kept beside the apply."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_APPLY)
        require(P.WORKSPACE_UPDATE, run)
        check_possible(run, Event.FORCE_CANCEL)
        before = _move(session, workspace, run, Event.FORCE_CANCEL, comment)
        record_event(session, "runs.force-cancel", run, {"status": [before, run.status]})


def force_execute_run(run_id: str) -> None:
    """Discard the run that holds the workspace and waits for somebody, and begin this one."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_APPLY)
        blocking = blocking_run(session, workspace, run)
        before = run.status
        Machine(session, workspace, caller().user_id).execute_now(run, blocking)
        record_event(
            session, "runs.force-execute", run, {"status": [before, run.status], "discarded": [None, blocking.id]}
        )


def create_comment(run_id: str, text: str) -> str:
    """Comment on a run. Returns the id of the comment."""
    with transaction() as session:
        workspace, run = lock(session, run_id, P.RUN_PLAN)
        check_room_for_comment(session, run)
        comment = add_comment(session, Machine(session, workspace, caller().user_id), run, text)
        record_event(session, "comments.create", comment)
        return comment.id


def _move(session: Session, workspace: Workspace, run: Run, event: Event, comment: str | None) -> str:
    """Let the event happen to the run; returns the status before it."""
    before = run.status
    machine = Machine(session, workspace, caller().user_id)
    if comment:
        add_comment(session, machine, run, comment)
    machine.move(run, event)
    session.flush()
    return before


def add_comment(session: Session, machine: Machine, run: Run, text: str) -> Comment:
    """Write the caller's comment on the run."""
    comment = Comment(
        organization_id=run.organization_id,
        workspace_id=run.workspace_id,
        run_id=run.id,
        body=text,
        created_by_id=caller().user_id,
    )
    session.add(comment)
    session.flush()
    machine.note(run, "commented", comment_id=comment.id)
    return comment


def lock(session: Session, run_id: str, permission: P) -> tuple[Workspace, Run]:
    """The run and its workspace, locked; 404 for a caller who can't see the run or lacks the permission on it."""
    key = Run.__table__.c.id
    if session.scalar(select(key).where(key == run_id, visible(P.RUN_READ, Run))) is None:
        raise NotFound
    locked = lock_run(session, run_id)
    if locked is None:
        raise NotFound
    require(permission, locked[1])
    return locked


def _source() -> str:
    # The terraform CLI sends the first header when a configuration has a cloud block, and the second one always.
    if request.headers.get("X-Terraform-Integration") == "cloud":
        return "terraform+cloud"
    return OF_REMOTE_BACKEND if "Terraform-Version" in request.headers else "tfe-api"
