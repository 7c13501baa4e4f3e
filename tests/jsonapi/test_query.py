"""Query parameters: pages, texts, includes."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.jsonapi.errors import BadParameter
from app.jsonapi.query import (
    DEFAULT_SIZE,
    LIST_LIMIT,
    MAXIMUM_NUMBER,
    MAXIMUM_SIZE,
    TEXT_LIMIT,
    Page,
    includes_of,
    is_paged,
    last_page,
    page_links,
    page_meta,
    page_of,
    tags_of,
    text_of,
    texts_of,
)

pages = st.builds(Page, st.integers(1, MAXIMUM_NUMBER), st.integers(1, MAXIMUM_SIZE))
totals = st.integers(0, 10**9)


@given(pages, totals)
def test_the_numbers_of_a_page_fit_together(page: Page, total: int) -> None:
    meta = page_meta(page, total)
    last = last_page(page, total)
    assert meta["total-pages"] == last >= 1
    # All rows are on the pages up to the last one, and the last one is needed.
    assert (last - 1) * page.size < max(total, 1) <= last * page.size
    assert meta["current-page"] == page.number
    assert (meta["prev-page"] is None) == (page.number == 1)
    assert (meta["next-page"] is None) == (page.number >= last)
    assert all(1 <= meta[name] <= last for name in ("prev-page", "next-page") if meta[name] is not None)  # type: ignore[operator]


@given(pages, totals)
def test_an_offset_fits_the_integers_of_the_databases(page: Page, total: int) -> None:
    assert 0 <= page.offset < 2**53
    assert (page.number > last_page(page, total)) == (page.offset >= max(total, 1))


@given(
    pages,
    totals,
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.text(st.characters(codec="utf-8")), min_size=1)),
)
def test_links_say_what_the_numbers_say_and_keep_the_rest(page: Page, total: int, others: dict[str, list[str]]) -> None:
    others = {name: values for name, values in others.items() if name not in ("page[number]", "page[size]")}
    given_too = {**others, "page[number]": ["7"], "page[size]": ["8"]}
    meta = page_meta(page, total)
    links = page_links("http://host/list", given_too, page, last_page(page, total))
    expected = {
        "self": page.number,
        "first": 1,
        "prev": meta["prev-page"],
        "next": meta["next-page"],
        "last": meta["total-pages"],
    }
    for name, number in expected.items():
        link = links[name]
        if number is None:
            assert link is None
            continue
        assert link is not None
        assert link.isascii()
        assert parse_qs(urlsplit(link).query, keep_blank_values=True) == {
            "page[number]": [str(number)],
            "page[size]": [str(page.size)],
            **others,
        }


@given(st.integers(1), st.integers(1))
def test_positive_integers_are_pages_within_bounds(number: int, size: int) -> None:
    page = page_of(MultiDict({"page[number]": str(number), "page[size]": str(size)}))
    assert page == Page(min(number, MAXIMUM_NUMBER), min(size, MAXIMUM_SIZE))


@given(st.text())
def test_any_other_text_is_refused_by_name(text: str) -> None:
    if text == "" or (text.isascii() and text.isdigit() and int(text) > 0):
        assert page_of(MultiDict({"page[size]": text})).size == min(int(text or DEFAULT_SIZE), MAXIMUM_SIZE)
        return
    with pytest.raises(BadParameter) as caught:
        page_of(MultiDict({"page[size]": text}))
    assert caught.value.parameter == "page[size]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, False), ({"page[size]": "1"}, True), ({"page[number]": ""}, True), ({"page": "1"}, False)],
)
def test_a_page_is_asked_for_by_either_parameter(query: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    assert is_paged(MultiDict(query)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, set()),
        ("", set()),
        ("default_project", {"default_project"}),
        ("default-project", {"default_project"}),
        ("default-project,entitlement_set", {"default_project", "entitlement_set"}),
        (" default_project , default-project", {"default_project"}),
    ],
)
def test_includes_have_two_spellings(text: str | None, expected: set[str]) -> None:
    arguments = MultiDict({"include": text} if text is not None else {})
    assert includes_of(arguments, ("default_project", "entitlement_set")) == expected


@pytest.mark.parametrize("text", ["users", "default_project,users", ",", "default_project.", "DEFAULT_PROJECT", "\0"])
def test_an_unknown_include_is_told_with_the_words_clients_look_for(text: str) -> None:
    with pytest.raises(BadParameter, match="include parameter") as caught:
        includes_of(MultiDict({"include": text}), ("default_project",))
    assert caught.value.parameter == "include"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([""], None),
        (["a"], ["a"]),
        (["a,b"], ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        (["a,,b,", "c"], ["a", "b", "c"]),
    ],
)
def test_texts_are_separated_by_commas_or_repeated(values: list[str], expected: list[str] | None) -> None:
    assert texts_of(MultiDict([("filter[names]", value) for value in values]), "filter[names]") == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (text_of, "x" * (TEXT_LIMIT + 1)),
        (text_of, "a\0"),
        (texts_of, "x" * (TEXT_LIMIT + 1)),
        (texts_of, "a,b\0"),
        (texts_of, ",".join("x" * (LIST_LIMIT + 1))),
    ],
)
def test_what_no_query_can_use_is_refused_by_name(read: Any, value: str) -> None:
    with pytest.raises(BadParameter) as caught:
        read(MultiDict({"q": value}), "q")
    assert caught.value.parameter == "q"


def test_the_longest_that_are_taken() -> None:
    assert text_of(MultiDict({"q": "x" * TEXT_LIMIT}), "q") == "x" * TEXT_LIMIT
    assert len(texts_of(MultiDict({"q": ",".join("x" * LIST_LIMIT)}), "q") or ()) == LIST_LIMIT


def test_tags_are_pairs_and_a_missing_value_is_any() -> None:
    query = {
        "filter[tagged][0][key]": "env",
        "filter[tagged][0][value]": "prod",
        "filter[tagged][3][key]": "team",
    }
    assert tags_of(MultiDict(query)) == [("env", "prod"), ("team", None)]
    with pytest.raises(BadParameter):
        tags_of(MultiDict({"filter[tagged][10][key]": "one too many"}))
