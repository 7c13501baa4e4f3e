"""The attributes of the longest lifetimes of tokens (spec: organizations, token TTL policies)."""

from typing import Any, Final

from marshmallow import ValidationError

from app.jsonapi.fields import Attribute, DateTime, Setting
from app.jsonapi.schema import Schema
from app.models.token_ttl_policies import TOKEN_TYPES

SHORTEST: Final = 60 * 1000
# A hundred years.
LONGEST: Final = 100 * 365 * 24 * 60 * 60 * 1000
UNLIMITED: Final = {
    "user": "tokens of users belong to no organization, and user-tokens-enabled keeps them out",
    "metrics": "there are no tokens of this type",
}
ENTRIES: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["token-type", "max-ttl-ms"],
        "properties": {
            "token-type": {"enum": list(TOKEN_TYPES)},
            "max-ttl-ms": {"type": "integer", "minimum": SHORTEST, "maximum": LONGEST},
        },
    },
}


def read_policies(value: Any) -> dict[str, int]:  # noqa: ANN401 - any JSON
    """The longest lifetime in milliseconds by type of token."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise ValidationError("must be an array of objects with token-type and max-ttl-ms")
    found = {}
    for each in value:
        type_, longest = each.get("token-type"), each.get("max-ttl-ms")
        if isinstance(type_, str) and type_ in UNLIMITED:
            raise ValidationError(f"can't limit {type_}: {UNLIMITED[type_]}")
        if type_ not in TOKEN_TYPES:
            raise ValidationError(f"must each have a token-type, one of {', '.join(TOKEN_TYPES)}")
        if not isinstance(longest, int) or isinstance(longest, bool) or not SHORTEST <= longest <= LONGEST:
            raise ValidationError(f"must each have max-ttl-ms, an integer between {SHORTEST} and {LONGEST}")
        found[type_] = longest
    return found


class TokenTtlPoliciesSchema(Schema):
    """What a client sends: several longest lifetimes at once."""

    class Meta:
        """Its type."""

        type_ = "organization-token-ttl-policies"

    id = Attribute()
    token_ttl_policies = Setting(
        read_policies,
        schema=ENTRIES,
        required=True,
        load_only=True,
        description="The longest lifetime in milliseconds, for each type of token that is named; others stay.",
        example=[{"token-type": "team", "max-ttl-ms": 86_400_000}],
    )


class TokenTtlPolicySchema(Schema):
    """The longest lifetime of tokens of one type."""

    class Meta:
        """Its type."""

        type_ = "organization-token-ttl-policies"

    id = Attribute()
    token_type = Attribute(description=f"The type of tokens: one of {', '.join(TOKEN_TYPES)}.")
    max_ttl_ms = Attribute(description="How long a new token may live at most, in milliseconds.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
