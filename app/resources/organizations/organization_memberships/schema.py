"""The attributes and relationships of an organization membership (spec: organization memberships)."""

from typing import Any

from marshmallow.fields import Field

from app.authz.permissions import P
from app.jsonapi.body import checked_list
from app.jsonapi.errors import Unprocessable
from app.jsonapi.fields import Attribute, DateTime, Email, ToMany, ToOne
from app.jsonapi.schema import Schema

TEAMS_AT_ONCE = 100


def read_teams(items: list[Any]) -> list[str]:
    """The ids of the teams for a new member."""
    pointer = "/data/relationships/teams/data"
    for index, item in enumerate(checked_list(items, ("teams",), TEAMS_AT_ONCE, pointer)):
        if not isinstance(item.get("id"), str) or not item["id"]:
            raise Unprocessable("id must be a string", pointer=f"{pointer}/{index}/id")
    return list(dict.fromkeys(item["id"] for item in items))


class OrganizationMembershipSchema(Schema):
    """One user in one organization, with the user's teams as far as the caller can see them."""

    class Meta:
        """Its type and address."""

        type_ = "organization-memberships"
        self_link = "/api/v2/organization-memberships/{id}"

    id = Attribute()
    status = Attribute(description="`invited` until the person accepts, then `active`.")
    email: Field[Any] = Email(required=True, description="The address of the person.", example="ada@example.com")
    created_at = DateTime(dump_only=True)

    teams = ToMany("teams", column="team_ids", read=read_teams)
    user = ToOne("users", column="user_id")
    organization = ToOne("organizations", column="organization_name")


class FoundMembershipSchema(OrganizationMembershipSchema):
    """The same for those who only find people to add: the e-mail address is null, unless it is their own."""

    class Meta(OrganizationMembershipSchema.Meta):
        """The type and address of any membership."""

    email = Email(dump_only=True, shown_to=P.MEMBERSHIP_READ, description="The address of the person.")
