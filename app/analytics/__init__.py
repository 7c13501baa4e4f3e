"""Where events go beside the database: nowhere, or to a service that counts what is used."""

from app.analytics.delivery import Delivery
from app.analytics.posthog import PosthogSink
from app.analytics.sink import Captured, Sink
from app.config import Settings

ANALYTICS = "groundplan.analytics"
"""The extension of the application with the delivery, or with None."""


def connect_analytics(settings: Settings) -> Delivery | None:
    """The delivery to what is configured; None, and nothing is even imported, when nothing is."""
    if settings.posthog is None:
        return None
    return Delivery(PosthogSink(settings.posthog))


__all__ = ["ANALYTICS", "Captured", "Delivery", "Sink", "connect_analytics"]
