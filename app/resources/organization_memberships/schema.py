"""The members of an organization membership (spec: organization memberships)."""

from app.jsonapi.fields import Attribute, Moment, ToMany, ToOne
from app.jsonapi.schema import Schema


class OrganizationMembershipSchema(Schema):
    """One user in one organization, and the teams that the caller can see him in."""

    class Meta:
        """Its type and address."""

        type_ = "organization-memberships"
        self_link = "/api/v2/organization-memberships/{id}"

    id = Attribute()
    status = Attribute()
    email = Attribute()
    created_at = Moment(dump_only=True)

    teams = ToMany("teams", column="team_ids")
    user = ToOne("users", column="user_id")
    organization = ToOne("organizations", column="organization_name")
