"""The form of an export: a compressed tar file with plain JSON, states as Terraform reads them, and Terraform code.

``groundplan-export.json`` says what it is; ``states/`` has every state version; ``records.jsonl`` has everything else,
a record in each line; ``main.tf`` is code for the provider of HCP Terraform; ``manifest.json`` comes last, with the
digest of each of the others, so a file that was cut off shows.
"""

import hashlib
import io
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Final

import orjson

from app.transfer.records import Record, TransferError

FORMAT: Final = 1
HEAD: Final = "groundplan-export.json"
RECORDS: Final = "records.jsonl"
CODE: Final = "main.tf"
MANIFEST: Final = "manifest.json"
STATES: Final = "states/"
PIECE: Final = 256 * 1024
# So much is decompressed at once, which can become a thousand times as much.
COMPRESSED: Final = 16 * 1024
IN_MEMORY: Final = 4 * 2**20
# What an archive that somebody has made up may take at most, member by member.
DOCUMENT_BYTES: Final = 512 * 2**20
MEMBERS: Final = 1_000_000
NAME_LENGTH: Final = 500


class Digest:
    """The size, the MD5 and the SHA-256 of what goes through."""

    def __init__(self) -> None:
        """Nothing has yet."""
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)  # what Terraform calls a state by
        self._sha256 = hashlib.sha256()

    def take(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces."""
        for piece in pieces:
            self.size += len(piece)
            self._md5.update(piece)
            self._sha256.update(piece)
            yield piece

    @property
    def md5(self) -> str:
        """In hexadecimal digits."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """Likewise."""
        return self._sha256.hexdigest()


class Writer:
    """Writes an archive into a file that need not be seekable."""

    def __init__(self, file: BinaryIO) -> None:
        """Nothing is written yet."""
        self._tar = tarfile.open(fileobj=file, mode="w|gz", format=tarfile.PAX_FORMAT, bufsize=PIECE)  # noqa: SIM115 - close ends it
        self._members: dict[str, str] = {}

    def document(self, name: str, content: object) -> None:
        """A small member with JSON."""
        self.file(name, io.BytesIO(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"))

    def stream(self, name: str, pieces: Iterable[bytes]) -> Digest:
        """A member whose size is known only when all of it has come."""
        digest = Digest()
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            for piece in digest.take(pieces):
                file.write(piece)
            self._add(name, file, digest.size)
        self._members[name] = digest.sha256
        return digest

    def file(self, name: str, file: IO[bytes]) -> None:
        """A member with the content of a file."""
        digest = Digest()
        file.seek(0)
        for _ in digest.take(iter(lambda: file.read(PIECE), b"")):
            pass
        self._add(name, file, digest.size)
        self._members[name] = digest.sha256

    def close(self, content: Mapping[str, Any]) -> None:
        """Write the manifest: this, and the digests."""
        data = orjson.dumps({**content, "members": self._members}, option=orjson.OPT_INDENT_2)
        self._add(MANIFEST, io.BytesIO(data), len(data))
        self._tar.close()

    def abandon(self) -> None:
        """Let the library write nothing more into a file that is closed or gone."""
        stream: Any = self._tar.fileobj
        stream.closed = True

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        file.seek(0)
        self._tar.addfile(member, file)
        # The library keeps all that it has written; there may be very many.
        self._tar.members = []  # type: ignore[attr-defined] # documented by nobody, and there since ever


class Unpacked:
    """An archive in a folder, compared with its manifest."""

    def __init__(self, folder: Path) -> None:
        """The folder has all members under their names."""
        self._folder = folder
        self.head: dict[str, Any] = orjson.loads((folder / HEAD).read_bytes())

    def records(self) -> Iterator[Record]:
        """All records, in the order in which they were written."""
        with (self._folder / RECORDS).open("rb") as file, damage():
            for line in file:
                yield Record.from_json(orjson.loads(line))

    @contextmanager
    def state(self, version: Mapping[str, Any]) -> Iterator[Iterator[bytes]]:
        """The bytes of a state version."""
        with (self._folder / _safe(str(version["file"]))).open("rb") as file:
            yield iter(lambda: file.read(PIECE), b"")


@contextmanager
def unpack_archive(file: BinaryIO, state_bytes: int) -> Iterator[Unpacked]:
    """The archive in a folder of its own, which is gone at the end: nothing is taken from one that is damaged."""
    with tempfile.TemporaryDirectory(prefix="groundplan-import-") as name:
        folder = Path(name)
        with damage():
            found = _unpack(file, folder, state_bytes)
            manifest = orjson.loads((folder / MANIFEST).read_bytes())
            head = orjson.loads((folder / HEAD).read_bytes())
            if head.get("format") != FORMAT:
                raise TransferError(f"The archive has the format {head.get('format')}; this version reads {FORMAT}.")
            if manifest["members"] != {each: digest for each, digest in found.items() if each != MANIFEST}:
                raise TransferError("The archive is damaged: its members are not those of its manifest.")
        yield Unpacked(folder)


def _unpack(file: BinaryIO, folder: Path, state_bytes: int) -> dict[str, str]:
    found: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="r|gz", bufsize=COMPRESSED) as tar:
        for member in tar:
            name = _safe(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            limit = state_bytes if name.startswith(STATES) else DOCUMENT_BYTES
            if content is None or name in found or member.size > limit or len(found) >= MEMBERS:
                raise TransferError(f"The archive has a member that no export has, or one that is too large: {name}.")
            digest = Digest()
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as target:
                for piece in digest.take(_pieces(content)):
                    target.write(piece)
            found[name] = digest.sha256
            tar.members = []  # type: ignore[attr-defined] # likewise
    if HEAD not in found or RECORDS not in found or MANIFEST not in found:
        raise TransferError("The file is no export of Groundplan, or it is cut off.")
    return found


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(PIECE), b"")


def _safe(name: str) -> str:
    """The name of a member, which stays within the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or len(name) > NAME_LENGTH or not name.isprintable():
        raise TransferError("The archive has a member whose name leads out of it.")
    return name


@contextmanager
def damage() -> Iterator[None]:
    """What goes wrong with damaged bytes is one sentence to the operator."""
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise TransferError(f"The archive can't be unpacked: {error.strerror}.") from error
        raise TransferError("The file is no export of Groundplan, or it is damaged or cut off.") from error
