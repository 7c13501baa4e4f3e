"""Finds the version of Terraform or OpenTofu that a run wants.

First comes what the operator has put into a folder, then what is on the PATH, then what was downloaded before; a
download comes last.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.agent import constraints
from app.agent.constraints import BadConstraint
from app.agent.downloads import Downloads, NotDownloaded

PROGRAMS = {"terraform": "terraform", "opentofu": "tofu"}
TITLES = {"terraform": "Terraform", "opentofu": "OpenTofu"}
# The folders of the operator may be named by the tool or by its program.
FOLDERS = {"terraform": ("terraform",), "opentofu": ("opentofu", "tofu")}


class NoVersion(Exception):
    """The version can't be had; the text is for the user."""


@dataclass(frozen=True)
class Program:
    """An installed version."""

    tool: str
    version: str
    path: Path

    @property
    def title(self) -> str:
        """What the log calls it."""
        return TITLES[self.tool]


class Versions:
    """The versions that this agent has or can get."""

    def __init__(self, tools: Path | None, downloads: Downloads, search: str | None = None) -> None:
        self._tools = tools
        self._downloads = downloads
        self._search = search
        self._on_path: dict[str, Program | None] = {}
        self._lock = threading.Lock()

    def at_hand(self) -> dict[str, list[str]]:
        """The versions of each tool that need no download, the newest last."""
        return {
            tool: sorted({program.version for program in self._local(tool)}, key=constraints.key) for tool in PROGRAMS
        }

    def find(self, tool: str, wanted: str, ended: Callable[[], bool] = lambda: False) -> Program:
        """The program for a version, a constraint or `latest`."""
        if tool not in PROGRAMS:
            raise NoVersion(f"This agent knows {' and '.join(PROGRAMS)}, not {tool}.")
        title = TITLES[tool]
        try:
            constraint = constraints.parse(wanted)
        except BadConstraint as error:
            raise NoVersion(
                f"The version of {title} can't be understood: {error}. Correct it in the workspace."
            ) from error
        local = self._local(tool)
        newest = constraint.newest(program.version for program in local)
        if newest is not None:
            return next(program for program in local if program.version == newest)
        try:
            version, path = self._downloads.get(tool, constraint, ended)
        except NotDownloaded as error:
            names = ", ".join(self.at_hand()[tool]) or "none"
            raise NoVersion(
                f"{title} {wanted} is not at hand on this agent (it has: {names}), and it was not downloaded: {error} "
                f"Choose another version in the workspace, or ask the operator of the agent to install this one."
            ) from error
        return Program(tool, version, path)

    def _local(self, tool: str) -> list[Program]:
        """The operator's, that on the PATH, and the downloaded ones: the earlier goes before the later."""
        found = [*self._of_operator(tool)]
        on_path = self._of_path(tool)
        if on_path is not None:
            found.append(on_path)
        found += [Program(tool, version, path) for version, path in self._downloads.present(tool)]
        return found

    def _of_operator(self, tool: str) -> list[Program]:
        found = []
        for name in FOLDERS[tool] if self._tools is not None else ():
            folder = (self._tools or Path()) / name
            if not folder.is_dir():
                continue
            for versioned in folder.iterdir():
                path = versioned / "bin" / PROGRAMS[tool]
                if constraints.VERSION.fullmatch(versioned.name) and os.access(path, os.X_OK):
                    found.append(Program(tool, versioned.name.removeprefix("v"), path.resolve()))
        return found

    def _of_path(self, tool: str) -> Program | None:
        with self._lock:
            if tool not in self._on_path:
                path = shutil.which(PROGRAMS[tool], path=self._search)
                version = asked_version(Path(path)) if path else None
                self._on_path[tool] = Program(tool, version, Path(path).resolve()) if path and version else None
            return self._on_path[tool]


def asked_version(path: Path) -> str | None:
    """The version that a program says it is."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [path, "version", "-json"],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "CHECKPOINT_DISABLE": "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        version = str(json.loads(done.stdout)["terraform_version"])
    except (OSError, subprocess.TimeoutExpired, ValueError, LookupError, TypeError):
        return None
    return version if re.fullmatch(constraints.VERSION, version) else None
