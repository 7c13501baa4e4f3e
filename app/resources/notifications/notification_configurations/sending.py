"""Requests to the destinations of notifications, and what is kept of the answers."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from app.models.notification_configurations import GENERIC
from app.outbound import TOTAL_SECONDS, Answer, OutboundError, post
from app.persistence import AnyRow, now
from app.resources.notifications.notification_configurations.payloads import body_of
from app.services import services

SECONDS: Final = TOTAL_SECONDS
SIGNATURE: Final = "X-TFE-Notification-Signature"
DELIVERY: Final = "X-Groundplan-Delivery"
ATTEMPT: Final = "X-Groundplan-Delivery-Attempt"
# What is kept of an answer. Other headers may have cookies and credentials.
KEPT_HEADERS: Final = frozenset({"content-length", "content-type", "date", "retry-after", "server", "x-request-id"})
KEPT_BODY: Final = 1_000
KEPT_HEADER: Final = 200
HIDDEN: Final = "(hidden)"
# Whatever looks like a credential in the body of an answer. No part of it repeats without end: the receiver chooses the
# text.
_CREDENTIAL: Final = re.compile(
    r"""(?ix) ((?:authorization|bearer|token|secret|password|passwd|api[_-]?key|access[_-]?key)\b ["']? [\s:=]{1,9}
    ["']? (?:bearer\s|basic\s)?) [^\s"'&,;}]+"""
)


def send(
    configuration: AnyRow, told: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> tuple[Answer, dict[str, Any]]:
    """Tell the destination; its answer and what is kept of it. Raises ``OutboundError`` if there is no answer.

    ``configuration`` is any object with the columns of one.
    """
    own = services()
    body = body_of(configuration.destination_type, configuration.id, told, own.settings.own_url)
    sent = {"Content-Type": "application/json", **(headers or {})}
    secrets = []
    if configuration.destination_type == GENERIC and configuration.sealed_token is not None:
        token = own.keyring.unseal(configuration.sealed_token)
        sent[SIGNATURE] = hmac.new(token, body, hashlib.sha512).hexdigest()
        secrets = [token.decode(), sent[SIGNATURE]]
    answer = post(configuration.url, body, sent, own.settings.outbound_private, seconds=SECONDS)
    return answer, kept_of(configuration.url, answer, secrets)


def kept_of(url: str, answer: Answer, secrets: list[str]) -> dict[str, Any]:
    """What is kept of an answer: its beginning and harmless headers, without these secrets and what looks like some."""
    kept: dict[str, list[str]] = {}
    for name, value in answer.headers:
        if name.lower() in KEPT_HEADERS:
            kept.setdefault(name.lower(), []).append(_without(value, secrets)[:KEPT_HEADER])
    return {
        "url": url,
        "body": _without(answer.body.decode(errors="replace"), secrets).replace("\0", "")[:KEPT_BODY],
        "code": str(answer.status),
        "headers": kept,
        "sent-at": _moment(),
        "successful": "true" if answer.is_success else "false",
    }


def kept_of_failure(url: str, error: OutboundError) -> dict[str, Any]:
    """What is kept if there was no answer."""
    return {
        "url": url,
        "body": str(error),
        "code": None,
        "headers": {},
        "sent-at": _moment(),
        "successful": "false",
    }


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return _CREDENTIAL.sub(rf"\1{HIDDEN}", text[: 2 * KEPT_BODY])


def _moment() -> str:
    return f"{now().isoformat(timespec='milliseconds')[:23]}Z"
