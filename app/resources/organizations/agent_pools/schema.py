"""The attributes and relationships of an agent pool."""

from collections.abc import Callable
from typing import Any

from app.jsonapi.body import identifiers_at
from app.jsonapi.fields import Attribute, Boolean, Constant, DateTime, Text, ToMany, ToOne
from app.jsonapi.schema import Schema

NAME_LENGTH = 90
NAME_PATTERN = "[A-Za-z0-9_-]+"
AT_ONCE = 1_000


def _reader(type_: str, name: str) -> Callable[[list[Any]], list[str]]:
    return lambda items: identifiers_at(items, type_, f"/data/relationships/{name}/data", AT_ONCE)


class AgentPoolSchema(Schema):
    """A pool of agents. There are no agents yet, and no tokens for them."""

    class Meta:
        """Its type and address."""

        type_ = "agent-pools"
        self_link = "/api/v2/agent-pools/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=NAME_PATTERN,
        description="The name of the pool, unique in the organization.",
        example="builders",
    )
    created_at = DateTime(dump_only=True)
    organization_scoped = Boolean(
        description="Whether every workspace of the organization may use the pool, or only those that are allowed."
    )
    agent_count = Constant(
        0,
        schema={"type": "integer", "minimum": 0},
        description="How many agents are registered. The service has no agents yet.",
    )

    organization = ToOne("organizations", column="organization_name")
    workspaces = ToMany("workspaces", column="workspace_ids")
    allowed_workspaces = ToMany(
        "workspaces",
        column="allowed_workspace_ids",
        read=_reader("workspaces", "allowed-workspaces"),
    )
    allowed_projects = ToMany(
        "projects",
        column="allowed_project_ids",
        read=_reader("projects", "allowed-projects"),
    )
    excluded_workspaces = ToMany(
        "workspaces",
        column="excluded_workspace_ids",
        read=_reader("workspaces", "excluded-workspaces"),
    )
