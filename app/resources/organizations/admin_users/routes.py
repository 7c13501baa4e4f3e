"""Administering users over HTTP (the admin API of Terraform Enterprise)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.resources.organizations.admin_users import service
from app.resources.organizations.admin_users.listing import ADMIN_USERS, INCLUDES, include_organizations
from app.resources.organizations.admin_users.schema import AdminUserSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import require_on_site

blueprint = Blueprint("admin_users", __name__, url_prefix="/api/v2/admin/users")


@blueprint.get("")
@requires(P.USER_ADMINISTER, P.ORGANIZATION_READ)
@describes(listing=ADMIN_USERS, includes=INCLUDES, errors=(400,))
def list_admin_users() -> Response:
    """List all users of the service. Only administrators of the site may do so, as everything below this address."""
    require_on_site(P.USER_ADMINISTER)
    wanted = includes_of(request.args, INCLUDES)
    return ADMIN_USERS.page_response({}, include=include_organizations if wanted else None)


@blueprint.get("/<user_id>")
@requires(P.USER_ADMINISTER)
@describes(answer=AdminUserSchema)
def show_admin_user(user_id: str) -> Response:
    """Show any user of the service."""
    return resource_response(ADMIN_USERS.get_resource({"id": user_id}))


@blueprint.delete("/<user_id>")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(status=204, errors=(403, 422))
def destroy_admin_user(user_id: str) -> Response:
    """Delete a user's account with all its tokens, memberships and roles; what the user created stays.

    The only owner of an organization can't be deleted. Only a super user deletes an administrator, and nobody deletes
    the own account.
    """
    service.destroy_user(user_id)
    return no_content()


@blueprint.post("/<user_id>/actions/suspend")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(answer=AdminUserSchema, errors=(400, 403, 422))
def suspend_user(user_id: str) -> Response:
    """Keep a user out: all sessions end and all tokens are revoked at once. Memberships and roles stay.

    Only a super user suspends an administrator, and nobody suspends the own account.
    """
    return resource_response(service.suspend_user(user_id))


@blueprint.post("/<user_id>/actions/unsuspend")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(answer=AdminUserSchema, errors=(400, 403))
def unsuspend_user(user_id: str) -> Response:
    """Let a suspended user in again, with the password or with new tokens."""
    return resource_response(service.unsuspend_user(user_id))


@blueprint.post("/<user_id>/actions/grant_admin")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(answer=AdminUserSchema, errors=(400, 422))
def grant_admin(user_id: str) -> Response:
    """Make a user an administrator of the site. Only super users may do so."""
    return resource_response(service.grant_admin(user_id))


@blueprint.post("/<user_id>/actions/revoke_admin")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(answer=AdminUserSchema, errors=(400, 422))
def revoke_admin(user_id: str) -> Response:
    """Make an administrator or super user an ordinary user. Only super users may do so, and the last one stays."""
    return resource_response(service.revoke_admin(user_id))


@blueprint.post("/<user_id>/actions/revoke_tokens")
@requires(P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(answer=AdminUserSchema, errors=(403,))
def revoke_tokens(user_id: str) -> Response:
    """Revoke all tokens of a user and end all sessions at once. Only a super user does this to an administrator."""
    return resource_response(service.revoke_tokens(user_id))
