"""The page of what the service does names every row once, and only routes and tests that there are."""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mission.md").read_text(encoding="utf-8")

LAST = {"A": 7, "B": 10, "C": 10, "D": 7, "E": 8}
WANTED = [f"{part}{number}" for part, last in LAST.items() for number in range(1, last + 1)]
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = {row: (routes, tests) for row, _, routes, tests in ROW.findall(PAGE)}
ROUTE = re.compile(r"`(GET|POST|PATCH|PUT|DELETE) (/[^`]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.fixture(scope="module")
def routes(
    new_app: Callable[[str], AbstractContextManager[Flask]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[set[tuple[str, str]]]:
    """Every method of every address below the API, whatever its parts are called."""
    folder = tmp_path_factory.mktemp("routes")
    with new_app(f"sqlite:///{folder / 'empty.sqlite3'}") as app:
        yield {
            (method, re.sub(r"<[^>]+>", "*", rule.rule.removeprefix("/api/v2")))
            for rule in app.url_map.iter_rules()
            for method in rule.methods or ()
        }


def test_every_row_is_there_once() -> None:
    assert [row for row, *_ in ROW.findall(PAGE)] == WANTED


def test_every_route_of_a_row_is_one_of_the_service(routes: set[tuple[str, str]], subtests: pytest.Subtests) -> None:
    for row in WANTED:
        with subtests.test(row):
            named = {(method, re.sub(r":\w+", "*", path)) for method, path in ROUTE.findall(ROWS[row][0])}
            assert named
            assert named - routes == set()
            assert ROUTE.sub("", ROWS[row][0]).strip(" ,") == ""


def test_every_test_of_a_row_is_one_of_the_suite(subtests: pytest.Subtests) -> None:
    for row in WANTED:
        with subtests.test(row):
            named = TEST.findall(ROWS[row][1])
            assert named
            assert [f"{path}::{name}" for path, name in named if name not in functions(path)] == []
            assert TEST.sub("", ROWS[row][1]).strip(" ,") == ""


@cache
def functions(path: str) -> frozenset[str]:
    """The names of the functions in the file; none where there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
