"""How many statements an answer costs: the same, however much there is."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.support.api import Api
from tests.support.world import World

Statements = Callable[[], AbstractContextManager[list[str]]]


def cost(api: Api, statements: Statements, path: str, token: str) -> int:
    """The statements of a request whose token was used just before."""
    api.get(path, token)
    with statements() as seen:
        api.get(path, token)
    return len(seen)


# The caller costs one statement; an owner has no grants on projects to look for.
COSTS = {
    "/organizations/acme": 2,
    "/organizations/acme?include=entitlement_set": 2,
    "/organizations/acme?include=default_project": 3,
    "/organizations/acme/entitlement-set": 1,
    "/organizations/acme/authentication-token": 2,
    "/account/details": 2,
    "/users/{user}": 2,
    "/users/{user}/authentication-tokens": 2,
    "/organizations": 2,
    "/organizations?include=entitlement_set&page[size]=100&q=a": 2,
}


def test_an_answer_costs_so_many_statements(api: Api, world: World, statements: Statements) -> None:
    organization = world.organization("acme")
    world.token(organization)
    owner = world.owner(organization)
    for count in (0, 30):
        for _ in range(count):
            world.organization(owner=owner)
            world.project(organization)
            world.member(organization, world.team(organization))
            api.post(f"/users/{owner.id}/authentication-tokens", owner.token, {"data": {}})
        assert {path: cost(api, statements, path.format(user=owner.id), owner.token) for path in COSTS} == COSTS


def test_an_organization_token_costs_no_more(api: Api, world: World, statements: Statements) -> None:
    token = world.token(world.organization("acme"))
    assert cost(api, statements, "/organizations/acme", token) == 2
    assert cost(api, statements, "/account/details", token) == 1


def test_a_member_of_teams_costs_one_statement_more(api: Api, world: World, statements: Statements) -> None:
    organization = world.organization("acme")
    teams = [world.team(organization) for _ in range(10)]
    for team in teams:
        world.access(team, world.project(organization), "read")
    few, many = world.member(organization, teams[0]), world.member(organization, *teams)
    assert cost(api, statements, "/organizations/acme", few.token) == 3
    assert cost(api, statements, "/organizations/acme", many.token) == 3


def test_a_token_shows_itself_for_two_statements(api: Api, world: World, statements: Statements) -> None:
    person = world.person()
    (shown,) = api.get(f"/users/{person.id}/authentication-tokens", person.token)["data"]
    assert cost(api, statements, f"/authentication-tokens/{shown['id']}", person.token) == 2


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, 0), ({"Authorization": "Bearer unknown"}, 1), ({"Authorization": f"Bearer {'x' * 600}"}, 0)],
)
def test_a_refused_caller_costs_at_most_one_statement(
    api: Api, statements: Statements, headers: dict[str, str], expected: int
) -> None:
    with statements() as seen:
        assert api.raw("GET", "/organizations", headers=headers).status_int == 401
    assert len(seen) == expected
