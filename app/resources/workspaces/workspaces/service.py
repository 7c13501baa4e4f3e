"""Use cases of workspaces, for all the addresses that create, update, lock, move or delete them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.roles import level_within
from app.authz.rules import permissions_on
from app.jsonapi.errors import ApiError, Forbidden, ForceDeletionRefused, NotFound, StillApplying
from app.models import auto_destroy
from app.models.auto_destroy_runs import discard_waiting
from app.models.projects import Project
from app.models.ssh_keys import SshKey
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspace_deletion import applying_run, delete_workspaces
from app.models.workspaces import Workspace
from app.persistence import NewRow, in_values, new_row, now, write_rows
from app.resources.inheritance.agent_pools import open_to_workspace
from app.resources.inheritance.execution_mode import PoolConsumer, execution_of_project, resolve_execution
from app.resources.inheritance.versions import usual_version
from app.resources.organizations.access_paths.standing import Standing, standing
from app.resources.projects.dry_runs.counts import count_what_goes
from app.resources.projects.dry_runs.document import DryRun, dry_run
from app.resources.projects.tag_bindings.operations import replace_plain_tags, replace_tags
from app.resources.workspaces.tags.operations import SentTags, names_of
from app.resources.workspaces.workspaces.consumers import Change, check_consumers, set_consumers
from app.resources.workspaces.workspaces.environment import require_may_create, resolve_environment
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.moving import (
    SECRETS,
    WorkspacesNotMovable,
    WorkspacesNotReadable,
    move_workspaces,
)
from app.resources.workspaces.workspaces.operations import (
    TIME_OF_DESTRUCTION,
    ProjectNotFound,
    TagsTwice,
    check_may_apply,
    check_safe_to_delete,
    normalize_auto_destroy,
    normalize_operations,
    normalize_settings,
)
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import NOT_AUTHORIZED, denial, get_for_update, is_allowed, require, visible
from app.web.transaction import (
    Recorded,
    apply_changes,
    created_changes,
    record_all,
    record_event,
    record_events,
    transaction,
    write,
)

# Grants on all workspaces of an organization reach a new one as well.
_ALL_GRANT_COLUMNS = {**Workspace.grant_columns, Level.PROJECTS: "organization_id", Level.WORKSPACES: "organization_id"}


def create_workspace(organization_id: str, sent: Mapping[str, Any]) -> ResourceObject:
    """Create a workspace of the organization, in the project from the request or in the default one."""
    members = dict(sent)
    with transaction() as session:
        if "project_id" not in members:
            project = _default_project(session, organization_id)
            return insert_workspace(session, project, members, refused=denial(P.PROJECT_CREATE_WORKSPACE))
        project = _destination(session, members.pop("project_id"), organization_id, P.PROJECT_READ)
        return insert_workspace(session, project, members, refused=ProjectNotFound())


def insert_workspace(
    session: Session, project: Project, members: dict[str, Any], *, refused: ApiError
) -> ResourceObject:
    """Create a workspace in this project, whose row is locked already; ``refused`` is for who may not create there."""
    tags = _sent_tags(members)
    location = resolve_environment(session, members, project.id)
    normalized = _resolve_settings(session, members, None, project.organization_id, project.id)
    if "terraform_version" not in normalized:
        normalized = {**normalized, **usual_version(session, normalized, project.id)}
    workspace = Workspace(
        organization_id=project.organization_id, project_id=project.id, source=_source(), **location, **normalized
    )
    workspace.has_own_iac_tool = "iac_tool" in normalized
    workspace.auto_destroy_due_at = workspace.own_auto_destroy_at
    require_may_create(workspace, refused)
    check_may_apply(created_changes(normalized), partial(_may_let_run, workspace))
    row = new_row(workspace)
    entries, given = _access_of_creator(workspace)
    created = created_changes({**normalized, **location, "project": project.id})
    if tags == (None, None):
        write(session, row, *entries, event=("workspaces.create", workspace, created), more_events=given)
    else:
        # The event tells of the tags, and these can be given when the workspace is there.
        write_rows(session.connection(), row, *entries)
        tagged = _tag(session, workspace, tags)
        session.flush()
        record_all(session, [("workspaces.create", workspace, {**created, **tagged}), *given])
    return WORKSPACES.get_resource({"id": workspace.id}, session)


def update_workspace(
    workspace_id: str, sent: Mapping[str, Any], where: Mapping[str, str] | None = None
) -> ResourceObject:
    """Set these attributes of the workspace; the others stay. ``where`` is explained in ``get_for_update``."""
    with transaction() as session:
        return change_workspace(session, workspace_id, sent, where)


def change_workspace(
    session: Session, workspace_id: str, sent: Mapping[str, Any], where: Mapping[str, str] | None = None
) -> ResourceObject:
    """The same within a transaction that does more."""
    members = dict(sent)
    destination_id = members.pop("project_id", None)
    # A request that only moves the workspace needs the permission to move it, not the one to change settings.
    needed = P.WORKSPACE_UPDATE if members or destination_id is None else P.WORKSPACE_READ
    workspace = get_for_update(session, Workspace, workspace_id, needed, where=where)
    changes: dict[str, Any] = {}
    if destination_id is not None and destination_id != workspace.project_id:
        changes = _move(session, workspace, destination_id)
    changes |= _tag(session, workspace, _sent_tags(members))
    location = apply_changes(workspace, resolve_environment(session, members, workspace.project_id, workspace))
    if location:
        require_may_create(workspace, denial(P.PROJECT_CREATE_WORKSPACE))
    normalized = _resolve_settings(session, members, workspace, workspace.organization_id, workspace.project_id)
    changed = apply_changes(workspace, normalized)
    changes |= location | changed
    workspace.has_own_iac_tool |= "iac_tool" in normalized
    check_may_apply(changed, partial(_may_let_run, workspace))
    if changes:
        workspace.updated_at = now()
        record_event(session, "workspaces.update", workspace, changes)
    session.flush()
    if not TIME_OF_DESTRUCTION.isdisjoint(changed) or ("project" in changes and _inherits_time(workspace)):
        auto_destroy.arm(session, [workspace.id])
    if not {*TIME_OF_DESTRUCTION, "allow-destroy-plan"}.isdisjoint(changed):
        discard_waiting(session, Workspace.__table__.c.id == workspace.id, caller().user_id)
    return WORKSPACES.get_resource({"id": workspace_id}, session)


def destroy_workspace(
    workspace_id: str,
    where: Mapping[str, str] | None = None,
    *,
    by_force: bool,
    force_is_offered: bool = False,
    is_dry: bool = False,
) -> DryRun | None:
    """Delete the workspace: by force always, otherwise only if it is unlocked and manages nothing."""
    with transaction(is_dry=is_dry) as session:
        needed = P.WORKSPACE_READ if by_force else P.WORKSPACE_DELETE
        workspace = get_for_update(session, Workspace, workspace_id, needed, where=where)
        if not by_force:
            check_safe_to_delete(session, workspace, force_is_offered=force_is_offered)
        elif not is_allowed(P.WORKSPACE_FORCE_DELETE, workspace):
            raise ForceDeletionRefused(
                "You are not authorized to delete this workspace by force, whatever it manages. If it is unlocked and "
                f"manages nothing, delete it with POST /api/v2/workspaces/{workspace.id}/actions/safe-delete"
            )
        if applying := applying_run(session, [workspace]):
            raise StillApplying.of(applying)
        place = (workspace.organization_id, [workspace.project_id], [workspace.id])
        counts = count_what_goes(session, Workspace.__table__.c.id == workspace.id) if is_dry else {}
        before = standing(session.connection(), *place, with_projects=False) if is_dry else Standing()
        delete_workspaces(session, [workspace], caller().user_id)
        record_event(session, "workspaces.delete", workspace)
        return dry_run("workspaces.delete", workspace_id, counts, before, Standing()) if is_dry else None


def _access_of_creator(workspace: Workspace) -> tuple[list[NewRow], list[Recorded]]:
    """The creator's entry in the access list, and its event; nothing if the caller gets none."""
    # The creator keeps their present access to the workspace even if their role in the project changes. It ends when
    # they are removed from the project.
    membership_id = caller().membership_in(workspace.organization_id)
    level = level_within(permissions_on(caller(), _ALL_GRANT_COLUMNS, workspace))
    if membership_id is None or level is None:
        return [], []
    key = {"organization_id": workspace.organization_id, "workspace_id": workspace.id}
    entry = WorkspaceAclEntry(**key, membership_id=membership_id, level=level, created_in_id=workspace.project_id)
    # For the event; the entry is not in the session, which would read them from the database.
    for name in ("project_id", "environment_id", "cell"):
        set_committed_value(entry, name, getattr(workspace, name))
    row = new_row(entry)
    changes = created_changes({"username": caller().name, "level": level})
    return [row], [("workspace-acl-entries.create", entry, changes)]


