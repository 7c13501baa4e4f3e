"""Query parameters: pages, includes and the values of filters. Parameters that a route does not declare are ignored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote

from app.jsonapi.errors import BadParameter

DEFAULT_SIZE = 20
MAXIMUM_SIZE = 100
# Beyond the last page of any table, and small enough that the offset fits the database's integers and JSON's numbers.
MAXIMUM_NUMBER = 2**53 // MAXIMUM_SIZE
DIGITS = len(str(MAXIMUM_NUMBER)) + 1
PAGE_PARAMETERS = ("page[number]", "page[size]", "page[count]", "page[after]", "page[before]")
# A link names the page itself; it keeps whether rows are counted.
NAMING_A_PAGE = frozenset(PAGE_PARAMETERS) - {"page[count]"}
TEXT_LIMIT = 1_000
LIST_LIMIT = 200
TAGS_LIMIT = 10
# What follows the name of a parameter that is written as an array.
ARRAY = re.compile(r"\[[0-9]*\]")
# Refused, because no name contains one: PostgreSQL does not accept NUL, and ``in_values`` uses one as a separator.
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Arguments(Protocol):
    """Query parameters, each possibly given more than once."""

    def get(self, key: str) -> str | None:
        """The first value."""

    def getlist(self, key: str) -> list[str]:
        """All values."""

    def __contains__(self, key: object) -> bool:
        """Whether it is given."""

    def __iter__(self) -> Iterator[str]:
        """The names."""


@dataclass(frozen=True, slots=True)
class Page:
    """The requested page of a list."""

    number: int
    size: int
    is_counted: bool = True
    """Whether the answer says how many rows there are."""

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class CursorPage:
    """The requested page of a list that is walked by cursors: the rows after or before one.

    An empty cursor stands before the first row, or after the last one.
    """

    size: int
    cursor: str
    is_backward: bool = False

    @property
    def parameter(self) -> str:
        """The name of the parameter with the cursor."""
        return "page[before]" if self.is_backward else "page[after]"


def page_of(arguments: Arguments, default: int = DEFAULT_SIZE, maximum: int = MAXIMUM_SIZE) -> Page:
    """The requested page; 400 names a parameter that is not a positive whole number.

    A size above the maximum means the maximum, as with HCP Terraform; so does a page number.
    """
    # Some clients count from 0, and ask for the first page again if a list has one page.
    number = 1 if arguments.get("page[number]") == "0" else _positive(arguments, "page[number]", 1)
    size = _positive(arguments, "page[size]", default)
    return Page(min(number, MAXIMUM_NUMBER), min(size, maximum))


def any_page_of(arguments: Arguments) -> Page | CursorPage:
    """The requested page, by its number or by a cursor; 400 names a parameter that does not go with another."""
    page = page_of(arguments)
    count = arguments.get("page[count]")
    if count not in {None, "", "true", "false"}:
        raise BadParameter("page[count] must be true or false", parameter="page[count]")
    after, before = arguments.get("page[after]"), arguments.get("page[before]")
    if after is None and before is None:
        return replace(page, is_counted=count != "false")
    if after is not None and before is not None:
        raise BadParameter("page[before] can't be combined with page[after]", parameter="page[before]")
    found = CursorPage(page.size, after or before or "", is_backward=before is not None)
    if "page[number]" in arguments:
        raise BadParameter(f"page[number] can't be combined with {found.parameter}", parameter="page[number]")
    if count == "true":
        raise BadParameter(f"page[count] can't be combined with {found.parameter}", parameter="page[count]")
    return found


def is_paged(arguments: Arguments) -> bool:
    """Whether the client asked for a page; some of HCP Terraform's lists are shown as a whole otherwise."""
    return any(name in arguments for name in PAGE_PARAMETERS)


def _positive(arguments: Arguments, name: str, default: int) -> int:
    text = arguments.get(name)
    if text is None or text == "":
        return default
    # Digits only: int() would also accept "1_0", " 1" and digits of other scripts.
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise BadParameter(f"{name} must be a positive integer", parameter=name)
    # int() refuses thousands of digits; these are already beyond every maximum.
    return int(text.lstrip("0")[:DIGITS])


def text_of(arguments: Arguments, name: str) -> str | None:
    """The parameter's text; None when it is absent or empty."""
    # Most are absent, and werkzeug makes an exception to find that out by get().
    if name not in arguments:
        return None
    text = arguments.get(name)
    if len(set(arguments.getlist(name))) > 1:
        raise BadParameter(f"{name} takes one value", parameter=name)
    if not text:
        return None
    if len(text) > TEXT_LIMIT or CONTROL.search(text):
        raise BadParameter(f"{name} must be a text of at most {TEXT_LIMIT} characters", parameter=name)
    return text


def texts_of(arguments: Arguments, name: str) -> list[str] | None:
    """The comma-separated texts of a parameter that may also be repeated; None when it is absent or empty.

    Blanks around a text are no part of it: nothing that is filtered by begins or ends with one.
    """
    texts = [text for value in arguments.getlist(name) for each in value.split(",") if (text := each.strip(" "))]
    if len(texts) > LIST_LIMIT or any(len(text) > TEXT_LIMIT or CONTROL.search(text) for text in texts):
        raise BadParameter(f"{name} must have at most {LIST_LIMIT} texts", parameter=name)
    return texts or None


