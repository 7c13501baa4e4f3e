"""The rules of workspaces: inheritance from the project, deleting safely."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, Forbidden, InvalidAttribute, Unprocessable
from app.models.auto_destroy import SETTINGS
from app.models.workspace_states import has_encrypted_state
from app.models.workspaces import Workspace

# The changes that move the time at which the workspace is destroyed.
TIME_OF_DESTRUCTION = frozenset(name.replace("_", "-") for name in SETTINGS)
OWN_AUTO_DESTROY = ("own_auto_destroy_activity_duration", "own_auto_destroy_at")
CREATE_ONLY = ("source_name", "source_url")
TRIGGERS = ("trigger_prefixes", "trigger_patterns")
ENCRYPTED = ", or may be: its state is encrypted, so the service can't count them"


class WorkspaceLocked(Conflict):
    """A locked workspace can't be deleted safely. Clients look for the word "locked"."""

    code = "workspace-locked"
    detail = "Workspace is currently locked. Workspace must be unlocked before it can be safely deleted"


class WorkspaceManagesResources(Conflict):
    """A workspace whose state has resources, or is encrypted so that nobody can tell, can't be deleted safely."""

    code = "workspace-manages-resources"
    detail = "Workspace cannot be safely deleted because it is still managing resources"


class ProjectNotFound(Unprocessable):
    """The project that a workspace should be in does not exist, or the caller can't see or use it."""

    code = "project-not-found"
    pointer = "/data/relationships/project"
    detail = "Project not found, or you are not authorized to use it."


class TagsTwice(Unprocessable):
    """The plain tags were sent twice: by name and as a relationship."""

    code = "tags-twice"
    pointer = "/data/attributes/tag-names"
    detail = "Tag names can't be set together with the relationship tags"


def normalize_operations(members: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes, with the older ``operations`` translated to an execution mode; a request with both is refused."""
    normalized = dict(members)
    operations = normalized.pop("operations", None)
    if operations is None:
        return normalized
    if "execution_mode" in normalized:
        raise Unprocessable(
            "Operations and execution mode can't be set together",
            pointer="/data/attributes/operations",
        )
    return {**normalized, "execution_mode": "remote" if operations else "local"}


def normalize_auto_destroy(members: Mapping[str, Any], current: Workspace | None) -> dict[str, Any]:
    """The attributes, with auto-destroy time and duration as the workspace's own (spec: workspaces, update).

    A duration or a time becomes the workspace's own. Null removes it, and the project's duration counts again, unless
    the same request says that the workspace does not inherit. A duration wins over a time. Null for the time alone
    removes the duration, too, because the time is shown for either.
    """
    normalized = dict(members)
    is_duration_given = "auto_destroy_activity_duration" in normalized
    duration = normalized.pop("auto_destroy_activity_duration", None)
    is_time_given = "auto_destroy_at" in normalized
    moment = normalized.pop("auto_destroy_at", None)
    if normalized.get("inherits_project_auto_destroy") is True:
        return {**normalized, "own_auto_destroy_activity_duration": None, "own_auto_destroy_at": None}
    if duration is not None:
        own: dict[str, Any] = {"own_auto_destroy_activity_duration": duration, "own_auto_destroy_at": None}
    elif moment is not None:
        own = {"own_auto_destroy_activity_duration": None, "own_auto_destroy_at": moment}
    elif is_duration_given:
        own = {"own_auto_destroy_activity_duration": None}
        if is_time_given or normalized.get("inherits_project_auto_destroy") is False:
            own["own_auto_destroy_at"] = None
    elif is_time_given:
        own = {"own_auto_destroy_activity_duration": None, "own_auto_destroy_at": None}
    else:
        return normalized
    # A workspace without its own value inherits the project's again.
    has_own = any(own.get(name, getattr(current, name, None)) is not None for name in OWN_AUTO_DESTROY)
    normalized.setdefault("inherits_project_auto_destroy", not has_own)
    return {**normalized, **own}


def check_may_apply(changed: Mapping[str, Any], may_let_run: Callable[[], bool]) -> None:
    """Refuse settings by which runs would apply that nobody confirms, for somebody who may not apply runs."""
    for member in (*sorted(TIME_OF_DESTRUCTION), "auto-apply-run-trigger"):
        if member in changed and changed[member][1] not in (None, False) and not may_let_run():
            shown = member.removeprefix("own-")
            raise Forbidden(
                f"You are not authorized to set {shown}: runs would apply that you may not apply",
                pointer=f"/data/attributes/{shown}",
            )


def normalize_settings(members: Mapping[str, Any], current: Workspace | None) -> dict[str, Any]:
    """The attributes, without those that are not stored; refuses settings that contradict each other."""
    normalized = dict(members)
    normalized.pop("vcs_repo", None)
    if current is not None:
        for member in CREATE_ONLY:
            normalized.pop(member, None)

    def after(member: str) -> Any:  # noqa: ANN401 - any attribute
        return normalized.get(member, getattr(current, member, None))

    if all(normalized.get(member) for member in TRIGGERS):
        raise InvalidAttribute(
            "Trigger patterns and trigger prefixes can't both be set",
            pointer="/data/attributes/trigger-patterns",
        )
    _normalize_triggers(normalized, after)
    if after("project_remote_state") and after("global_remote_state"):
        member = "project-remote-state" if "project_remote_state" in normalized else "global-remote-state"
        raise InvalidAttribute(
            "Project remote state cannot be enabled when global remote state sharing is enabled",
            pointer=f"/data/attributes/{member}",
        )
    return normalized


def _normalize_triggers(normalized: dict[str, Any], after: Callable[[str], Any]) -> None:
    given = [member for member in TRIGGERS if normalized.get(member) is not None]
    for member, other in (TRIGGERS, TRIGGERS[::-1]):
        # Clients that switch from one setting to the other, or that turn both off, send only one of them.
        if given == [member] or normalized.get(member):
            normalized[other] = None
    for member in given:
        normalized[member] = normalized[member] or None
    if not {"trigger_patterns", "file_triggers_enabled"}.isdisjoint(normalized) and (
        after("trigger_patterns") and after("file_triggers_enabled") is False
    ):
        raise InvalidAttribute(
            "'trigger_patterns' cannot be populated when 'file_triggers_enabled' is set to false.",
            pointer="/data/attributes/trigger-patterns",
        )


def check_safe_to_delete(session: Session, workspace: Workspace, *, force_is_offered: bool = False) -> None:
    """Refuse a workspace that is locked or manages resources; ``force_is_offered`` if the address takes force=true."""
    refused: type[Conflict] | None = None
    reason = ""
    if workspace.locked:
        refused = WorkspaceLocked
    elif workspace.resource_count:
        refused = WorkspaceManagesResources
    elif _has_encrypted_state(session, workspace):
        refused, reason = WorkspaceManagesResources, ENCRYPTED
    if refused is not None:
        offer = "; force=true deletes it all the same" if force_is_offered else ""
        raise refused(f"{refused.detail}{reason}{offer}")


def _has_encrypted_state(session: Session, workspace: Workspace) -> bool:
    its_own = Workspace.__table__.c.id == workspace.id
    return session.scalar(select(Workspace.__table__.c.id).where(its_own, has_encrypted_state())) is not None
