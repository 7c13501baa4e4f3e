"""The rules of recovering: what is in the way, and what of a recovered row can't be as it was."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, delete, exists, select, update
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.models import auto_destroy
from app.models.agent_pools import AgentPool
from app.models.environments import Environment
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.recoverable_items import DELETED, EXPIRED, KEPT, RECOVERED, RecoverableItem
from app.models.runs import Run
from app.models.ssh_keys import SshKey
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import in_values, now


class NotRecoverable(Unprocessable):
    """The item can't be recovered, or not now."""

    code = "not-recoverable"


_ENDED: Final = {
    RECOVERED: "Recoverable item has already been recovered",
    DELETED: "Recoverable item has been manually permanently deleted, and is no longer eligible for recovery",
    EXPIRED: "Recoverable item has expired and is no longer eligible for recovery",
}


def check_kept(item: RecoverableItem) -> None:
    """Refuse an item that was recovered, deleted for good or has expired, even if that was not noticed yet."""
    status = EXPIRED if item.status == KEPT and item.expires_at <= now() else item.status
    if status != KEPT:
        raise NotRecoverable(_ENDED[status])


def check_project(session: Session, item: RecoverableItem) -> None:
    """Refuse to recover a workspace whose project is gone; the project is locked, so that it stays."""
    if item.recoverable_type != Workspace.__tablename__:
        return
    found = select(Project.id).where(Project.id == item.project_id)
    if session.scalar(found.with_for_update(read=True, key_share=True)) is not None:
        return
    kept = select(RecoverableItem.id).where(
        RecoverableItem.recoverable_id == item.project_id, RecoverableItem.status == KEPT
    )
    project_item = session.scalar(kept)
    raise NotRecoverable(
        f"The project {item.project_id} of the workspace was deleted, too. "
        + (f"Recover it first: it is the recoverable item {project_item}" if project_item else "It is gone for good")
    )


def other_environment(session: Session, item: RecoverableItem) -> Mapping[str, Any]:
    """The default environment of the project, for a workspace whose environment is gone."""
    if not item.environment_id or session.get(Environment, item.environment_id) is not None:
        return {}
    found = select(Environment.id).where(Environment.project_id == item.project_id, Environment.is_default)
    return {"environment_id": session.scalars(found).one()}


def adjust(session: Session, ids: Collection[str], deleted_at: datetime) -> None:
    """Change what can't be as it was in recovered workspaces: what has passed, and what refers to something gone."""
    ours = in_values(Workspace.__table__.c.id, ids)
    _set(session, and_(ours, Workspace.locked_by_type == Run.__tablename__), locked=False, **_UNLOCKED)
    _set(session, and_(ours, _is_gone(Workspace.current_run_id, Run)), current_run_id=None)
    _set(session, and_(ours, _is_gone(Workspace.latest_run_id, Run)), latest_run_id=None)
    _set(session, and_(ours, _is_gone(Workspace.ssh_key_id, SshKey)), ssh_key_id=None)
    _set(
        session,
        and_(ours, _is_gone(Workspace.own_agent_pool_id, AgentPool)),
        own_agent_pool_id=None,
        own_execution_mode=None,
    )
    # Nothing is destroyed as soon as it is back. A duration begins anew: see ``auto_destroy.arm``.
    _set(session, and_(ours, Workspace.own_auto_destroy_at <= now()), own_auto_destroy_at=None)
    _set(session, ours, auto_destroy_due_at=None)
    session.execute(
        delete(WorkspaceAclEntry).where(
            in_values(WorkspaceAclEntry.__table__.c.workspace_id, ids), _outlived_role(deleted_at)
        ),
        execution_options={"synchronize_session": False},
    )
    auto_destroy.arm(session, list(ids))


def adjust_project(session: Session, project_id: str) -> None:
    """Likewise in a recovered project."""
    session.execute(
        update(Project)
        .where(Project.id == project_id, _is_gone(Project.own_agent_pool_id, AgentPool))
        .values(own_agent_pool_id=None, own_execution_mode=None),
        execution_options={"synchronize_session": False},
    )


_UNLOCKED: Final = {"locked_by_type": None, "locked_by_id": None, "locked_by_name": None, "locked_reason": None}


def _set(session: Session, condition: Any, **values: Any) -> None:  # noqa: ANN401 - a condition, and values of columns
    session.execute(
        update(Workspace).where(condition).values(**values), execution_options={"synchronize_session": False}
    )


def _is_gone(column: Any, model: Any) -> Any:  # noqa: ANN401 - a column that may name a row of the model
    ids = model.__table__.c.id
    return and_(column.is_not(None), ~exists(select(ids).where(ids == column)))


def _outlived_role(deleted_at: datetime) -> Any:  # noqa: ANN401 - a condition
    """An entry that came with creating the workspace ends with the member's role in that project.

    A role that the member was given since is another one.
    """
    entry, member = WorkspaceAclEntry.__table__.c, ProjectMember.__table__.c
    role = select(member.id).where(
        member.project_id == entry.created_in_id,
        member.membership_id == entry.membership_id,
        member.created_at <= deleted_at,
    )
    return and_(entry.created_in_id.is_not(None), ~exists(role))