def tags_of(arguments: Arguments) -> list[tuple[str, str | None]]:
    """The pairs of ``filter[tagged][i][key]`` and ``[value]``; an empty or missing value matches any."""
    pairs: list[tuple[str, str | None]] = []
    if not any(name.startswith("filter[tagged]") for name in arguments):
        return pairs
    for index in range(TAGS_LIMIT + 1):
        name = f"filter[tagged][{index}][key]"
        key, value = text_of(arguments, name), text_of(arguments, f"filter[tagged][{index}][value]")
        if key is None and value is None:
            continue
        if index == TAGS_LIMIT:
            raise BadParameter(f"filter[tagged] takes at most {TAGS_LIMIT} tags", parameter=name)
        if key is None:
            raise BadParameter(f"{name} must be given with a value", parameter=name)
        pairs.append((key, value))
    return pairs


def list_values(arguments: Arguments, name: str) -> list[str]:
    """The texts of a parameter that is a list: separated by commas, repeated, or written as an array."""
    keys = [
        key for key in arguments if key == name or (key.startswith(f"{name}[") and ARRAY.fullmatch(key[len(name) :]))
    ]
    values = [value for key in keys for value in arguments.getlist(key) if value]
    return [text.strip(" ") for value in values for text in value.split(",")]


def includes_of(arguments: Arguments, known: Sequence[str]) -> set[str]:
    """The relationships to include, in snake case; 400 for one the route does not have.

    The detail contains "include parameter": clients look for these words and repeat the request without it.
    """
    wanted = {name.replace("-", "_") for name in list_values(arguments, "include")}
    if wanted - set(known):
        raise BadParameter("Invalid include parameter", parameter="include")
    return wanted


def page_links(base: str, arguments: Mapping[str, list[str]], page: Page, last: int) -> dict[str, str | None]:
    """The links of a page, absolute, with the other parameters of the request unchanged."""
    rest = _query_of_others(arguments)

    def link(number: int) -> str:
        return f"{base}?page%5Bnumber%5D={number}&page%5Bsize%5D={page.size}{rest}"

    return {
        "self": link(page.number),
        "first": link(1),
        "prev": link(min(page.number - 1, last)) if page.number > 1 else None,
        "next": link(page.number + 1) if page.number < last else None,
        "last": link(last),
    }


def uncounted_page_links(
    base: str, arguments: Mapping[str, list[str]], page: Page, *, has_more: bool
) -> dict[str, str | None]:
    """The links of a page of a list that is not counted: without ``last``, which is unknown."""
    links = page_links(base, arguments, page, page.number + has_more)
    del links["last"]
    return links


def cursor_page_links(
    base: str,
    arguments: Mapping[str, list[str]],
    page: CursorPage,
    ends: Sequence[str],
    *,
    has_more: bool,
) -> dict[str, str | None]:
    """The links of a page that begins and ends with the rows of these two cursors; it has none if it is empty.

    ``has_more`` says whether there are more rows in the direction in which the list is walked.
    """
    rest = _query_of_others(arguments)

    def link(cursor: str, *, is_backward: bool) -> str:
        name = CursorPage(page.size, cursor, is_backward=is_backward).parameter
        return f"{base}?{quote(name, safe='')}={quote(cursor, safe='')}&page%5Bsize%5D={page.size}{rest}"

    # The row of the cursor lies on the other side. An empty page is followed by nothing, and comes after everything.
    is_there = has_more, page.cursor != ""
    has_previous, has_next = is_there if page.is_backward else is_there[::-1]
    first, last = ends or ("", "")
    return {
        "self": link(page.cursor, is_backward=page.is_backward),
        "first": link("", is_backward=False),
        "prev": link(first, is_backward=True) if has_previous else None,
        "next": link(last, is_backward=False) if has_next else None,
        "last": link("", is_backward=True),
    }


def _query_of_others(arguments: Mapping[str, list[str]]) -> str:
    """The parameters that do not name a page, as they follow those that do."""
    return "".join(
        f"&{quote(name, safe='')}={quote(value, safe='')}"
        for name, values in arguments.items()
        if name not in NAMING_A_PAGE
        for value in values
    )


def page_meta(page: Page, total: int) -> dict[str, int | None]:
    """The pagination block; an empty list has one page."""
    last = last_page(page, total)
    return {**_place(page, last), "total-pages": last, "total-count": total}


def uncounted_page_meta(page: Page, *, has_more: bool) -> dict[str, int | None]:
    """The pagination block of a list that is not counted: without totals."""
    return _place(page, page.number + has_more)


def _place(page: Page, last: int) -> dict[str, int | None]:
    return {
        "current-page": page.number,
        "page-size": page.size,
        "prev-page": min(page.number - 1, last) if page.number > 1 else None,
        "next-page": page.number + 1 if page.number < last else None,
    }


def last_page(page: Page, total: int) -> int:
    """The number of the last page."""
    return max(1, -(-total // page.size))
