"""Measure the console on the large organization: ``python -m bench.console [SQLite|PostgreSQL]``.

The time and the bytes of each kind of page, and what open pages of runs do to a request of the API.
"""

import gzip
import io
import json
import re
import statistics
import sys
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import create_engine, select, update

from app.authentication.passwords import hash_password
from app.models.users import User
from app.models.workspaces import Workspace
from bench.__main__ import DATABASES
from bench.load import HOST
from bench.places import environment, free_port, run_module, service, temporary_folder
from bench.seed import Seeded
from bench.workloads import MEDIA_TYPE

PASSWORD: Final = "a password of the bench"
USERNAME: Final = "user0000"
TIMES: Final = 20
OPEN_PAGES: Final = 50
SECONDS: Final = 10.0
# Of so many requests of an open page, one is for all of it, even if nothing has changed.
EVERY: Final = 8
VERSION: Final = re.compile('data-version="([^"]*)"')
ASSET: Final = re.compile('(?:href|src)="(/app/assets/[^"]*)"')


Answer = tuple[int, dict[str, str], bytes]


@dataclass(slots=True)
class Client:
    """A browser, or a program with a token: it keeps a connection and its headers."""

    port: int
    headers: dict[str, str]
    connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        """Connect with the first request."""
        self.connection = HTTPConnection(HOST, self.port, timeout=60)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """The status, the headers and the body of the answer, as they were transferred."""
        self.connection.request(method, path, body, {**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()

    def time(self, path: str, **headers: str) -> float:
        """How many milliseconds the answer takes."""
        begun = time.perf_counter()
        status, _, body = self.send("GET", path, None, **headers)
        assert status == 200, (path, status, body[:300])
        return (time.perf_counter() - begun) * 1000


def sign_in(port: int) -> Client:
    """A browser of the owner."""
    client = Client(port, {"Accept-Encoding": "gzip"})
    _, headers, body = client.send("GET", "/app/sign-in")
    cookie = headers["set-cookie"].partition(";")[0]
    found = re.search('name="form_token" value="([^"]*)"', _text(headers, body))
    assert found
    form = urlencode({"form_token": found[1], "account": USERNAME, "password": PASSWORD}).encode()
    sent = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    status, headers, body = client.send("POST", "/app/sign-in", form, **sent)
    assert status == 303, body
    client.headers["Cookie"] = headers["set-cookie"].partition(";")[0]
    return client


def _text(headers: dict[str, str], body: bytes) -> str:
    return (gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body).decode()


def measure_pages(browser: Client, paths: dict[str, str]) -> None:
    """Print the median time of each page, and how many bytes come the first time and after."""
    print(f"{'page':<28} {'median ms':>10} {'first KiB':>10} {'after KiB':>10}")
    for name, path in paths.items():
        browser.time(path)
        median = statistics.median(browser.time(path) for _ in range(TIMES))
        _, headers, body = browser.send("GET", path)
        assets = sum(len(browser.send("GET", each)[2]) for each in set(ASSET.findall(_text(headers, body))))
        print(f"{name:<28} {median:>10.1f} {(len(body) + assets) / 1024:>10.1f} {len(body) / 1024:>10.1f}")


def measure_beside_open_pages(browser: Client, api: Client, path: str) -> None:
    """Print the time of a request of the API alone, and beside open pages that ask each second, as new ones do."""
    alone = ask_for_a_while(api)
    ended = threading.Event()

    def follow(first: float) -> None:
        own = Client(browser.port, dict(browser.headers))
        _, headers, body = own.send("GET", path, None, **{"X-Part": "live"})
        found = VERSION.search(_text(headers, body))
        assert found
        ended.wait(first)
        asked = 0
        while not ended.is_set():
            asked += 1
            known = {"X-Version": found[1]} if asked % EVERY else {}
            own.send("GET", path, None, **{"X-Part": "live"}, **known)
            own.connection.close()
            ended.wait(1)

    pages = [threading.Thread(target=follow, args=(number / OPEN_PAGES,)) for number in range(OPEN_PAGES)]
    for each in pages:
        each.start()
    try:
        beside = ask_for_a_while(api)
    finally:
        ended.set()
        for each in pages:
            each.join()
    for name, found in (("alone", alone), (f"beside {OPEN_PAGES} pages of runs", beside)):
        cuts = statistics.quantiles(found, n=100, method="inclusive")
        print(f"GET /account/details {name}: median {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, {len(found)} requests")


def ask_for_a_while(api: Client) -> list[float]:
    """The times of requests, about thirty each second."""
    found = []
    # The service has closed the connection, which was silent for long.
    api.connection.close()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found.append(api.time("/api/v2/account/details"))
        time.sleep(0.03)
    return found


def archive() -> bytes:
    """A configuration with one resource."""
    text = b'resource "terraform_data" "this" {}\n'
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        info = tarfile.TarInfo("main.tf")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return written.getvalue()


def queue_a_run(api: Client, workspace: str) -> str:
    """A run that waits for an agent, which never comes; its id."""
    typed = {"Content-Type": MEDIA_TYPE}
    wanted = {"data": {"type": "configuration-versions", "attributes": {"auto-queue-runs": False}}}
    path = f"/api/v2/workspaces/{workspace}/configuration-versions"
    made = json.loads(api.send("POST", path, json.dumps(wanted).encode(), **typed)[2])["data"]["attributes"]
    api.send(
        "PUT", "/" + made["upload-url"].split("/", 3)[3], archive(), **{"Content-Type": "application/octet-stream"}
    )
    place = {"workspace": {"data": {"type": "workspaces", "id": workspace}}}
    sent = {"data": {"type": "runs", "attributes": {"message": "For the bench"}, "relationships": place}}
    status, _, body = api.send("POST", "/api/v2/runs", json.dumps(sent).encode(), **typed)
    assert status == 201, body
    return str(json.loads(body)["data"]["id"])


def main() -> None:
    """Seed, serve, and measure."""
    name = sys.argv[1] if len(sys.argv) > 1 else "SQLite"
    with temporary_folder() as folder, DATABASES[name](folder) as url:
        settings = environment(folder, url, free_port()) | {"GROUNDPLAN_AGENTS": "0", "GROUNDPLAN_WORKERS": "0"}
        run_module(settings, "flask", "db", "upgrade")
        seeded = Seeded(**json.loads(run_module(settings, "bench.seed")))
        engine = create_engine(url)
        with engine.begin() as connection:
            owner = update(User).where(User.username == USERNAME)
            connection.execute(owner.values(password_hash=hash_password(PASSWORD)))
            free = select(Workspace.id, Workspace.name, Workspace.project_id).where(
                Workspace.locked.is_(False), Workspace.own_execution_mode == "remote"
            )
            workspace, called, project = connection.execute(free.limit(1)).one()
        engine.dispose()
        port = int(settings["PORT"])
        with service(settings):
            api = Client(port, {"Authorization": f"Bearer {seeded.owner_token}", "Accept": MEDIA_TYPE})
            run = queue_a_run(api, workspace)
            browser = sign_in(port)
            place, home = f"/app/{seeded.organization}/workspaces/{called}", f"/app/{seeded.organization}"
            pages = {
                "organizations": "/app",
                "projects": home,
                "projects, searched": f"{home}?q={seeded.terms[0]}",
                "projects, page 400": f"{home}?page=400",
                "workspaces": f"{home}/workspaces",
                "workspaces, searched": f"{home}/workspaces?q={seeded.terms[0]}",
                "project": f"{home}/projects/{project}",
                "project's settings": f"{home}/projects/{project}/settings",
                "project's permissions": f"{home}/projects/{project}/permissions",
                "workspace": place,
                "runs": f"{place}/runs",
                "run": f"{place}/runs/{run}",
                "states": f"{place}/states",
                "variables": f"{place}/variables",
                "workspace's settings": f"{place}/settings",
                "members": f"{home}/settings/members",
                "teams": f"{home}/settings/teams",
                "activity": f"{home}/settings/activity",
                "account": "/app/settings",
            }
            measure_pages(browser, pages)
            measure_beside_open_pages(browser, api, f"{place}/runs/{run}")


if __name__ == "__main__":
    main()
