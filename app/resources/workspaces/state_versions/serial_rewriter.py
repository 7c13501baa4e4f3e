"""Gives a stored state another serial, without changing any other byte."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

OUTSIDE: Final = re.compile(rb'["{}\[\],:]')
INSIDE: Final = re.compile(rb'["\\]')
NUMBER: Final = re.compile(rb"[0-9.eE+-]+")
BLANK: Final = b" \t\r\n"
WANTED: Final = b"serial"


@dataclass(slots=True)
class _Scanner:
    """Scans JSON, piece by piece, up to the value of the key ``serial`` of the outermost object."""

    depth: int = 0
    is_in_text: bool = False
    is_escaped: bool = False
    is_key: bool = False
    key: bytes = b""
    found: bool = False

    def end_of_key(self, piece: bytes) -> int | None:
        """The index after the colon that follows the key; None when it is not in this piece."""
        at = 0
        while True:
            if self.is_escaped:
                at, self.is_escaped = at + 1, False
            hit = (INSIDE if self.is_in_text else OUTSIDE).search(piece, at)
            if self.is_in_text and len(self.key) <= len(WANTED):
                self.key += piece[at : hit.start() if hit else len(piece)][: len(WANTED) + 1]
            if hit is None:
                return None
            at = hit.end()
            if self._step(hit[0]):
                return at
            if self.is_escaped and at == len(piece):
                return None

    def _step(self, mark: bytes) -> bool:
        if self.is_in_text:
            if mark == b"\\":
                self.is_escaped = True
                self.key += b"\\"
            else:
                self.is_in_text = False
        elif mark == b'"':
            self.is_in_text, self.key = True, b""
        elif mark == b":":
            return self.depth == 1 and self.is_key and self.key == WANTED
        elif mark in b"{[":
            self.depth += 1
            self.is_key = mark == b"{"
        elif mark in b"}]":
            self.depth -= 1
        if mark == b"," and self.depth == 1:
            self.is_key = True
        return False


def rewrite_serial(pieces: Iterable[bytes], serial: int) -> Iterator[bytes]:
    """The state with this serial; a state without a serial stays as it is."""
    scanner = _Scanner()
    rest = iter(pieces)
    for piece in rest:
        at = scanner.end_of_key(piece)
        if at is None:
            yield piece
            continue
        yield piece[:at]
        yield from _replaced(piece[at:], rest, str(serial).encode())
        return


def _replaced(piece: bytes, rest: Iterator[bytes], serial: bytes) -> Iterator[bytes]:
    # The number may begin or end in another piece than the key; it is short, so the pieces are joined.
    while not piece.strip(BLANK + b"0123456789"):
        more = next(rest, b"")
        if not more:
            break
        piece += more
    start = len(piece) - len(piece.lstrip(BLANK))
    number = NUMBER.match(piece, start)
    if number is None:
        yield piece
    else:
        yield piece[:start] + serial + piece[number.end() :]
    yield from rest
