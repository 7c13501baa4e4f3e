"""Brings the state of an apply to the service: while Terraform works, and after its end until it has arrived."""

import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from app.agent.client import JobClient, JobLost, Refused, Unavailable, insist
from app.agent.directory import BadFile, RunDirectory

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
UPLOAD_SECONDS = 10.0
QUIET_NANOSECONDS = 50_000_000
# How long the last state is offered to a service that is away, before it is left to the next start of the agent.
HOURS = 24.0


class States:
    """Watches the state in the directory of a run."""

    def __init__(self, job: JobClient, directory: RunDirectory, before: str | None) -> None:
        self._job = job
        self._directory = directory
        # The digest of what the service has.
        self._known = before
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"state-{job.path}", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        changed: tuple[int, int] | None = None
        due = time.monotonic() + UPLOAD_SECONDS
        while not self._ended.wait(LOOK_SECONDS):
            if time.monotonic() < due:
                continue
            try:
                now = self._seen()
                if now is None or now == changed:
                    continue
                if self._upload(self._directory.state, final=False):
                    changed, due = now, time.monotonic() + UPLOAD_SECONDS
            except (Unavailable, JobLost, Refused, BadFile, OSError) as error:
                # The state is offered again at the end at the latest.
                logger.info("A state of %s was not taken while applying: %s", self._job.path, error)
                due = time.monotonic() + UPLOAD_SECONDS

    def _seen(self) -> tuple[int, int] | None:
        file = self._directory.open(self._directory.state)
        if file is None:
            return None
        with file:
            status = os.fstat(file.fileno())
        return status.st_mtime_ns, status.st_size

    def upload_last(self, ended: threading.Event | None = None) -> str | None:
        """Bring the last state, however long it takes: as what it is kept, None if there is nothing new."""
        paths = [self._directory.state]
        left = self._directory.errored_state
        # Terraform leaves its state there if it could not write it to its place.
        if self._exists(left):
            paths.append(left)
        kept = None
        for path in paths:
            # The lock of a run that was given up is released by the last one.
            is_last = path == paths[-1]
            attempt: Callable[[], str | None] = partial(self._upload, path, final=True, is_last=is_last)
            kept = insist(attempt, ended, seconds=HOURS * 3600) or kept
        return kept

    def _exists(self, path: str) -> bool:
        try:
            file = self._directory.open(path)
        except BadFile:
            return False
        if file is not None:
            file.close()
        return file is not None

    def _upload(self, path: str, *, final: bool, is_last: bool = False) -> str | None:
        copied = self._copy(path, final=final)
        if copied is None:
            return None
        file, digest = copied
        with file:
            if digest == self._known:
                return "unchanged"
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            kept = self._job.state(file, length, final=is_last)
        self._known = digest
        return kept

    def _copy(self, path: str, *, final: bool) -> tuple[IO[bytes], str] | None:
        """A copy that nothing changes any more; None while Terraform is just writing, or has written nothing."""
        source = self._directory.open(path)
        if source is None:
            return None
        target: Path = self._directory.root / "state-to-send"
        with source:
            before = os.fstat(source.fileno())
            if not final and time.time_ns() - before.st_mtime_ns < QUIET_NANOSECONDS:
                return None
            with target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            after = os.fstat(source.fileno())
        if final and not before.st_size and self._known is not None:
            raise BadFile("Terraform was killed while it wrote its state")
        if not before.st_size or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            return None
        copied = target.open("rb")
        return copied, digest(copied)


def digest(file: IO[bytes]) -> str:
    """By what two states are told apart."""
    file.seek(0)
    found = hashlib.sha256()
    while data := file.read(1 << 20):
        found.update(data)
    return found.hexdigest()


def keep_lost(directory: RunDirectory, folder: Path, run_id: str) -> Path:
    """Keep a state that the service does not take, for the operator; OSError if it can't be kept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{run_id}.tfstate"
    for path, kept in ((directory.state, target), (directory.errored_state, folder / f"{run_id}.errored.tfstate")):
        try:
            file = directory.open(path)
        except BadFile:
            # Whatever the run has put there, it is no state.
            continue
        if file is None:
            continue
        part = kept.with_name(f"{kept.name}.new")
        with file, part.open("wb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(kept)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    return target
