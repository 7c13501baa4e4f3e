"""Checks an archive while it passes by: that it is a tar archive, compressed by gzip, and of a bearable size.

Nothing is unpacked here. Only the agent does so, and it checks the names of the files.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from app.jsonapi.errors import Unprocessable

GZIP: Final = zlib.MAX_WBITS | 16
MAGIC: Final = b"\x1f\x8b"
BLOCK: Final = 512
# Unpacked in pieces of this size, so that a few bytes can't fill the memory.
PIECE: Final = 256 * 1024
# What the files of a configuration may have together, and how many there may be.
MAXIMUM_UNPACKED: Final = 2 * 2**30
MAXIMUM_FILES: Final = 200_000
CHECKSUM: Final = slice(148, 156)
SIZE: Final = slice(124, 136)
TYPE: Final = 156
WITHOUT_CONTENT: Final = b"123456"


class NoArchive(Unprocessable):
    """The bytes are no archive of a configuration."""

    code = "no-configuration-archive"
    detail = "The configuration must be a tar archive that is compressed by gzip, as `tar czf` makes it"


class ArchiveTooLarge(Unprocessable):
    """The files in the archive are too many or too large."""

    code = "configuration-too-large"
    detail = (
        f"The configuration has more than {MAXIMUM_UNPACKED // 2**30} GiB or {MAXIMUM_FILES} files; "
        "leave out with .terraformignore what terraform does not need"
    )


class ArchiveCheck:
    """Follows an archive piece by piece."""

    def __init__(self) -> None:
        """See class."""
        self.size = 0
        self._gzip = zlib.decompressobj(GZIP)
        self._unpacked = 0
        self._files = 0
        self._header = bytearray()
        # The bytes of a file that are still to come, with what fills its last block.
        self._to_skip = 0
        # The archive ends with a block of zeros; what follows is of no interest.
        self._has_ended = False

    def tee(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces; raises ``NoArchive`` at the latest after the last one."""
        for piece in pieces:
            self.size += len(piece)
            self._feed(piece)
            yield piece
        if not self._gzip.eof or not self._has_ended or self._to_skip:
            raise NoArchive

    def _feed(self, packed: bytes) -> None:
        try:
            while packed:
                if self._gzip.eof:
                    if not packed.startswith(MAGIC):
                        # Some programs fill the last block.
                        if packed.strip(b"\0"):
                            raise NoArchive
                        return
                    self._gzip = zlib.decompressobj(GZIP)
                self._read(self._gzip.decompress(packed, PIECE))
                packed = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
        except zlib.error:
            raise NoArchive from None

    def _read(self, plain: bytes) -> None:
        self._unpacked += len(plain)
        if self._unpacked > MAXIMUM_UNPACKED:
            raise ArchiveTooLarge
        position = 0
        while position < len(plain) and not self._has_ended:
            if self._to_skip:
                step = min(self._to_skip, len(plain) - position)
                self._to_skip -= step
            else:
                step = min(BLOCK - len(self._header), len(plain) - position)
                self._header += plain[position : position + step]
                if len(self._header) == BLOCK:
                    self._read_header(bytes(self._header))
                    self._header.clear()
            position += step

    def _read_header(self, header: bytes) -> None:
        if not header.strip(b"\0"):
            self._has_ended = True
            return
        if _number(header[CHECKSUM]) != sum(header) - sum(header[CHECKSUM]) + 8 * ord(" "):
            raise NoArchive
        self._files += 1
        if self._files > MAXIMUM_FILES:
            raise ArchiveTooLarge
        # Links, folders and devices have no content, whatever size some programs write.
        size = 0 if header[TYPE] in WITHOUT_CONTENT else _number(header[SIZE])
        self._to_skip = -(-size // BLOCK) * BLOCK


def _number(field: bytes) -> int:
    """A number of a header: octal digits, or after a set first bit in base 256, as GNU tar writes large ones."""
    if field[0] == 0x80:  # noqa: PLR2004 - the mark of a positive number in base 256
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    if text.strip(b"01234567"):
        raise NoArchive
    return int(text, 8) if text else 0
