"""Events for PostHog, through its own library."""

import logging
from typing import Any

from app.analytics.sink import AnalyticsEvent
from app.variables import Posthog

SECONDS = 5
"""How long PostHog may take to accept one event."""
# Properties of the machine that the library would add; they are not sent.
OF_LIBRARY = frozenset({"$lib", "$lib_version", "$geoip_disable", "$process_person_profile", "$is_server"})


class NotSent(Exception):
    """PostHog did not accept the event; the library does not expose the reason."""


class PosthogSink:
    """One project of PostHog. It sends at once, in the calling thread."""

    def __init__(self, project: Posthog) -> None:
        """Import the library only here, because importing it takes time and memory."""
        from posthog import Posthog as Client  # noqa: PLC0415 - see above

        self._client = Client(
            project.key,
            host=project.host,
            sync_mode=True,
            timeout=SECONDS,
            max_retries=0,
            enable_exception_autocapture=False,
            enable_local_evaluation=False,
            before_send=_only_ours,
        )
        # The library would log every failure with the event's content; the caller notes failures instead.
        logging.getLogger("posthog").setLevel(logging.CRITICAL + 1)

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        """Send the event and wait for the answer."""
        sent = self._client.capture(
            event.action, distinct_id=event.actor_id, properties=_properties(event), timestamp=event.at, uuid=uuid
        )
        if sent is None:
            raise NotSent


def _properties(event: AnalyticsEvent) -> dict[str, Any]:
    members = {
        "actor_type": event.actor_type,
        "token_kind": event.token_kind,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "organization_id": event.organization_id,
        "project_id": event.project_id,
        "workspace_id": event.workspace_id,
    }
    given = {name: value for name, value in members.items() if value is not None}
    # No profiles of persons: only the id of a person is sent.
    return {**given, "$process_person_profile": False}


def _only_ours(message: dict[str, Any]) -> dict[str, Any]:
    kept = {
        name: value for name, value in message["properties"].items() if name in OF_LIBRARY or not name.startswith("$")
    }
    return {**message, "properties": kept}
