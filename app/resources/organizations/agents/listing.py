"""Reading agents."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam

from app.jsonapi.errors import BadParameter
from app.models.agents import Agent, shown_status
from app.persistence import Timestamp, case_folded
from app.resources.organizations.agents.schema import AgentSchema
from app.web.filters import FilterClause, OneOf, TextFilter
from app.web.listing import Listing, plain


@dataclass(frozen=True)
class PingedSince(TextFilter):
    """Agents that have been heard of since the moment."""

    parameter: str = "filter[last-ping-since]"
    description = "A moment in the form of RFC 3339: the agents that have been heard of since"

    def clause(self, text: str) -> FilterClause:
        """The agent's last ping was at the moment or after it; 400 for what is no moment."""
        try:
            moment = datetime.fromisoformat(text)
            # A plus sign that is not encoded arrives as a blank, and the text is refused.
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            message = f"{self.parameter} must be a date and time, such as 2026-11-30T10:41:23Z"
            raise BadParameter(message, parameter=self.parameter) from None
        name = "pinged_since"
        return FilterClause(name, lambda: [Agent.last_ping_at >= bindparam(name, type_=Timestamp())], {name: moment})


_NAME = case_folded(Agent.name)

AGENTS = Listing(
    schema=AgentSchema,
    model=Agent,
    columns={
        **plain(
            Agent,
            "id organization_id agent_pool_id pool name version ip last_ping_at created_at os arch slots sandbox tools",
        ),
        "status": shown_status(),
    },
    joined=Agent.__table__,
    order=(Agent.created_at, Agent.id),
    newest_first=True,
    sorts={"name": (_NAME,), "created-at": (Agent.created_at,), "last-ping-at": (Agent.last_ping_at,)},
    filters=(PingedSince(), OneOf("filter[status]", shown_status())),
)
