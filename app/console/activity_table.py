"""The events of an organization as a table to download."""

import csv
from io import StringIO
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import orjson
from flask import Response, request

from app.console.api import get
from app.console.blueprint import blueprint
from app.console.pages import page
from app.console.sections import ACTIVITY_FILTERS

# A table has at most so many pages of 100 events.
CSV_PAGES: Final = 50


@blueprint.get("/<organization>/settings/activity.csv")
@page
def download_activity(organization: str) -> Response:
    """Download the events of an organization as a table, the newest first, with the filters of the page."""
    query = {name: text for name in ACTIVITY_FILTERS.values() if (text := request.args.get(name))}
    query |= {"page[size]": "100", "page[after]": ""}
    written = StringIO()
    table = csv.writer(written)
    table.writerow(("id", "created-at", "action", "actor", "subject-type", "subject", "changes"))
    for _ in range(CSV_PAGES):
        found = get(f"/organizations/{organization}/activity-events", query)
        for each in found:
            actor, subject = each.actor or {}, each.subject or {}
            row = (each.id, each.created_at, each.action, actor.get("name"), subject.get("type"), subject.get("name"))
            table.writerow(map(_cell, (*row, orjson.dumps(each.changes).decode())))
        following = parse_qs(urlsplit(found.content["links"]["next"] or "").query).get("page[after]")
        if not following:
            break
        query["page[after]"] = following[0]
    headers = {"Content-Disposition": f'attachment; filename="{quote(organization)}-activity.csv"'}
    return Response(written.getvalue(), headers=headers, content_type="text/csv; charset=utf-8")


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
