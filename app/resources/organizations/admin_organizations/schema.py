"""An organization as site administrators see it (spec: the admin API of Terraform Enterprise)."""

from app.jsonapi.fields import Attribute, Constant, DateTime
from app.jsonapi.schema import Schema


class AdminOrganizationSchema(Schema):
    """Any organization of the service, with how much there is in it. Only administrators of the site see it."""

    class Meta:
        """The type of an organization, and an address of its own."""

        type_ = "organizations"
        variant = "admin"
        self_link = "/api/v2/admin/organizations/{name}"

    id = Attribute(attribute="name")
    name = Attribute(description="The name, unique in the service.")
    external_id = Attribute(attribute="id", description="The id that never changes.")
    notification_email = Attribute(attribute="email", description="The address that the organization was made with.")
    created_at = DateTime(dump_only=True)
    is_disabled = Constant(value=False)
    user_count = Attribute(description="How many members it has, with those who are only invited.")
    project_count = Attribute(description="How many projects it has.")
    workspace_count = Attribute(description="How many workspaces it has.")
