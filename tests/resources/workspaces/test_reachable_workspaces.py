"""The list of all workspaces that a caller can see, of all organizations."""

from typing import Any

import pytest

from app.models import Organization, Workspace
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World


def names(answer: Any) -> list[str]:
    return [each["attributes"]["name"] for each in answer["data"]]


@pytest.fixture
def places(world: World, acme: Organization, owner: Person) -> dict[str, Workspace]:
    """Workspaces of three organizations; acme and globex are of the same owner."""
    globex = world.organization("globex", owner=owner)
    initech = world.organization("initech")
    here, there, beyond = (world.project(each) for each in (acme, globex, initech))
    return {
        "here": world.workspace(here, "network"),
        "also here": world.workspace(here, "Access"),
        "there": world.workspace(there, "Network"),
        "beyond": world.workspace(beyond, "network"),
    }


def test_everybody_sees_what_he_reaches(
    api: Api, world: World, acme: Organization, owner: Person, places: dict[str, Workspace]
) -> None:
    single, viewer = world.person(), world.person()
    world.acl_entry(places["here"], single, "user")
    world.acl_entry(places["beyond"], single, "developer")
    [project] = [each for each in world.all(type(world.default_project(acme))) if each.id == places["there"].project_id]
    world.project_member(project, viewer, "viewer")
    callers = {
        owner.token: {"here", "also here", "there"},
        single.token: {"here", "beyond"},
        viewer.token: {"there"},
        world.token(acme): {"here", "also here"},
        world.project_token(project, "viewer"): {"there"},
        world.person(site_role="admin").token: set(places),
        world.person(site_role="super_user").token: set(places),
        world.member(acme, world.team(acme, "read-workspaces")).token: {"here", "also here"},
        world.member(acme).token: set(),
        world.person().token: set(),
    }
    for token, expected in callers.items():
        listed = api.get("/workspaces", token)
        assert {each["id"] for each in listed["data"]} == {places[name].id for name in expected}
        assert listed["meta"]["pagination"]["total-count"] == len(expected)
        for each in listed["data"]:
            assert api.get(f"/workspaces/{each['id']}", token)["data"] == each


@pytest.mark.one_database
@pytest.mark.parametrize("token", [None, "nonsense"])
def test_without_a_token_there_is_no_list(api: Api, token: str | None) -> None:
    api.get("/workspaces", token, expect=401)


@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_a_list_is_ordered_cut_and_filtered(
    api: Api, world: World, owner: Person, places: dict[str, Workspace], *, who: str
) -> None:
    token = owner.token if who == "owner" else world.person(site_role="admin").token
    hidden = set() if who == "administrator" else {"beyond"}
    ordered = [
        each.id
        for each in sorted(
            (place for name, place in places.items() if name not in hidden),
            key=lambda place: (place.name.lower(), place.id),
        )
    ]

    def ids(query: str) -> list[str]:
        return [each["id"] for each in api.get(f"/workspaces{query}", token)["data"]]

    assert ids("") == ids("?sort=name") == ordered
    assert ids("?sort=-name") == ordered[::-1]
    assert [ids(f"?page[size]=1&page[number]={number}")[0] for number in range(1, len(ordered) + 1)] == ordered
    assert set(ids("?filter[organization]=ACME")) == {places["here"].id, places["also here"].id}
    assert ids("?filter[organization]=initech") == ([] if hidden else [places["beyond"].id])
    assert ids("?filter[organization]=nowhere") == []
    assert ids("?filter[organization]=") == ordered
    assert ids("?search[name]=CCES") == [places["also here"].id]
    assert ids("?filter[organization]=globex&search[name]=net") == [places["there"].id]
    included = api.get("/workspaces?include=organization", token)["included"]
    assert {each["id"] for each in included} == ({"acme", "globex"} if hidden else {"acme", "globex", "initech"})


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=size", "sort"),
        ("sort=latest-change-at", "sort"),
        ("include=none", "include"),
        ("page[number]=-1", "page[number]"),
        (f"filter[organization]={'x' * 1001}", "filter[organization]"),
        (f"search[name]={'x' * 1001}", "search[name]"),
    ],
)
def test_a_bad_parameter_is_named(api: Api, owner: Person, query: str, parameter: str) -> None:
    assert [at for _, at in faults(api.get(f"/workspaces?{query}", owner.token, expect=400))] == [parameter]


def test_an_organization_that_takes_no_user_tokens_shows_nothing(
    api: Api, acme: Organization, owner: Person, places: dict[str, Workspace]
) -> None:
    closed = document("organizations", {"user-tokens-enabled": False})
    api.patch(f"/organizations/{acme.name}", owner.token, closed)
    assert {each["id"] for each in api.get("/workspaces", owner.token)["data"]} == {places["there"].id}


@pytest.mark.parametrize("who", ["owner", "member", "administrator"])
def test_a_list_costs_the_same_whatever_there_is(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements, *, who: str
) -> None:
    project, person = world.project(acme), world.person()
    world.project_member(project, person, "viewer")
    token = {"owner": owner, "member": person, "administrator": world.person(site_role="admin")}[who].token
    api.get("/workspaces", token)
    for count in (0, 1, 30):
        for _ in range(count):
            world.workspace(project)
        for query in ("", "?filter[organization]=acme&search[name]=w", "?sort=-name&page[number]=2"):
            assert cost(statements, api, token, ("GET", f"/workspaces{query}", None)) == (3 if who == "member" else 2)
