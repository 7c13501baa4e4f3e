"""Sending a message through the mail server."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, current_app
from flask_mailman import EmailMessage, Mail
from flask_mailman.backends.smtp import EmailBackend

from app.variables import MailServer

# Timeout for each step of the conversation with a server that does not respond.
SECONDS: Final = 10
SUBJECT_LENGTH: Final = 200
# Codes from here on mean that trying again is of no use.
NEVER: Final = 500


@dataclass(frozen=True, slots=True)
class Message:
    """A text to one address. ``id`` is the same when the message is sent again, so that its receiver can tell."""

    to: str
    subject: str
    text: str
    id: str


class RefusedError(Exception):
    """The mail server will never take this message for this address, or nobody can write such a message."""


class _Smtp(smtplib.SMTP):
    """Uses TLS only with a server whose certificate is valid; the library alone accepts any certificate."""

    # Flask-Mailman passes only the context.
    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        return super().starttls(context=context or ssl.create_default_context())


class _Backend(EmailBackend):  # type: ignore[misc]  # the library has no types
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return smtplib.SMTP_SSL if self.use_ssl else _Smtp


def configure(app: Flask, server: MailServer | None) -> None:
    """Configure Flask-Mailman with the server, if there is one."""
    if server is None:
        return
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


def hand_over(message: Message) -> None:
    """Send the message; raises ``RefusedError``, or the error of the server or the network if that may pass."""
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    sent = EmailMessage(
        one_line(message.subject),
        message.text,
        to=[message.to],
        headers={"Message-ID": f"<{message.id}@{sender.rpartition('@')[2]}>"},
    )
    backend: Any = _Backend(mailman=current_app.extensions["mailman"])
    try:
        backend.send_messages([sent])
    except smtplib.SMTPException as error:
        if _is_final(error):
            # Without the server's text, which may quote the message.
            raise RefusedError from None
        raise
    except ValueError as error:
        # The address or a header can't be written in a message. A certificate that is not valid is a ValueError, too.
        if isinstance(error, OSError):
            raise
        raise RefusedError from None
    finally:
        if backend.connection is not None:
            # Sending failed; an error while closing the connection does not matter.
            with suppress(OSError):
                backend.connection.close()


def _is_final(error: smtplib.SMTPException) -> bool:
    # What a server says about the sender or the login is a matter of settings, which may be put right.
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= NEVER for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= NEVER


def one_line(text: str) -> str:
    """The text as one line, so that it can't add headers to a message."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:SUBJECT_LENGTH]
