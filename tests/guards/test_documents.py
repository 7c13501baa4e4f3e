"""Generated pages are those of the code, and links lead somewhere."""

import re
from pathlib import Path

import pytest
from flask import Flask

import app.resources  # noqa: F401 - an error is known once its module is imported
from app.authz.document import permissions_page
from app.jsonapi.document import errors_page, kinds
from app.openapi.attributes_page import attributes_of, attributes_page, collect_types
from app.openapi.routes import routes_of
from app.openapi.run_states_page import run_states_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted({ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")})

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:app|bench|docs|migrations|tests)/[\w./-]*)(?:::\w+)?`")


def test_the_page_of_permissions_is_the_policy() -> None:
    assert (DOCS / "permissions.md").read_text(encoding="utf-8") == permissions_page(), "run `flask permissions-table`"


def test_the_page_of_run_states_is_the_table() -> None:
    assert (DOCS / "run-states.md").read_text(encoding="utf-8") == run_states_page(), "run `flask run-states-table`"


def test_the_page_of_errors_has_every_error() -> None:
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == errors_page(), "run `flask errors-table`"


def test_the_page_of_attributes_is_that_of_the_schemas(described: Flask) -> None:
    assert (DOCS / "attributes.md").read_text(encoding="utf-8") == attributes_page(described), (
        "run `flask attributes-table`"
    )


def test_every_attribute_has_a_description(described: Flask) -> None:
    undescribed = {
        f"{type_name}.{name}"
        for type_name, type_ in collect_types(routes_of(described)).items()
        for name, attribute in attributes_of(type_).items()
        if not attribute.description
    }
    assert undescribed == set()


def test_an_error_code_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for kind in kinds():
        statuses.setdefault(kind.code, set()).add(kind.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}, "clients switch on the code"


def test_every_link_inside_the_repository_leads_somewhere(subtests: pytest.Subtests) -> None:
    for page in PAGES:
        for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            with subtests.test(str(page.relative_to(ROOT)), target=target):
                place, _, section = target.partition("#")
                found = (page.parent / place).resolve() if place else page
                assert found.exists(), "it leads nowhere"
                assert not section or section in sections(found), "it names no section"


def test_every_path_that_a_page_names_is_there(subtests: pytest.Subtests) -> None:
    for page in PAGES:
        with subtests.test(str(page.relative_to(ROOT))):
            named = set(PATH.findall(page.read_text(encoding="utf-8")))
            assert {path for path in named if not (ROOT / path).exists()} == set()


def sections(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual viewers make them."""
    headings = HEADING.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
