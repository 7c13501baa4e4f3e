"""Sending a message through the mail server."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from flask_mailman import EmailMessage, Mail
from flask_mailman.backends.smtp import EmailBackend

from app.config import MailServer

# Timeout for each step of the conversation with a server that does not respond.
SECONDS: Final = 10
SUBJECT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A text to one address."""

    to: str
    subject: str
    text: str


class _Smtp(smtplib.SMTP):
    """Uses TLS only with a server whose certificate is valid; the library alone accepts any certificate."""

    # Flask-Mailman passes only the context.
    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        return super().starttls(context=context or ssl.create_default_context())


class _Backend(EmailBackend):  # type: ignore[misc]  # the library has no types
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return smtplib.SMTP_SSL if self.use_ssl else _Smtp


def configure(app: Flask, server: MailServer) -> None:
    """Configure Flask-Mailman with the server."""
    app.config.update(
        MAIL_SERVER=server.host,
        MAIL_PORT=server.port,
        MAIL_USERNAME=server.username,
        MAIL_PASSWORD=server.password,
        MAIL_USE_SSL=server.begins_with_tls,
        MAIL_USE_TLS=server.turns_to_tls,
        MAIL_TIMEOUT=SECONDS,
        MAIL_DEFAULT_SENDER=server.sender,
    )
    Mail(app)


def hand_over(app: Flask, message: Message) -> None:
    """Send the message; raises the error of the server or the network."""
    with app.app_context():
        backend: Any = _Backend(mailman=app.extensions["mailman"])
        try:
            backend.send_messages([EmailMessage(one_line(message.subject), message.text, to=[message.to])])
        finally:
            if backend.connection is not None:
                # Sending failed; an error while closing the connection does not matter.
                with suppress(OSError):
                    backend.connection.close()


def one_line(text: str) -> str:
    """The text as one line, so that it can't add headers to a message."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:SUBJECT_LENGTH]
