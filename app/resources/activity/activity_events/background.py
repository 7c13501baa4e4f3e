"""Telling analytics what happened."""

from datetime import datetime
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from app.analytics import AnalyticsEvent
from app.models.background_tasks import DueTask, PermanentError
from app.services import services

NOT_CONFIGURED: Final = "No analytics are set: the worker needs the same GROUNDPLAN_POSTHOG_KEY as the service"


def deliver_analytics(task: DueTask) -> None:
    """Send the events of a change. Those that have been sent before have the same ids again."""
    delivery = services().analytics
    if delivery is None:
        raise PermanentError(NOT_CONFIGURED)
    for number, event in enumerate(task.payload["events"]):
        members = {**event, "at": datetime.fromisoformat(event["at"])}
        delivery.sink.capture(AnalyticsEvent(**members), str(uuid5(NAMESPACE_OID, f"{task.id}.{number}")))
