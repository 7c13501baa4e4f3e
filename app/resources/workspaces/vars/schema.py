"""The attributes and relationships of a variable (spec: variables)."""

from collections.abc import Iterable
from typing import Any

from app.jsonapi.errors import ApiError, Invalid
from app.jsonapi.fields import Attribute, Boolean, Choice, DateTime, Text, ToOne
from app.jsonapi.schema import Schema, load_item
from app.models.vars import CATEGORIES

KEY_LENGTH = 128
VALUE_BYTES = 256 * 1024
DESCRIPTION_LENGTH = 512


class ValueText(Text):
    """A text with a limit in bytes."""

    def _faults(self, value: str) -> Iterable[str]:
        if len(value.encode()) > self.maximum:
            yield f"is too long (maximum is {self.maximum} bytes)"


class VarSchema(Schema):
    """A variable. A sensitive value can be set, but is never shown."""

    class Meta:
        """Its type and address."""

        type_ = "vars"
        self_link = "/api/v2/workspaces/{workspace_id}/vars/{id}"

    id = Attribute()
    key = Text(required=True, minimum=1, maximum=KEY_LENGTH, description="The name of the variable.", example="region")
    value = ValueText(
        maximum=VALUE_BYTES,
        nullable=True,
        description="The value. A sensitive one is null in every answer.",
        example="eu-west-1",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Where servers run"
    )
    category = Choice(
        CATEGORIES,
        required=True,
        description="`terraform` for an input variable, `env` for a variable of the environment.",
        example="terraform",
    )
    hcl = Boolean(description="Whether the value is an expression in HCL rather than a text.")
    sensitive = Boolean(description="Whether the value is never shown again. It can't be undone.")
    version_id = Attribute(description="Another text after each change.")
    created_at = DateTime(dump_only=True)

    configurable = ToOne(
        "workspaces",
        column="workspace_id",
        related="/api/v2/organizations/{organization_name}/workspaces/{workspace_name}",
    )


class PlacedSchema(VarSchema):
    """A variable whose document names its workspace."""

    class Meta(VarSchema.Meta):
        """Type and address of any variable."""

        in_example = ("workspace",)

    workspace = ToOne("workspaces", column="workspace_id", writable=True)


class SharedSchema(VarSchema):
    """A variable of a variable set. A sensitive value can be set, but is never shown."""

    class Meta:
        """Its type and address."""

        type_ = "vars"
        self_link = "/api/v2/varsets/{varset_id}/relationships/vars/{id}"
        exclude = ("configurable",)

    varset = ToOne("varsets", column="varset_id", related="/api/v2/varsets/{varset_id}")


def load_each(items: Iterable[dict[str, Any]], pointer: str, *, partial: bool = False) -> list[dict[str, Any]]:
    """The loaded attributes of each resource object; pointers of faults begin with that of the list."""
    schema = VarSchema()
    loaded, faults = [], []
    for index, item in enumerate(items):
        try:
            loaded.append(load_item(schema, item, partial=partial))
        except Invalid as error:
            faults += [_moved(fault, f"{pointer}/{index}") for fault in error.faults]
    if faults:
        raise Invalid(faults)
    return loaded


def _moved(fault: ApiError, pointer: str) -> ApiError:
    fault.pointer = f"{pointer}{(fault.pointer or '').removeprefix('/data')}"
    return fault
