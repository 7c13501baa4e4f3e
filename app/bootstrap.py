"""Creates users, tokens and the first organization by commands, before anybody can sign in to a new service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.authentication.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, hash_password, new_password
from app.authentication.tokens import built_in_pool_token, digest, new_token
from app.config import Settings
from app.jsonapi.fields import EMAIL_LENGTH, EMAIL_PATTERN
from app.models.activity_events import ActivityEvent
from app.models.authentication_tokens import AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.users import SUPER_USER, User
from app.persistence import AnyRow, case_folded, fold_case
from app.persistence.database import new_session
from app.resources.accounts.authentication_tokens.operations import add_token as store_token
from app.resources.accounts.sign_in.operations import end_sessions
from app.resources.accounts.users.operations import EmailTaken, NothingToConfirm, confirm_email
from app.resources.accounts.users.schema import USERNAME_PATTERN
from app.resources.inheritance.execution_mode import REMOTE
from app.resources.organizations.organization_memberships.operations import accept_invitations, take_over
from app.resources.organizations.organizations.operations import create_organization_with_owner, make_owner
from app.resources.organizations.organizations.schema import NAME_LENGTH, NAME_PATTERN
from app.variables import InvalidSettingError

USERNAME = re.compile(USERNAME_PATTERN)
ADMINISTRATOR = "admin"
EMAIL = "admin@localhost"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The result of the bootstrap. It has tokens and a password only if they were just created."""

    organization: str
    username: str
    user_token: str | None
    organization_token: str | None
    password: str | None = None

    def as_json(self) -> dict[str, str]:
        """The values that are not empty."""
        members = {
            "organization": self.organization,
            "username": self.username,
            "password": self.password,
            "user_token": self.user_token,
            "organization_token": self.organization_token,
        }
        return {name: value for name, value in members.items() if value}


def bootstrap(settings: Settings, *, has_agents: bool = False) -> Bootstrapped:
    """Create the administrator with password and token, and the organization with owners team and token, if missing.

    Existing rows are not changed, not even a renamed organization. The organization gets a token only when it is
    created, so that a revoked token stays revoked. An administrator without a token gets one, because otherwise nobody
    could get in. If two processes do this at once, the second one waits for the first (SQLite), or fails on a
    unique name and changes nothing (PostgreSQL).

    With ``has_agents``, agents will be started beside the service, and the organization runs terraform there.
    """
    with new_session() as session, session.begin():
        administrator = session.scalars(
            select(User)
            .where(User.site_role == SUPER_USER, User.suspended_at.is_(None))
            .order_by(User.created_at, User.id)
            .limit(1),
        ).one_or_none()
        if administrator is None:
            administrator = User(username=ADMINISTRATOR, email=EMAIL, site_role=SUPER_USER)
            session.add(administrator)
            session.flush()
            _record_event(session, "users.create", administrator.id, administrator.username, None)
        password = None
        if administrator.password_hash is None:
            # A password that the operator has chosen is not shown.
            password = None if settings.bootstrap_password else new_password()
            administrator.password_hash = hash_password(settings.bootstrap_password or str(password))
        organization, is_new = _organization(session, settings, administrator, has_agents=has_agents)
        user_token = None
        if not _has_token(session, administrator):
            user_token = settings.bootstrap_token or new_token()
            add_token(session, settings, user_token, user_id=administrator.id)
        organization_token = None
        if is_new:
            organization_token = new_token()
            add_token(session, settings, organization_token, organization_id=organization.id)
        _keep_built_in_token(session, settings)
        return Bootstrapped(organization.name, administrator.username, user_token, organization_token, password)


