"""A store that is down, slow, refuses or has lost something: what is answered, what is logged, and what is kept."""

import logging
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.retries.standard import ExponentialBackoff
from flask import Flask

from app.jsonapi import CONTENT_TYPE
from app.models import StateVersion
from app.services import services
from app.storage import objects
from app.storage.keyring import Keyring
from app.storage.objects import PART, BucketStore
from app.storage.store import Store, StoreUnavailable
from app.storage.vault import Vault
from app.variables import Bucket
from app.web import errors
from app.web.seldom import SeldomLog
from tests.support.api import faults
from tests.support.services import replace_services
from tests.support.states import OUTPUTS, States, state
from tests.support.sweeper import Sweeper
from tests.support.world import World

pytestmark = pytest.mark.one_database

BUCKET = "secret-bucket"
UNAVAILABLE = "storage-unavailable"
UNREADABLE = "stored-object-unreadable"


@dataclass(frozen=True)
class Fault:
    """What the service of the bucket answers: a status with a code; or, of a body, only the beginning; or nothing."""

    status: int | None = None
    code: str = ""


class Answering(BaseHTTPRequestHandler):
    """An S3 service that has one answer."""

    fault: Fault
    # With 1.0 it would not say that the content may come, and the client would wait a second for that.
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.close_connection = True
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.fault.status is None:
            return
        is_cut = self.fault.status == 200
        content = f"<Error><Code>{self.fault.code}</Code><Message>{BUCKET}</Message></Error>".encode()
        self.send_response(self.fault.status)
        self.send_header("Content-Length", str(len(content) + 10 * is_cut))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

    def log_message(self, *_: Any) -> None:
        """Nothing to standard error."""


@contextmanager
def serving(fault: Fault) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Faulty", (Answering,), {"fault": fault}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """A service that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def keeping_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], None]:
    """Gives the application another store."""

    def keep(store: Store) -> None:
        replace_services(monkeypatch, app, vault=Vault(store, services(app).keyring))

    return keep


