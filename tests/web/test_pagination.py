"""Pages of lists over HTTP."""

from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.jsonapi.query import MAXIMUM_NUMBER
from app.models import Project
from tests.support.api import Api
from tests.support.world import World

HUGE = {f"10^{zeros}": "1" + "0" * zeros for zeros in (14, 15, 22, 400, 5000)}
NOT_POSITIVE = ["-1", "00", "abc", "1.5", "1_0", "+1", "0x1", "1e3", "%EF%BC%91", "%D9%A1", "%201", "1%20", "%00"]


@pytest.fixture
def token(world: World, engine: Engine) -> str:
    """The token of an organization with 45 projects, the default one among them."""
    organization = world.organization("acme")
    with Session(engine) as session, session.begin():
        session.add_all(Project(organization_id=organization.id, name=f"project-{index:02d}") for index in range(44))
    return world.token(organization)


def page(api: Api, token: str, query: str = "") -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    answer = api.get(f"/organizations/acme/projects{query}", token)
    names = [each["attributes"]["name"] for each in answer["data"]]
    return names, answer["meta"]["pagination"], answer["links"]


def numbered(link: str | None) -> tuple[int, int] | None:
    """Number and size in a link."""
    if link is None:
        return None
    query = dict(parse_qsl(urlsplit(link).query))
    return int(query["page[number]"]), int(query["page[size]"])


# (query, page, size, how many, previous, next, last)
PAGES = [
    ("", 1, 20, 20, None, 2, 3),
    ("?page[number]=1", 1, 20, 20, None, 2, 3),
    ("?page[number]=0", 1, 20, 20, None, 2, 3),
    ("?page[number]=2", 2, 20, 20, 1, 3, 3),
    ("?page[number]=3", 3, 20, 5, 2, None, 3),
    ("?page[number]=4", 4, 20, 0, 3, None, 3),
    ("?page[number]=5", 5, 20, 0, 3, None, 3),
    ("?page[size]=1", 1, 1, 1, None, 2, 45),
    ("?page[size]=15&page[number]=3", 3, 15, 15, 2, None, 3),
    ("?page[size]=44&page[number]=2", 2, 44, 1, 1, None, 2),
    ("?page[size]=45", 1, 45, 45, None, None, 1),
    ("?page[size]=100", 1, 100, 45, None, None, 1),
    ("?page[size]=101", 1, 100, 45, None, None, 1),
    ("?page[size]=00007", 1, 7, 7, None, 2, 7),
    ("?page[size]=&page[number]=", 1, 20, 20, None, 2, 3),
    ("?page%5Bsize%5D=15&page%5Bnumber%5D=2", 2, 15, 15, 1, 3, 3),
    ("?page[size]=5&page[size]=6", 1, 5, 5, None, 2, 9),
]


@pytest.mark.parametrize(("query", "number", "size", "count", "before", "after", "last"), PAGES)
def test_a_page_says_where_it_is(
    api: Api,
    token: str,
    query: str,
    number: int,
    size: int,
    count: int,
    before: int | None,
    after: int | None,
    last: int,
) -> None:
    names, meta, links = page(api, token, query)
    assert len(names) == count
    assert meta == {
        "current-page": number,
        "page-size": size,
        "prev-page": before,
        "next-page": after,
        "total-pages": last,
        "total-count": 45,
    }
    assert {name: numbered(link) for name, link in links.items()} == {
        "self": (number, size),
        "first": (1, size),
        "prev": before and (before, size),
        "next": after and (after, size),
        "last": (last, size),
    }


@pytest.mark.parametrize("size", [1, 7, 20, 44, 45, 46, 100])
def test_following_next_meets_each_once(api: Api, token: str, size: int) -> None:
    met: list[str] = []
    link: str | None = f"/api/v2/organizations/acme/projects?page[size]={size}"
    while link:
        answer = api.get(link.partition("/api/v2")[2], token)
        met += [each["attributes"]["name"] for each in answer["data"]]
        link = answer["links"]["next"]
    assert len(met) == len(set(met)) == 45
    assert met == sorted(met, key=str.lower)


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE.keys())
def test_a_number_beyond_every_list_is_an_empty_page(api: Api, token: str, value: str) -> None:
    names, meta, links = page(api, token, f"?page[number]={value}")
    assert names == []
    assert (meta["current-page"], meta["total-count"], meta["prev-page"]) == (MAXIMUM_NUMBER, 45, 3)
    assert numbered(links["last"]) == (3, 20)


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE.keys())
def test_a_size_beyond_every_list_is_the_largest_one(api: Api, token: str, value: str) -> None:
    names, meta, _ = page(api, token, f"?page[size]={value}")
    assert (len(names), meta["page-size"]) == (45, 100)
    names, meta, _ = page(api, token, f"?page[size]={value}&page[number]={value}")
    assert (names, meta["page-size"]) == ([], 100)


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/organizations/acme/projects", "/organizations"])
def test_what_is_no_positive_integer_is_refused_by_name(
    api: Api, world: World, path: str, subtests: pytest.Subtests
) -> None:
    token = world.token(world.organization("acme"))
    for parameter, value in [*product(("page[number]", "page[size]"), NOT_POSITIVE), ("page[size]", "0")]:
        with subtests.test(parameter, value=value):
            answer = api.get(f"{path}?{parameter}={value}", token, expect=400)
            assert answer["errors"] == [
                {
                    "status": "400",
                    "title": "bad request",
                    "code": "bad-parameter",
                    "detail": f"{parameter} must be a positive integer",
                    "source": {"parameter": parameter},
                }
            ]


