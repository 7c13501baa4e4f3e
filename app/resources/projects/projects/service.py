"""Use cases of projects: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.authz.policy import Level, allowed_at
from app.authz.roles import PROJECT_ROLES
from app.jsonapi.errors import Forbidden, ForceDeletionRefused, Taken
from app.models.auto_destroy import arm_inheriting
from app.models.auto_destroy_runs import discard_waiting
from app.models.environments import default_environment
from app.models.projects import Project, slug_of
from app.models.workspaces import Workspace
from app.persistence import new_row
from app.resources.inheritance.agent_pools import open_to_project
from app.resources.inheritance.execution_mode import PoolConsumer, execution_of_organization, resolve_execution
from app.resources.organizations.access_paths.standing import Standing, standing
from app.resources.projects.dry_runs.counts import count_what_goes
from app.resources.projects.dry_runs.document import DryRun, dry_run
from app.resources.projects.projects.creation import created_project, first_owner, free_slug
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.projects.operations import (
    check_cloud_provider,
    delete_project,
    release_locks_of_tokens,
)
from app.resources.projects.tag_bindings.operations import add_tags, replace_tags
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import NOT_AUTHORIZED, get_for_update, is_allowed
from app.web.transaction import apply_changes, created_changes, record_event, record_events, transaction, write

SLUG = "/data/attributes/slug"
PUBLIC_READ = "/data/attributes/public-read"


def create_project(org: OrganizationRef, sent: Mapping[str, Any]) -> ResourceObject:
    """Create a project of the organization with its default environment and, if the caller is a member, their role.

    Without a slug, the project gets one made from its name.
    """
    if "slug" in sent:
        return _create(org, sent)
    try:
        return _create(org, {**sent, "slug": slug_of(sent["name"])})
    except Taken as taken:
        # Another slug is only looked for on a conflict, because few names have the same slug.
        if taken.pointer != SLUG:
            raise
    return _create(org, sent)


def _create(org: OrganizationRef, sent: Mapping[str, Any]) -> ResourceObject:
    members = dict(sent)
    with transaction() as session:
        tags = members.pop("tag_bindings", {})
        normalized = _resolve_settings(session, members, None, org.id)
        if "slug" not in normalized:
            normalized["slug"] = free_slug(session, org.id, normalized["name"])
        project = Project(organization_id=org.id, **normalized)
        rows = [new_row(project), new_row(default_environment(project))]
        own_role: frozenset[P] = frozenset()
        if org.membership_id is not None:
            owner = first_owner(project, org.membership_id)
            rows.append(new_row(owner))
            # The caller's grants were loaded before the project existed.
            own_role = allowed_at(Level.PROJECT, PROJECT_ROLES[owner.role])
        changes = _event_changes(created_changes({**normalized, "tag_bindings": tags or None}))
        write(session, *rows, event=("projects.create", project, changes))
        if tags:
            add_tags(session, project, tags)
            session.flush()
        created = created_project(project, org.name, execution_of_organization(session, org.id))
        return PROJECTS.to_resource(created, also=own_role)


def update_project(project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Update a project; attributes that are left out stay as they are."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_UPDATE)
        changes: dict[str, Any] = {}
        tags = members.pop("tag_bindings", None)
        if tags is not None:
            replaced = replace_tags(session, project, tags)
            changes = {"tag-bindings": replaced} if replaced else {}
        changes |= apply_changes(project, _resolve_settings(session, members, project, project.organization_id))
        if "public-read" in changes and not is_allowed(P.PROJECT_MANAGE_MEMBERS, project):
            # Making it public gives access, which the permission to change settings does not allow.
            raise Forbidden(NOT_AUTHORIZED, pointer=PUBLIC_READ)
        session.flush()
        if "auto-destroy-activity-duration" in changes:
            check_may_let_run(project)
            arm_inheriting(session, project.id)
            inherits = Workspace.project_id == project.id
            discard_waiting(session, and_(inherits, Workspace.inherits_project_auto_destroy), caller().user_id)
        if changes:
            record_event(session, "projects.update", project, _event_changes(changes))
        return PROJECTS.get_resource({"id": project_id}, session)


def check_may_let_run(project: Project) -> None:
    """Refuse a caller who may not apply runs; the organization's token manages all settings."""
    if caller().kind != "organization" and not is_allowed(P.RUN_APPLY, project):
        raise Forbidden(
            "You are not authorized to set auto-destroy-activity-duration: runs would apply that you may not apply",
            pointer="/data/attributes/auto-destroy-activity-duration",
        )


def destroy_project(project_id: str, *, by_force: bool, is_dry: bool = False) -> DryRun | None:
    """Delete a project; with force=true also the workspaces in it. All or nothing is deleted."""
    with transaction(is_dry=is_dry) as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_DELETE)
        if by_force and not is_allowed(P.PROJECT_FORCE_DELETE, project):
            raise ForceDeletionRefused(
                "You are not authorized to delete this project by force, together with its workspaces. Delete it "
                "without force=true, once it holds no workspaces"
            )
        going = Workspace.project_id == project.id
        counts = count_what_goes(session, going, project_id=project.id) if is_dry else {}
        before = standing(session.connection(), project.organization_id, [project.id]) if is_dry else Standing()
        workspaces = delete_project(session, project, caller().user_id, by_force=by_force)
        record_events(session, "workspaces.delete", [(workspace, None) for workspace in workspaces])
        released = release_locks_of_tokens(session, project)
        record_events(session, "workspaces.force-unlock", released)
        record_event(
            session, "projects.delete", project, {"workspace-count": [len(workspaces), 0]} if workspaces else None
        )
        if not is_dry:
            return None
        counts["locks-released"] = len(released)
        return dry_run("projects.delete", project_id, counts, before, Standing())


def _event_changes(changes: dict[str, Any]) -> dict[str, Any]:
    # SQLAlchemy reserves the attribute's name, so the column has another one.
    return {"metadata" if name == "custom-metadata" else name: change for name, change in changes.items()}


def _resolve_settings(
    session: Session, members: dict[str, Any], current: Project | None, organization_id: str
) -> dict[str, Any]:
    check_cloud_provider(members.get("cloud_provider_id"))
    consumer = PoolConsumer(organization_id, "project", partial(open_to_project, current.id if current else None))
    inherited = partial(execution_of_organization, session, organization_id)
    return resolve_execution(session, members, current, consumer, inherited=inherited)
