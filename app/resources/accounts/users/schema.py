"""The attributes and relationships of a user (spec: users)."""

from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape
from zlib import crc32

from marshmallow.fields import Field

from app.authentication.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from app.jsonapi.fields import Attribute, Choice, Computed, Constant, Email, Links, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.users import SITE_ROLES
from app.persistence import AnyRow

USERNAME_LENGTH = 64
USERNAME_PATTERN = f"[A-Za-z0-9][A-Za-z0-9._-]{{0,{USERNAME_LENGTH - 1}}}"


def permissions(row: AnyRow, _held: object) -> dict[str, bool]:
    """What users may do with their own account.

    HCP's documents and clients spell the first and the last flag in two ways.
    """
    return {
        "can-create-organization": row.creates_organizations,
        "can-create-organizations": row.creates_organizations,
        "can-view-organizations": row.is_own,
        "can-view-profile": row.is_own,
        "can-view-settings": row.is_own,
        "can-change-email": row.is_own,
        "can-change-username": row.is_own,
        "can-change-password": row.is_own,
        "can-update-user": row.is_own,
        "can-manage-user-tokens": row.is_own,
        # False for features that the service does not have.
        "can-manage-sessions": False,
        "can-reenable-2fa-by-unlinking": False,
        "can-view2fa-settings": False,
        "can-manage-hcp-account": False,
        "can-manage-hcp-accounts": False,
    }


def avatar_url(row: AnyRow, _held: object) -> str:
    """A picture with the initial of the user name. It asks no other service, which would learn the e-mail address."""
    hue = crc32(row.id.encode()) % 360
    initial = escape((row.username or "?")[0].upper())
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
        f'<rect width="40" height="40" fill="hsl({hue},45%,40%)"/>'
        '<text x="20" y="27" font-family="sans-serif" font-size="20" fill="#fff" text-anchor="middle">'
        f"{initial}</text></svg>"
    )
    return f"data:image/svg+xml,{quote(picture, safe='')}"


class UserSchema(Schema):
    """A user. The e-mail address is shown only in your own document and through memberships.

    The site role is shown in your own document, and to callers who may change site roles.
    """

    class Meta:
        """Its type and address."""

        type_ = "users"
        self_link = "/api/v2/users/{id}"

    id = Attribute()
    username: Field[Any] = Attribute(allow_none=True, description="The user name, unique in the service.")
    is_service_account = Attribute(
        description="Whether this is the account behind a token of an organization or a team, and no person."
    )
    email: Field[Any] = Attribute(description="The address. Others than the person see it only if they may.")
    unconfirmed_email = Attribute(
        description="A new address that waits until an operator confirms it with `flask confirm-email`."
    )
    auth_method = Constant("tfc")
    avatar_url = Computed(avatar_url, schema={"type": "string"}, description="A picture as a data URL.")
    v2_only = Constant(value=False)
    is_admin = Attribute(description="Whether the person administers the whole service.")
    is_site_admin = Attribute(attribute="is_admin", description="The same as `is-admin`.")
    site_role: Field[Any] = Attribute(
        description="What the person is on the whole service: `user`, `admin` or `super_user`."
    )
    is_sso_login = Constant(value=False)
    is_unified = Constant(value=False)
    two_factor = Constant({"enabled": False, "verified": False})
    permissions = Computed(permissions, schema={"type": "object", "additionalProperties": {"type": "boolean"}})

    authentication_tokens = Links("/api/v2/users/{id}/authentication-tokens")


class AccountSchema(UserSchema):
    """The calling user, or the service account of another token; says how the request was authenticated."""

    class Meta(UserSchema.Meta):
        """The type and address of a user."""

    authenticated_resource = ToOne(
        "users",
        "organizations",
        "teams",
        "projects",
        column="resource_id",
        type_column="resource_type",
        related="/api/v2/{resource_type}/{resource_id}",
    )


class ProfileSchema(UserSchema):
    """The attributes of their own account that users may change."""

    class Meta(UserSchema.Meta):
        """The type and address of a user."""

    username = Text(
        minimum=1,
        maximum=USERNAME_LENGTH,
        pattern=USERNAME_PATTERN,
        pattern_message="may only contain letters, numbers, dots, hyphens and underscores",
        description="The user name, unique in the service.",
        example="ada",
    )
    email = Email(
        description="The new address. It counts once an operator confirms it with `flask confirm-email`.",
        example="ada@example.com",
    )


class SiteRoleSchema(UserSchema):
    """The role of a user on the whole service."""

    class Meta(UserSchema.Meta):
        """The type and address of a user. HCP Terraform has no roles of this kind."""

        is_own = True

    site_role = Choice(SITE_ROLES, description="What the person is on the whole service.", example="user")


class PasswordSchema(UserSchema):
    """A new password. These attributes are spelled with underscores, as in HCP Terraform."""

    class Meta(UserSchema.Meta):
        """The type and address of a user."""

    current_password = Text(
        maximum=MAXIMUM_LENGTH,
        nullable=True,
        load_only=True,
        data_key="current_password",
        description="The password until now; it is not needed by an account without one.",
        example="correct horse battery",
    )
    password = Text(
        minimum=MINIMUM_LENGTH,
        maximum=MAXIMUM_LENGTH,
        required=True,
        load_only=True,
        data_key="password",
        description="The new password.",
        example="a new long password",
    )
    password_confirmation = Text(
        maximum=MAXIMUM_LENGTH,
        required=True,
        load_only=True,
        data_key="password_confirmation",
        description="The new password once more.",
        example="a new long password",
    )
