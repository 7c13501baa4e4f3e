"""Unpacks a configuration that anybody may have packed, with everything that such an archive may try."""

import gzip
import os
import posixpath
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

PIECE = 1024 * 1024
NAME_BYTES, PATH_BYTES = 255, 4000
OVERRIDE = "zzz_groundplan_override.tf.json"
# Of the data directory, only downloaded modules are of use here. Anything else in it could stand in for a provider or
# for the settings of the backend.
DATA_DIRECTORY, KEPT_OF_DATA = ".terraform", "modules"


class BadConfiguration(Exception):
    """A configuration that can't be used; the text is for the user."""


class _Careful:
    """A file of which nobody reads much at once: headers of archives may pretend to be huge."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > PIECE:
            raise BadConfiguration("The configuration can't be unpacked: a header in the archive is too large.")
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()


def unpack(
    packed: IO[bytes], target: Path, *, most_bytes: int, most_files: int, own: Callable[[Path], None] = lambda _: None
) -> None:
    """Unpack a gzipped tar into an empty directory; `own` gives each file to the user as whom Terraform runs."""
    with tempfile.TemporaryFile() as plain:
        _decompress(packed, plain, most_bytes + most_files * 2048)
        plain.seek(0)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", _Careful(plain)), mode="r:") as archive:
                _unpack(archive, target, most_bytes, most_files)
        except (tarfile.TarError, UnicodeError, EOFError) as error:
            raise BadConfiguration(
                f"The configuration can't be unpacked: it is no valid tar archive ({error})."
            ) from error
        except OSError as error:
            name = os.path.relpath(str(error.filename or target), target)
            raise BadConfiguration(f"The configuration can't be unpacked: {name}: {error.strerror}.") from error
    for folder, _, files in os.walk(target):
        own(Path(folder))
        for name in files:
            own(Path(folder, name))


def _decompress(packed: IO[bytes], plain: IO[bytes], most: int) -> None:
    length = 0
    try:
        with gzip.GzipFile(fileobj=packed, mode="rb") as stream:
            while piece := stream.read(PIECE):
                length += len(piece)
                if length > most:
                    raise BadConfiguration(f"The configuration is too large: unpacked it has more than {most} bytes.")
                plain.write(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise BadConfiguration(
            f"The configuration can't be unpacked: it is no valid gzip file ({error}). Upload a gzipped tar archive."
        ) from error


def _unpack(archive: tarfile.TarFile, target: Path, most_bytes: int, most_files: int) -> None:
    length = 0
    links: list[tuple[str, str]] = []
    for count, member in enumerate(archive, 1):
        length += member.size
        if count > most_files:
            raise BadConfiguration(f"The configuration has more than {most_files} files.")
        if length > most_bytes:
            raise BadConfiguration(f"The configuration is too large: unpacked it has more than {most_bytes} bytes.")
        name = _normalized(member.name)
        if name == "." or _is_left_out(name):
            continue
        if member.issym():
            links.append((name, member.linkname))
        else:
            _add(archive, member, target, name)
    # Last, so that nothing is written through one.
    for name, linked in links:
        _link(target, name, linked)
    root = os.path.realpath(target)
    for name, _ in links:
        if not _is_within(os.path.realpath(target / name), root):
            raise BadConfiguration(f"The configuration has a link {name} that leads out of it.")


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, name: str) -> None:
    if posixpath.basename(name) == OVERRIDE:
        raise BadConfiguration(f"The configuration has a file {name}. The service needs this name, so rename the file.")
    if member.isdir():
        _make_folder(target, target / name)
    elif member.isreg() and not member.issparse():
        _make_folder(target, (target / name).parent)
        _write(archive, member, target / name)
    else:
        raise BadConfiguration(
            f"The configuration has an entry {name} that is neither a file nor a directory nor a symbolic link."
        )


def _normalized(name: str) -> str:
    if "\0" in name or len(os.fsencode(name)) > PATH_BYTES or any(len(part) > NAME_BYTES for part in name.split("/")):
        raise BadConfiguration("The configuration has a file whose name is too long or not valid.")
    normalized = posixpath.normpath(name)
    if name.startswith("/") or normalized == ".." or normalized.startswith("../") or ".." in name.split("/"):
        raise BadConfiguration(f"The configuration has a file {name} that lies outside of it.")
    return normalized


def _is_left_out(name: str) -> bool:
    parts = name.split("/")
    if DATA_DIRECTORY not in parts:
        return False
    after = parts[parts.index(DATA_DIRECTORY) + 1 :]
    return not after or after[0] != KEPT_OF_DATA


def _make_folder(target: Path, folder: Path) -> None:
    current = target
    for part in folder.relative_to(target).parts:
        current /= part
        if current.is_symlink():
            raise BadConfiguration(f"The configuration has a name {part} twice.")
        if not current.is_dir():
            current.mkdir()
            current.chmod(0o755)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None
    mode = 0o644 | (member.mode & 0o111)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        # As it was packed: some data sources read the mode, too.
        os.fchmod(descriptor, mode)
        while piece := source.read(PIECE):
            file.write(piece)


def _link(target: Path, name: str, linked: str) -> None:
    goal = posixpath.normpath(posixpath.join(posixpath.dirname(name), linked))
    if linked.startswith("/") or goal == ".." or goal.startswith("../"):
        raise BadConfiguration(f"The configuration has a link {name} that leads out of it.")
    if posixpath.basename(name) == OVERRIDE:
        raise BadConfiguration(f"The configuration has a link {name}. The service needs this name, so rename the link.")
    path = target / name
    _make_folder(target, path.parent)
    path.unlink(missing_ok=True)
    path.symlink_to(linked)


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)
