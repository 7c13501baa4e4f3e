"""What one client takes from another: ``python -m bench.bounds [sqlite|postgresql] [SCENARIO ...]``.

A victim reads its account again and again, and writes tags, while others flood, trickle, upload or guess. Each line has
the victim's times to answer in milliseconds. Quiet times stand before and after each scenario, to compare with.
"""

import argparse
import http.client
import io
import json
import os
import signal
import socket
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.places import environment, free_port, postgresql, run_module, service, sqlite, temporary_folder

SECONDS = 6.0
FLOODERS = 8
UPLOAD_BYTES = 94 * 2**20
MEDIA_TYPE = "application/vnd.api+json"


class Place:
    """The service, and the tokens of those who use it."""

    def __init__(self, settings: dict[str, str], pid: int, admin: str, victim: str) -> None:
        self.port, self.pid, self.settings = int(settings["PORT"]), pid, settings
        self.admin, self.victim = admin, victim
        self.organization = "groundplan"

    def ask(self, method: str, path: str, token: str, document: dict[str, Any] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = None if document is None else json.dumps(document)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content[:1] == b"{" else content


def head(method: str, path: str, token: str, length: int = 0) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Type: {MEDIA_TYPE}",
    ]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def watch(
    place: Place, seconds: float = SECONDS, path: str = "/api/v2/account/details"
) -> tuple[list[float], Counter[int]]:
    """The victim's times, fifty a second at most, each over a connection of its own."""
    times, seen = [], Counter[int]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        status, _ = place.ask("GET", path, place.victim)
        times.append(time.monotonic() - begun)
        seen[status] += 1
        time.sleep(max(0.0, 0.02 - times[-1]))
    return times, seen


