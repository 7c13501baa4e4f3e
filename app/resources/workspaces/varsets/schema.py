"""The attributes and relationships of a variable set (spec: variable sets)."""

from collections.abc import Callable
from typing import Any

import marshmallow

from app.authz.permissions import P
from app.jsonapi.body import checked_list, identifiers_at
from app.jsonapi.errors import Unprocessable
from app.jsonapi.fields import Attribute, Boolean, Constant, DateTime, Text, ToMany, ToOne
from app.jsonapi.permission_flags import permission_flags
from app.jsonapi.schema import Schema
from app.resources.workspaces.vars.schema import load_each

NAME_LENGTH = 90
DESCRIPTION_LENGTH = 2_000
AT_ONCE = 1_000

FLAGS: dict[str, P | bool] = {"can-update": P.VARSET_MANAGE}


def read_vars(items: list[Any]) -> list[dict[str, Any]]:
    """The variables that a document sends to be created: complete ones, without ids.

    A variable with an id exists already, and is skipped: clients send back the variables that they were shown.
    """
    pointer = "/data/relationships/vars/data"
    new = [item for item in checked_list(items, ("vars",), AT_ONCE, pointer) if not item.get("id")]
    for item in new:
        if not isinstance(item.get("attributes"), dict):
            raise Unprocessable("attributes must be an object", pointer=pointer)
    return load_each(new, pointer)


def _reader(type_: str) -> Callable[[list[Any]], list[str]]:
    return lambda items: identifiers_at(items, type_, f"/data/relationships/{type_}/data", AT_ONCE)


class Parent(ToOne):
    """The owner: an organization, by name, or a project. Loaded as type and id, because a name may look like an id."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:  # noqa: ANN401
        """The type and the id."""
        identifier = super().deserialize(value, attr, data, **options)
        if identifier is marshmallow.missing or identifier is None:
            return identifier
        return value["data"]["type"], identifier


class VarsetSchema(Schema):
    """A set of variables for many workspaces."""

    class Meta:
        """Its type and address."""

        type_ = "varsets"
        self_link = "/api/v2/varsets/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        description="The name, unique in the organization.",
        example="aws account",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Region and account"
    )
    is_global = Boolean(data_key="global", description="Whether the set counts in all workspaces of the organization.")
    priority = Boolean(description="Whether the set's values win over those of workspaces.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    var_count = Attribute(description="How many variables the set has.")
    workspace_count = Attribute(description="How many workspaces the set is applied to directly.")
    project_count = Attribute(description="How many projects the set is applied to.")
    stack_count = Constant(0)
    permissions = permission_flags(FLAGS)

    organization = ToOne("organizations", column="organization_name")
    parent = Parent("organizations", "projects", column="parent_id", type_column="parent_type", writable=True)
    vars = ToMany("vars", column="var_ids", read=read_vars)
    workspaces = ToMany("workspaces", column="workspace_ids", read=_reader("workspaces"))
    projects = ToMany("projects", column="project_ids", read=_reader("projects"))
    stacks = ToMany("stacks", column="stack_ids")
