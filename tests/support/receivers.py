"""Receivers of webhooks in the test's own process: one that notes what it gets, and hostile ones."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

HOST = "127.0.0.1"
SECONDS = 20


@dataclass
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Takes requests and answers as it is told, by default 200."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """The statuses of the next answers."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/hook"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(receiver.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()


Talk = Callable[[socket.socket, threading.Event], None]


@contextmanager
def hostile(talk: Talk) -> Iterator[str]:
    """A server that does this with each connection, until the block ends; its address."""
    over = threading.Event()

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection, over)

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    listener = socket.create_server((HOST, 0))
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}/hook"
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(SECONDS)


def hang(_connection: socket.socket, over: threading.Event) -> None:
    """Say nothing."""
    over.wait(SECONDS)


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Send a header that never ends, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not over.is_set():
        connection.sendall(b"x")
        time.sleep(0.02)


def drip_body(connection: socket.socket, over: threading.Event) -> None:
    """Answer at once, and then go on forever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x")
        time.sleep(0.02)


def talk_nonsense(connection: socket.socket, _over: threading.Event) -> None:
    """Speak something else than HTTP."""
    connection.recv(1024)
    connection.sendall(b"220 mail.example.com ESMTP\r\n" * 3)


@contextmanager
def resolving(monkeypatch: Any, **names: list[str]) -> Iterator[list[str]]:
    """Names that stand for these addresses, one after the other; the list is of the names that were looked up."""
    real = socket.getaddrinfo
    asked: list[str] = []
    turns = {name.replace("_", "."): list(addresses) for name, addresses in names.items()}

    def look_up(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host not in turns:
            return real(host, port, *args, **options)
        asked.append(host)
        left = turns[host]
        return real(left.pop(0) if len(left) > 1 else left[0], port, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr("app.outbound.getaddrinfo", look_up)
        yield asked
