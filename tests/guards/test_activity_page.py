"""The page on the record of activity lists every action that there is."""

import ast
import os
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from app.models import ActivityEvent

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "activity.md"
TABLE = re.compile(r"(<!-- actions: .*? -->\n).*?(<!-- end of actions -->)", re.DOTALL)
ACTION = re.compile(r"([a-z-]+)\.([a-z-]+)")
# Where the name of the type is put before it when the action is recorded.
COMPOSED = {"projects.tag"}


def actions() -> Iterator[str]:
    types = {name.replace("_", "-") for name in ActivityEvent.metadata.tables}
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = ACTION.fullmatch(node.value)
                # A foreign key is spelt the same way.
                if found and found[1] in types and found[2] != "id":
                    yield node.value


def table() -> str:
    found = sorted({*actions(), *COMPOSED})
    lines = ["| subject | actions |", "|---|---|"]
    for type_, named in groupby(found, lambda action: action.partition(".")[0]):
        lines.append(f"| `{type_}` | {', '.join(f'`{each}`' for each in named)} |")
    return "\n".join(lines) + "\n"


def test_the_page_lists_every_action() -> None:
    page = PAGE.read_text(encoding="utf-8")
    expected = TABLE.sub(lambda found: f"{found[1]}{table()}{found[2]}", page)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(expected, encoding="utf-8")
    assert "`workspaces.create`" in expected
    assert PAGE.read_text(encoding="utf-8") == expected, f"renew {PAGE.name} with UPDATE_GOLDEN=1"
