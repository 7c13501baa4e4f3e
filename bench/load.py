"""Send one workload for some seconds and count: by wrk if it is installed, else by a loop of our own.

wrk uses less CPU time of the machine that it shares with the service, so its figures are a little higher.
"""

import json
import shutil
import statistics
import subprocess
import time
from collections import deque
from http.client import responses
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from socket import AF_INET, SOCK_STREAM, socket
from tempfile import TemporaryDirectory

from bench.workloads import Numbers, Workload

HOST = "127.0.0.1"
SCRIPT = Path(__file__).with_name("wrk.lua")
LONGEST = 60
MOST_CONNECTIONS = 64
PATIENCE = 10.0
SHOWN_FAILURES = 3


def load(workload: Workload, port: int, seconds: float, connections: int, *, is_by_wrk: bool | None = None) -> Numbers:
    """Send the workload to the service at the port of this machine, at most a minute and over 64 connections."""
    if not (0 < seconds <= LONGEST and 0 < connections <= MOST_CONNECTIONS):
        message = f"at most {LONGEST} seconds and {MOST_CONNECTIONS} connections"
        raise ValueError(message)
    if is_by_wrk is None:
        is_by_wrk = shutil.which("wrk") is not None
    return (
        by_wrk(workload, port, seconds, connections)
        if is_by_wrk
        else by_ourselves(workload, port, seconds, connections)
    )


# --- wrk -----------------------------------------------------------------------------------------------------------


def by_wrk(workload: Workload, port: int, seconds: float, connections: int) -> Numbers:
    """One thread of wrk, with our script, which prints what it counted as one line of JSON."""
    with TemporaryDirectory(prefix="groundplan-bench-") as folder:
        paths = Path(folder) / "paths"
        paths.write_text("".join(f"{path}\n" for path in workload.paths), encoding="ascii")
        headers = [part for name, value in workload.headers().items() for part in ("-H", f"{name}: {value}")]
        options = [
            "-t",
            "1",
            "-c",
            str(connections),
            "-d",
            f"{max(1, round(seconds))}s",
            "--timeout",
            f"{PATIENCE:.0f}s",
        ]
        arguments = [workload.method, str(paths), str(workload.expected), workload.body, f"{time.time_ns()}-"]
        finished = subprocess.run(
            ["wrk", *options, "-s", str(SCRIPT), *headers, f"http://{HOST}:{port}", "--", *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
    line = next(line for line in finished.stdout.splitlines() if line.startswith("{"))
    counted = json.loads(line)
    failures = [f"{counted['failed']} of {counted['requests']} requests failed"] if counted["failed"] else []
    good = counted["requests"] - counted["failed"]
    return Numbers(good / counted["seconds"], counted["median"], counted["percentile_99"], failures)


# --- our own -------------------------------------------------------------------------------------------------------


def by_ourselves(workload: Workload, port: int, seconds: float, connections: int) -> Numbers:
    """One loop over all connections; each sends its next request after the whole answer to the previous one."""
    load = _Load(workload, port)
    with DefaultSelector() as selector:
        clients = [_Client(load, selector) for _ in range(connections)]
        started = time.perf_counter()
        for client in clients:
            client.begin()
        while (now := time.perf_counter()) < started + seconds:
            for key, _events in selector.select(0.1):
                key.data.proceed()
            for client in clients:
                client.give_up_if_late(now)
        elapsed = time.perf_counter() - started
        for client in clients:
            client.close()
    if not load.times:
        return Numbers(0.0, 0.0, 0.0, load.failures or ["no answer at all"])
    cuts = statistics.quantiles(load.times, n=100, method="inclusive") if len(load.times) > 1 else load.times * 99
    return Numbers(len(load.times) / elapsed, 1_000 * cuts[49], 1_000 * cuts[98], load.failures)


class _Load:
    """The state that all connections share: the next requests, and the counts."""

    def __init__(self, workload: Workload, port: int) -> None:
        self.port = port
        self.expected = workload.expected
        self.times: list[float] = []
        self.failures: list[str] = []
        self._workload = workload
        self._paths = deque(workload.paths)
        self._number = time.time_ns()
        headers = {"Host": f"{HOST}:{port}", **workload.headers()}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def next_request(self) -> bytes:
        """The bytes of the next request."""
        path = self._paths[0]
        self._paths.rotate(-1)
        self._number += 1
        body = self._workload.body.replace("{n}", str(self._number)).encode()
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"{self._workload.method} {path} HTTP/1.1\r\n{self._headers}{length}\r\n".encode("ascii") + body

    def failed(self, failure: str) -> None:
        """Note a failure; only the first ones are stored, which is enough to find the cause."""
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append(failure)


class _Client:
    """One connection, made anew whenever the service has closed it."""

    def __init__(self, load: _Load, selector: DefaultSelector) -> None:
        self._load = load
        self._selector = selector
        self._socket: socket | None = None
        self._sent_at = 0.0
        self._to_send = b""
        self._received = b""

    def begin(self) -> None:
        """Send the next request, over a new connection if there is none; the time to connect counts."""
        self._to_send = self._load.next_request()
        self._received = b""
        self._sent_at = time.perf_counter()
        if self._socket is None:
            self._socket = socket(AF_INET, SOCK_STREAM)
            self._socket.settimeout(0)  # never wait here, only in the selector
            self._socket.connect_ex((HOST, self._load.port))
            self._selector.register(self._socket, EVENT_WRITE, self)
        else:
            self._selector.modify(self._socket, EVENT_WRITE, self)

    def proceed(self) -> None:
        """Read or write, whichever the socket is ready for."""
        assert self._socket is not None
        try:
            if self._to_send:
                self._to_send = self._to_send[self._socket.send(self._to_send) :]
                if not self._to_send:
                    self._selector.modify(self._socket, EVENT_READ, self)
                return
            chunk = self._socket.recv(1_000_000)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(str(error))
            return
        if not chunk:
            self._fail("the service closed the connection before it answered")
            return
        self._received += chunk
        self._finish_if_complete()

    def give_up_if_late(self, now: float) -> None:
        """Count a request without an answer as failed."""
        if now - self._sent_at > PATIENCE:
            self._fail(f"no answer within {PATIENCE:.0f} seconds")

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _fail(self, failure: str) -> None:
        self._load.failed(failure)
        self.close()
        self.begin()

    def _finish_if_complete(self) -> None:
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        lines = head.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if len(body) < int(headers.get("content-length", "0")):
            return
        status = int(lines[0].split(" ", 2)[1])
        if status == self._load.expected:
            self._load.times.append(time.perf_counter() - self._sent_at)
        else:
            self._load.failed(f"{status} {responses.get(status, '')}: {body[:200].decode(errors='replace')}")
        if headers.get("connection") == "close":
            self.close()
        self.begin()
