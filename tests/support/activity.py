"""The record of changes, as the tests look at it."""

from app.models import ActivityEvent
from tests.support.world import World


def left_by_requests(world: World) -> list[ActivityEvent]:
    """The events that requests have left, oldest first; the tokens of the world's people come from commands."""
    events = [event for event in world.all(ActivityEvent) if event.actor_type != "commands"]
    return sorted(events, key=lambda event: event.created_at)
