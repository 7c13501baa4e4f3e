"""Keeps the schemas of providers, which take seconds to be read from large ones."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

MOST = 32
MOST_BYTES = 2 << 30


class Schemas:
    """A folder of schemas by key; the least used ones go first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[Path], None]) -> Path:
        """The file for a key, which is made if it is missing."""
        path = self._folder / f"{key}.json"
        if path.exists():
            with contextlib.suppress(OSError):
                os.utime(path)
                return path
        self._folder.mkdir(mode=0o700, exist_ok=True)
        new = self._folder / f"{key}.{threading.get_ident()}.new"
        try:
            make(new)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        self._tidy(path)
        return path

    def _tidy(self, newest: Path) -> None:
        with self._lock, contextlib.suppress(OSError):
            found = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
            total = 0
            for number, path in enumerate(found):
                total += path.stat().st_size
                if path != newest and (number >= MOST or total > MOST_BYTES):
                    path.unlink()
