"""Lists without totals, and lists that are walked by cursors."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert

from app.models import Organization, Workspace
from app.services import services
from tests.support.api import Api
from tests.support.world import Person, World

ORIGIN = "http://localhost"
LIST = "/organizations/acme/workspaces"
SORTS = [
    "",
    "name",
    "-name",
    "latest-change-at",
    "-latest-change-at",
    "-latest-change-at,name",
    "current-run.created-at",
]
REFUSED = [
    ("page[count]=0", "page[count]"),
    ("page[after]=x", "page[after]"),
    ("page[after]=%C3%A9", "page[after]"),
    ("page[before]=W10", "page[before]"),
    ("page[after]=&page[before]=", "page[before]"),
    ("page[after]=&page[number]=1", "page[number]"),
    ("page[before]=&page[count]=true", "page[count]"),
]


@pytest.fixture
def names(world: World, engine: Engine, acme: Organization) -> list[str]:
    """The names of 23 workspaces, several of which changed at the same moment, in the order of the list."""
    project = world.project(acme)
    place = world.default_environment(project)
    moments = [world.workspace(project, name=f"at-{index}").created_at for index in range(3)]
    its = {"organization_id": acme.id, "project_id": project.id, "environment_id": place.id}
    rows: list[dict[str, Any]] = [
        {**its, "id": f"ws-{index:016}", "name": f"Ws-{index * 7 % 20:02}", "created_at": moments[index % 3]}
        for index in range(20)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Workspace), [{**row, "updated_at": row["created_at"]} for row in rows])
    return sorted([row["name"] for row in rows] + [f"at-{index}" for index in range(3)], key=str.lower)


def get(api: Api, token: str, link: str) -> dict[str, Any]:
    page: dict[str, Any] = api.get(link.removeprefix(f"{ORIGIN}/api/v2"), token)
    return page


def sealed(app: Flask, values: object) -> str:
    with app.app_context():
        return services().keyring.seal(json.dumps(values).encode())


def walk(api: Api, token: str, path: str, link: str = "next") -> Iterator[dict[str, Any]]:
    """The pages of a list, by their links."""
    following: str | None = path
    while following is not None:
        page = get(api, token, following)
        yield page
        following = page["links"][link]


def flat(pages: Iterable[list[Any]]) -> list[Any]:
    return [each for page in pages for each in page]


def shown(page: dict[str, Any]) -> list[str]:
    return [each["attributes"]["name"] for each in page["data"]]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("size", [4, 23])
def test_cursors_meet_each_row_once_in_both_directions(
    api: Api, owner: Person, names: list[str], sort: str, size: int
) -> None:
    query = f"page[size]={size}&sort={sort}"
    whole = shown(api.get(f"{LIST}?page[size]=100&sort={sort}", owner.token))
    assert sorted(whole, key=str.lower) == names
    forward = [shown(page) for page in walk(api, owner.token, f"{LIST}?page[after]=&{query}")]
    # Rows with equal values come in an order of their own here, but always in the same one.
    if "," not in sort and "-at" not in sort:
        assert flat(forward) == whole
    assert sorted(flat(forward)) == sorted(whole)
    assert all(len(page) == size for page in forward[:-1])
    backward = [shown(page) for page in walk(api, owner.token, f"{LIST}?page[before]=&{query}", "prev")]
    assert flat(backward[::-1]) == flat(forward)


def test_the_links_of_a_page_by_cursor(api: Api, owner: Person, names: list[str]) -> None:
    first, second, *_, last = walk(api, owner.token, f"{LIST}?page[after]=&page[size]=8&search[name]=s-")
    assert first["links"]["prev"] is None
    assert last["links"]["next"] is None
    assert shown(get(api, owner.token, second["links"]["prev"])) == shown(first)
    assert shown(get(api, owner.token, second["links"]["first"])) == shown(first)
    assert shown(get(api, owner.token, second["links"]["self"])) == shown(second)
    # The last page of a walk from the end is a full one.
    assert shown(get(api, owner.token, second["links"]["last"])) == [each for each in names if "s-" in each][-8:]
    assert all("search%5Bname%5D=s-" in link for link in second["links"].values() if link)
    assert "meta" not in first


def test_rows_that_come_and_go_move_no_others(
    api: Api, world: World, owner: Person, acme: Organization, names: list[str]
) -> None:
    pages = walk(api, owner.token, f"{LIST}?page[after]=&page[size]=5")
    seen = shown(next(pages))
    gone = api.get(f"{LIST}/{seen[-1]}", owner.token)["data"]["id"]
    api.delete(f"/workspaces/{gone}", owner.token)
    world.workspace(world.project(acme), name="aa-new")
    assert seen + [name for page in pages for name in shown(page)] == names


@pytest.mark.usefixtures("names")
def test_after_the_last_row_and_before_the_first_there_is_nothing(api: Api, owner: Person) -> None:
    last = list(walk(api, owner.token, f"{LIST}?page[after]=&page[size]=10"))[-1]
    first_of_last = get(api, owner.token, last["links"]["last"])
    before = get(api, owner.token, first_of_last["links"]["prev"])
    assert shown(before)
    for workspace in api.get(f"{LIST}?page[size]=100", owner.token)["data"]:
        api.delete(f"/workspaces/{workspace['id']}", owner.token)
    for link in ("first", "last", "self", "prev"):
        empty = get(api, owner.token, first_of_last["links"][link])
        assert empty["data"] == []
        assert empty["links"]["next" if link == "first" else "prev"] is None


@pytest.mark.usefixtures("names")
def test_a_list_that_is_not_counted(api: Api, owner: Person) -> None:
    pages = list(walk(api, owner.token, f"{LIST}?page[count]=false&page[size]=10"))
    counted = list(walk(api, owner.token, f"{LIST}?page[size]=10"))
    assert [page["data"] for page in pages] == [page["data"] for page in counted]
    assert pages[1]["meta"]["pagination"] == {"current-page": 2, "page-size": 10, "prev-page": 1, "next-page": 3}
    assert pages[2]["meta"]["pagination"] == {"current-page": 3, "page-size": 10, "prev-page": 2, "next-page": None}
    assert pages[2]["links"].keys() == {"self", "first", "prev", "next"}
    assert "page%5Bcount%5D=false" in pages[0]["links"]["next"]
    beyond = api.get(f"{LIST}?page[count]=false&page[number]=9", owner.token)
    assert beyond["data"] == []
    assert beyond["links"]["next"] is None


@pytest.mark.usefixtures("names")
def test_lists_in_memory_are_walked_too(api: Api, owner: Person) -> None:
    whole = api.get("/cloud-providers", owner.token)["data"]
    for first, link in (("page[after]=", "next"), ("page[before]=", "prev")):
        pages = [page["data"] for page in walk(api, owner.token, f"/cloud-providers?{first}&page[size]=1", link)]
        assert flat(pages if link == "next" else pages[::-1]) == whole


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(("query", "parameter"), REFUSED)
@pytest.mark.one_database
def test_what_does_not_fit_is_refused_by_name(api: Api, owner: Person, query: str, parameter: str) -> None:
    for path in (LIST, "/cloud-providers"):
        (error,) = api.get(f"{path}?{query}", owner.token, expect=400)["errors"]
        assert error["source"] == {"parameter": parameter}


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("", ["cursor", "a"]),
        ("", ["cursor", "a", "b", "c"]),
        ("", ["cursor", 1, "b"]),
        ("", ["cursor", "a\0", "b"]),
        ("", {"a": "b"}),
        ("", ["cursor", ["a"], "b"]),
        ("", ["a", "b"]),
        ("name", ["cursor", "-name", "a", "b"]),
        ("name", ["cursor", "a", "b"]),
        ("latest-change-at", ["cursor", "latest-change-at", "2026-01-01T00:00:00", "a", "b"]),
        ("latest-change-at", ["cursor", "latest-change-at", "yesterday", "a", "b"]),
        ("latest-change-at", ["cursor", "latest-change-at", "0001-01-01T00:00:00+23:00", "a", "b"]),
        ("latest-change-at", ["cursor", "latest-change-at", "9999-12-31T23:59:59-23:00", "a", "b"]),
    ],
)
@pytest.mark.one_database
def test_a_cursor_of_another_list_is_refused(app: Flask, api: Api, owner: Person, sort: str, values: object) -> None:
    cursor = sealed(app, values)
    api.get(f"{LIST}?sort={sort}&page[after]={cursor}", owner.token, expect=400)


@pytest.mark.parametrize(
    ("number", "status"), [(2**31 - 1, 200), (2**31, 400), (-(2**31), 400), (2**63, 400), (10**30, 400)]
)
def test_a_cursor_with_a_number_is_no_larger_than_the_column(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person, *, number: int, status: int
) -> None:
    workspace = world.workspace(world.project(acme))
    cursor = sealed(app, ["cursor", number, "sv-x"])
    path = (
        f"/state-versions?filter[organization][name]=acme&filter[workspace][name]={workspace.name}&page[after]={cursor}"
    )
    api.get(path, owner.token, expect=status)


@pytest.mark.one_database
def test_a_cursor_tells_nothing(api: Api, owner: Person, names: list[str]) -> None:
    page = api.get(f"{LIST}?page[after]=&page[size]=1&sort=current-run.created-at", owner.token)
    query = page["links"]["next"]
    assert len({page["links"]["next"], api.get(f"{LIST}?page[after]=&page[size]=1", owner.token)["links"]["next"]}) == 2
    assert not [name for name in names if name.lower() in query]
    (body,) = re.findall(r"page%5Bafter%5D=1\.[0-9a-f]+\.([^&]+)", query)
    assert b"2026" not in base64.urlsafe_b64decode(body + "==")
