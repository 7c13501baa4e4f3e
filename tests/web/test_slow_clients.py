"""Clients that send a byte now and then, or nothing any more: none holds a thread for long."""

import runpy
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn

from app.jsonapi.errors import BadRequest
from app.web import requests, slow_clients
from app.web.requests import form
from app.web.slow_clients import drain_body, read_deadline

CONFIGURATION = Path(__file__).parents[2] / "gunicorn.conf.py"
# Far more than what arrives while a test lasts.
ANNOUNCED = 50_000


@pytest.fixture
def environment() -> Iterator[dict[str, Any]]:
    """What the server gives for a request, of whose body a byte arrives now and then."""
    ours, theirs = socket.socketpair()
    is_over = threading.Event()

    def drip() -> None:
        while not is_over.wait(0.02):
            try:
                theirs.sendall(b"a")
            except OSError:
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    # Like the server's, it reads until it has all that it was asked for.
    with ours, theirs, ours.makefile("rb") as sent:
        yield {"gunicorn.socket": ours, "wsgi.input": sent, "CONTENT_LENGTH": str(ANNOUNCED)}
        is_over.set()
        dripping.join()


def seconds(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def test_the_rest_of_a_refused_request_is_read_for_a_while_only(
    environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "SECONDS", 0.2)

    assert 0.1 < seconds(lambda: drain_body(environment)) < 10


def test_a_form_that_never_ends_is_refused(environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "FORM_SECONDS", 0.2)
    sent = {**environment, "CONTENT_TYPE": requests.FORM, "REQUEST_METHOD": "POST", "wsgi.input_terminated": True}

    with Flask(__name__).test_request_context(environ_overrides=sent), pytest.raises(BadRequest):
        form(ANNOUNCED)


def test_who_is_done_in_time_keeps_the_connection() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with read_deadline({"gunicorn.socket": ours}, 0.05):
            pass
        time.sleep(0.2)
        theirs.sendall(b"next")

        assert ours.recv(4) == b"next"


def test_a_connection_may_not_be_silent_for_ever() -> None:
    configuration = runpy.run_path(str(CONFIGURATION))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        configuration["pre_request"](None, SimpleNamespace(unreader=SimpleNamespace(sock=ours)))

        assert ours.gettimeout() == configuration["SILENT_SECONDS"]


@pytest.mark.parametrize("sent", [b"G", b"GET /api/v2/ping HTTP/1.1\r\nHost: a\r\n"])
def test_the_head_of_a_request_may_not_take_for_ever(sent: bytes) -> None:
    gunicorn = runpy.run_path(str(CONFIGURATION))
    configuration = Config()
    worker = gunicorn["PunctualWorker"](1, 1, [], None, 30, configuration, Logger(configuration))
    ours, theirs = socket.socketpair()
    with ours, theirs, closing(worker.tmp):
        theirs.sendall(sent)
        connection = TConn(configuration, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        reading = threading.Thread(target=worker.handle, args=[connection], daemon=True)
        reading.start()
        reading.join(0.2)
        worker.murder_pending()
        reading.join(0.2)
        assert reading.is_alive()

        worker.due[connection] -= gunicorn["HEAD_SECONDS"]
        worker.murder_pending()
        reading.join(10)
        assert not reading.is_alive()
        assert not worker.due


HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"


@pytest.mark.parametrize(
    ("arrived", "missing", "is_long"),
    [
        (b"", 0, False),
        (b"G", 2, False),
        (HEAD, len(HEAD) + 1, False),
        (HEAD + b"\r\n", len(HEAD) + 6, False),
        (HEAD + b"\r\n{}{", len(HEAD) + 6, False),
        (HEAD + b"\r\n{}{}", 0, False),
        (HEAD + b"\r\n{}{}GET /", 0, False),
        (HEAD.replace(b" 4", b"400000") + b"\r\n{}", 0, True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 0, True),
        (HEAD + b"expect: 100-continue\r\n\r\n", 0, True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, False),
        (b"a" * slow_clients.AWAITED_BYTES, 0, False),
    ],
)
def test_a_request_is_read_when_it_has_arrived(arrived: bytes, missing: int, is_long: bool) -> None:  # noqa: FBT001
    assert slow_clients.missing_of(arrived) == (missing, is_long)
