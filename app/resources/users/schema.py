"""The members of a user (spec: users)."""

from typing import Any

from app.jsonapi.fields import Attribute, Computed, Constant, Links, ToOne
from app.jsonapi.schema import Schema


def permissions(row: Any, _held: Any) -> dict[str, bool]:  # noqa: ANN401 - a row with the columns of a user
    """What the user may do with the own account; accounts are not changed over HTTP yet, save for their tokens.

    HCP's documents and clients spell the first one in two ways.
    """
    return {
        "can-create-organization": row.creates_organizations,
        "can-create-organizations": row.creates_organizations,
        "can-change-email": False,
        "can-change-username": False,
        "can-change-password": False,
        "can-manage-user-tokens": row.email is not None and not row.is_service_account,
        "can-view2fa-settings": False,
        "can-manage-hcp-account": False,
    }


class UserSchema(Schema):
    """A user. The e-mail address is there only in the caller's own document and through memberships."""

    class Meta:
        """Its type and address."""

        type_ = "users"
        self_link = "/api/v2/users/{id}"

    id = Attribute()
    username = Attribute()
    is_service_account = Attribute()
    email = Attribute()
    unconfirmed_email = Constant(None)
    auth_method = Constant("tfc")
    avatar_url = Constant(None)
    v2_only = Constant(value=False)
    is_admin = Attribute()
    is_site_admin = Attribute(attribute="is_admin")
    is_sso_login = Constant(value=False)
    is_unified = Constant(value=False)
    two_factor = Constant({"enabled": False, "verified": False})
    permissions = Computed(permissions, schema={"type": "object", "additionalProperties": {"type": "boolean"}})

    authentication_tokens = Links("/api/v2/users/{id}/authentication-tokens")


class AccountSchema(UserSchema):
    """The caller's own user, or the one made up for an organization's token; says what authenticated."""

    class Meta(UserSchema.Meta):
        """As a user."""

    authenticated_resource = ToOne(
        "users",
        "organizations",
        column="resource_id",
        type_column="resource_type",
        related="/api/v2/{resource_type}/{resource_id}",
    )
