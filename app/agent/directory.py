"""The directory of a run on the agent's disk.

Terraform writes into a part of it, and whatever Terraform starts may leave links there instead of files. So the agent
opens what it finds there step by step, and never through a link.
"""

import contextlib
import errno
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from app.agent.sandbox import Directories, Sandbox
from app.agent.unpack import OVERRIDE

STATE_FOLDER = "state"
LOCK_FILE = ".terraform.lock.hcl"
NOTES = "job.json"
# What tells something of the agent's host, and nothing of the file.
TROUBLE = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE}


class BadFile(Exception):
    """What should be a file of the run is something else; the text is for the user."""


class RunDirectory:
    """One run: `work` is Terraform's, `input` is read by Terraform, everything else is seen by the agent alone."""

    def __init__(self, root: Path, sandbox: Sandbox, cache: Path, workspace: str, working_directory: str) -> None:
        self.root = root
        self.sandbox = sandbox
        self.workspace = workspace
        self.directories = Directories(root / "work", root / "input", cache)
        self.inside = sandbox.inside(self.directories)
        self.working_directory = _safe_relative(working_directory)
        self.cwd = self.inside.work / "config" / self.working_directory

    def create(self) -> None:
        """Make the empty directories."""
        remove_tree(self.root)
        self.root.mkdir(mode=0o700, parents=True)
        self.directories.input.mkdir()
        for folder in (self.root, self.directories.input):
            folder.chmod(0o711)
        self.directories.work.mkdir(mode=0o700)
        for name in ("config", STATE_FOLDER, f"{STATE_FOLDER}/{self.workspace}", "out", "home", "tmp"):
            inner = self.directories.work / name
            inner.mkdir()
            inner.chmod(0o755)
            self.sandbox.own(inner)
        self.sandbox.own(self.directories.work)

    def use_cache(self, cache: Path) -> None:
        """Use another cache of providers: that of the slot in which the run goes on."""
        self.directories = replace(self.directories, cache=cache)
        self.inside = self.sandbox.inside(self.directories)

    def remove(self) -> None:
        """Remove everything."""
        remove_tree(self.root)

    @property
    def configuration(self) -> Path:
        """Where the configuration is unpacked."""
        return self.directories.work / "config"

    def check_working_directory(self) -> None:
        """Raise BadFile if the configuration has no such directory."""
        with self._folder(f"config/{self.working_directory}"):
            pass

    def write_override(self) -> None:
        """Let Terraform keep its state in a file here, whatever backend or cloud the configuration names."""
        backend = {
            "path": str(self.inside.work / STATE_FOLDER / "default" / "terraform.tfstate"),
            "workspace_dir": str(self.inside.work / STATE_FOLDER),
        }
        text = json.dumps({"terraform": {"backend": {"local": backend}}})
        self.write(f"config/{self.working_directory}/{OVERRIDE}", text.encode())

    def write_input(self, name: str, text: str) -> str:
        """Write a file that Terraform can read but not change: its path as Terraform sees it."""
        path = self.directories.input / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            self.sandbox.own(descriptor)
            file.write(text)
        return str(self.inside.input / name)

    @property
    def state(self) -> str:
        """The path of the state below `work`."""
        return f"{STATE_FOLDER}/{self.workspace}/terraform.tfstate"

    @property
    def errored_state(self) -> str:
        """Where Terraform leaves its state if it can't write it to its place, below `work`."""
        return f"config/{self.working_directory}/errored.tfstate"

    @property
    def lock_file(self) -> str:
        """The path of the lock file below `work`."""
        return f"config/{self.working_directory}/{LOCK_FILE}"

    def has_lock_file(self) -> bool:
        """Whether providers were chosen: those that are built in are no choice."""
        return os.path.lexists(self.directories.work / self.lock_file)

    def write(self, path: str, data: bytes | None = None) -> IO[bytes]:
        """Write a file below `work` anew, or open it to be written."""
        folder, _, name = path.rpartition("/")
        with self._folder(folder) as opened:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=opened)
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=opened)
        self.sandbox.own(descriptor)
        file = os.fdopen(descriptor, "w+b")
        if data is not None:
            with file:
                file.write(data)
        return file

    def remove_file(self, path: str) -> None:
        """Remove a file below `work`, if it is there."""
        folder, _, name = path.rpartition("/")
        with self._folder(folder) as opened, contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=opened)

    def open(self, path: str) -> IO[bytes] | None:
        """Open a file below `work` to be read; None if there is none."""
        folder, _, name = path.rpartition("/")
        try:
            with self._folder(folder) as opened:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in TROUBLE:
                raise
            raise BadFile(f"{path} is not a file") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise BadFile(f"{path} is not a file")
        return os.fdopen(descriptor, "rb")

    def read(self, path: str, most: int) -> bytes | None:
        """The bytes of a file below `work`; None if there is none."""
        file = self.open(path)
        if file is None:
            return None
        with file:
            data = file.read(most + 1)
        if len(data) > most:
            raise BadFile(f"{path} is larger than {most} bytes")
        return data

    def note(self, notes: dict[str, Any]) -> None:
        """Keep on disk what another agent must know to go on, should this one end."""
        path = self.root / f"{NOTES}.new"
        path.write_text(json.dumps(notes), encoding="utf-8")
        path.chmod(0o600)
        path.replace(self.root / NOTES)

    @contextlib.contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        descriptor = os.open(self.directories.work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for part in path.split("/"):
                if part in {"", "."}:
                    continue
                try:
                    inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                except FileNotFoundError:
                    raise
                except OSError as error:
                    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                        raise BadFile(f"{path} is not a directory") from error
                    raise
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def read_notes(root: Path) -> dict[str, Any] | None:
    """What was noted about the job in a directory."""
    try:
        notes = json.loads((root / NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notes if isinstance(notes, dict) else None


def remove_tree(root: Path) -> None:
    """Remove a directory, also one that goes very deep or whose directories are closed to their owner."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(root, ignore_errors=True)
    if root.exists():
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", root], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)  # noqa: S603


def _safe_relative(path: str) -> str:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in path:
        raise BadFile(f"The working directory {path} lies outside of the configuration.")
    return "/".join(parts)


def disk_usage(root: Path) -> int:
    """How many bytes a directory holds on the disk."""
    total = 0
    pending = [os.fspath(root)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return total
