"""Doorbells: waking the agents on this host, so that they ask for work at once instead of at their next poll.

Each agent binds a datagram socket in a folder, and whoever has queued work sends an empty datagram to all of them.
Nothing depends on it: an agent that hears nothing asks again after a while.
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
"""The key in a session's ``info``: the set of reasons to wake agents after the commit."""

JOB: Final = "job"
"""A job was queued."""
SIGNAL: Final = "signal"
"""A running job should stop: agents renew their leases at once, and learn it by the answers."""


def want_ring(info: dict[Any, Any], reason: str) -> None:
    """Note in a session's ``info`` that agents should be woken after the commit."""
    info.setdefault(RING, set()).add(reason)


def ring(folder: Path, reasons: Iterable[str]) -> None:
    """Wake every agent that has a socket in the folder. A socket whose agent was killed is removed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)  # noqa: FBT003 - the name of the method says it
        for each in folder.glob("*.sock"):
            # A full queue means that the agent has not yet looked, so it will.
            for reason in reasons:
                with suppress(OSError), _short(each) as address:
                    try:
                        bell.sendto(reason.encode(), address)
                    except ConnectionRefusedError:
                        each.unlink()


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
