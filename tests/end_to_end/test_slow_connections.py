"""Clients that send nothing, or a byte now and then, keep nobody else waiting."""

import socket
import time
from contextlib import ExitStack

import pytest

from tests.end_to_end.service import MEDIA_TYPE, Service

# Far longer than an answer takes, and far shorter than so many connections would hold the threads of the server.
SECONDS = 5
LONG, SHORT = 1_000_000, 1_000


def post(service: Service, length: int) -> bytes:
    lines = [
        f"POST /api/v2/organizations/{service.organization}/projects HTTP/1.1",
        "Host: slow",
        f"Authorization: Bearer {service.user_token}",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", "{"]).encode()


@pytest.mark.one_database
def test_others_are_answered_meanwhile(service: Service) -> None:
    with ExitStack() as slow, service.client(service.user_token) as client:
        for sent in (b"", b"GET /api/v2/ping HTTP/1.1\r\nHost", post(service, SHORT), post(service, LONG)):
            for _ in range(15):
                connection = slow.enter_context(socket.create_connection(("127.0.0.1", service.port)))
                connection.sendall(sent)
        time.sleep(0.5)

        begun = time.monotonic()
        for _ in range(20):
            assert client.get("account/details").status_code == 200
        with socket.create_connection(("127.0.0.1", service.port)) as whole:
            # In two pieces, and at last complete: it is read, whatever it says.
            whole.sendall(post(service, SHORT))
            time.sleep(0.1)
            whole.sendall(b" " * (SHORT - 1))
            assert whole.recv(100).startswith(b"HTTP/1.1 400")
        assert time.monotonic() - begun < SECONDS
