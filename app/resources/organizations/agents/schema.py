"""The attributes of an agent."""

from app.jsonapi.fields import Attribute, Choice, Computed, DateTime
from app.jsonapi.schema import Schema
from app.models.agents import STATUSES


class AgentSchema(Schema):
    """An agent of a pool: it registers itself, and says every few seconds that it is alive."""

    class Meta:
        """Its type and address."""

        type_ = "agents"
        self_link = "/api/v2/agents/{id}"

    id = Attribute()
    name = Attribute(description="The name that the agent was started with.")
    status = Choice(
        STATUSES,
        dump_only=True,
        description="What the agent does; `unknown` if it has been silent for half a minute, `errored` if for hours.",
    )
    version = Attribute(description="The version of the agent itself.")
    ip_address = Attribute(attribute="ip", description="The address that the agent registered from.")
    last_ping_at = DateTime(dump_only=True, description="When the agent was last heard of.")
    created_at = DateTime(dump_only=True, description="When the agent registered.")
    os = Attribute(description="The operating system of the agent's machine.")
    arch = Attribute(description="The kind of processor of the agent's machine.")
    slots = Attribute(description="How many jobs the agent does at once.")
    sandbox = Attribute(description="What keeps terraform apart from the agent: `bwrap`, `container` or `none`.")
    tools = Computed(
        lambda row, _held: row.tools,
        schema={
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        description="The versions of terraform and OpenTofu that the agent has at hand.",
    )
