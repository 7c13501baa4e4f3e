"""Objects as files in a folder."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from app.storage.store import ObjectNotFound, StoreUnavailable, checked

PIECE = 256 * 1024
# Errors that last until an operator repairs something.
LASTING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EEXIST,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
    }
)


class FileStore:
    """A folder on a disk, or on a network file system on which synced data is durable."""

    def __init__(self, root: Path) -> None:
        """The folder is created when it is first needed."""
        self._root = root

    def put(self, name: str, chunks: Iterable[bytes]) -> None:
        """See ``Store``: writes a draft, syncs it, renames it, and syncs the folder, which has the name."""
        path = self._path(name)
        draft = _draft_of(path)
        with _of_the_folder():
            descriptor = self._begun(draft)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(path)
            except BaseException:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise
            _sync(path.parent)

    def open(self, name: str) -> Iterator[bytes]:
        """See ``Store``."""
        with _of_the_folder():
            try:
                file = self._path(name).open("rb")
            except FileNotFoundError:
                raise ObjectNotFound(name) from None
        return _pieces(file)

    def delete(self, name: str) -> None:
        """See ``Store``: also removes a killed process's draft, and the folder if it is empty then.

        Synced, too: an object that reappeared after a loss of power would have no row.
        """
        path = self._path(name)
        folder = path.parent
        with _of_the_folder():
            path.unlink(missing_ok=True)
            _draft_of(path).unlink(missing_ok=True)
        try:
            if folder != self._root:
                folder.rmdir()
                folder = folder.parent
        except OSError:
            # The folder is not empty, or does not exist.
            pass
        with _of_the_folder(), suppress(FileNotFoundError):
            _sync(folder)

    def exists(self, name: str) -> bool:
        """See ``Store``."""
        return self._path(name).is_file()

    def _path(self, name: str) -> Path:
        return self._root / checked(name)

    def _begun(self, draft: Path) -> int:
        while True:
            try:
                self._make(draft.parent)
                return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileNotFoundError:
                # The folder was empty, and a process that removed its last object has just removed it, too.
                continue

    def _make(self, folder: Path) -> None:
        # A loss of power can undo the creation of a folder unless the one above is synced.
        if folder.is_dir():
            return
        if folder != self._root:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


@contextmanager
def _of_the_folder() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(is_transient=error.errno not in LASTING) from error


def _draft_of(path: Path) -> Path:
    # No object has a dot in its name, so a draft can't be taken for one.
    return path.with_name(f".{path.name}")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while True:
            with _of_the_folder():
                piece = file.read(PIECE)
            if not piece:
                return
            yield piece


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