def _move(session: Session, workspace: Workspace, destination_id: str) -> dict[str, Any]:
    destination = _destination(session, destination_id, workspace.organization_id, P.PROJECT_MOVE_WORKSPACE)
    if not is_allowed(P.WORKSPACE_MOVE, workspace):
        raise WorkspacesNotMovable([workspace.id])
    return _move_all(session, [workspace], destination)[workspace.id]


def _move_all(session: Session, workspaces: list[Workspace], destination: Project) -> Mapping[str, dict[str, Any]]:
    """Move the workspaces; 403 if the caller would read variables or states there that they may not read now."""
    before = {workspace.id: _read_by_caller(workspace) for workspace in workspaces}
    moved = move_workspaces(session, workspaces, destination)
    if moved and destination.auto_destroy_activity_duration is not None:
        exposed = [
            each.id for each in workspaces if each.id in moved and _inherits_time(each) and not _may_let_run(each)
        ]
        if exposed:
            raise WorkspacesNotMovable(exposed)
    gained = [workspace.id for workspace in workspaces if not _read_by_caller(workspace) <= before[workspace.id]]
    if gained:
        raise WorkspacesNotReadable(gained)
    return moved


def _may_let_run(workspace: Workspace) -> bool:
    """Whether the caller may let runs apply that nobody confirms. The organization's token manages all settings."""
    return caller().kind == "organization" or is_allowed(P.RUN_APPLY, workspace)


