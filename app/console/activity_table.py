"""The events of an organization as a table to download."""

from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import orjson
from flask import Response, request

from app.console.api import get
from app.console.blueprint import blueprint
from app.console.pages import page
from app.console.sections import ACTIVITY_FILTERS
from app.web.tables import table_response

# A table has at most so many pages of 100 events.
CSV_PAGES: Final = 50
HEAD: Final = ("id", "created-at", "action", "actor", "subject-type", "subject", "changes")


@blueprint.get("/<organization>/settings/activity.csv")
@page
def download_activity(organization: str) -> Response:
    """Download the events of an organization as a table, the newest first, with the filters of the page."""
    query = {name: text for name in ACTIVITY_FILTERS.values() if (text := request.args.get(name))}
    query |= {"page[size]": "100", "page[after]": ""}
    rows: list[tuple[object, ...]] = []
    for _ in range(CSV_PAGES):
        found = get(f"/organizations/{organization}/activity-events", query)
        for each in found:
            actor, subject = each.actor or {}, each.subject or {}
            row = (each.id, each.created_at, each.action, actor.get("name"), subject.get("type"), subject.get("name"))
            rows.append((*row, orjson.dumps(each.changes).decode()))
        following = parse_qs(urlsplit(found.content["links"]["next"] or "").query).get("page[after]")
        if not following:
            break
        query["page[after]"] = following[0]
    return table_response(f"{quote(organization)}-activity", HEAD, rows)
