"""Users and the caller's own account (spec: users, account)."""

import logging
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import select

from app.authentication.tokens import digest
from app.authz.grants import SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.schema import load
from app.models.users import ADMINISTRATORS, User
from app.resources.accounts.sign_in.service import seconds_to_wait
from app.resources.accounts.sign_in.throttle import address_to_count
from app.resources.accounts.users import service
from app.resources.accounts.users.listing import UserRow, dump_account, dump_user, find_user
from app.resources.accounts.users.operations import (
    TooManyPasswords,
    check_confirmed,
    new_hash,
)
from app.resources.accounts.users.schema import AccountSchema, PasswordSchema, ProfileSchema, SiteRoleSchema, UserSchema
from app.services import services
from app.web.answers import resource_response
from app.web.context import caller, reader
from app.web.guard import describes, requires
from app.web.policy import denial, is_allowed_at, mark_policy_checked, require_on_site, require_own
from app.web.requests import body

logger = logging.getLogger(__name__)
blueprint = Blueprint("users", __name__, url_prefix="/api/v2")


@blueprint.get("/account/details")
@requires(P.USER_READ, P.ACCOUNT_READ)
@describes(answer=AccountSchema)
def show_account() -> Response:
    """Show the account that the token belongs to. A token that is not a user's has a service account."""
    mark_policy_checked(P.ACCOUNT_READ)
    who = caller()
    if who.user_id is None:
        # Agents and runs belong to no organization, and have no account.
        org = next(iter(who.organizations.values()), None)
        if org is None or not is_allowed_at(P.ACCOUNT_READ, Level.ORGANIZATION, org.id):
            raise denial(P.ACCOUNT_READ)
        account_id, username = who.account
        account = UserRow(
            id=account_id,
            username=username,
            email=None,
            is_admin=False,
            is_service_account=True,
            resource_type=who.type,
            resource_id=who.name if who.kind == "organization" else who.id,
        )
        return resource_response(dump_account(account, None))
    return resource_response(_own(who.user_id))


@blueprint.patch("/account/update")
@requires(P.ACCOUNT_UPDATE, P.USER_READ)
@describes(body=ProfileSchema, is_partial=True, answer=AccountSchema, errors=(422,))
def update_account() -> Response:
    """Change your username, or ask for another e-mail address, which an operator must confirm."""
    user_id = require_own(P.ACCOUNT_UPDATE)
    members = load(ProfileSchema, body(), partial=True, identifier=user_id)
    service.update_account(user_id, members)
    return resource_response(_own(user_id))


@blueprint.patch("/account/password")
@requires(P.ACCOUNT_UPDATE, P.USER_READ)
@describes(body=PasswordSchema, answer=AccountSchema, errors=(409, 422, 429))
def update_password() -> Response:
    """Change your password, which ends your sessions. The first password needs no current one.

    Tokens stay valid.
    """
    user_id = require_own(P.ACCOUNT_UPDATE)
    members = load(PasswordSchema, body(), identifier=user_id)
    check_confirmed(members)
    stored = reader().execute(select(User.password_hash).where(User.id == user_id)).scalar_one()
    account, address = _guessing(user_id)
    seconds = seconds_to_wait(account, address) if stored is not None else 0
    if seconds:
        logger.warning("password refused: too many wrong ones for an account or from an address")
        raise TooManyPasswords.for_seconds(seconds)
    wanted = new_hash(members, stored)
    service.update_password(user_id, stored, wanted, account=account, address=address)
    return resource_response(_own(user_id))


@blueprint.get("/users/<user_id>")
@requires(P.USER_READ)
@describes(answer=UserSchema)
def show_user(user_id: str) -> Response:
    """Show a user who shares an organization with the caller; the e-mail address is shown only to that user."""
    return resource_response(_seen(user_id))


@blueprint.patch("/users/<user_id>")
@requires(P.SITE_ROLE_MANAGE, P.USER_READ)
@describes(body=SiteRoleSchema, is_partial=True, answer=UserSchema, errors=(422,))
def update_user(user_id: str) -> Response:
    """Give a user another site role: user, admin or super_user. The last super user can't lose this role."""
    require_on_site(P.SITE_ROLE_MANAGE)
    members = load(SiteRoleSchema, body(), partial=True, identifier=user_id)
    service.update_user(user_id, members)
    return resource_response(_seen(user_id))


def _guessing(user_id: str) -> tuple[str, str]:
    """The account and address by which password attempts with a token are counted.

    They are counted apart from attempts to sign in: nobody can type this digest into a form, so strangers can't use up
    the user's attempts.
    """
    key = services().settings.secret_key
    return digest(digest(user_id, key), key), address_to_count(request.remote_addr)


def _seen(user_id: str) -> dict[str, Any]:
    found = find_user(user_id)
    is_own = found.id == caller().user_id
    on_site = caller().grants.at(Level.SITE, SITE)
    shown = UserRow(
        id=found.id,
        username=found.username,
        email=found.email if is_own else None,
        is_admin=found.site_role in ADMINISTRATORS,
        site_role=found.site_role if is_own or P.SITE_ROLE_MANAGE in on_site else None,
        is_own=is_own,
        unconfirmed_email=found.unconfirmed_email if is_own else None,
        creates_organizations=is_own and P.ORGANIZATION_CREATE in on_site,
    )
    return dump_user(shown, None)


def _own(user_id: str) -> dict[str, Any]:
    found = find_user(user_id)
    account = UserRow(
        id=found.id,
        username=found.username,
        email=found.email,
        is_admin=found.site_role in ADMINISTRATORS,
        creates_organizations=P.ORGANIZATION_CREATE in caller().grants.at(Level.SITE, SITE),
        resource_type="users",
        resource_id=found.id,
        unconfirmed_email=found.unconfirmed_email,
        site_role=found.site_role,
        is_own=True,
    )
    return dump_account(account, None)
