"""Use cases of authentication tokens: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.grants import SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import NotFound
from app.models.agent_pools import AgentPool
from app.models.authentication_tokens import AuthenticationToken
from app.models.project_members import OWNER
from app.models.projects import Project
from app.models.teams import Team
from app.models.users import ADMINISTRATORS, User
from app.persistence import AnyRow
from app.resources.accounts.authentication_tokens.blueprint import issue_token
from app.resources.accounts.authentication_tokens.listing import PROJECT_TOKENS
from app.resources.accounts.authentication_tokens.operations import (
    NotOfProject,
    check_description,
    check_room,
    revoke_organization_token,
    revoke_plain_team_token,
    team_tokens,
    usernames,
)
from app.resources.accounts.users.operations import AdministratorAccount
from app.web.conditions import ensure_matches
from app.web.context import caller, reader
from app.web.listing import ResourceObject
from app.web.policy import denial, get_for_update, is_allowed, is_allowed_at, require, visible
from app.web.transaction import record_event, record_events, transaction


def create_organization_token(
    org: OrganizationRef, members: dict[str, Any], purpose: str
) -> tuple[str, ResourceObject]:
    """Create the organization's token for the purpose; an existing one stops working. Only this answer has the text."""
    with transaction() as session:
        revoked = revoke_organization_token(session, org.id, purpose)
        if revoked is not None:
            record_event(session, "authentication-tokens.delete", revoked)
        if purpose:
            members = {**members, "purpose": purpose}
        return issue_token(session, members, organization_id=org.id)


def destroy_organization_token(org: OrganizationRef, purpose: str) -> None:
    """Revoke the organization's token for the purpose at once; 404 when there is none."""
    with transaction() as session:
        revoked = revoke_organization_token(session, org.id, purpose)
        if revoked is None:
            raise NotFound
        ensure_matches(session)
        record_event(session, "authentication-tokens.delete", revoked)