@pytest.mark.one_database
def test_links_are_absolute_and_encoded(api: Api, token: str) -> None:
    *_, links = page(api, token, "?page[size]=20")
    start = links["self"].partition("/api/")[0]
    assert start in {"http://localhost", "http://localhost:80"}
    assert links["next"] == (f"{start}/api/v2/organizations/acme/projects?page%5Bnumber%5D=2&page%5Bsize%5D=20")


@pytest.mark.one_database
def test_links_keep_the_other_parameters(api: Api, token: str) -> None:
    kept = [
        ("q", "project"),
        ("sort", "-name"),
        ("filter[tagged][0][key]", "a&b=c d+e"),
        ("unknown", "\xe9/?#%"),
        ("unknown", "again"),
        ("empty", ""),
    ]
    query = (
        "?q=project&page[number]=1&sort=-name&filter[tagged][0][key]=a%26b%3Dc%20d%2Be"
        "&unknown=%C3%A9/?%23%25&unknown=again&empty="
    )
    *_, links = page(api, token, query)
    for name in ("self", "first", "last"):
        split = urlsplit(links[name])
        assert parse_qsl(split.query, keep_blank_values=True)[2:] == kept
        assert split.fragment == ""
        assert links[name].isascii()
        assert "[" not in links[name]
        assert " " not in links[name]
    # A link leads to the page it names.
    again = api.get(links["self"].partition("/api/v2")[2], token)
    assert again["links"]["self"] == links["self"]


@pytest.mark.one_database
def test_links_keep_the_name_as_it_was_addressed(api: Api, token: str) -> None:
    answer = api.get("/organizations/ACME/projects?page[size]=1", token)
    assert "/organizations/ACME/projects?" in answer["links"]["next"]


@pytest.mark.one_database
def test_links_follow_the_host_and_the_scheme_of_the_request(api: Api, token: str) -> None:
    answer = api.raw("GET", "/organizations/acme/projects", token, headers={"Host": "tf.example.test:8443"})
    assert answer.json["links"]["self"].startswith("http://tf.example.test:8443/api/v2/")


def test_an_empty_list_has_one_empty_page(api: Api, world: World) -> None:
    organization = world.organization("acme")
    names, meta, links = page(api, world.member(organization).token)
    assert names == []
    assert meta == {
        "current-page": 1,
        "page-size": 20,
        "prev-page": None,
        "next-page": None,
        "total-pages": 1,
        "total-count": 0,
    }
    assert (numbered(links["last"]), links["prev"], links["next"]) == ((1, 20), None, None)


UNPAGED = ["/organizations", "/users/{user}/authentication-tokens"]


@pytest.mark.parametrize("path", UNPAGED)
def test_some_lists_are_whole_unless_a_page_is_asked_for(api: Api, world: World, path: str) -> None:
    person = world.person()
    for _ in range(30):
        world.organization(owner=person)
        api.post(f"/users/{person.id}/authentication-tokens", person.token, {"data": {"type": "authentication-tokens"}})
    path = path.format(user=person.id)
    total = len(api.get(path, person.token)["data"])
    assert total >= 30
    assert set(api.get(path, person.token)) == {"data"}
    assert set(api.get(f"{path}?q=-", person.token)) == {"data"}
    for query, count in (("page[number]=2", total - 20), ("page[size]=7", 7), ("page[number]=9", 0)):
        answer = api.get(f"{path}?{query}", person.token)
        assert len(answer["data"]) == count
        assert answer["meta"]["pagination"]["total-count"] == total
        assert answer["links"]["first"]
