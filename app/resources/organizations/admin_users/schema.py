"""A user as site administrators see it (spec: the admin API of Terraform Enterprise)."""

from app.jsonapi.fields import Attribute, DateTime, ToMany
from app.resources.accounts.users.schema import UserSchema


class AdminUserSchema(UserSchema):
    """Any user of the service, with the e-mail address and the names of the user's organizations.

    Only administrators of the site see it. The username is null while the user is only invited.
    """

    class Meta(UserSchema.Meta):
        """The type and address of a user."""

    is_suspended = Attribute(description="Whether the person is kept out: no token, password or session is accepted.")
    created_at = DateTime(dump_only=True)

    organizations = ToMany("organizations", column="organization_names")
