"""The form of a backup: a tar file, written and read from its beginning to its end.

``groundplan-backup.json`` says what it is; ``keys.json`` has the keys of the service, if they were asked for. Then come
the rows of each table, those referred to first, in parts of JSON lines; the objects, as they are in the store; their
digests; and ``manifest.json``, by which a file that was cut off shows.
"""

import gzip
import hashlib
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, BinaryIO, Final

import orjson

from app.persistence.copying import Values

FORMAT: Final = 1
HEAD: Final = "groundplan-backup.json"
KEYS: Final = "keys.json"
ROWS: Final = "rows/"
OBJECTS: Final = "objects/"
DIGESTS: Final = "objects.sha256"
MANIFEST: Final = "manifest.json"
# So much of a table is compressed at once.
PART_BYTES: Final = 4 * 2**20
# Larger objects wait in a temporary file until their size is known.
IN_MEMORY: Final = 4 * 2**20
PIECE: Final = 256 * 1024
# Rows are mostly names and ids: a higher level takes much longer, and saves little.
LEVEL: Final = 1
DIGEST_BITS: Final = 256


class BackupError(Exception):
    """A backup can't be made, read or restored. The text is one sentence for the operator."""


class Tally:
    """How many rows there are, and a digest of them all that does not depend on their order."""

    def __init__(self) -> None:
        """There is none yet."""
        self.rows = 0
        self._sum = 0

    def add(self, line: bytes) -> None:
        """Count a row."""
        self.rows += 1
        self._sum += int.from_bytes(hashlib.sha256(line).digest())

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"rows": self.rows, "digest": f"{self._sum % 2**DIGEST_BITS:064x}"}


def tallied(rows: Iterable[Sequence[Values]]) -> Tally:
    """The tally of a table's rows."""
    tally = Tally()
    for some in rows:
        for row in some:
            tally.add(orjson.dumps(row))
    return tally


