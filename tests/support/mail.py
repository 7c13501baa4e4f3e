"""Mail servers in the tests' own process: one that keeps what it gets, one that says nothing, one that is not there."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

SECONDS: Final = 20
HOST: Final = "127.0.0.1"


class Inbox:
    """Takes what a mail server is given; refuses what it is told to."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answers: list[str] = []
        # What happens between the message and the answer to it.
        self.meanwhile: Callable[[], object] | None = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        if self.answers:
            return self.answers.pop()
        self.envelopes.append(envelope)
        if self.meanwhile is not None:
            self.meanwhile()
        return "250 OK"

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(each.original_content or b"") for each in self.envelopes]


class AnyPort(Controller):
    """Knows the port that it was given before it tries it."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def listening(inbox: Inbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(inbox, hostname=HOST, port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def silent() -> Iterator[tuple[int, threading.Event, threading.Event]]:
    """A server that takes a connection and says nothing: its port, that somebody came, and what lets it hang up."""
    came, hang_up = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            came.set()
            hang_up.wait(SECONDS)

    with closing(socket.create_server((HOST, 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], came, hang_up
        finally:
            hang_up.set()
            thread.join(SECONDS)


def closed_port() -> int:
    with closing(socket.create_server((HOST, 0))) as listener:
        return int(listener.getsockname()[1])
