"""The rules of environments: how many there may be, which is the default, when one can be deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, NotFound, StillApplying, Unprocessable
from app.models.environments import Environment
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.users import User
from app.models.workspace_deletion import applying_run, delete_workspaces, lock_workspaces
from app.models.workspaces import Workspace
from app.persistence import now

MAXIMUM = 100
"""How many environments a project may have."""


class DefaultEnvironment(Forbidden):
    """The default environment can't be deleted."""

    code = "default-environment"
    detail = "The default environment cannot be deleted; make another environment the default first"


class EnvironmentNotEmpty(Forbidden):
    """An environment that holds workspaces can only be deleted by force."""

    code = "environment-not-empty"
    detail = (
        "The environment still contains workspaces; move or delete them first, "
        "or delete the environment with force=true"
    )


class TooManyEnvironments(Unprocessable):
    """The project has as many environments as are allowed."""

    code = "too-many-environments"
    pointer = "/data"
    detail = f"A project can't have more than {MAXIMUM} environments"


@dataclass(frozen=True, slots=True)
class Gone:
    """The rows that were deleted together with an environment."""

    workspaces: Sequence[Workspace]
    members: Sequence[tuple[ProjectMember, dict[str, list[Any]]]]
    """Each with the changes for its event."""


def check_room(session: Session, project_id: str) -> None:
    """Refuse another environment if the project has the maximum. The caller has locked the project's row."""
    count = select(func.count()).select_from(Environment).where(Environment.project_id == project_id)
    if (session.scalar(count) or 0) >= MAXIMUM:
        raise TooManyEnvironments


def keep_project(session: Session, environment_id: str) -> None:
    """Lock the environment's project against deletion. Call it before the environment is locked.

    A request that deletes or wipes the project locks the environments' workspaces after the project. In another order,
    the two requests could deadlock.
    """
    project = select(Project.id).join(Environment, Environment.project_id == Project.id)
    kept = project.where(Environment.id == environment_id)
    session.execute(kept.with_for_update(of=Project, read=True, key_share=True))


def delete_environment(session: Session, environment: Environment, deleted_by: str | None, *, by_force: bool) -> Gone:
    """Delete the environment with the roles that are limited to it and, by force, the workspaces in it.

    The caller has locked the environment's row, so that nobody can put a workspace into it meanwhile.
    """
    if environment.is_default:
        raise DefaultEnvironment
    workspaces: Sequence[Workspace] = ()
    if by_force:
        workspaces = lock_workspaces(session, Workspace.environment_id == environment.id)
        if applying := applying_run(session, workspaces):
            raise StillApplying.of(applying)
        delete_workspaces(session, workspaces, deleted_by)
    elif session.scalar(select(exists().where(Workspace.environment_id == environment.id))):
        raise EnvironmentNotEmpty
    # ON DELETE CASCADE deletes these.
    found = session.execute(
        select(ProjectMember, User.username)
        .join(OrganizationMembership, OrganizationMembership.id == ProjectMember.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(ProjectMember.environment_id == environment.id)
        .order_by(ProjectMember.id),
    )
    members = [(member, {"username": [username, None], "role": [member.role, None]}) for member, username in found]
    session.delete(environment)
    session.flush()
    return Gone(workspaces, members)


def set_default(session: Session, project_id: str, environment_id: str) -> Mapping[Environment, dict[str, list[Any]]]:
    """Make the environment the default of its project, whose row the caller has locked; returns what changed."""
    found = session.scalars(
        select(Environment)
        .where(Environment.project_id == project_id, or_(Environment.id == environment_id, Environment.is_default))
        .order_by(Environment.id)
        .with_for_update(),
    ).all()
    chosen = next((environment for environment in found if environment.id == environment_id), None)
    if chosen is None:  # it was deleted meanwhile
        raise NotFound
    if chosen.is_default:
        return {}
    changes: dict[Environment, dict[str, list[Any]]] = {}
    # One after the other, because the database never allows two defaults.
    for environment in sorted(found, key=lambda each: each is chosen):
        changes[environment] = {"is-default": [environment.is_default, not environment.is_default]}
        environment.is_default = not environment.is_default
        environment.updated_at = now()
        session.flush()
    return changes
