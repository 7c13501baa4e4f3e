"""Sends events to a service that analyzes usage, if one is configured."""

from app.analytics.delivery import Delivery
from app.analytics.posthog import PosthogSink
from app.analytics.sink import AnalyticsEvent, Sink
from app.config import Settings


def connect_analytics(settings: Settings) -> Delivery | None:
    """The delivery to the configured service; None if none is configured, and then its library is not even imported."""
    if settings.posthog is None:
        return None
    return Delivery(PosthogSink(settings.posthog))


__all__ = ["AnalyticsEvent", "Delivery", "Sink", "connect_analytics"]
