"""The attributes and relationships of a notification configuration (spec: notification configurations)."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from marshmallow import ValidationError

from app.jsonapi.body import identifier_of
from app.jsonapi.fields import (
    EMAIL_LENGTH,
    EMAIL_PATTERN,
    Attribute,
    Boolean,
    Choice,
    Computed,
    Constant,
    DateTime,
    Setting,
    Text,
    ToMany,
    ToOne,
)
from app.jsonapi.schema import Schema
from app.models.notification_configurations import DESTINATION_TYPES, TEAM_TRIGGERS, TRIGGERS
from app.outbound import AddressInvalid, parse

NAME_LENGTH: Final = 255
URL_LENGTH: Final = 2_048
TOKEN_LENGTH: Final = 1_024
RECIPIENTS: Final = 20
TEXTS: Final = {"type": "array", "items": {"type": "string"}}
RESPONSES: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "body": {"type": "string"},
            "code": {"type": ["string", "null"]},
            "headers": {"type": "object", "additionalProperties": TEXTS},
            "sent-at": {"type": "string"},
            "successful": {"type": "string", "enum": ["true", "false"]},
        },
    },
}


class WebhookUrl(Text):
    """An address that requests go to. What its host stands for is checked when a request goes there."""

    def _faults(self, value: str) -> Iterable[str]:
        yield from super()._faults(value)
        try:
            parse(value)
        except AddressInvalid as error:
            yield str(error)


def read_triggers(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """The triggers, each once."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValidationError("must be an array of strings")
    known = (*TRIGGERS, *TEAM_TRIGGERS)
    if any(each not in known for each in value):
        raise ValidationError(f"must be some of {', '.join(known)}")
    return list(dict.fromkeys(value))


def read_addresses(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """The e-mail addresses, each once."""
    if value is None:
        return []
    if not isinstance(value, list) or any(
        not isinstance(each, str) or len(each) > EMAIL_LENGTH or not re.fullmatch(EMAIL_PATTERN, each) for each in value
    ):
        raise ValidationError("must be an array of e-mail addresses")
    found = list(dict.fromkeys(value))
    if len(found) > RECIPIENTS:
        raise ValidationError(f"must be at most {RECIPIENTS} e-mail addresses")
    return found


def read_users(value: list[Any]) -> list[str]:
    """The ids of the users, each once."""
    named = [identifier_of(each, ("users",)) for each in value]
    found = list(dict.fromkeys(each[1] for each in named if each is not None))
    if None in named:
        raise ValidationError("must be an array of identifiers of users")
    if len(found) > RECIPIENTS:
        raise ValidationError(f"must be at most {RECIPIENTS} users")
    return found


def _sent(read: Callable[[Any], list[str]], example: list[str], description: str) -> Setting:
    schema = {"type": ["array", "null"], "items": {"type": "string"}}
    return Setting(read, schema=schema, allow_none=True, load_only=True, description=description, example=example)


def _shown(column: str, data_key: str) -> Computed:
    return Computed(lambda row, _held: getattr(row, column), schema=TEXTS, data_key=data_key)


class NotificationConfigurationSchema(Schema):
    """A destination, and what it is told about the workspace, the workspaces of the project, or the team."""

    class Meta:
        """Its type and address. HCP Terraform's documentation names the type in the singular."""

        type_ = "notification-configurations"
        self_link = "/api/v2/notification-configurations/{id}"
        accepted_types = ("notification-configurations", "notification-configuration")

    id = Attribute()
    name = Text(required=True, minimum=1, maximum=NAME_LENGTH, description="The name, for people.", example="ops")
    destination_type = Choice(
        DESTINATION_TYPES,
        required=True,
        description="`generic`, `slack` and `microsoft-teams` get requests, `email` messages. It can't be changed.",
        example="generic",
    )
    enabled = Boolean(
        description="Whether it is told anything. The address of a webhook is verified when it is enabled.",
        example=False,
    )
    url = WebhookUrl(
        nullable=True,
        maximum=URL_LENGTH,
        description="Where requests go, for all but `email`.",
        example="https://hook.example.com/groundplan",
    )
    token = Text(
        nullable=True,
        maximum=TOKEN_LENGTH,
        load_only=True,
        description="The key with which requests to `generic` destinations are signed. It is never shown.",
        example="a secret of the receiver",
    )
    shown_token = Constant(None, data_key="token")
    triggers = _sent(
        read_triggers,
        ["run:errored"],
        "What is told: `run:…`, `assessment:…` and `workspace:…` of workspaces and projects. A team has "
        "`change_request:created`, which never happens here.",
    )
    shown_triggers = _shown("triggers", "triggers")
    # An example of a webhook has none.
    email_addresses = _sent(read_addresses, [], "Further addresses that messages go to, for `email`.")
    shown_email_addresses = _shown("email_addresses", "email-addresses")
    external_email_addresses = Computed(
        lambda row, _held: row.email_addresses, schema=TEXTS, description="The same as `email-addresses`."
    )
    email_all_members = Boolean(
        data_key="email_all_members", description="Whether messages go to all members of the team, for `email`."
    )
    delivery_responses = Computed(
        lambda row, _held: row.delivery_responses,
        schema=RESPONSES,
        description="The last answer of the destination: its beginning, and headers that have no secrets.",
    )
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    subscribable = ToOne("workspaces", "projects", "teams", column="subscribable_id", type_column="subscribable_type")
    users = ToMany("users", column="user_ids", read=read_users)


class TeamNotificationConfigurationSchema(NotificationConfigurationSchema):
    """A destination, and what it is told about the team."""

    class Meta(NotificationConfigurationSchema.Meta):
        """Type and address of any of them."""

        variant = "of-team"

    triggers = _sent(read_triggers, ["change_request:created"], "`change_request:created`, which never happens here.")
