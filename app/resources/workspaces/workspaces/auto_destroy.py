"""When a workspace is shown to be destroyed."""

from datetime import datetime, timedelta
from functools import cache

from app.jsonapi.fields import format_timestamp
from app.persistence import AnyRow


@cache
def duration_of(text: str) -> timedelta:
    """The duration of a text such as ``14d`` or ``2h``."""
    return timedelta(**{"days" if text.endswith("d") else "hours": int(text[:-1])})


def auto_destroy_at(row: AnyRow) -> datetime | None:
    """When the workspace is to be destroyed: the time that was set, or the duration after the last change.

    A workspace that never had a state is shown with the duration after its creation, as HCP Terraform does; there is
    nothing to destroy then.
    """
    at: datetime | None = row.auto_destroy_due_at
    if at is None and row.state_changed_at is None and row.auto_destroy_activity_duration is not None:
        latest: datetime = row.latest_change_at
        return latest + duration_of(row.auto_destroy_activity_duration)
    return at


def show_auto_destroy_at(row: AnyRow, _held: object) -> str | None:
    """``auto_destroy_at`` in the format that clients parse."""
    return format_timestamp(auto_destroy_at(row))