class Writer:
    """Writes a backup into a file that need not be seekable."""

    def __init__(self, file: BinaryIO, digests: BinaryIO) -> None:
        """Nothing is written yet; the digests of objects wait in a temporary file."""
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT, bufsize=PIECE)  # noqa: SIM115 - close ends it, and the file is the caller's
        self._digests = digests
        self._manifest: dict[str, Any] = {"tables": {}, "objects": 0, "bytes": 0, "missing": 0, "members": {}}

    def document(self, name: str, content: object) -> None:
        """A member with JSON, whose digest is in the manifest."""
        data = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        self._manifest["members"][name] = hashlib.sha256(data).hexdigest()
        self._add(name, BytesIO(data), len(data))

    def table(self, name: str, rows: Iterable[Sequence[Values]]) -> None:
        """The rows of a table."""
        tally, waiting, size, number = Tally(), [], 0, 0
        for some in rows:
            for row in some:
                line = orjson.dumps(row)
                tally.add(line)
                waiting.append(line)
                size += len(line)
            if size > PART_BYTES:
                self._part(name, number, waiting)
                waiting, size, number = [], 0, number + 1
        if waiting:
            self._part(name, number, waiting)
        self._manifest["tables"][name] = tally.as_json()

    def _part(self, name: str, number: int, lines: Sequence[bytes]) -> None:
        data = gzip.compress(b"\n".join(lines), LEVEL, mtime=0)
        self._add(f"{ROWS}{name}/{number:06d}.jsonl.gz", BytesIO(data), len(data))

    def object(self, name: str, pieces: Iterable[bytes]) -> None:
        """An object with the name that it has in the store."""
        digest = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            size = file.tell()
            file.seek(0)
            self._add(f"{OBJECTS}{name}", file, size)
        self._digests.write(f"{digest.hexdigest()}  {name}\n".encode())
        self._manifest["objects"] += 1
        self._manifest["bytes"] += size

    def missing(self, name: str) -> None:
        """Note an object that rows name, and that the store does not have."""
        self._digests.write(f"-  {name}\n".encode())
        self._manifest["missing"] += 1

    def abandon(self) -> None:
        """Let the library write nothing more into a file that is closed or gone."""
        stream: Any = self._tar.fileobj
        stream.closed = True

    def close(self) -> dict[str, Any]:
        """Write the digests and the manifest; returns the manifest."""
        size = self._digests.tell()
        self._digests.seek(0)
        digest = hashlib.sha256()
        while piece := self._digests.read(PIECE):
            digest.update(piece)
        self._manifest["members"][DIGESTS] = digest.hexdigest()
        self._digests.seek(0)
        self._add(DIGESTS, self._digests, size)
        data = orjson.dumps(self._manifest, option=orjson.OPT_INDENT_2)
        self._add(MANIFEST, BytesIO(data), len(data))
        self._tar.close()
        return self._manifest

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        self._tar.addfile(member, file)
        # The library keeps all that it has written; there may be millions.
        self._tar.members = []  # type: ignore[attr-defined] # documented by nobody, and there since ever


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a backup that is being read; to be read before the next one."""

    name: str
    size: int
    _file: IO[bytes]

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""
        left = self.size
        while left:
            with _damage():
                piece = self._file.read(min(PIECE, left))
            if not piece:
                raise BackupError(f"The backup is cut off within {self.name}.")
            left -= len(piece)
            yield piece

    def content(self) -> bytes:
        """All of its bytes: only of those that are small."""
        return b"".join(self.pieces())


class Reader:
    """Reads a backup in the order in which it was written, and compares it with its manifest."""

    def __init__(self, file: BinaryIO, digests: BinaryIO) -> None:
        """``file`` need not be seekable; the digests of objects wait in a temporary file."""
        self._file = file
        with _damage():
            self._tar = tarfile.open(fileobj=file, mode="r|", bufsize=PIECE)  # noqa: SIM115 - the file is the caller's
        self._next = self._following()
        self._found: dict[str, Any] = {"tables": {}, "objects": 0, "bytes": 0, "missing": 0, "members": {}}
        self._digests = digests
        self.head: dict[str, Any] = self.document(HEAD) or {}
        if self.head.get("format") != FORMAT:
            raise BackupError("The file is no backup that this version of Groundplan reads.")

    def document(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """The content of the next member, if it has the name."""
        if self._next is None or self._next.name != name:
            return None
        with _damage():
            data = self._next.content()
            self._found["members"][name] = hashlib.sha256(data).hexdigest()
            self._next = self._following()
            return orjson.loads(data)

    def rows(self, name: str) -> Iterator[list[Values]]:
        """The rows of a table, a part at a time."""
        tally = Tally()
        while self._next is not None and self._next.name.startswith(f"{ROWS}{name}/"):
            with _damage():
                lines = gzip.decompress(self._next.content()).split(b"\n")
                self._next = self._following()
                for line in lines:
                    tally.add(line)
                rows = [orjson.loads(line) for line in lines]
            yield rows
        self._found["tables"][name] = tally.as_json()

    def objects(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The objects with their names; each is to be read to its end."""
        while self._next is not None and self._next.name.startswith(OBJECTS):
            name = self._next.name.removeprefix(OBJECTS)
            digest = hashlib.sha256()
            yield name, _hashed(self._next.pieces(), digest.update)
            self._digests.write(f"{digest.hexdigest()}  {name}\n".encode())
            self._found["objects"] += 1
            self._found["bytes"] += self._next.size
            with _damage():
                self._next = self._following()

    def close(self) -> dict[str, Any]:
        """Read the rest, and fail if something is not as the manifest says; returns the manifest."""
        with _damage():
            self._compare_objects(self._expected(DIGESTS))
            self._next = self._following()
            manifest: dict[str, Any] = orjson.loads(self._expected(MANIFEST).content())
            self._next = self._following()
            while self._file.read(PIECE):
                # So that what is encrypted is authenticated to its end.
                pass
        for name, told in manifest["tables"].items():
            found = self._found["tables"].get(name, {"rows": 0})
            if found != told:
                raise BackupError(
                    f"The backup is damaged: it has {found['rows']} rows of {name} and not the {told['rows']} that it "
                    "had when it was made, or others."
                )
        self._found["missing"] = manifest["missing"]
        if self._found != manifest:
            raise BackupError("The backup is damaged: its members are not those in its manifest.")
        return manifest

    def _compare_objects(self, listed: Member) -> None:
        digest = hashlib.sha256()
        self._digests.seek(0)
        for line in _lines(_hashed(listed.pieces(), digest.update)):
            if not line.startswith(b"-  ") and (found := self._digests.readline().rstrip(b"\n")) != line:
                name = (found or line).partition(b"  ")[2].decode()
                raise BackupError(f"The backup is damaged: the object {name} is missing or was changed.")
        if rest := self._digests.readline():
            raise BackupError(f"The backup is damaged: the object {rest.decode().split()[1]} was added.")
        self._found["members"][DIGESTS] = digest.hexdigest()

    def _following(self) -> Member | None:
        member = self._tar.next()
        self._tar.members = []  # type: ignore[attr-defined]
        if member is None:
            return None
        file = self._tar.extractfile(member)
        if file is None:
            raise BackupError(f"The backup is damaged: {member.name} is no file.")
        return Member(member.name, member.size, file)

    def _expected(self, name: str) -> Member:
        if self._next is None:
            raise BackupError("The backup is cut off: it has no manifest.")
        if self._next.name != name:
            raise BackupError(f"The backup is damaged: {self._next.name} is not where it belongs.")
        return self._next


def _hashed(pieces: Iterable[bytes], note: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        note(piece)
        yield piece


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


@contextmanager
def _damage() -> Iterator[None]:
    """What the libraries say about damaged bytes is one sentence to the operator."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError) as error:
        raise BackupError("The backup is damaged or cut off.") from error
