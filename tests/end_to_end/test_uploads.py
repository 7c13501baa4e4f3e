"""States on their way to a real server: too large ones, cut off ones, and what the logs tell of their addresses."""

import hashlib
import json
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from app.models import StateVersion, StoredObject
from app.persistence import now
from app.storage.ledger import object_columns
from app.storage.sweeping import GRACE
from tests.end_to_end.service import NO_CERTIFICATES, SECONDS_TO_ANSWER, Service, document, poll_until
from tests.support.states import state

LIMIT = 100 * 2**20
# As many as one process reads at once: one of its four threads is for others.
UPLOADS = 3


class Workspaces:
    """Makes workspaces, and versions of them that wait for their state."""

    def __init__(self, service: Service) -> None:
        self._http = service.client(service.user_token)
        self._organization = service.organization

    def announce(self, content: bytes = b"") -> dict[str, Any]:
        """A version, with the addresses for its state, in a workspace of its own."""
        created = self._post(
            f"organizations/{self._organization}/workspaces",
            document("workspaces", {"name": f"net-{secrets.token_hex(4)}"}),
        )
        path = f"workspaces/{created['id']}"
        self._post(f"{path}/actions/lock", {"reason": "test"})
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        announced = document("state-versions", {"serial": 1, "md5": md5})
        version: dict[str, Any] = self._post(f"{path}/state-versions", announced)
        return version

    def announced_url(self, content: bytes = b"", part: str = "state") -> str:
        """Where to send the state of a version of its own."""
        return upload_url(self.announce(content), part)

    def download_url(self, version: dict[str, Any]) -> str:
        """Where to fetch the state that was sent."""
        shown = self._http.get(f"state-versions/{version['id']}").json()["data"]
        return str(shown["attributes"]["hosted-state-download-url"])

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, sent: Any) -> Any:
        answer = self._http.post(path, json=sent)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]


def upload_url(version: dict[str, Any], part: str = "state") -> str:
    return str(version["attributes"][f"hosted-{part}-upload-url"])


@contextmanager
def workspaces_of(service: Service) -> Iterator[Workspaces]:
    workspaces = Workspaces(service)
    try:
        yield workspaces
    finally:
        workspaces.close()


def put(url: str, content: bytes | Iterator[bytes]) -> httpx.Response:
    return httpx.put(url, content=content, timeout=SECONDS_TO_ANSWER, trust_env=False, verify=NO_CERTIFICATES)


# --- too large ----------------------------------------------------------------------------------------------------

WAYS = {
    "curl's own way": [],
    "expecting to continue": ["--header", "Expect: 100-continue"],
    "expecting nothing": ["--header", "Expect:"],
    "in chunks": ["--header", "Transfer-Encoding: chunked"],
    "in chunks, expecting nothing": ["--header", "Transfer-Encoding: chunked", "--header", "Expect:"],
}


