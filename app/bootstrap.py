"""What a new service needs before anybody can sign in, made without a request."""

import re
from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.authentication.tokens import digest, new_token
from app.config import InvalidSettingError, Settings
from app.resources.activity_events.model import ActivityEvent
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.authentication_tokens.operations import add_token as store_token
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organizations.model import Organization
from app.resources.organizations.operations import found_organization, make_owner
from app.resources.organizations.schema import EMAIL_LENGTH, EMAIL_PATTERN, NAME_LENGTH, NAME_PATTERN
from app.resources.users.model import User

USERNAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ADMINISTRATOR = "admin"
EMAIL = "admin@localhost"


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What is there now; a token only when it was just made."""

    organization: str
    username: str
    user_token: str | None
    organization_token: str | None

    def as_json(self) -> dict[str, str]:
        """The members that are there."""
        members = {
            "organization": self.organization,
            "username": self.username,
            "user_token": self.user_token,
            "organization_token": self.organization_token,
        }
        return {name: value for name, value in members.items() if value}


def bootstrap(engine: Engine, settings: Settings) -> Bootstrapped:
    """Make what is missing of: administrator with a token, organization with its owners team and a token.

    Nothing that exists is touched, an organization that was renamed included. The organization's token is made with
    the organization alone, so that one that was revoked stays revoked; an administrator who has none gets a token,
    for otherwise nobody could get in. Two at once: the second waits for the first (SQLite) or fails on a unique name
    and changes nothing (PostgreSQL).
    """
    with Session(engine) as session, session.begin():
        administrator = session.scalars(
            select(User).where(User.site_role == "admin").order_by(User.created_at, User.id).limit(1),
        ).one_or_none()
        if administrator is None:
            administrator = User(username=ADMINISTRATOR, email=EMAIL, site_role="admin")
            session.add(administrator)
            session.flush()
            _note(session, "users.create", administrator.id, administrator.username, None)
        organization, is_new = _organization(session, settings, administrator)
        user_token = None
        if not _has_token(session, administrator):
            user_token = settings.bootstrap_token or new_token()
            add_token(session, settings, user_token, user_id=administrator.id)
        organization_token = None
        if is_new:
            organization_token = new_token()
            add_token(session, settings, organization_token, organization_id=organization.id)
        return Bootstrapped(organization.name, administrator.username, user_token, organization_token)


def add_user(  # noqa: PLR0913 - one keyword for each option of the command
    engine: Engine,
    settings: Settings,
    *,
    username: str,
    email: str,
    organization: str | None,
    is_owner: bool,
) -> str:
    """Add a user, perhaps to an organization, and return its first token. ``ValueError`` says what is wrong."""
    _check_user(username, email, organization, is_owner=is_owner)
    with Session(engine) as session, session.begin():
        taken = select(User.id).where(
            (func.lower(User.username) == username.lower()) | (func.lower(User.email) == email.lower()),
        )
        if session.scalar(taken):
            message = "a user with this name or e-mail address exists"
            raise ValueError(message)
        user = User(username=username, email=email)
        session.add(user)
        session.flush()
        _note(session, "users.create", user.id, user.username, None)
        if organization is not None:
            home = session.scalars(
                select(Organization).where(func.lower(Organization.name) == organization.lower()),
            ).one_or_none()
            if home is None:
                message = f"there is no organization named {organization}"
                raise ValueError(message)
            membership = OrganizationMembership(organization_id=home.id, user_id=user.id)
            session.add(membership)
            session.flush()
            _note(session, "organization-memberships.create", membership.id, user.username, home.id)
            if is_owner:
                make_owner(session, membership)
        token = new_token()
        add_token(session, settings, token, user_id=user.id)
        return token


def add_token(
    session: Session,
    settings: Settings,
    token: str,
    *,
    user_id: str | None = None,
    organization_id: str | None = None,
) -> AuthenticationToken:
    """Store a token of a user or an organization, with its event."""
    owner = {"user_id": user_id} if user_id else {"organization_id": str(organization_id)}
    stored = store_token(session, {}, digest=digest(token, settings.secret_key), **owner)
    _note(session, "authentication-tokens.create", stored.id, None, organization_id)
    return stored


def _organization(session: Session, settings: Settings, administrator: User) -> tuple[Organization, bool]:
    name = settings.bootstrap_organization
    if not re.fullmatch(NAME_PATTERN, name) or not NAME_LENGTH[0] <= len(name) <= NAME_LENGTH[1]:
        message = "GROUNDPLAN_ORGANIZATION must have 3 to 40 letters, digits, hyphens and underscores"
        raise InvalidSettingError(message)
    # The one with the name, else the oldest: it may have been renamed since.
    is_named = func.lower(Organization.name) == name.lower()
    found = session.scalars(
        select(Organization).order_by(is_named.desc(), Organization.created_at, Organization.id).limit(1),
    ).one_or_none()
    if found is not None:
        return found, False
    founded = found_organization(session, {"name": name, "email": administrator.email}, administrator.id)
    _note(session, "organizations.create", founded.id, founded.name, founded.id)
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


def _note(session: Session, action: str, subject_id: str, name: str | None, organization_id: str | None) -> None:
    session.add(
        ActivityEvent(
            action=action,
            actor_type="commands",
            actor_name="flask",
            subject_type=action.partition(".")[0],
            subject_id=subject_id,
            subject_name=name,
            organization_id=organization_id,
            changes={},
        ),
    )
