"""The commands and files that a page of the documentation prints, run one after the other."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+)\n")
SECONDS = 120
# Where the shell is at the end of a block, and what it knows, for the next one.
REMEMBER = '\nstatus=$?; { export -p; declare -f; printf "cd %q\\n" "$PWD"; } > "$MEMORY"; exit $status\n'


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code on a page."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page that have a language."""
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


class Reader:
    """Does what a page says in a folder: writes its files, runs its commands, looks for the output it promises.

    ``console`` is run and must succeed; ``text`` promises lines of its output, in their order; ``hcl`` is written to
    the file whose name its first line tells. ``sh`` is what the reader does elsewhere: the test has it done.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        replaced: Callable[[Block], str],
        elsewhere: Callable[[str], None],
    ) -> None:
        """``replaced`` puts in what the page can't know, such as a token."""
        self._folder = folder
        self._memory = folder / ".memory"
        self._memory.write_text("")
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MEMORY": str(self._memory)}
        self._environment |= environment
        self._replaced = replaced
        self._elsewhere = elsewhere
        self._said = ""

    def follow(self, instructions: list[Block]) -> list[str]:
        """Do all of it; the commands that were run."""
        return [command for block in instructions for command in self._do(block)]

    def _do(self, block: Block) -> Iterator[str]:
        text = self._replaced(block)
        if block.language == "console":
            self._said = self._run(text)
            yield from text.splitlines()
        elif block.language == "text":
            self._compare(text)
        elif block.language == "hcl":
            named = NAMED.match(text)
            assert named, f"no file is named above {text}"
            file = self._folder / named[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        elif block.language == "sh":
            self._elsewhere(text)

    def _run(self, commands: str) -> str:
        finished = subprocess.run(  # noqa: S603 - what our own pages say
            ["bash", "-c", f"set -a\n. \"$MEMORY\"\nset -e\ntrap '{REMEMBER}' EXIT\n{commands}"],  # noqa: S607
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert finished.returncode == 0, f"{commands}\nended with {finished.returncode}:\n{finished.stdout}"
        return finished.stdout

    def _compare(self, promised: str) -> None:
        rest = self._said
        for line in promised.splitlines():
            _, found, rest = rest.partition(line.strip())
            assert found, f"the page promises {line!r} after\n{self._said}"