def _keep_built_in_token(session: Session, settings: Settings) -> None:
    """Store the token of the built-in agent pool, and revoke the one of an earlier secret key."""
    wanted = digest(built_in_pool_token(settings.secret_key), settings.secret_key)
    of_pool = (AuthenticationToken.kind == "agent", AuthenticationToken.agent_pool_id.is_(None))
    session.execute(delete(AuthenticationToken).where(*of_pool, AuthenticationToken.digest != wanted))
    if session.scalar(select(AuthenticationToken.id).where(AuthenticationToken.digest == wanted)) is None:
        token = AuthenticationToken(digest=wanted, kind="agent", description="the built-in agent pool")
        session.add(token)
        session.flush()
        _record_event(session, "authentication-tokens.create", token.id, None, None)


def add_user(  # noqa: PLR0913 - one keyword for each option of the command
    settings: Settings,
    *,
    username: str,
    email: str,
    organization: str | None,
    is_owner: bool,
    site_role: str = "user",
) -> str:
    """Add a user, perhaps to an organization, and return the user's first token. ``ValueError`` says what is wrong."""
    _check_user(username, email, organization, is_owner=is_owner)
    with new_session() as session, session.begin():
        user = _user_for(session, username, email)
        user.site_role = site_role
        if organization is not None:
            membership = _membership_in(session, organization, user)
            if is_owner:
                make_owner(session, membership)
        token = new_token()
        add_token(session, settings, token, user_id=user.id)
        return token


def _user_for(session: Session, username: str, email: str) -> User:
    same_name = select(User.id).where(case_folded(User.username) == fold_case(username))
    there = session.scalars(select(User).where(case_folded(User.email) == fold_case(email))).one_or_none()
    if session.scalar(same_name) or (there is not None and there.invited_at is None):
        message = "a user with this name or e-mail address exists"
        raise ValueError(message)
    user = there or User(email=email)
    user.username = username
    session.add(user)
    session.flush()
    _record_event(session, "users.create" if there is None else "users.accept", user.id, user.username, None)
    for membership in accept_invitations(session, user):
        _record_event(
            session, "organization-memberships.accept", membership.id, user.username, membership.organization_id
        )
    return user


def _membership_in(session: Session, organization: str, user: User) -> OrganizationMembership:
    joined = session.scalars(
        select(Organization).where(case_folded(Organization.name) == fold_case(organization)),
    ).one_or_none()
    if joined is None:
        message = f"there is no organization named {organization}"
        raise ValueError(message)
    found = session.scalars(
        select(OrganizationMembership).where(
            OrganizationMembership.organization_id == joined.id,
            OrganizationMembership.user_id == user.id,
        ),
    ).one_or_none()
    if found is not None:
        return found
    membership = OrganizationMembership(organization_id=joined.id, user_id=user.id)
    session.add(membership)
    session.flush()
    _record_event(session, "organization-memberships.create", membership.id, user.username, joined.id)
    return membership


def confirm_user_email(username: str) -> str:
    """Make the address that the user asked for the user's address, and return it. ``ValueError`` says what is wrong."""
    with new_session() as session, session.begin():
        user = session.scalars(select(User).where(case_folded(User.username) == fold_case(username))).one_or_none()
        if user is None:
            message = f"there is no user named {username}"
            raise ValueError(message)
        wanted = fold_case(user.unconfirmed_email or "")
        placeholder = session.scalars(
            select(User).where(case_folded(User.email) == wanted, User.invited_at.is_not(None), User.id != user.id),
        ).one_or_none()
        if placeholder is not None:
            for membership in take_over(session, user, placeholder):
                _record_event(
                    session, "organization-memberships.accept", membership.id, username, membership.organization_id
                )
        try:
            confirm_email(session, user)
        except (EmailTaken, NothingToConfirm) as error:
            raise ValueError(str(error)) from error
        _record_event(session, "users.confirm-email", user.id, user.username, None)
        return user.email


def set_password(username: str, password: str) -> None:
    """Give the user this password, and end all of the user's sessions. ``ValueError`` says what is wrong."""
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        message = f"a password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters"
        raise ValueError(message)
    wanted = hash_password(password)
    with new_session() as session, session.begin():
        user = session.scalars(
            select(User).where(case_folded(User.username) == fold_case(username)).with_for_update(),
        ).one_or_none()
        if user is None or user.invited_at is not None:
            message = f"there is no user named {username}"
            raise ValueError(message)
        user.password_hash = wanted
        session.flush()
        end_sessions(session, user.id)
        _record_event(session, "users.change-password", user.id, user.username, None)


