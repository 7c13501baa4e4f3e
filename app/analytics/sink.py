"""What is told of an event, and what it is told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsEvent:
    """What analytics is told of an event: kinds and ids. No names, no addresses, nothing of what changed."""

    action: str
    actor_type: str
    actor_id: str
    token_kind: str | None
    subject_type: str
    subject_id: str
    organization_id: str | None
    project_id: str | None
    workspace_id: str | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Sink(Protocol):
    """Something that takes events. It may be slow and it may fail, because it is called in a thread of its own."""

    def capture(self, event: AnalyticsEvent) -> None:
        """Take the event, or raise whatever is in the way."""