@pytest.mark.needs("curl")
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("way", "part", "size"),
    [
        *(pytest.param(way, "state", LIMIT + 1, id=name) for name, way in WAYS.items()),
        # Which part it is and how much is left to read make no difference to how it is sent: those that say beforehand
        # how much comes, and those that don't, with each once.
        pytest.param(WAYS["expecting nothing"], "json-state", LIMIT + 1, id="json-state"),
        pytest.param(WAYS["in chunks, expecting nothing"], "state", LIMIT * 3 // 2, id="much too large, in chunks"),
        pytest.param(WAYS["expecting nothing"], "state", LIMIT * 3 // 2, id="much too large"),
    ],
)
def test_a_state_that_is_too_large_is_refused_with_words(
    service: Service, tmp_path: Path, way: list[str], part: str, size: int
) -> None:
    file = tmp_path / "state"
    with file.open("wb") as written:
        # A string without end, so that not its content is what is refused.
        written.write(b'{"version":4,"x":"' if part == "state" else b"")
        written.seek(0)
        written.truncate(size)
    with workspaces_of(service) as workspaces:
        url = workspaces.announced_url(part=part)
    command = ["curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}"]
    finished = subprocess.run(  # noqa: S603 - our own command
        [*command, *way, "--upload-file", str(file), url], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    text, status = finished.stdout.rsplit("\n", 1)
    assert (status, json.loads(text)["errors"][0]["code"]) == ("413", "payload-too-large")


# --- the logs -----------------------------------------------------------------------------------------------------


@pytest.mark.one_database
def test_no_log_has_the_address_of_an_object(service: Service) -> None:
    content = state(resources=1_000)
    with workspaces_of(service) as workspaces:
        version = workspaces.announce(content)
        url = upload_url(version)
        before = files(service)
        assert put(url, content).status_code == 200
        assert put(f"{url}?x=1", b"{}").status_code == 409
        assert httpx.get(url, headers={"Referer": url}, trust_env=False, verify=NO_CERTIFICATES).status_code == 403
        (name,) = files(service) - before
        # What fails while the answer is being sent, after its first piece, is for the server itself to log.
        with (service.store / name).open("ab") as kept:
            kept.write(b"changed by somebody")
        fetched = workspaces.download_url(version)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(fetched, trust_env=False, verify=NO_CERTIFICATES)
    log = service.log.read_text()
    assert '"PUT /objects/(hidden) HTTP/1.1" 200' in log
    assert '"PUT /objects/(hidden)?x=1 HTTP/1.1" 409' in log
    assert '"GET /objects/(hidden) HTTP/1.1" 403' in log
    assert "Error handling request" in log
    for address in (url, fetched):
        assert address.rpartition("/objects/")[2] not in log


# --- cut off ------------------------------------------------------------------------------------------------------


def named(service: Service) -> set[str]:
    """The objects that rows name."""
    with service.connected() as connection:
        return {
            name
            for table, column in object_columns()
            for name in connection.scalars(select(table.c[column.name]).where(column.is_not(None)))
        }


def listed(service: Service) -> int:
    with service.connected() as connection:
        return connection.execute(select(func.count()).select_from(StoredObject)).scalar_one()


def files(service: Service) -> set[str]:
    return {path.relative_to(service.store).as_posix() for path in service.store.rglob("*") if path.is_file()}


def kill_during_uploads(service: Service) -> None:
    """Upload states, and kill the server when as many others have arrived by half."""
    half_sent, killed = threading.Semaphore(0), threading.Event()

    def cut(content: bytes) -> Iterator[bytes]:
        yield content[: len(content) // 2]
        half_sent.release()
        killed.wait(SECONDS_TO_ANSWER)
        yield content[len(content) // 2 :]

    def upload(url: str, content: bytes) -> None:
        with suppress(httpx.TransportError):
            put(url, cut(content))

    content = state(resources=5_000)
    before = listed(service)
    with workspaces_of(service) as workspaces:
        assert put(workspaces.announced_url(content), content).status_code == 200
        urls = [workspaces.announced_url(content) for _ in range(UPLOADS)]
    uploads = [threading.Thread(target=upload, args=(url, content)) for url in urls]
    for each in uploads:
        each.start()
    for _ in uploads:
        assert half_sent.acquire(timeout=SECONDS_TO_ANSWER)
    # One more, if no upload has got the name that waits in the process of the first one.
    poll_until(lambda: listed(service) >= before + 1 + UPLOADS, SECONDS_TO_ANSWER, "a row for each upload")
    service.kill()
    killed.set()
    for each in uploads:
        each.join()


def by_command(service: Service) -> None:
    assert service.run_flask("sweep-storage") == "Removed 0 objects.\n"
    swept = service.run_flask("sweep-storage", "--grace-hours", "0")
    assert swept in {f"Removed {count} objects.\n" for count in (UPLOADS, UPLOADS + 1)}


def by_a_worker(service: Service) -> None:
    with service.connected() as connection:
        connection.execute(update(StoredObject).values(created_at=now() - GRACE - timedelta(minutes=1)))
    service.set(GROUNDPLAN_WORKERS="1").start()
    poll_until(lambda: listed(service) == len(named(service)), SECONDS_TO_ANSWER, "a sweep")
    assert service.stop() == 0


@pytest.mark.one_database
@pytest.mark.parametrize("sweep", [by_command, by_a_worker])
def test_after_a_kill_and_a_sweep_the_store_has_exactly_what_rows_name(
    own_service: Service, sweep: Callable[[Service], None]
) -> None:
    kill_during_uploads(own_service)
    kept = named(own_service)
    assert len(kept) == 1
    assert files(own_service) > kept
    sweep(own_service)
    assert named(own_service) == files(own_service) == kept
    assert listed(own_service) == len(kept)
    with own_service.connected() as connection:
        assert connection.execute(select(func.count()).select_from(StateVersion)).scalar_one() == UPLOADS + 1
