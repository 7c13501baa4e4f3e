"""A proxy between agent and service, where a test stops a request: before the service gets it, or before its answer."""

import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.end_to_end.service import SECONDS_TO_ANSWER


@dataclass
class Stop:
    """A request to be stopped, once: its method, the end of its path, and whether the service gets it before."""

    method: str
    ending: str
    is_answered: bool
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait until the request is there."""
        assert self.reached.wait(SECONDS_TO_ANSWER), f"no {self.method} {self.ending}"


class Proxy:
    """Hands everything on to the service."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url).netloc
        self._stops: list[Stop] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stop = proxy._stop_for(self.command, urlsplit(self.path).path)
                if stop is not None and not stop.is_answered:
                    stop.reached.set()
                    stop.released.wait(SECONDS_TO_ANSWER)
                    self.close_connection = True
                    return
                connection = http.client.HTTPConnection(proxy._target, timeout=SECONDS_TO_ANSWER)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    data = answer.read()
                except OSError:
                    self.close_connection = True
                    return
                finally:
                    connection.close()
                if stop is not None:
                    stop.reached.set()
                    stop.released.wait(SECONDS_TO_ANSWER)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"connection", "content-length", "transfer-encoding", "date", "server"}:
                        self.send_header(name, value)
                if answer.status != http.client.NO_CONTENT:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the server expects these names

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Who was killed reads no answer."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _stop_for(self, method: str, path: str) -> Stop | None:
        for stop in self._stops:
            if stop.method == method and path.endswith(stop.ending):
                self._stops.remove(stop)
                return stop
        return None

    def stop(self, method: str, ending: str, *, is_answered: bool = False) -> Stop:
        """Stop the next such request; its connection is closed when it is released."""
        stop = Stop(method, ending, is_answered)
        self._stops.append(stop)
        return stop

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
