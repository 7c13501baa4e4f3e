"""Use cases of environments: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, ForceDeletionRefused, NotFound
from app.models.environments import Environment
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.organizations.access_paths.standing import Standing, standing
from app.resources.projects.dry_runs.counts import count_what_goes
from app.resources.projects.dry_runs.document import DryRun, dry_run
from app.resources.projects.environments.cloning import clone_workspaces
from app.resources.projects.environments.listing import ENVIRONMENTS
from app.resources.projects.environments.operations import check_room, delete_environment, keep_project, set_default
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed
from app.web.transaction import (
    CHANGED_MEANWHILE,
    apply_changes,
    created_changes,
    insert,
    record_event,
    record_events,
    transaction,
)

# A caller who may delete a project by force may delete its environments by force.
FORCE = (P.WORKSPACE_FORCE_DELETE, P.PROJECT_FORCE_DELETE)

# Attributes that a clone copies from its source unless the request sends them; the others distinguish the two.
TAKEN_ALONG = ("type", "description", "color", "git_branch")


def create_environment(project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Create an environment."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.ENVIRONMENT_MANAGE)
        environment = _create(session, project, members)
        return ENVIRONMENTS.get_resource({"id": environment.id}, session)


def update_environment(environment_id: str, members: dict[str, Any]) -> ResourceObject:
    """Update an environment; attributes that are left out stay as they are."""
    with transaction() as session:
        environment = _lock_environment(session, environment_id)
        changes = apply_changes(environment, members)
        if changes:
            environment.updated_at = now()
            session.flush()
            record_event(session, "environments.update", environment, changes)
        return ENVIRONMENTS.get_resource({"id": environment_id}, session)


def destroy_environment(environment_id: str, *, by_force: bool, is_dry: bool = False) -> DryRun | None:
    """Delete an environment with the roles that are limited to it; with force=true also the workspaces in it."""
    with transaction(is_dry=is_dry) as session:
        keep_project(session, environment_id)
        environment = _lock_environment(session, environment_id)
        if by_force and not any(is_allowed(permission, environment) for permission in FORCE):
            raise ForceDeletionRefused(
                "You are not authorized to delete this environment by force, together with its workspaces. Delete it "
                "without force=true, once it holds no workspaces"
            )
        place = (environment.organization_id, [environment.project_id])
        counts = _count(session, environment) if is_dry else {}
        before = standing(session.connection(), *place) if is_dry else Standing()
        gone = delete_environment(session, environment, caller().user_id, by_force=by_force)
        record_events(session, "workspaces.delete", [(workspace, None) for workspace in gone.workspaces])
        record_events(session, "project-members.delete", gone.members)
        count = len(gone.workspaces)
        record_event(session, "environments.delete", environment, {"workspace-count": [count, 0]} if count else None)
        if not is_dry:
            return None
        after = standing(session.connection(), *place)
        return dry_run("environments.delete", environment_id, counts, before, after)


def set_default_environment(environment_id: str) -> ResourceObject:
    """Make an environment the default of its project: where new workspaces are created unless they name another."""
    with transaction() as session:
        project = _project_of(session, environment_id)
        changed = set_default(session, project.id, environment_id)
        record_events(session, "environments.set-default", list(changed.items()))
        return ENVIRONMENTS.get_resource({"id": environment_id}, session)


def clone_environment(
    environment_id: str, members: dict[str, Any], *, is_dry: bool = False
) -> tuple[Sequence[tuple[Workspace, Workspace]], ResourceObject] | DryRun:
    """Create an environment like this one, with copies of its workspaces and everything in them except states."""
    with transaction(is_dry=is_dry) as session:
        project = _project_of(session, environment_id)
        kept = select(Environment).where(Environment.id == environment_id, Environment.project_id == project.id)
        source = session.scalars(kept.with_for_update(read=True, key_share=True)).one_or_none()
        if source is None:  # it was deleted meanwhile
            raise NotFound
        alike = {name: getattr(source, name) for name in TAKEN_ALONG}
        environment = _create(session, project, {**alike, **members})
        pairs = _clone_workspaces(session, source, environment)
        # The event is the project's: callers who see only one of the two environments must not see the other's id.
        changes = {"environment": [source.id, environment.id], "workspace-count": [0, len(pairs)]}
        record_event(session, "projects.clone-environment", project, changes)
        if is_dry:
            counts = count_what_goes(session, Workspace.environment_id == environment.id)
            look = partial(standing, session.connection(), project.organization_id, [project.id], with_projects=False)
            before, after = look([]), look([copy.id for _, copy in pairs])
            counts = {"environments": 1, **{name: count for name, count in counts.items() if count}}
            return dry_run("projects.clone-environment", environment_id, counts, before, after)
        shown = ENVIRONMENTS.get_resource({"id": environment.id}, session)
    return pairs, shown


def _count(session: Session, environment: Environment) -> dict[str, int]:
    limited = (ProjectMember, ProjectMember.environment_id == environment.id)
    itself = (Environment, Environment.id == environment.id)
    return count_what_goes(session, Workspace.environment_id == environment.id, further=[itself, limited])


def _lock_environment(session: Session, environment_id: str) -> Environment:
    return get_for_update(session, Environment, environment_id, P.ENVIRONMENT_MANAGE)


def _project_of(session: Session, environment_id: str) -> Project:
    """The project of the environment, locked. It is always locked before its environments, to avoid deadlocks."""
    row = ENVIRONMENTS.get({"id": environment_id}, session)
    return get_for_update(session, Project, row.project_id, P.ENVIRONMENT_MANAGE)


def _create(session: Session, project: Project, members: dict[str, Any]) -> Environment:
    check_room(session, project.id)
    environment = Environment(organization_id=project.organization_id, project_id=project.id, **members)
    insert(session, environment)
    record_event(session, "environments.create", environment, created_changes(members))
    return environment


def _clone_workspaces(
    session: Session, source: Environment, environment: Environment
) -> Sequence[tuple[Workspace, Workspace]]:
    try:
        pairs = clone_workspaces(session, source, environment)
    except IntegrityError as error:
        # A concurrent request took one of the names, or deleted a team, a set or a pool.
        raise Conflict(CHANGED_MEANWHILE) from error
    changes = {"project": environment.project_id, "project-environment": environment.id}
    record_events(
        session, "workspaces.create", [(copy, created_changes({"name": copy.name, **changes})) for _, copy in pairs]
    )
    return pairs
