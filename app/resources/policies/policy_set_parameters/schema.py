"""The attributes and relationships of a parameter of a policy set (spec: policy set parameters)."""

from app.jsonapi.fields import Attribute, Boolean, Choice, Text, ToOne
from app.jsonapi.schema import Schema
from app.resources.workspaces.vars.schema import KEY_LENGTH, ValueText

VALUE_BYTES = 64 * 1024
CATEGORY = "policy-set"


class PolicySetParameterSchema(Schema):
    """A value that the policies of a set can read as `input.params`. A sensitive one can be set, but is never shown."""

    class Meta:
        """Its type and address."""

        type_ = "vars"
        self_link = "/api/v2/policy-sets/{policy_set_id}/parameters/{id}"
        variant = "policy-set"

    id = Attribute()
    key = Text(required=True, minimum=1, maximum=KEY_LENGTH, description="The name.", example="regions")
    value = ValueText(
        maximum=VALUE_BYTES,
        nullable=True,
        description="The value, a text. A sensitive one is null in every answer.",
        example="eu-west-1",
    )
    category = Choice((CATEGORY,), description="`policy-set`.", example=CATEGORY)
    sensitive = Boolean(description="Whether the value is never shown again. It can't be undone.")

    configurable = ToOne("policy-sets", column="policy_set_id", related="/api/v2/policy-sets/{policy_set_id}")
