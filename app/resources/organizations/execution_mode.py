"""Where runs execute: set on the organization, on a project, on a workspace, each inheriting from the one above.

(spec: projects, execution-mode semantics; workspaces, execution mode)
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, NotFound, Unprocessable, humanized
from app.resources.organizations.model import Organization

INHERIT = "default"


def own_mode(
    members: dict[str, Any],
    current: str | None,
    inherited: Callable[[], str],
    prefix: str = "default_",
) -> dict[str, Any]:
    """The members with ``own_execution_mode`` in place of what the client said about it.

    A literal mode becomes the resource's own; ``default``, or overwrites of ``false``, inherit again; overwrites of
    ``true`` without a mode keep the value that is in force (``inherited`` tells it where there is no own one).
    """
    settled = dict(members)
    overwrites = settled.pop("setting_overwrites", None)
    mode = settled.pop(f"{prefix}execution_mode", None)
    pool = settled.pop(f"{prefix}agent_pool_id", None) or settled.get(f"{prefix}agent_pool")
    settled.pop(f"{prefix}agent_pool", None)
    if overwrites is False or mode == INHERIT:
        settled["own_execution_mode"] = None
    elif mode is not None:
        settled["own_execution_mode"] = mode
    elif overwrites and current is None:
        settled["own_execution_mode"] = inherited()
    check_agent_pool(settled.get("own_execution_mode", current), pool, prefix, is_new=mode is not None)
    return settled


def check_agent_pool(
    mode: str | None,
    pool: str | None,
    prefix: str = "default_",
    *,
    is_new: bool,
    subject: str = "Agent pool",
) -> None:
    """Refuse what can't be: a pool without the agent mode, the agent mode without a pool, a pool that is not there.

    ``is_new`` says that the client has just asked for the mode.
    """
    name = f"{prefix}agent_pool".replace("_", "-")
    pointer = f"/data/attributes/{name}-id"
    if pool and mode != "agent":
        raise Unprocessable(f"{subject} must not be specified unless using 'agent' execution mode", pointer=pointer)
    if pool:
        raise InvalidAttribute(f"{humanized(name)} does not exist", pointer=pointer)
    if mode == "agent" and is_new:
        raise InvalidAttribute(
            f"{humanized(name)} must be specified when using 'agent' execution mode",
            pointer=pointer,
        )


def mode_of_organization(session: Session, organization_id: str) -> str:
    """The execution mode that a project without its own one has."""
    mode = session.scalars(
        select(Organization.default_execution_mode).where(Organization.id == organization_id),
    ).one_or_none()
    if mode is None:  # it was deleted since the caller entered it
        raise NotFound
    return mode
