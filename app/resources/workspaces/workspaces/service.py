"""Creating, updating and deleting a workspace, for all the addresses that do so."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import level_within
from app.authz.rules import permissions_on
from app.jsonapi.errors import NotFound
from app.models.projects import Project
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.inheritance.agent_pools import open_to_workspace
from app.resources.inheritance.execution_mode import PoolConsumer, execution_of_project, resolve_execution
from app.resources.projects.tag_bindings.operations import replace_plain_tags, replace_tags
from app.resources.workspaces.tags.operations import SentTags, names_of
from app.resources.workspaces.workspaces.environment import require_may_create, resolve_environment
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.moving import WorkspacesNotMovable, move_workspaces
from app.resources.workspaces.workspaces.operations import (
    TagsTwice,
    check_safe_to_delete,
    normalize_auto_destroy,
    normalize_operations,
    normalize_settings,
)
from app.storage.ledger import mark_for_deletion, objects_owned_by
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed, visible
from app.web.transaction import apply_changes, created_changes, insert, record_event, transaction

# What happens in a workspace is also seen by who may see it in all workspaces of the organization.
_REACH = {**Workspace.grant_columns, "projects": "organization_id", "workspaces": "organization_id"}


def create(organization_id: str, sent: Mapping[str, Any]) -> ResourceObject:
    """Create a workspace of the organization, in the project that was sent or in the default one."""
    members = dict(sent)
    with transaction() as session:
        project_id = members.pop("project_id", None) or _default_project(session, organization_id)
        return insert_workspace(session, _destination(session, project_id, organization_id, P.PROJECT_READ), members)


def insert_workspace(
    session: Session, project: Project, members: dict[str, Any], *, is_refused_openly: bool = False
) -> ResourceObject:
    """Create a workspace in this project, which the caller has locked; ``require_may_create`` explains the flag."""
    tags = _sent_tags(members)
    place = resolve_environment(session, members, project.id)
    settled = _resolve_settings(session, members, None, project.organization_id, project.id)
    workspace = Workspace(
        organization_id=project.organization_id, project_id=project.id, source=_source(), **place, **settled
    )
    require_may_create(workspace, is_refused_openly=is_refused_openly)
    insert(session, workspace)
    _give_access_to_creator(session, workspace)
    tagged = _tag(session, workspace, tags)
    session.flush()
    record_event(
        session,
        "workspaces.create",
        workspace,
        {**created_changes({**settled, **place, "project": project.id}), **tagged},
    )
    return WORKSPACES.get_resource({"id": workspace.id}, session)


def update(workspace_id: str, sent: Mapping[str, Any], below: Mapping[str, str] | None = None) -> ResourceObject:
    """Set these members of the workspace; the others stay. ``below`` is explained in ``subject``."""
    members = dict(sent)
    with transaction() as session:
        destination_id = members.pop("project_id", None)
        # Who only moves needs the right to move, not the right to change settings.
        needed = P.WORKSPACE_UPDATE if members or destination_id is None else P.WORKSPACE_READ
        workspace = get_for_update(session, Workspace, workspace_id, needed, where=below)
        changes: dict[str, Any] = {}
        if destination_id is not None and destination_id != workspace.project_id:
            changes = _move(session, workspace, destination_id)
        changes |= _tag(session, workspace, _sent_tags(members))
        place = apply_changes(workspace, resolve_environment(session, members, workspace.project_id, workspace))
        if place:
            require_may_create(workspace)
        settled = _resolve_settings(session, members, workspace, workspace.organization_id, workspace.project_id)
        changes |= place | apply_changes(workspace, settled)
        if changes:
            workspace.updated_at = now()
            record_event(session, "workspaces.update", workspace, changes)
        session.flush()
        return WORKSPACES.get_resource({"id": workspace_id}, session)


def destroy(workspace_id: str, permission: P, below: Mapping[str, str] | None = None) -> None:
    """Delete the workspace: with ``WORKSPACE_DELETE`` only if it is safe, with ``WORKSPACE_FORCE_DELETE`` always."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, permission, where=below)
        if permission is P.WORKSPACE_DELETE:
            check_safe_to_delete(workspace)
        mark_for_deletion(session, objects_owned_by("workspace_id", [workspace.id]))
        session.delete(workspace)
        record_event(session, "workspaces.delete", workspace)


def _give_access_to_creator(session: Session, workspace: Workspace) -> None:
    # What he may do there already is his from now on, whatever becomes of the role that it comes from.
    membership_id = caller().membership_in(workspace.organization_id)
    level = level_within(permissions_on(caller(), _REACH, workspace))
    if membership_id is None or level is None:
        return
    place = {"organization_id": workspace.organization_id, "workspace_id": workspace.id}
    insert(session, WorkspaceAclEntry(**place, membership_id=membership_id, level=level))


def _move(session: Session, workspace: Workspace, destination_id: str) -> dict[str, Any]:
    destination = _destination(session, destination_id, workspace.organization_id, P.PROJECT_MOVE_WORKSPACE)
    if not is_allowed(P.WORKSPACE_MOVE, workspace):
        raise WorkspacesNotMovable([workspace.id])
    return move_workspaces(session, [workspace], destination)[workspace.id]


def _destination(session: Session, project_id: str, organization_id: str, permission: P) -> Project:
    project = get_for_update(session, Project, project_id, permission, share_lock=True)
    if project.organization_id != organization_id:
        raise NotFound
    return project


def _default_project(session: Session, organization_id: str) -> str:
    found = select(Project.id).where(Project.organization_id == organization_id, Project.is_default)
    project_id = session.scalars(found).one_or_none()
    if project_id is None:  # the organization was deleted since the caller entered it
        raise NotFound
    return project_id


def _resolve_settings(
    session: Session, members: dict[str, Any], current: Workspace | None, organization_id: str, project_id: str
) -> dict[str, Any]:
    settled = normalize_settings(normalize_auto_destroy(normalize_operations(members), current), current)
    place = PoolConsumer(
        organization_id, "workspace", partial(open_to_workspace, current.id if current else None, project_id)
    )
    return resolve_execution(
        session, settled, current, place, inherited=partial(execution_of_project, session, project_id)
    )


def _sent_tags(members: dict[str, Any]) -> tuple[dict[str, str] | None, SentTags | None]:
    bindings, plain = members.pop("tag_bindings", None), members.pop("tags", None)
    names = members.pop("sent_tag_names", None)
    if names is not None and plain is not None:
        raise TagsTwice
    return bindings, plain if names is None else names


def _tag(
    session: Session,
    workspace: Workspace,
    tags: tuple[dict[str, str] | None, SentTags | None],
) -> dict[str, Any]:
    bindings, plain = tags
    changes = {}
    if bindings is not None:
        changes = replace_tags(session, workspace, bindings)
    if plain is not None:
        named = names_of(session, workspace.organization_id, plain, visible(P.WORKSPACE_READ, Workspace))
        changes |= replace_plain_tags(session, workspace, named)
    return {"tag-bindings": changes} if changes else {}


def _source() -> str:
    # The terraform CLI says who it is when a configuration has a cloud block.
    return "terraform" if request.headers.get("X-Terraform-Integration") == "cloud" else "tfe-api"
