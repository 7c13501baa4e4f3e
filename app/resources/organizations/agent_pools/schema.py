"""The attributes and relationships of an agent pool."""

from collections.abc import Callable
from typing import Any

from app.jsonapi.body import identifiers_at
from app.jsonapi.fields import Attribute, Boolean, DateTime, Integer, Links, Text, ToMany, ToOne
from app.jsonapi.schema import Schema

NAME_LENGTH = 90
NAME_PATTERN = "[A-Za-z0-9_-]+"
AT_ONCE = 1_000
MAXIMUM_RUNS = 100_000


def _reader(type_: str, name: str) -> Callable[[list[Any]], list[str]]:
    return lambda items: identifiers_at(items, type_, f"/data/relationships/{name}/data", AT_ONCE)


class AgentPoolSchema(Schema):
    """A pool of agents, which run terraform for the workspaces that use the pool."""

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
    agent_count = Attribute(description="How many agents of the pool are alive: idle or busy.")
    max_concurrent_runs = Integer(
        minimum=1,
        maximum=MAXIMUM_RUNS,
        allow_none=True,
        description="How many runs the pool plans or applies at once; null: as many as its agents take.",
        example=10,
    )

    organization = ToOne("organizations", column="organization_name")
    workspaces = ToMany("workspaces", column="workspace_ids")
    agents = Links("/api/v2/agent-pools/{id}/agents")
    authentication_tokens = Links("/api/v2/agent-pools/{id}/authentication-tokens")
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
