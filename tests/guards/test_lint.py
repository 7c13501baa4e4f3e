"""A commit is checked by the same tools as ``make lint``."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_hooks_of_a_commit_are_the_commands_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert target is not None
    commands = re.findall(r"\$\(BIN\)/(.+)", target[1])
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"entry: \.venv/bin/(.+)", hooks) == commands
    assert len(commands) > 3
