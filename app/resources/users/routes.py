"""Users and the caller's own account (spec: users, account)."""

from flask import Blueprint, Response

from app.authz.grants import SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.rules import holds_at
from app.resources.users.listing import UserRow, dump_account, dump_user, find_user
from app.resources.users.schema import AccountSchema, UserSchema
from app.web.answers import resource
from app.web.context import asked, caller, refused
from app.web.guard import describes, requires

blueprint = Blueprint("users", __name__, url_prefix="/api/v2")


@blueprint.get("/account/details")
@requires(P.ACCOUNT_READ)
@describes(answer=AccountSchema)
def show_account() -> Response:
    """Show who the token belongs to; for an organization's token, the service account that stands for it."""
    asked()
    who = caller()
    creates = P.ORGANIZATION_CREATE in who.grants.at(Level.SITE, SITE)
    if who.user_id is None:
        if not holds_at(who, P.ACCOUNT_READ, Level.ORGANIZATION, who.id):
            raise refused(P.ACCOUNT_READ)
        # An id of its own, always the same, that no user has: the organization's, under the prefix of users.
        account = UserRow(
            id=f"user-{who.id.removeprefix('org-')}",
            username=f"api-org-{who.name}",
            email=None,
            is_admin=False,
            is_service_account=True,
            resource_type="organizations",
            resource_id=who.name,
        )
        return resource(dump_account(account, None))
    found = find_user(who.user_id)
    account = UserRow(
        id=found.id,
        username=found.username,
        email=found.email,
        is_admin=found.site_role == "admin",
        creates_organizations=creates,
        resource_type="users",
        resource_id=found.id,
    )
    return resource(dump_account(account, None))


@blueprint.get("/users/<user_id>")
@requires(P.USER_READ)
@describes(answer=UserSchema)
def show_user(user_id: str) -> Response:
    """Show a user who shares an organization with the caller; the e-mail address only to himself."""
    found = find_user(user_id)
    is_own = found.id == caller().user_id
    shown = UserRow(
        id=found.id,
        username=found.username,
        email=found.email if is_own else None,
        is_admin=found.site_role == "admin",
        creates_organizations=is_own and P.ORGANIZATION_CREATE in caller().grants.at(Level.SITE, SITE),
    )
    return resource(dump_user(shown, None))
