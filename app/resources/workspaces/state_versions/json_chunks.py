"""Cuts JSON into pieces that end between two tokens.

If a text does not end in a piece, the parser reads it again from its start with each further piece. A text of 10 MB
takes a minute that way, one of 100 MB hours. So a text is held back here until it is complete; a text that is longer
than anything that is looked at is replaced.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Final

TEXT_LENGTH: Final = 1_000_000
"""The longest text, as it is written in JSON, that reaches the parser."""
TOO_LONG: Final = secrets.token_hex(16)
"""What stands for a longer one. Nobody outside of this process knows it, so no state has it by chance or intent."""
DIGITS: Final = 4_000
"""How long a number may be. The language reads no integers of more than 4300 digits, and the parser dies of them."""

_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
_INSIDE: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# Only where a number begins: tried at each of its digits, a state full of long numbers would take minutes.
_ENDLESS: Final = re.compile(rb"(?<![0-9.eE+-])[0-9.eE+-]{%d}" % DIGITS)
_NUMBER: Final = b"0123456789.eE+-"
_QUOTE: Final = ord('"')


class EndlessNumber(ValueError):
    """A number that is too long to mean anything."""


class WholeTokenSplitter:
    """Cuts pieces anew, so that each text is in one piece."""

    def __init__(self) -> None:
        """Begins before the first byte."""
        self._held: list[bytes] | None = None
        """The beginning of a text; None between texts."""
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
        """Behind the quote that ends the text that is held; None when it does not end in the piece."""
        start = 1 if self._is_escaped and piece else 0
        found = _INSIDE.match(piece, start)
        at = found.end() if found else start
        if at < len(piece) and piece[at] == _QUOTE:
            self._is_escaped = False
            return at + 1
        # Otherwise it stopped at the end, or at a backslash that is the last byte.
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
        """What begins between two texts: all of it, or up to the text that it leaves open."""
        # Of the same length, so that places in it are places in the piece.
        plain = _ESCAPED.sub(b"__", piece) if b"\\" in piece else piece
        end = plain.rfind(b'"') if plain.count(b'"') % 2 else len(piece)
        if end:
            self._check_number(piece[:end])
            # Never nothing: to the parser that is the end.
            yield piece[:end]
        if end < len(piece):
            self._held, self._length, self._is_escaped = [], 0, plain.endswith(b"\\")
            self._hold(piece[end:])

    def _check_number(self, part: bytes) -> None:
        # A number can be in several pieces; texts are whole here.
        head = len(part) - len(part.lstrip(_NUMBER))
        if self._digits + head > DIGITS:
            raise EndlessNumber
        tail = len(part) - len(part.rstrip(_NUMBER))
        self._digits = tail + (self._digits if tail == len(part) else 0)
        # Digits within texts are nobody's business, but to look for texts takes longer than to look for digits.
        if _ENDLESS.search(part) and _ENDLESS.search(_TEXT.sub(b'""', part)):
            raise EndlessNumber
