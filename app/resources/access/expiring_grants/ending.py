"""Removing grants that have ended, with what they have brought, and recording that."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.models.expiring_grants import has_expired, is_in_force
from app.models.project_members import ProjectMember
from app.models.team_projects import TeamProject
from app.models.team_workspaces import TeamWorkspace
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.resources.organizations.organization_memberships.members import username_of
from app.resources.organizations.organization_memberships.removal import end_with_role
from app.web.transaction import record_event, record_events

# The kinds of grants, each with the action that is recorded when one is removed.
GRANTS: Final[Mapping[type[Any], str]] = {
    ProjectMember: "project-members.expire",
    TeamProject: "team-projects.expire",
    TeamWorkspace: "team-workspaces.expire",
    WorkspaceAclEntry: "workspace-acl-entries.expire",
}


def end_expired(session: Session, model: type[Any], *conditions: ColumnElement[bool], at_most: int = 100) -> int:
    """Remove the grants of this kind that match and have ended; returns how many.

    A new grant takes the place of one that has ended but is still there.
    """
    columns = model.__table__.c
    ended = session.scalars(
        select(model)
        .where(has_expired(columns), *conditions)
        .order_by(model.id)
        .limit(at_most)
        .with_for_update(of=model, skip_locked=not conditions)
    ).all()
    for grant in ended:
        _end(session, grant)
    return len(ended)


def _end(session: Session, grant: Any) -> None:  # noqa: ANN401 - a grant of any kind
    expires = [grant.expires_at.isoformat(), None]
    action = GRANTS[type(grant)]
    if isinstance(grant, TeamProject | TeamWorkspace):
        changes = {"team": [grant.team.name, None], "access": [grant.access, None], "expires-at": expires}
        record_event(session, action, grant, changes)
        session.delete(grant)
        session.flush()
        return
    username = username_of(session, grant.membership_id)
    what = {"role": [grant.role, None]} if isinstance(grant, ProjectMember) else {"level": [grant.level, None]}
    record_event(session, action, grant, {"username": [username, None], **what, "expires-at": expires})
    session.delete(grant)
    session.flush()
    if isinstance(grant, ProjectMember):
        levels, tokens = end_with_role(session, grant, username, is_in_force(ProjectMember))
        record_events(session, "workspace-acl-entries.delete", levels)
        record_events(session, "authentication-tokens.delete", tokens)
