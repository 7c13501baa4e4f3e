"""The form of an event for analytics, and the interface of services that accept it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsEvent:
    """The kinds and ids of an event. Names, addresses and changes are not sent."""

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
    """A receiver of events. It may be slow and it may fail, because no request waits for it."""

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        """Send the event, or raise the reason why it was not sent.

        By the ``uuid`` the receiver can tell an event that is sent again.
        """
