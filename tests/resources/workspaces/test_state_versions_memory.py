"""The largest state passes in little memory."""

import io
import tracemalloc
from collections.abc import Iterator
from hashlib import md5 as digest
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.support.states import States, state


def address(version: Any, part: str = "state-upload") -> str:
    return str(version["data"]["attributes"][f"hosted-{part}-url"])


class Generated(io.RawIOBase):
    """A stream of pieces that are made when they are read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def large(pieces: int, serial: int) -> Iterator[bytes]:
    """A state with so many resources of about 100 KB."""
    yield b'{"version":4,"serial":%d,"lineage":"l","resources":[' % serial
    attributes = b",".join(b'"a%d":{"id":"%s"}' % (index, b"x" * 9_980) for index in range(10))
    for index in range(pieces):
        yield b"," if index else b""
        yield b'{"mode":"managed","type":"t","name":"n%d","instances":[{"attributes":{%s}}]}' % (index, attributes)
    yield b"]}"


@pytest.mark.one_database
def test_the_largest_state_goes_up_and_down_in_little_memory(states: States, app: Flask) -> None:
    pieces = 1_020
    whole, length = digest(usedforsecurity=False), 0
    for piece in large(pieces, 1):
        whole.update(piece)
        length += len(piece)
    assert 99_000_000 < length <= 100 * 2**20
    states.lock()
    version = states.create(state(lineage="l"), md5=whole.hexdigest())
    client = app.test_client()
    tracemalloc.start()
    try:
        answer = client.put(
            urlsplit(address(version)).path,
            environ_overrides={
                "wsgi.input": io.BufferedReader(Generated(large(pieces, 1))),
                "CONTENT_LENGTH": str(length),
            },
        )
        assert answer.status_code == 200, answer.text
        states.unlock()
        current = states.current()
        assert current["data"]["attributes"]["size"] == length
        again = digest(usedforsecurity=False)
        for piece in client.get(urlsplit(address(current, "state-download")).path, buffered=False).iter_encoded():
            again.update(piece)
        assert again.hexdigest() == whole.hexdigest()
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
