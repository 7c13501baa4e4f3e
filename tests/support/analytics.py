"""Sinks of analytics that keep what they get, are stuck or fail, and an HTTP server for the real one."""

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.analytics import AnalyticsEvent

KEY = "phc_the-key-of-the-test"
EVENT = AnalyticsEvent(
    action="projects.create",
    actor_type="users",
    actor_id="user-1",
    token_kind="user",
    subject_type="projects",
    subject_id="prj-1",
    organization_id="org-1",
    project_id="prj-1",
    workspace_id=None,
)


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[AnalyticsEvent] = []
        self.uuids: list[str | None] = []

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        self.events.append(event)
        self.uuids.append(uuid)


class Stuck(Kept):
    """A sink that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        self.go.wait(20)
        super().capture(event, uuid)


class Broken:
    """A sink that fails with a text that belongs in no log."""

    def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
        raise ValueError(f"secret {event.actor_id} {uuid}")


class Server:
    """An HTTP server of this process that keeps the bodies it gets; ``silent`` never answers."""

    def __init__(self, *, silent: bool = False, status: int = 200) -> None:
        self.bodies: list[Any] = []
        self.go = threading.Event()
        kept, go = self.bodies, self.go

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if silent:
                    go.wait(20)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the library's own name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


def until(claim: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline, "not within ten seconds"
        time.sleep(0.01)


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
