"""How templates show values: moments, sizes, statuses."""

from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from flask import Flask
from markupsafe import Markup, escape

from app.console.assets import asset_url
from app.console.section import ENTRIES
from app.console.sections import SECTIONS
from app.persistence import now

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Colours of Bootstrap's badges. The word stands beside the colour, which nobody has to see.
GOOD: Final = frozenset(
    {"applied", "planned_and_finished", "finished", "passed", "active", "succeeded", "idle", "finalized"}
)
BAD: Final = frozenset({"errored", "failed", "force_canceled"})
WAITS: Final = frozenset(
    {"planned", "cost_estimated", "policy_checked", "policy_soft_failed", "policy_override", "planned_and_saved"}
)
# What is over, has not begun, or never will: nobody has to look at it.
OVER: Final = frozenset({"discarded", "canceled", "exited", "archived", "pending", "unreachable"})


def install(app: Flask) -> None:
    """Register the filters and functions of the templates."""
    app.jinja_env.filters |= {
        "ago": ago,
        "moment": moment,
        "size": size,
        "words": words,
        "badge": badge,
        "tojson_plain": json_text,
        "ticks": ticks,
    }
    app.jinja_env.globals |= {"asset_url": asset_url, "console_sections": SECTIONS, "console_entries": ENTRIES}


def parsed(text: str | None) -> datetime | None:
    """The moment in an attribute."""
    return None if not text else datetime.fromisoformat(text).astimezone(UTC)


def ago(text: str | None) -> Markup:
    """How long ago it was, or how soon it will be, with the exact time on hover."""
    when = parsed(text)
    if when is None:
        return Markup("\N{EN DASH}")
    shown = distance(when - now())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, moment(text), shown)


def distance(delta: timedelta) -> str:
    """A duration in its largest unit, in words."""
    length = abs(delta)
    if length < MINUTE:
        return "just now" if delta <= timedelta() else "in a moment"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if length >= unit:
            count = length // unit
            words_ = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{words_} ago" if delta < timedelta() else f"in {words_}"
    raise AssertionError(length)


def moment(text: str | None) -> str:
    """The exact time."""
    when = parsed(text)
    return "" if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def size(count: int | None) -> str:
    """Bytes in the unit that people would use."""
    if count is None:
        return "\N{EN DASH}"
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:  # noqa: PLR2004 - a kibibyte
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def words(name: str | None) -> str:
    """A status or an attribute's name as words."""
    return (name or "").replace("_", " ").replace("-", " ")


def badge(status: str | None) -> Markup:
    """A status as a badge."""
    if not status:
        return Markup("")
    colour = (
        "success"
        if status in GOOD
        else "danger"
        if status in BAD
        else "warning"
        if status in WAITS
        else "secondary"
        if status in OVER
        else "info"
    )
    return Markup('<span class="badge text-bg-{}">{}</span>').format(colour, words(status))


def ticks(text: str) -> Markup:
    """A text of the API's description: what stands between backticks is code."""
    parts = text.split("`")
    shown = (Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts))
    return Markup("").join(shown)


def json_text(value: object) -> str:
    """A value as JSON; a text as itself."""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