def _inherits_time(workspace: Workspace) -> bool:
    """Whether it may be destroyed when its project says so: another project may say something else."""
    return workspace.inherits_project_auto_destroy and workspace.state_changed_at is not None


def _read_by_caller(workspace: Workspace) -> frozenset[P]:
    return frozenset(permission for permission in SECRETS if is_allowed(permission, workspace))


def _destination(session: Session, project_id: str | None, organization_id: str, permission: P) -> Project:
    """The project that the document names. 404 would say that the address is wrong, and clients show no more of it."""
    if project_id is None:
        raise ProjectNotFound
    try:
        project = get_for_update(session, Project, project_id, permission, share_lock=True)
    except NotFound:
        raise ProjectNotFound from None
    if project.organization_id != organization_id:
        raise ProjectNotFound
    return project


def _default_project(session: Session, organization_id: str) -> Project:
    found = select(Project.id).where(Project.organization_id == organization_id, Project.is_default)
    project_id = session.scalars(found).one_or_none()
    if project_id is None:  # the organization was deleted meanwhile
        raise NotFound
    return get_for_update(session, Project, project_id, P.PROJECT_READ, share_lock=True)


def _resolve_settings(
    session: Session, members: dict[str, Any], current: Workspace | None, organization_id: str, project_id: str
) -> dict[str, Any]:
    normalized = normalize_settings(normalize_auto_destroy(normalize_operations(members), current), current)
    consumer = PoolConsumer(
        organization_id, "workspace", partial(open_to_workspace, current.id if current else None, project_id)
    )
    return resolve_execution(
        session, normalized, current, consumer, inherited=partial(execution_of_project, session, project_id)
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
    # The terraform CLI sends this header when a configuration has a cloud block.
    return "terraform" if request.headers.get("X-Terraform-Integration") == "cloud" else "tfe-api"


def move_workspaces_into_project(project_id: str, wanted: list[str], *, is_dry: bool = False) -> DryRun | None:
    """Move workspaces into a project: all of them, or none and 403 with the ids of those that can't be moved."""
    with transaction(is_dry=is_dry) as session:
        # A shared lock: an exclusive one could deadlock with a request that moves one of the workspaces here.
        project = get_for_update(session, Project, project_id, P.PROJECT_MOVE_WORKSPACE, share_lock=True)
        workspaces = _lock_movable(session, wanted, project.organization_id)
        places = {project.id, *(each.project_id for each in workspaces)}
        look = partial(standing, session.connection(), project.organization_id, places, with_projects=False)
        before = look([each.id for each in workspaces]) if is_dry else Standing()
        moved = _move_all(session, workspaces, project)
        session.flush()
        auto_destroy.arm(session, [each.id for each in workspaces if each.id in moved and _inherits_time(each)])
        moves = [(workspace, moved[workspace.id]) for workspace in workspaces if workspace.id in moved]
        record_events(session, "workspaces.move", moves)
        if not is_dry:
            return None
        after = look([each.id for each in workspaces])
        counts = {"workspaces": len(moves), "workspaces-in-place": len(workspaces) - len(moves)}
        return dry_run("workspaces.move", project_id, counts, before, after)


def _lock_movable(session: Session, wanted: list[str], organization_id: str) -> list[Workspace]:
    found = session.scalars(
        select(Workspace)
        .where(in_values(Workspace.__table__.c.id, wanted), Workspace.organization_id == organization_id)
        .order_by(Workspace.id)  # always in the same order, so that two moves can't deadlock
        .with_for_update(),
    )
    movable = {workspace.id: workspace for workspace in found if is_allowed(P.WORKSPACE_MOVE, workspace)}
    refused_ids = [identifier for identifier in dict.fromkeys(wanted) if identifier not in movable]
    if refused_ids:
        raise WorkspacesNotMovable(refused_ids)
    return list(movable.values())


def assign_ssh_key(workspace_id: str, key_id: str | None) -> ResourceObject:
    """Give a workspace an SSH key of its organization, or take it away; a key that the caller can't see is 404."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_UPDATE)
        if key_id is None:
            # A caller who may see no keys, such as the token of an organization, does not take them away either.
            require(P.SSH_KEY_READ, SshKey(organization_id=workspace.organization_id), SshKey)
        else:
            key = get_for_update(session, SshKey, key_id, P.SSH_KEY_READ)
            if key.organization_id != workspace.organization_id:
                raise NotFound
        changes = apply_changes(workspace, {"ssh_key_id": key_id})
        if changes:
            workspace.updated_at = now()
            record_event(session, "workspaces.update", workspace, changes)
        session.flush()
        return WORKSPACES.get_resource({"id": workspace.id}, session)


def add_remote_state_consumers(workspace_id: str, wanted: list[str]) -> None:
    """Let further workspaces read the state of a workspace."""
    with transaction() as session:
        _lock_visible(session, [workspace_id, *wanted])
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_UPDATE)
        check_consumers(session, workspace, wanted, visible(P.WORKSPACE_READ, Workspace))
        _record_consumers(session, workspace, set_consumers(session, workspace, add=wanted))


def replace_remote_state_consumers(workspace_id: str, wanted: list[str]) -> None:
    """Let exactly these workspaces read the state of a workspace; for those who manage all workspaces."""
    with transaction() as session:
        _lock_visible(session, [workspace_id, *wanted])
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_REPLACE_CONSUMERS)
        check_consumers(session, workspace, wanted, visible(P.WORKSPACE_READ, Workspace))
        _record_consumers(session, workspace, set_consumers(session, workspace, add=wanted, remove=None))


def remove_remote_state_consumers(workspace_id: str, wanted: list[str]) -> None:
    """Stop these workspaces from reading the state of a workspace; those that could not are ignored."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_UPDATE)
        _record_consumers(session, workspace, set_consumers(session, workspace, remove=wanted))


def _lock_visible(session: Session, identifiers: list[str]) -> None:
    # The consumers are locked, too, so that they can't be deleted meanwhile: always in the same order, or requests for
    # two workspaces that name each other could deadlock.
    seen = visible(P.WORKSPACE_READ, Workspace)
    rows = select(Workspace.id).where(in_values(Workspace.__table__.c.id, identifiers), seen)
    session.execute(rows.order_by(Workspace.id).with_for_update())


def _record_consumers(session: Session, workspace: Workspace, changed: Change | None) -> None:
    if changed is not None:
        session.flush()
        record_event(session, "workspaces.update", workspace, {"remote-state-consumers": changed})


def create_workspace_in_project(project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Create a workspace in a project; 403 for callers who see the project but may not create."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_READ, share_lock=True)
        # Openly: the caller sees the project.
        return insert_workspace(session, project, members, refused=Forbidden(NOT_AUTHORIZED))
