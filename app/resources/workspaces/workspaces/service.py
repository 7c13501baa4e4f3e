"""Creating, updating and deleting a workspace, for all the addresses that do so."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import level_within
from app.authz.rules import held
from app.jsonapi.errors import NotFound
from app.models.projects import Project
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.inheritance.agent_pools import open_to_workspace
from app.resources.inheritance.execution_mode import Place, execution_of_project, own_execution
from app.resources.projects.tag_bindings.operations import replace_plain_tags, replace_tags
from app.resources.workspaces.tags.operations import SentTags, names_of
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.moving import WorkspacesNotMovable, move_workspaces
from app.resources.workspaces.workspaces.operations import (
    TagsTwice,
    check_safe_to_delete,
    settle_auto_destroy,
    settle_operations,
    settle_settings,
)
from app.resources.workspaces.workspaces.places import check_place, settle_place
from app.storage.ledger import condemn, named_by
from app.web.context import caller
from app.web.listing import Shown
from app.web.policy import get_for_update, is_allowed, visible
from app.web.transaction import assign, change, insert, made, record

# What happens in a workspace is also seen by who may see it in all workspaces of the organization.
_REACH = {**Workspace.scope, "projects": "organization_id", "workspaces": "organization_id"}


def create(organization_id: str, sent: Mapping[str, Any]) -> Shown:
    """Create a workspace of the organization, in the project that was sent or in the default one."""
    members = dict(sent)
    with change() as session:
        project_id = members.pop("project_id", None) or _default_project(session, organization_id)
        return insert_workspace(session, _destination(session, project_id, organization_id, P.PROJECT_READ), members)


def insert_workspace(
    session: Session, project: Project, members: dict[str, Any], *, is_refused_openly: bool = False
) -> Shown:
    """Create a workspace in this project, which the caller keeps. For ``is_refused_openly`` see ``check_place``."""
    tags = _sent_tags(members)
    place = settle_place(session, members, project.id)
    settled = _settle(session, members, None, project.organization_id, project.id)
    workspace = Workspace(
        organization_id=project.organization_id, project_id=project.id, source=_source(), **place, **settled
    )
    check_place(workspace, is_refused_openly=is_refused_openly)
    insert(session, workspace)
    _enter_creator(session, workspace)
    tagged = _tag(session, workspace, tags)
    session.flush()
    record(session, "workspaces.create", workspace, {**made({**settled, **place, "project": project.id}), **tagged})
    return WORKSPACES.show({"id": workspace.id}, session)


def update(workspace_id: str, sent: Mapping[str, Any], below: Mapping[str, str] | None = None) -> Shown:
    """Set these members of the workspace; the others stay. ``below`` is explained in ``subject``."""
    members = dict(sent)
    with change() as session:
        destination_id = members.pop("project_id", None)
        # Who only moves needs the right to move, not the right to change settings.
        needed = P.WORKSPACE_UPDATE if members or destination_id is None else P.WORKSPACE_READ
        workspace = get_for_update(session, Workspace, workspace_id, needed, where=below)
        changes: dict[str, Any] = {}
        if destination_id is not None and destination_id != workspace.project_id:
            changes = _move(session, workspace, destination_id)
        changes |= _tag(session, workspace, _sent_tags(members))
        place = assign(workspace, settle_place(session, members, workspace.project_id, workspace))
        if place:
            check_place(workspace)
        settled = _settle(session, members, workspace, workspace.organization_id, workspace.project_id)
        changes |= place | assign(workspace, settled)
        if changes:
            workspace.updated_at = now()
            record(session, "workspaces.update", workspace, changes)
        session.flush()
        return WORKSPACES.show({"id": workspace_id}, session)


def destroy(workspace_id: str, permission: P, below: Mapping[str, str] | None = None) -> None:
    """Delete the workspace: with ``WORKSPACE_DELETE`` only if it is safe, with ``WORKSPACE_FORCE_DELETE`` always."""
    with change() as session:
        workspace = get_for_update(session, Workspace, workspace_id, permission, where=below)
        if permission is P.WORKSPACE_DELETE:
            check_safe_to_delete(workspace)
        condemn(session, named_by("workspace_id", [workspace.id]))
        session.delete(workspace)
        record(session, "workspaces.delete", workspace)


def _enter_creator(session: Session, workspace: Workspace) -> None:
    # What he may do there already is his from now on, whatever becomes of the role that it comes from.
    membership_id = caller().membership_in(workspace.organization_id)
    level = level_within(held(caller(), _REACH, workspace))
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


def _settle(
    session: Session, members: dict[str, Any], current: Workspace | None, organization_id: str, project_id: str
) -> dict[str, Any]:
    settled = settle_settings(settle_auto_destroy(settle_operations(members), current), current)
    place = Place(organization_id, "workspace", partial(open_to_workspace, current.id if current else None, project_id))
    return own_execution(session, settled, current, place, inherited=partial(execution_of_project, session, project_id))


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
