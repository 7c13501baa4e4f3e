"""The lock of a workspace: who holds it, and which requests it refuses (spec: workspaces, locking).

Callers of these functions have locked the workspace's row, so only one of two requests gets the lock.
"""

from typing import Any, NamedTuple, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, Unprocessable
from app.models.runs import FINAL, Run
from app.models.workspace_locks import FREE, TITLES
from app.persistence import AnyRow


class Calling(Protocol):
    """The caller, as far as locks are concerned."""

    @property
    def kind(self) -> str:
        """``user``, ``team``, ``organization`` or ``project``."""

    @property
    def id(self) -> str:
        """The id of the user, team, organization or project."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def account(self) -> tuple[str, str]:
        """The id and the username of its account."""


class Holder(NamedTuple):
    """Who holds a lock, as clients see it."""

    type: str
    id: str
    name: str

    def __str__(self) -> str:
        """The words that clients look for: "User ada"."""
        return f"{TITLES[self.type]} {self.name}"


NOBODY_KNOWN = Holder("users", "", "unknown")


class AlreadyLocked(Conflict):
    """The workspace is locked already, perhaps by the caller."""

    code = "workspace-already-locked"


class NotLocked(Conflict):
    """The workspace is not locked."""

    code = "workspace-not-locked"
    detail = "Unable to unlock workspace. The workspace is not locked."


class LockedByAnother(Conflict):
    """Somebody else holds the lock. Clients look for "is locked by User", "… Team" or "… Run"."""

    code = "workspace-locked-by-another"


class LockedByRun(Conflict):
    """A run holds the lock, and is not over."""

    code = "workspace-locked-by-run"


class NotLockedForState(Conflict):
    """States are only accepted while the workspace is locked."""

    code = "workspace-not-locked-for-state"
    detail = "This workspace is not locked and will only accept state uploads when locked"


class StatePending(Unprocessable):
    """A state version was announced and has not arrived yet. Clients look for these words and try again."""

    code = "state-version-pending"
    detail = "Unable to unlock workspace. The latest state version is still pending"


def holder_from(caller: Calling) -> Holder:
    """The caller as a holder of locks: a team, or the account of any other caller."""
    if caller.kind == "team":
        return Holder("teams", caller.id, caller.name)
    return Holder("users", *caller.account)


def holder_of(workspace: AnyRow) -> Holder | None:
    """Who holds the lock; None if it is free."""
    if not workspace.locked:
        return None
    if workspace.locked_by_type is None or workspace.locked_by_id is None:
        return NOBODY_KNOWN
    return Holder(workspace.locked_by_type, workspace.locked_by_id, workspace.locked_by_name or "")


def is_held_by(workspace: AnyRow, caller: Calling) -> bool:
    """Whether the caller holds the lock."""
    holder = holder_of(workspace)
    # Names change, so the id is compared.
    return holder is not None and holder[:2] == holder_from(caller)[:2]


def check_held_by(workspace: AnyRow, caller: Calling) -> None:
    """Refuse a state if the caller does not hold the lock (spec: state versions, create)."""
    holder = holder_of(workspace)
    if holder is None:
        raise NotLockedForState
    if not is_held_by(workspace, caller):
        raise LockedByAnother(
            f"This workspace is locked by {holder} and will only accept state uploads from them while locked.",
        )


def lock(workspace: AnyRow, caller: Calling, reason: str | None) -> dict[str, Any]:
    """The columns of the workspace when the caller has the lock."""
    holder = holder_of(workspace)
    if holder is not None:
        raise AlreadyLocked(f"Unable to lock workspace. The workspace is already locked by {holder}.")
    type_, id_, name = holder_from(caller)
    return {
        "locked": True,
        "locked_by_type": type_,
        "locked_by_id": id_,
        "locked_by_name": name,
        "locked_reason": reason,
    }


def check_may_unlock(workspace: AnyRow, caller: Calling) -> None:
    """Refuse to unlock a workspace that is not locked, or that somebody else has locked."""
    holder = holder_of(workspace)
    if holder is None:
        raise NotLocked
    if not is_held_by(workspace, caller):
        raise LockedByAnother(
            f"Unable to unlock workspace. The workspace is locked by {holder} and may not be unlocked except by them.",
        )


def check_no_active_run(session: Session, workspace: AnyRow) -> None:
    """Refuse to take the lock away from a run that is not over."""
    if workspace.locked_by_type != "runs":
        return
    columns = Run.__table__.c
    status = session.scalar(select(columns.status).where(columns.id == workspace.locked_by_id))
    if status is None or status in FINAL:
        # The agent of the run was lost: only a person can say that its state does not matter any more.
        session.execute(update(Run).where(columns.id == workspace.locked_by_id).values(holds_lock=False))
        return
    raise LockedByRun(
        f"Unable to unlock workspace. The workspace is locked by Run {workspace.locked_by_id}, whose status is "
        f"{status}; cancel or discard the run first."
    )


def unlock(workspace: AnyRow) -> dict[str, Any]:
    """The columns of the workspace when nobody has the lock, whoever holds it now."""
    if not workspace.locked:
        raise NotLocked
    return dict(FREE)