@pytest.fixture
def bucket_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], BucketStore]:
    """A store in the bucket of the service at an address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    # It asks again as often as in earnest, and at once.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.01)
    return lambda endpoint: BucketStore(Bucket(name=BUCKET, endpoint=endpoint, region="us-east-1"))


@contextmanager
def failing(caplog: pytest.LogCaptureFixture, cause: str) -> Iterator[None]:
    """Within the block one failure is logged, with its cause."""
    caplog.clear()
    with caplog.at_level(logging.WARNING), pytest.MonkeyPatch.context() as patch:
        # Of several failures within a minute, only the first is logged in full.
        patch.setattr(errors, "_store_failures", SeldomLog(errors.logger, "the store of objects failed"))
        yield
    [line] = [record for record in caplog.records if record.name.startswith("app.")]
    assert cause in line.getMessage()


def refusal(app: Flask, method: str, url: str, content: bytes | None = None) -> tuple[int, str, str | None]:
    """Status, code and Retry-After, of an answer that says nothing about the store."""
    answer = app.test_client().open(urlsplit(url).path, method=method, data=content)
    assert answer.content_type == CONTENT_TYPE
    for secret in (BUCKET, "states/", "127.0.0.1", "Error"):
        assert secret not in answer.text
    [error] = answer.get_json()["errors"]
    assert error["detail"]
    return answer.status_code, error["code"], answer.headers.get("Retry-After")


FAULTS = [
    pytest.param(Fault(500, "InternalError"), "InternalError", "5", id="500"),
    pytest.param(Fault(503, "SlowDown"), "SlowDown", "5", id="503"),
    pytest.param(Fault(429, "TooManyRequests"), "TooManyRequests", "5", id="429"),
    pytest.param(Fault(403, "AccessDenied"), "AccessDenied", None, id="403"),
    pytest.param(Fault(404, "NoSuchBucket"), "NoSuchBucket", None, id="no bucket"),
    pytest.param(Fault(), "closed", "5", id="hangs up"),
]


@pytest.mark.parametrize(("fault", "cause", "wait"), FAULTS)
def test_a_bucket_that_fails(
    app: Flask,
    states: States,
    sweeper: Sweeper,
    keeping_in: Callable[[Store], None],
    bucket_at: Callable[[str], BucketStore],
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    cause: str,
    wait: str | None,
) -> None:
    files = sweeper.vault.store
    first = states.save(state())
    states.lock()
    pending = states.create(state(2))
    up = pending["data"]["attributes"]["hosted-state-upload-url"]
    down = first["data"]["attributes"]["hosted-state-download-url"]
    with serving(fault) as endpoint:
        keeping_in(bucket_at(endpoint))
        for method, url, content in (("PUT", up, state(2)), ("GET", down, None)):
            with failing(caplog, cause):
                assert refusal(app, method, url, content) == (503, UNAVAILABLE, wait)
        with failing(caplog, cause):
            states.inline(state(2), expect=503)
    assert states.show(pending)["data"]["attributes"]["status"] == "pending"
    keeping_in(files)
    # The same request once more, and everything is there.
    states.put(pending, state(2))
    assert states.fetched(states.show(pending)) == state(2)
    assert states.fetched(first) == state()
    # What the ledger still has of what failed, the sweep takes.
    assert sweeper.sweep() == 2
    assert sweeper.files() == sweeper.listed()
    assert len(sweeper.files()) == 2


def test_a_bucket_that_is_not_there_or_says_nothing(
    bucket_at: Callable[[str], BucketStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "READ_SECONDS", 0.2)
    with silent() as endpoint:
        store = bucket_at(endpoint)
        for failed in (lambda: store.put("a/b", [b"x"]), lambda: store.open("a/b"), lambda: store.delete("a/b")):
            with pytest.raises(StoreUnavailable) as raised:
                failed()
            assert raised.value.is_transient
    with pytest.raises(StoreUnavailable) as raised:
        bucket_at(endpoint).put("a/b", [b"x" * PART, b"x"])
    assert raised.value.is_transient


def test_an_answer_of_the_bucket_that_is_cut(bucket_at: Callable[[str], BucketStore]) -> None:
    with serving(Fault(200)) as endpoint:
        pieces = bucket_at(endpoint).open("a/b")
        with pytest.raises(StoreUnavailable) as raised:
            list(pieces)
        assert raised.value.is_transient


def test_a_folder_that_is_none(
    app: Flask, states: States, sweeper: Sweeper, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first = states.save(state())
    states.lock()
    pending = states.create(state(2))
    aside = sweeper.folder.with_name("aside")
    sweeper.folder.rename(aside)
    sweeper.folder.touch()
    up, down = (
        version["data"]["attributes"][f"hosted-state-{way}-url"]
        for version, way in ((pending, "upload"), (first, "download"))
    )
    try:
        with failing(caplog, "File exists"):
            assert refusal(app, "PUT", up, state(2)) == (503, UNAVAILABLE, None)
        with failing(caplog, "Not a directory"):
            assert refusal(app, "GET", down) == (503, UNAVAILABLE, None)
    finally:
        sweeper.folder.unlink()
        aside.rename(sweeper.folder)
    states.put(pending, state(2))
    assert states.fetched(first) == state()
    assert [version.status for version in world.all(StateVersion)] == ["finalized"] * 2


def test_an_object_that_is_lost(app: Flask, states: States, sweeper: Sweeper, caplog: pytest.LogCaptureFixture) -> None:
    down = states.save(state())["data"]["attributes"]["hosted-state-download-url"]
    [name] = sweeper.files()
    shutil.rmtree(sweeper.folder)
    with failing(caplog, f"the object {name} is not in the store"):
        assert refusal(app, "GET", down) == (500, UNREADABLE, None)


def test_an_object_that_was_changed(
    app: Flask, states: States, sweeper: Sweeper, caplog: pytest.LogCaptureFixture
) -> None:
    down = states.save(state())["data"]["attributes"]["hosted-state-download-url"]
    [name] = sweeper.files()
    (sweeper.folder / name).write_bytes(b"x" * 100)
    with failing(caplog, f"the object {name} was changed or cut at chunk 0"):
        assert refusal(app, "GET", down) == (500, UNREADABLE, None)


def test_a_key_that_is_not_at_hand(
    app: Flask, states: States, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    version = states.save(state(outputs=OUTPUTS))
    down = version["data"]["attributes"]["hosted-state-download-url"]
    other = Keyring(["another-master-key-of-the-tests-0123456789"])
    replace_services(monkeypatch, app, keyring=other, vault=Vault(services(app).vault.store, other))
    with failing(caplog, "not among GROUNDPLAN_ENCRYPTION_KEYS"):
        assert refusal(app, "GET", down) == (500, UNREADABLE, None)
    with failing(caplog, "not among GROUNDPLAN_ENCRYPTION_KEYS"):
        answer = states.api.get(f"/state-versions/{version['data']['id']}/outputs", states.token, expect=500)
        assert answer["errors"][0]["code"] == UNREADABLE
        assert faults(answer)
