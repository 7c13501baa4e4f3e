"""Which roles in a project a caller may grant, and which environments a role can be limited to."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import MANAGES_ROLE
from app.jsonapi.errors import BadRequest
from app.models.environments import Environment
from app.models.projects import Project
from app.web.policy import require, visible


class UnknownEnvironment(BadRequest):
    """The project has no such environment, or the caller can't see it."""

    code = "unknown-environment"
    pointer = "/data/relationships/environment"
    detail = "The project has no such environment"


def require_may_grant(project: Project, *members_roles: str) -> None:
    """Refuse a caller who may not grant, change or revoke one of these roles."""
    for role in members_roles:
        require(MANAGES_ROLE[role], project)


def resolve_environment(session: Session, members: Mapping[str, Any], project: Project) -> None:
    """Refuse an environment of another project; a valid one is locked against deletion until the transaction ends."""
    wanted = members.get("environment_id")
    if wanted is None:
        return
    found = select(Environment.id).where(
        Environment.id == wanted,
        Environment.project_id == project.id,
        visible(P.ENVIRONMENT_READ, Environment),
    )
    if session.scalar(found.with_for_update(read=True, key_share=True)) is None:
        raise UnknownEnvironment
