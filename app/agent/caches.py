"""The providers that slots keep for their next jobs.

Terraform writes there, and a provider is a program: what one organization has left, another one never runs.
"""

import hashlib
import os
from pathlib import Path

from app.agent.constraints import key
from app.agent.directory import disk_usage, remove_tree
from app.agent.sandbox import Sandbox
from app.agent.versions import Program

# Before it, Terraform took from the cache whatever had the right name.
FIRST_WITH_CHECKSUMS = "1.4.0"


class Caches:
    """A folder for each slot, with one for each organization."""

    def __init__(self, folder: Path, sandbox: Sandbox, most_bytes: int) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._most_bytes = most_bytes

    def open(self, slot: int, organization: str) -> tuple[Path, set[Path]]:
        """The folder for a job, and those that were removed because the slot had too much: the least used go first.

        Only the one job of the slot uses any of them.
        """
        of_slot = self._folder / str(slot)
        of_slot.mkdir(exist_ok=True)
        of_slot.chmod(0o711)
        # The name is the customer's, and could be any text.
        own = of_slot / hashlib.sha256(organization.encode()).hexdigest()[:32]
        others = sorted(
            (path for path in of_slot.iterdir() if path != own), key=lambda path: path.lstat().st_mtime, reverse=True
        )
        total, removed = 0, set()
        for path in [own, *others]:
            total += disk_usage(path)
            if total > self._most_bytes:
                remove_tree(path)
                removed.add(path)
        if not own.is_dir():
            own.mkdir(mode=0o755)
            self._sandbox.own(own)
        os.utime(own)
        return own, removed


def checks_cache(program: Program) -> bool:
    """Whether a program takes from the cache only what has the checksum of the lock file."""
    return program.tool != "terraform" or key(program.version) >= key(FIRST_WITH_CHECKSUMS)
