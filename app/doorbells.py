"""Doorbells: waking the agents and workers on this host, so that they look for work at once instead of a while later.

Each of them binds a datagram socket in a folder, and whoever has queued work sends a datagram to all of them.
Nothing depends on it: one that hears nothing looks again after a while.
"""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "doorbells"
LONGEST_ADDRESS: Final = 100
RING: Final = "groundplan.ring"
"""The key in a session's ``info``: the set of reasons to wake somebody after the commit."""

JOB: Final = "job"
"""A job was queued."""
SIGNAL: Final = "signal"
"""A running job should stop: agents renew their leases at once, and learn it by the answers."""
WORK: Final = "work"
"""A background task is due: for workers, and for no agent."""
OF_WORKER: Final = "worker-"
"""How the names of the sockets of workers begin."""


def want_ring(info: dict[Any, Any], reason: str) -> None:
    """Note in a session's ``info`` whom to wake after the commit."""
    info.setdefault(RING, set()).add(reason)


def ring(folder: Path, reasons: Iterable[str]) -> None:
    """Wake everybody with a socket in the folder whom a reason is for. A socket whose process was killed is removed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)  # noqa: FBT003 - the name of the method says it
        for each in folder.glob("*.sock"):
            # A full queue means that the agent has not yet looked, so it will.
            for reason in reasons:
                if (reason == WORK) is not each.name.startswith(OF_WORKER):
                    continue
                with suppress(OSError), _short(each) as address:
                    try:
                        bell.sendto(reason.encode(), address)
                    except ConnectionRefusedError:
                        each.unlink()


def listen(path: Path) -> socket.socket:
    """A doorbell at this path, in a folder that is there; reading from it does not wait."""
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.setblocking(False)  # noqa: FBT003 - the name of the method says it
    try:
        path.unlink(missing_ok=True)
        with _short(path) as address:
            bell.bind(address)
    except OSError:
        bell.close()
        raise
    return bell


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path as an address, which may not be long: then its folder is named by a descriptor."""
    if len(str(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    opened = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{path.name}"
    finally:
        os.close(opened)
