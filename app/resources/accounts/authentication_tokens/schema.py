"""The attributes and relationships of a token (spec: tokens)."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from marshmallow import ValidationError

from app.authz.roles import NARROWED_TOKEN
from app.jsonapi.fields import Attribute, Boolean, Choice, Computed, Constant, DateTime, Integer, Setting, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.project_members import PROJECT_ROLES

DESCRIPTION_LENGTH = 256
# How many projects, and how many ranges of addresses, a token can be narrowed to.
AT_MOST = 100
# Thirty days, in seconds.
LONGEST_KEPT = 30 * 24 * 60 * 60
NAMES = {"type": ["array", "null"], "items": {"type": "string"}}


def _texts(value: Any) -> list[str] | None:  # noqa: ANN401 - any JSON
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) and each.isprintable() for each in value):
        raise ValidationError("must be an array of strings, or null for no limit")
    if not 1 <= len(value) <= AT_MOST:
        raise ValidationError(f"must have 1 to {AT_MOST} items, or be null for no limit")
    return list(dict.fromkeys(value))


def read_permissions(value: Any) -> list[str] | None:  # noqa: ANN401 - any JSON
    """The permissions, each once, as the page about permissions names them."""
    found = _texts(value)
    unknown = sorted(set(found or ()) - NARROWED_TOKEN)
    if unknown:
        raise ValidationError(f"must be permissions that such a token can have, and {', '.join(unknown)} is none")
    return found


def read_ranges(value: Any) -> list[str] | None:  # noqa: ANN401 - any JSON
    """The ranges of addresses, each in its usual form."""
    try:
        found = _texts(value)
        return None if found is None else [str(ip_network(each)) for each in found]
    except ValueError as error:
        if isinstance(error, ValidationError):
            raise
        raise ValidationError("must be ranges such as 203.0.113.0/24 or 2001:db8::/32, or single addresses") from None


def _sent(name: str, read: Callable[[Any], Any], description: str, example: list[str] | None = None) -> Setting:
    options: dict[str, Any] = {"data_key": name, "description": description}
    if example is not None:
        options["example"] = example
    return Setting(read, schema=NAMES, allow_none=True, load_only=True, **options)


def _shown(name: str) -> Computed:
    column = name.replace("-", "_")
    return Computed(lambda row, _held: (row.narrowed_to or {}).get(column), schema=NAMES, data_key=name)


class AuthenticationTokenSchema(Schema):
    """A token. Only the answer that creates it has its text; its expiry can't be changed."""

    class Meta:
        """Its type. Clients send several spellings of it, or none (spec: conventions, ``data.type``)."""

        type_ = "authentication-tokens"
        self_link = "/api/v2/authentication-tokens/{id}"
        accepted_types = ()

    id = Attribute()
    description = Text(
        maximum=DESCRIPTION_LENGTH,
        nullable=True,
        description="A note for people, such as where the token is used.",
        example="pipeline",
    )
    created_at = DateTime(dump_only=True)
    last_used_at = DateTime(
        dump_only=True, description="When a request last used the token, to the minute or so; null if none ever did."
    )
    expired_at = DateTime(allow_none=True, description="When the token stops working; null means never.")
    token = Constant(
        None,
        schema={"type": ["string", "null"]},
        description="The token itself. Only the answer to the request that makes it has it; it is null ever after.",
    )

    created_by = ToOne("users", "organizations", "teams", column="created_by", type_column="created_by_type")


class TeamTokenSchema(AuthenticationTokenSchema):
    """A token of a team."""

    class Meta(AuthenticationTokenSchema.Meta):
        """The type and address of any token."""

    team = ToOne("teams", column="team_id")


class ProjectTokenSchema(AuthenticationTokenSchema):
    """A token of a project: valid for that project only, with one of the roles of its members.

    It is held by the user who made it or took it over, and ends when this user leaves the project or the organization.
    """

    class Meta(AuthenticationTokenSchema.Meta):
        """The type and address of any token. HCP Terraform has no tokens of projects."""

        is_own = True

    role = Choice(PROJECT_ROLES, required=True, description="What the token may do in the project.", example="viewer")

    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
    held_by = ToOne("users", column="held_by")


class NarrowedTokenSchema(AuthenticationTokenSchema):
    """One of any number of tokens of an organization, for a script: narrowed to what the script needs."""

    class Meta(AuthenticationTokenSchema.Meta):
        """The type and address of any token. HCP Terraform has one token of an organization, for everything."""

        is_own = True

    description = Text(
        required=True,
        minimum=1,
        maximum=DESCRIPTION_LENGTH,
        description="What the token is for, so that people know what stops when they revoke it.",
        example="nightly report",
    )
    sent_read_only = Boolean(
        data_key="read-only", load_only=True, description="Whether the token only reads.", example=True
    )
    sent_permissions = _sent(
        "permissions",
        read_permissions,
        "The permissions that it has at most, as the page about permissions names them; null means all that a narrowed "
        "token can have.",
        ["project:read", "workspace:read"],
    )
    sent_project_ids = _sent("project-ids", _texts, "The projects that it reaches; null means the whole organization.")
    sent_ip_ranges = _sent(
        "ip-ranges", read_ranges, "The addresses from which it is accepted; null means everywhere.", ["203.0.113.0/24"]
    )
    shown_read_only = Computed(
        lambda row, _held: bool((row.narrowed_to or {}).get("read_only")),
        schema={"type": "boolean"},
        data_key="read-only",
    )
    shown_permissions = _shown("permissions")
    shown_project_ids = _shown("project-ids")
    shown_ip_ranges = _shown("ip-ranges")


class RotationSchema(Schema):
    """How a token is replaced."""

    class Meta:
        """Clients may send any type, or none; there is no such resource."""

        type_ = "token-rotations"
        accepted_types = ()
        is_own = True

    id = Attribute()
    keep_old_for = Integer(
        minimum=0,
        maximum=LONGEST_KEPT,
        load_only=True,
        description="For how many seconds the old token goes on. An hour by default; 0 ends it at once.",
        example=86_400,
    )
    expired_at = DateTime(
        allow_none=True,
        load_only=True,
        description="When the new token stops working; null means never. By default it lives as long as the old one "
        "was meant to.",
    )
