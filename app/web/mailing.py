"""Sending a message in a background task, and for how long it counts towards the limits of its address."""

from datetime import timedelta
from typing import Final

from app.jsonapi.errors import TooManyRequests
from app.mail.server import Message, RefusedError, hand_over
from app.models.background_tasks import DueTask, PermanentError
from app.services import services

NO_SERVER: Final = "No mail server is set: the worker needs the same GROUNDPLAN_SMTP_URL as the service"
REFUSED: Final = "The mail server refuses the message or its address, and will do so again"

# Throttles that share a table share this, because each of them forgets what is older.
WINDOW: Final = timedelta(hours=1)


class TooManyMessages(TooManyRequests):
    """Too many links were made for this invitation, or messages sent to an address, in the last hour."""

    code = "too-many-messages"
    detail = "Too many messages have gone to this address; try again later"


def sends_mail() -> bool:
    """Whether there is a mail server."""
    return services().settings.mail_server is not None


def require_mail_server() -> None:
    """Give the task up if there is no mail server; links need the address of the service, which comes with it."""
    if not sends_mail():
        raise PermanentError(NO_SERVER)


def send_mail(task: DueTask, *, to: str, subject: str, text: str) -> None:
    """Send the message of this task; an error that may pass has the task tried again."""
    require_mail_server()
    try:
        hand_over(Message(to, subject, text, task.id))
    except RefusedError:
        raise PermanentError(REFUSED) from None
