"""The bodies of requests and the texts of messages (spec: notification configurations)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.models.notification_configurations import MICROSOFT_TEAMS, SLACK

VERIFICATION: Final[Mapping[str, Any]] = {
    "version": 1,
    "trigger": "verification",
    "message": "Verification of a notification configuration",
    "path": None,
    "body": {
        "run_id": None,
        "run_message": None,
        "run_created_at": None,
        "run_created_by": None,
        "workspace_id": None,
        "workspace_name": None,
        "organization_name": None,
        "notifications": [
            {
                "message": "Verification of a notification configuration",
                "trigger": "verification",
                "run_status": None,
                "run_updated_at": None,
                "run_updated_by": None,
            }
        ],
    },
}
"""What is told to find out whether a destination takes notifications."""

# How long a line of a chat or a message is.
LINE: Final = 500


def body_of(kind: str, configuration_id: str, told: Mapping[str, Any], base: str) -> bytes:
    """The body of the request for a destination of this kind; ``base`` is the address of the service."""
    if kind == SLACK:
        return orjson.dumps(_slack(told, base))
    if kind == MICROSOFT_TEAMS:
        return orjson.dumps(_teams(told, base))
    return orjson.dumps(_generic(configuration_id, told, base))


def _generic(configuration_id: str, told: Mapping[str, Any], base: str) -> dict[str, Any]:
    if told["version"] == 1:
        return {
            "payload_version": 1,
            "notification_configuration_id": configuration_id,
            "run_url": _link(told, base),
            **told["body"],
        }
    return {
        "payload_version": "2",
        "notification_configuration_id": configuration_id,
        "notification_configuration_url": f"{base}/api/v2/notification-configurations/{configuration_id}",
        **told["body"],
    }


def _slack(told: Mapping[str, Any], base: str) -> dict[str, Any]:
    title = _slack_text(_title(told))
    link = _link(told, base)
    fields = [
        {"title": _slack_text(name), "value": _slack_text(value), "short": len(value) < 40}  # noqa: PLR2004 - half a line
        for name, value in _facts(told)
    ]
    attachment = {"fallback": title, "title": title, "fields": fields}
    return {"text": title, "attachments": [attachment if link is None else {**attachment, "title_link": link}]}


def _teams(told: Mapping[str, Any], base: str) -> dict[str, Any]:
    link = _link(told, base)

    def line(text: str, *, bold: bool = False) -> dict[str, Any]:
        # Unlike other blocks, this one takes no Markdown, so that a message of a run stays what it is.
        run = {"type": "TextRun", "text": text, **({"weight": "Bolder"} if bold else {})}
        return {"type": "RichTextBlock", "inlines": [run]}

    lines = [line(_title(told), bold=True), *(line(f"{name}: {value}") for name, value in _facts(told))]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": lines,
    }
    if link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def message_of(name: str, told: Mapping[str, Any], base: str) -> tuple[str, str]:
    """The subject and the text of a message; ``name`` is that of the configuration."""
    link = _link(told, base)
    lines = [_title(told), "", *(f"{fact}: {value}" for fact, value in _facts(told))]
    if link is not None:
        lines += ["", link]
    lines += ["", f"You get this by the notification configuration {_cut(name)}."]
    return _title(told), "\n".join(lines)


def _title(told: Mapping[str, Any]) -> str:
    place = told["body"].get("workspace_name") or (told["body"].get("details") or {}).get("workspace_name")
    return f"{told['message']}: {_cut(place)}" if place else str(told["message"])


def _facts(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    body = told["body"]
    if told["version"] == 1:
        first = body["notifications"][0]
        given = {
            "Organization": body["organization_name"],
            "Workspace": body["workspace_name"],
            "Run": body["run_id"],
            "Message": body["run_message"],
            "Status": first["run_status"],
            "By": first["run_updated_by"] or body["run_created_by"],
        }
    else:
        details = body["details"]
        plain = {name: value for name, value in details.items() if isinstance(value, str | int | float)}
        given = {name.replace("_", " ").capitalize(): value for name, value in plain.items()}
    return [(name, _cut(value)) for name, value in given.items() if value is not None]


def _cut(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LINE else f"{text[:LINE]}…"


def _slack_text(text: str) -> str:
    """The text without what Slack takes for a link or for calling everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(told: Mapping[str, Any], base: str) -> str | None:
    return None if told["path"] is None else f"{base}{told['path']}"
