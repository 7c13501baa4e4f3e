"""Objects as files in a folder."""

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from app.storage.store import Missing, checked

PIECE = 256 * 1024


class FileStore:
    """A folder on a disk, or on a network file system that keeps what it has synced."""

    def __init__(self, root: Path) -> None:
        """The folder is made when it is first needed."""
        self._root = root

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """See ``Store``: a draft, synced, then renamed; the folder is synced as well, for the name is in it."""
        path = self._path(name)
        self._make(path.parent)
        # No object has a dot in its name, so no draft is ever taken for one.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def open(self, name: str) -> Iterator[bytes]:
        """See ``Store``."""
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError:
            raise Missing(name) from None
        return _pieces(file)

    def delete(self, name: str) -> None:
        """See ``Store``."""
        self._path(name).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        """See ``Store``."""
        return self._path(name).is_file()

    def _path(self, name: str) -> Path:
        return self._root / checked(name)

    def _make(self, folder: Path) -> None:
        # A new folder is lost with the power unless the one above is synced.
        if folder.is_dir():
            return
        if folder != self._root:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
