"""Cuts JSON into pieces that end between two tokens.

If a string does not end in a piece, the parser reads it again from its start with each further piece. A string of 10 MB
takes a minute that way, one of 100 MB hours. So a string is held back here until it is complete; a string longer than
any that is looked at is replaced.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Final

TEXT_LENGTH: Final = 1_000_000
"""The longest string, as it is written in JSON, that reaches the parser."""
TOO_LONG: Final = secrets.token_hex(16)
"""Replaces a longer one. Nobody outside of this process knows it, so no state has it by chance or intent."""
DIGITS: Final = 4_000
"""How long a number may be. Python reads no integers of more than 4300 digits, and the parser crashes on them."""

_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
_INSIDE: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# Matches only where a number begins: if it were tried at each digit, a state full of long numbers would take minutes.
_ENDLESS: Final = re.compile(rb"(?<![0-9.eE+-])[0-9.eE+-]{%d}" % DIGITS)
_NUMBER: Final = b"0123456789.eE+-"
_QUOTE: Final = ord('"')


class EndlessNumber(ValueError):
    """A number that is too long to mean anything."""


class WholeTokenSplitter:
    """Cuts the input into other pieces, so that each string is in one piece."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self._held: list[bytes] | None = None
        """The beginning of a string; None between strings."""
        self._length = 0
        self._is_escaped = False
        self._digits = 0

    def within(self, piece: bytes) -> Iterator[bytes]:
        """The part of the input that this piece completes."""
        if self._held is not None:
            end = self._end(piece)
            self._hold(piece[:end])
            if end is None:
                return
            yield self._released()
            piece = piece[end:]
        yield from self._between(piece)

    def _end(self, piece: bytes) -> int | None:
        """The index after the quote that ends the held string; None when it does not end in the piece."""
        start = 1 if self._is_escaped and piece else 0
        found = _INSIDE.match(piece, start)
        at = found.end() if found else start
        if at < len(piece) and piece[at] == _QUOTE:
            self._is_escaped = False
            return at + 1
        # The match stopped at the end, or at a backslash that is the last byte.
        self._is_escaped = at < len(piece)
        return None

    def _hold(self, part: bytes) -> None:
        self._length += len(part)
        if self._held is not None and self._length <= TEXT_LENGTH:
            self._held.append(part)

    def _released(self) -> bytes:
        held, self._held = self._held or [], None
        return b"".join(held) if self._length <= TEXT_LENGTH else f'"{TOO_LONG}"'.encode()

    def _between(self, piece: bytes) -> Iterator[bytes]:
        """A piece that begins between two strings: all of it, or the part before a string that does not end in it."""
        # The replacement has the same length, so that indexes agree with those in the piece.
        plain = _ESCAPED.sub(b"__", piece) if b"\\" in piece else piece
        end = plain.rfind(b'"') if plain.count(b'"') % 2 else len(piece)
        if end:
            self._check_number(piece[:end])
            # Never empty: the parser takes an empty piece for the end of the input.
            yield piece[:end]
        if end < len(piece):
            self._held, self._length, self._is_escaped = [], 0, plain.endswith(b"\\")
            self._hold(piece[end:])

    def _check_number(self, part: bytes) -> None:
        # A number can be spread over several pieces; strings are whole here.
        head = len(part) - len(part.lstrip(_NUMBER))
        if self._digits + head > DIGITS:
            raise EndlessNumber
        tail = len(part) - len(part.rstrip(_NUMBER))
        self._digits = tail + (self._digits if tail == len(part) else 0)
        # Digits within strings don't count; strings are only removed if there is a match, because that takes longer.
        if _ENDLESS.search(part) and _ENDLESS.search(_TEXT.sub(b'""', part)):
            raise EndlessNumber