def add_token(  # noqa: PLR0913 - one keyword for each kind of owner
    session: Session,
    settings: Settings,
    token: str,
    *,
    user_id: str | None = None,
    organization_id: str | None = None,
    team_id: str | None = None,
    project_id: str | None = None,
    agent_pool_id: str | None = None,
    role: str | None = None,
    description: str | None = None,
) -> AuthenticationToken:
    """Store a token, with its event: of a user, an organization, or a team, project or pool of the organization."""
    given = {
        "user_id": user_id,
        "organization_id": organization_id,
        "team_id": team_id,
        "project_id": project_id,
        "agent_pool_id": agent_pool_id,
    }
    owner = {name: identifier for name, identifier in given.items() if identifier is not None}
    members = {"description": description, "role": role}
    stored = store_token(session, members, digest=digest(token, settings.secret_key), **owner)
    _record_event(session, "authentication-tokens.create", stored.id, None, organization_id)
    return stored


def _organization(
    session: Session, settings: Settings, administrator: User, *, has_agents: bool
) -> tuple[Organization, bool]:
    name = settings.bootstrap_organization
    if not re.fullmatch(NAME_PATTERN, name) or not NAME_LENGTH[0] <= len(name) <= NAME_LENGTH[1]:
        message = "GROUNDPLAN_ORGANIZATION must have 3 to 40 letters, digits, hyphens and underscores"
        raise InvalidSettingError(message)
    # The organization with the name, else the oldest one, because it may have been renamed since.
    is_named = case_folded(Organization.name) == fold_case(name)
    found = session.scalars(
        select(Organization).order_by(is_named.desc(), Organization.created_at, Organization.id).limit(1),
    ).one_or_none()
    if found is not None:
        return found, False
    members = {"name": name, "email": administrator.email}
    if has_agents:
        members["default_execution_mode"] = REMOTE
    founded = create_organization_with_owner(session, members, administrator.id)
    _record_event(session, "organizations.create", founded.id, founded.name, founded.id)
    return founded, True


def _check_user(username: str, email: str, organization: str | None, *, is_owner: bool) -> None:
    if not USERNAME.fullmatch(username):
        message = "a name has 1 to 64 letters, digits, dots, hyphens and underscores"
        raise ValueError(message)
    if not re.fullmatch(EMAIL_PATTERN, email) or len(email) > EMAIL_LENGTH:
        message = "this is no e-mail address"
        raise ValueError(message)
    if is_owner and organization is None:
        message = "an owner needs an organization to own"
        raise ValueError(message)


def _has_token(session: Session, user: User) -> bool:
    found = select(AuthenticationToken.id).where(AuthenticationToken.user_id == user.id).limit(1)
    return session.scalar(found) is not None


def record_event(session: Session, action: str, subject: AnyRow, changes: Mapping[str, Any]) -> None:
    """Write the event of a change to this row by a command."""
    name = getattr(subject, "username", None)
    _record_event(session, action, subject.id, name, getattr(subject, "organization_id", None), subject, changes)


def _record_event(  # noqa: PLR0913, PLR0917 - what an event names
    session: Session,
    action: str,
    subject_id: str,
    name: str | None,
    organization_id: str | None,
    subject: AnyRow | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    session.add(
        ActivityEvent(
            action=action,
            actor_type="commands",
            actor_name="flask",
            subject_type=action.partition(".")[0],
            subject_id=subject_id,
            subject_name=name,
            organization_id=organization_id,
            project_id=getattr(subject, "project_id", None),
            workspace_id=getattr(subject, "workspace_id", None),
            changes=dict(changes or {}),
        ),
    )
