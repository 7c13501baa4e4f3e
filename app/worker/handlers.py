"""Every kind of background task, and how it is done."""

from collections.abc import Mapping
from typing import Final

from app.resources.platform.stored_objects.background import sweep_objects
from app.worker.handling import Handler

HANDLERS: Final[Mapping[str, Handler]] = {
    "sweep-objects": Handler(perform=sweep_objects, longest_seconds=6 * 60 * 60),
}

PERIODS: Final[Mapping[str, int]] = {
    "sweep-objects": 24 * 60 * 60,
}
"""What is done again and again: how many seconds after it was done."""