def cpu_seconds(pid: int) -> float:
    """What the processes of the service have computed so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    texts = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in children]
    return sum(int(each[11]) + int(each[12]) for each in texts) / os.sysconf("SC_CLK_TCK")


def show(name: str, times: list[float], seen: Counter[int], more: str = "") -> None:
    cuts = quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    numbers = [cuts[49], cuts[98], max(times)]
    told = "  ".join(f"{1000 * each:8.1f}" for each in numbers)
    sys.stdout.write(f"{name:28} p50 p99 max {told}   {dict(seen)} {more}\n")
    sys.stdout.flush()


@contextmanager
def threads(count: int, act: Callable[[int, threading.Event], None]) -> Iterator[None]:
    over = threading.Event()

    def run(number: int) -> None:
        with suppress(OSError):
            act(number, over)

    running = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for each in running:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in running:
            each.join(15)


def flood(place: Place) -> None:
    """Processes that send as fast as they can with one token, whatever the answer."""
    for _ in range(3):
        show("quiet", *watch(place))
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                with suppress(BaseException):
                    send_for_ever(place)
                os._exit(0)
            children.append(child)
        time.sleep(2.5)
        try:
            show("one token floods", *watch(place))
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        time.sleep(1)


def send_for_ever(place: Place) -> None:
    request = head("GET", "/api/v2/account/details", place.admin)

    def send(_number: int, over: threading.Event) -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(("127.0.0.1", place.port)) as connection:
                while True:
                    connection.sendall(request)
                    if not connection.recv(65536):
                        break

    with threads(FLOODERS // 2, send):
        time.sleep(3600)


def slow(place: Place, name: str, count: int, first: bytes, drop: bytes) -> None:
    def trickle(_number: int, over: threading.Event) -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(("127.0.0.1", place.port)) as connection:
                connection.sendall(first)
                while not over.wait(0.5):
                    connection.sendall(drop)

    with threads(count, trickle):
        time.sleep(1)
        before = cpu_seconds(place.pid)
        show(name, *watch(place), f"service: {cpu_seconds(place.pid) - before:.2f} s of CPU")


def connections(place: Place) -> None:
    """Idle ones, heads that trickle, and bodies that do, with a token."""
    slow(place, "60 idle connections", 60, b"", b"")
    slow(place, "60 heads that trickle", 60, b"GET /api/v2/ping HTTP/1.1\r\nX-A: ", b"a")
    path = f"/api/v2/organizations/{place.organization}/projects"
    slow(place, "20 slow bodies of 1 kB", 20, head("POST", path, place.admin, 1000), b" ")
    slow(place, "20 slow bodies of 1 MB", 20, head("POST", path, place.admin, 1_000_000), b" ")
    slow(place, "20 slow ones without a token", 20, head("POST", path, "nobody", 1_000_000), b" ")


def archive(size: int) -> bytes:
    """A configuration whose archive has about this size."""
    files = {"main.tf": b"# nothing\n", "data.bin": os.urandom(2**20) * (size // 2**20)}
    packed = io.BytesIO()
    # Not compressed: the service reads what people send, who have already waited for their own machine.
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=0) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def uploads(place: Place) -> None:
    """Eight archives of configurations at once."""
    path = f"/api/v2/organizations/{place.organization}/workspaces"
    _, made = place.ask("POST", path, place.admin, {"data": {"type": "workspaces", "attributes": {"name": "bench"}}})
    path = f"/api/v2/workspaces/{made['data']['id']}/configuration-versions"
    sent = {"data": {"type": "configuration-versions", "attributes": {"auto-queue-runs": False}}}
    addresses = [place.ask("POST", path, place.admin, sent)[1]["data"]["attributes"]["upload-url"] for _ in range(8)]
    content, done = archive(UPLOAD_BYTES), Counter[str]()

    def upload(number: int, _over: threading.Event) -> None:
        parts = urlsplit(addresses[number])
        connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=120)
        try:
            connection.request("PUT", parts.path, content, {"Content-Length": str(len(content))})
            done[str(connection.getresponse().status)] += 1
        except OSError as error:
            done[type(error).__name__] += 1

    with threads(8, upload):
        show("8 uploads of 94 MB", *watch(place, 10))
    sys.stdout.write(f"{'':28} uploads: {dict(done)}\n")


def passwords(place: Place) -> None:
    """One address guesses passwords while the victim writes."""
    projects = f"/api/v2/organizations/{place.organization}/projects"
    _, made = place.ask("POST", projects, place.admin, {"data": {"type": "projects", "attributes": {"name": "bench"}}})
    path = f"/api/v2/projects/{made['data']['id']}"

    def guess(number: int, over: threading.Event) -> None:
        while not over.is_set():
            sent = {
                "data": {
                    "type": "users",
                    "attributes": dict.fromkeys(
                        ("current_password", "password", "password_confirmation"), f"wrong-password-{number}"
                    ),
                }
            }
            status, _ = place.ask(
                "PATCH", "/api/v2/account/password", place.victim if number % 2 else place.admin, sent
            )
            seen[status] += 1

    def write(count: int) -> list[float]:
        times = []
        for number in range(count):
            sent = {"data": {"type": "projects", "attributes": {"description": f"number {number}"}}}
            begun = time.monotonic()
            status, _ = place.ask("PATCH", path, place.admin, sent)
            if status != http.HTTPStatus.OK:
                raise RuntimeError(status)
            times.append(time.monotonic() - begun)
            time.sleep(0.02)
        return times

    seen = Counter[int]()
    for token in (place.admin, place.victim):
        sent = {
            "data": {
                "type": "users",
                "attributes": dict.fromkeys(("password", "password_confirmation"), "a-right-password"),
            }
        }
        place.ask("PATCH", "/api/v2/account/password", token, sent)
    show("writes, quiet", write(100), Counter())
    # In a process of its own, so that the two don't wait for each other's interpreter.
    child = os.fork()
    if child == 0:
        with suppress(BaseException), threads(FLOODERS, guess):
            time.sleep(3600)
        os._exit(0)
    try:
        show("writes, passwords guessed", write(400), Counter())
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


SCENARIOS = {"flood": flood, "connections": connections, "uploads": uploads, "passwords": passwords}


def main() -> None:
    """Measure the scenarios on a new database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=("sqlite", "postgresql"))
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    options = parser.parse_args()
    with ExitStack() as stack:
        folder: Path = stack.enter_context(temporary_folder())
        url = stack.enter_context((sqlite if options.database == "sqlite" else postgresql)(folder))
        settings = environment(folder, url, free_port()) | {"GROUNDPLAN_AGENTS": "0", "GROUNDPLAN_WORKERS": "0"}
        # As it is shipped.
        for name in (
            "WEB_CONCURRENCY",
            "GROUNDPLAN_REQUESTS_PER_SECOND",
            "GROUNDPLAN_ORGANIZATION_REQUESTS_PER_SECOND",
        ):
            settings.pop(name, None)
        settings |= {name: value for name, value in os.environ.items() if name.startswith("GROUNDPLAN_")}
        run_module(settings, "flask", "db", "upgrade")
        admin = json.loads(run_module(settings, "flask", "bootstrap", "--json"))["user_token"]
        victim = run_module(settings, "flask", "create-user", "victim", "victim@example.test").split()[-1]
        place = Place(settings, stack.enter_context(service(settings)), admin, victim)
        show("quiet", *watch(place))
        for each in options.scenarios:
            SCENARIOS[each](place)


if __name__ == "__main__":
    main()
