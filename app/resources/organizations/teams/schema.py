"""The attributes and relationships of a team (spec: teams)."""

from collections.abc import Iterable

from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Boolean, Choice, Computed, Constant, Links, Setting, Text, ToMany, ToOne
from app.jsonapi.permission_flags import permission_flags
from app.jsonapi.schema import Schema
from app.models.teams import VISIBILITIES
from app.persistence import AnyRow
from app.resources.organizations.teams.access import FLAGS, effective_access

NAME_LENGTH = (1, 255)
# Anything in one line: names come from identity providers, with slashes, dots, brackets and whole sentences.
NAME_PATTERN = r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?"
SSO_TEAM_ID_LENGTH = 255

_TOKENS = {"can-update-api-token": P.TOKEN_MANAGE, "can-view-api-token": P.TOKEN_MANAGE}
_PLAIN = permission_flags(
    {
        "can-update-membership": P.TEAM_UPDATE_MEMBERSHIP,
        "can-destroy": P.TEAM_DELETE,
        "can-update-organization-access": P.TEAM_UPDATE_ORGANIZATION_ACCESS,
        "can-update-visibility": P.TEAM_UPDATE,
        "can-update-name": P.TEAM_UPDATE,
        "can-update-sso-team-id": P.TEAM_UPDATE,
        "can-update-member-token-management": P.TEAM_UPDATE,
        **_TOKENS,
    },
)
_OWNERS = permission_flags(
    {
        "can-update-membership": P.OWNERS_UPDATE_MEMBERSHIP,
        "can-destroy": False,
        "can-update-organization-access": False,
        "can-update-visibility": False,
        "can-update-name": False,
        "can-update-sso-team-id": P.OWNERS_UPDATE_MEMBERSHIP,
        "can-update-member-token-management": P.OWNERS_UPDATE_MEMBERSHIP,
        **_TOKENS,
    },
)


def show_permissions(row: AnyRow, held: frozenset[P]) -> dict[str, bool]:
    """The caller's permissions on the team; the owners team has rules of its own."""
    if not row.is_owners:
        return dict(_PLAIN.make(row, held))
    # Managers of visible teams also see the owners team, but may not manage its tokens.
    return dict(_OWNERS.make(row, held if P.OWNERS_UPDATE_MEMBERSHIP in held else held - {P.TOKEN_MANAGE}))


def read_access(value: Json) -> dict[str, bool]:
    """The flags that were sent. Null means not sent; unknown flags are ignored."""
    if not isinstance(value, dict):
        raise ValidationError("must be an object")
    given = {flag: value[flag] for flag in FLAGS if value.get(flag) is not None}
    faults = {flag: ["must be true or false"] for flag, chosen in given.items() if not isinstance(chosen, bool)}
    if faults:
        raise ValidationError(faults)
    return given


def show_access(row: AnyRow, _held: object) -> dict[str, bool]:
    """All flags; the owners team has all of them, whatever is stored."""
    if row.is_owners:
        return dict.fromkeys(FLAGS, True)
    # What was sent as false is shown as false, or the tfe provider would find a difference at each plan.
    held = frozenset(row.organization_access) | (effective_access(row.organization_access) - {*row.declined_access})
    return {flag: flag in held for flag in FLAGS}


class TeamName(Text):
    """The name of a team."""

    def _faults(self, value: str) -> Iterable[str]:
        faults = list(super()._faults(value))
        yield from faults
        # Characters that nobody sees would make a name look like another one.
        if not faults and not value.isprintable():
            yield self.pattern_message


class TeamSchema(Schema):
    """A team."""

    class Meta:
        """Its type and address."""

        type_ = "teams"
        # As in a sample of HCP Terraform's documentation.
        accepted_types = ("teams", "organizations")
        self_link = "/api/v2/teams/{id}"

    id = Attribute()
    name = TeamName(
        required=True,
        minimum=NAME_LENGTH[0],
        maximum=NAME_LENGTH[1],
        pattern=NAME_PATTERN,
        pattern_message="may only contain visible characters, and spaces between them",
        description="The name, unique in the organization.",
        example="developers",
    )
    visibility = Choice(
        VISIBILITIES,
        description="The people who see the team: `secret` its members and those who manage teams, `organization` "
        "everybody in the organization.",
        example="organization",
    )
    sso_team_id = Text(
        maximum=SSO_TEAM_ID_LENGTH,
        nullable=True,
        description="The id of the team at an identity provider. There is no single sign-on, so only null can be set.",
        has_effect=False,
    )
    allow_member_token_management = Boolean(description="Whether members may manage the team's tokens.")
    organization_access = Setting(
        read_access,
        allow_none=True,
        load_only=True,
        data_key="organization-access",
        schema={"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}},
        description="What the team may do in the whole organization, as flags.",
    )
    shown_access = Computed(
        show_access,
        data_key="organization-access",
        schema={
            "type": "object",
            "properties": {flag: {"type": "boolean"} for flag in FLAGS},
            "required": sorted(FLAGS),
        },
    )
    users_count = Attribute(description="How many members the team has.")
    non_service_users_count = Attribute(
        attribute="users_count", description="The same number, because members are people."
    )
    is_unified = Constant(value=False)
    hcp_resource_name = Constant(None)
    permissions = Computed(
        show_permissions,
        schema=_PLAIN.json_schema,
        description="What the caller may do with the team, as one flag for each action.",
    )

    organization = ToOne("organizations", column="organization_name")
    users = ToMany("users", column="user_ids")
    organization_memberships = ToMany("organization-memberships", column="membership_ids")
    authentication_token = Links("/api/v2/teams/{id}/authentication-token")
    authentication_tokens = Links("/api/v2/teams/{id}/authentication-tokens")