def create_user_token(user_id: str, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create a token for yourself. Only this answer has the text."""
    with transaction() as session:
        check_room(session, user_id)
        return issue_token(session, members, user_id=user_id)


def destroy_token(token_id: str) -> None:
    """Revoke a token at once. For a token with the role owner of a project, you must manage the project's owners."""
    permission = permission_on(token_id)
    with transaction() as session:
        token = get_for_update(session, AuthenticationToken, token_id, permission, visible_by=permission)
        if permission == P.USER_ADMINISTER:
            _require_may_administer(session, token)
        if token.role == OWNER:
            require(P.PROJECT_MANAGE_OWNERS, token)
        session.delete(token)
        record_event(session, "authentication-tokens.delete", token)


def permission_on(token_id: str) -> P:
    """The permission that opens this token to the caller: administrators of the site reach the tokens of all users."""
    if not is_allowed_at(P.USER_ADMINISTER, Level.SITE, SITE):
        return P.TOKEN_MANAGE
    kind = select(AuthenticationToken.kind).where(AuthenticationToken.__table__.c.id == token_id)
    return P.USER_ADMINISTER if reader().execute(kind).scalar_one_or_none() == "user" else P.TOKEN_MANAGE


def _require_may_administer(session: Session, token: AuthenticationToken) -> None:
    # Otherwise administrators could keep each other, and the super users, from working.
    who = session.get_one(User, token.user_id)
    if who.site_role in ADMINISTRATORS and who.id != caller().user_id and not is_allowed(P.SITE_ROLE_MANAGE, token):
        raise AdministratorAccount


def create_team_token(team_id: str, sent: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create the team's token without a description; an existing one stops working. Only this answer has the text."""
    with transaction() as session:
        team = _lock_team(session, team_id)
        revoked = revoke_plain_team_token(session, team.id)
        if revoked is not None:
            record_event(session, "authentication-tokens.delete", revoked)
        members = {"expired_at": sent.get("expired_at")}
        return issue_token(session, members, organization_id=team.organization_id, team_id=team.id)


def destroy_team_token(team_id: str) -> None:
    """Revoke the team's token without a description at once; 404 when there is none."""
    with transaction() as session:
        revoked = revoke_plain_team_token(session, _lock_team(session, team_id).id)
        if revoked is None:
            raise NotFound
        record_event(session, "authentication-tokens.delete", revoked)


def destroy_team_token_by_id(token_id: str) -> None:
    """Revoke this token of a team at once."""
    with transaction() as session:
        where = {"kind": "team"}
        token = get_for_update(session, AuthenticationToken, token_id, P.TOKEN_MANAGE, where=where)
        session.delete(token)
        record_event(session, "authentication-tokens.delete", token)


def create_described_team_token(team_id: str, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create another token of a team, with its own description. Only this answer has the text."""
    with transaction() as session:
        team = _lock_team(session, team_id)
        check_description(session, members.get("description"), team_id=team.id)
        return issue_token(session, members, organization_id=team.organization_id, team_id=team.id)


def destroy_team_tokens(org: OrganizationRef, wanted: list[str]) -> None:
    """Revoke tokens of teams at once: all of them, or none."""
    with transaction() as session:
        found = team_tokens(session, org.id, wanted)
        if not all(is_allowed(P.TOKEN_MANAGE, token) for token in found):
            raise denial(P.TOKEN_MANAGE)
        for token in found:
            session.delete(token)
        session.flush()
        record_events(session, "authentication-tokens.delete", [(token, None) for token in found])


def require_may_manage_tokens(team: AnyRow) -> None:
    """Refuse a caller who may not manage the tokens of the team, which is an entity or a row of its table.

    A token of the owners team owns the organization, so managing teams is not enough for it.
    """
    require(P.TOKEN_MANAGE, team, Team)
    if team.is_owners:
        require(P.OWNERS_UPDATE_MEMBERSHIP, team, Team)


def require_may_manage_some_tokens(organization_id: str) -> None:
    """Refuse a caller who manages the tokens of no team: for them an empty list would say that there are none."""
    levels = (Level.ORGANIZATION, Level.VISIBLE_TEAMS, Level.ORDINARY_TEAMS)
    if any(is_allowed_at(P.TOKEN_MANAGE, level, organization_id) for level in levels):
        return
    managed = select(Team.id).where(Team.organization_id == organization_id, visible(P.TOKEN_MANAGE, Team)).limit(1)
    if reader().execute(managed).one_or_none() is None:
        raise NotFound


def _lock_team(session: Session, team_id: str) -> Team:
    team = get_for_update(session, Team, team_id, P.TOKEN_MANAGE)
    require_may_manage_tokens(team)
    return team


def create_project_token(project_id: str, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create a token that has a role in this project and is valid nowhere else. Only this answer has its text."""
    with transaction() as session:
        project = _lock_project(session, project_id, members["role"])
        check_description(session, members.get("description"), project_id=project.id)
        owner = {"organization_id": project.organization_id, "project_id": project.id}
        membership_id = caller().membership_in(project.organization_id)
        if membership_id is not None:
            owner["membership_id"] = membership_id
        return issue_token(session, members, **owner)


def create_pool_token(agent_pool_id: str, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create a token for the agents of a pool. Only this answer has its text."""
    with transaction() as session:
        pool = get_for_update(session, AgentPool, agent_pool_id, P.TOKEN_MANAGE, share_lock=True)
        return issue_token(session, members, organization_id=pool.organization_id, agent_pool_id=pool.id)


def take_over_token(token_id: str) -> ResourceObject:
    """Make the caller the holder of a project's token, which then ends with the caller's membership."""
    with transaction() as session:
        token = get_for_update(session, AuthenticationToken, token_id, P.TOKEN_MANAGE)
        if token.project_id is None:
            raise NotOfProject
        if token.role == OWNER:
            require(P.PROJECT_MANAGE_OWNERS, token)
        before = token.membership_id
        # A caller that is no user, such as the organization's token, keeps it for the organization.
        token.membership_id = caller().membership_in(str(token.organization_id))
        session.flush()
        if token.membership_id != before:
            holders = usernames(session, [before, token.membership_id])
            record_event(session, "authentication-tokens.take-over", token, {"held-by": holders})
        return PROJECT_TOKENS.get_resource({"id": token.id}, session)


def _lock_project(session: Session, project_id: str, role: str) -> Project:
    project = get_for_update(session, Project, project_id, P.TOKEN_MANAGE)
    # Anyone who has a token with the role owner owns the project.
    if role == OWNER:
        require(P.PROJECT_MANAGE_OWNERS, project)
    return project
