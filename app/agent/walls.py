"""What of the file system is seen in the sandbox of bubblewrap."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# What Terraform sees of its directories: the same on every agent, since a plan may hold such paths.
INSIDE_WORK = Path("/groundplan/work")
INSIDE_INPUT = Path("/groundplan/input")
INSIDE_CACHE = Path("/groundplan/cache")
INSIDE_PROGRAMS = Path("/groundplan/bin")
# /tmp and /dev/shm are in memory.
MOST_TEMPORARY_BYTES = 1 << 30

SYSTEM = Path("/usr")
OF_SYSTEM = (
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"),
    *("/etc/localtime", "/etc/passwd", "/etc/group", "/etc/alternatives"),
)
# On most systems these are links into /usr.
ROOTS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@dataclass(frozen=True)
class Walls:
    """What is seen, whatever is run: the system, but not the folders that are hidden."""

    memory: int
    # The folders of agent and service, without links.
    hidden: tuple[Path, ...]
    # Whether the user in the sandbox may enter a folder.
    may_enter: Callable[[Path], bool]

    def arguments(self, bindings: Iterable[str] = (), readable: Sequence[Path] = ()) -> list[str]:
        """The arguments of bubblewrap; `readable` are seen where they are, beside what is bound by `bindings`."""
        arguments, covers = self._show(SYSTEM)
        for path in map(Path, ROOTS):
            if path.is_symlink():
                arguments += ["--symlink", str(path.readlink()), str(path)]
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        for folder, part in (("/tmp", 2), ("/dev/shm", 8)):  # noqa: S108 - these are folders of the sandbox alone
            size = min(MOST_TEMPORARY_BYTES, self.memory // part)
            arguments += ["--size", str(max(4096, size)), "--tmpfs", folder]
        arguments += ["--symlink", "/tmp", "/var/tmp"]  # noqa: S108
        for path in [*(Path(root) for root in ROOTS if not Path(root).is_symlink()), *map(Path, OF_SYSTEM), *readable]:
            if path in readable or path.exists():
                shown, closed = self._show(path)
                arguments += shown
                covers += closed
        # Everything has its place now. Below, only what has a size of its own or lies on the disk may be written.
        return [*arguments, *bindings, *covers, "--remount-ro", "/dev", "--remount-ro", "/"]

    def find_inside(self, program: Path) -> Path:
        """The path of a program as it is seen: the system's stay where they are, others are bound alone."""
        of_system = program == program.resolve() and program.is_relative_to(SYSTEM)
        is_seen = of_system and not any(program.is_relative_to(path) for path in self.hidden)
        return program if is_seen else INSIDE_PROGRAMS / program.name

    def _show(self, path: Path) -> tuple[list[str], list[str]]:
        """The arguments that show a path, and those that close at the end what covers a part of it."""
        shown, closed = ["--ro-bind", str(path), str(path)], []
        for cover in self._covers(path):
            shown += ["--size", "4096", "--tmpfs", cover]
            closed += ["--remount-ro", cover]
        return shown, closed

    def _covers(self, bound: Path) -> list[str]:
        """What must be covered of a folder that is seen."""
        source = bound.resolve()
        found = []
        for hidden in self.hidden:
            if hidden.is_relative_to(source) and os.path.isdir(hidden):  # noqa: PTH112 - also where it can't be found out
                # The first on the way that is closed to the user, who can't cover anything in it.
                way = [path for path in reversed((hidden, *hidden.parents)) if path.is_relative_to(source)]
                first = next((path for path in way[1:] if not self.may_enter(path)), hidden)
                found.append(str(bound / first.relative_to(source)))
        return found
