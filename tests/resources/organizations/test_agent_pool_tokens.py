"""The tokens of agent pools: who makes them, what they open, and when they end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.models import AuthenticationToken, Organization
from app.persistence import now
from tests.resources.organizations.test_agent_pools_permissions import token_of
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

HEARTBEAT = {"status": "idle"}
# Of what each may do with the tokens of a pool: list, create, show, delete.
WHO = {
    "owner": (200, 201, 200, 204),
    "organization token": (200, 201, 200, 204),
    "manage-agent-pools": (200, 201, 200, 204),
    # As with the tokens of teams: administrators of the site have no tokens of others but those of users.
    "site administrator": (404, 404, 404, 404),
    "manage-workspaces": (404, 404, 404, 404),
    "manage-projects": (404, 404, 404, 404),
    "project admin": (404, 404, 404, 404),
    "member": (404, 404, 404, 404),
    "team token": (404, 404, 404, 404),
    "outsider": (404, 404, 404, 404),
    "nobody": (401, 401, 401, 401),
}


def new(description: str | None = "builders") -> dict[str, Any]:
    return document("authentication-tokens", {"description": description})


def works(api: Api, token: str) -> bool:
    return bool(api.raw("PUT", "/api/agent/v1/agents/agent-1", token, HEARTBEAT).status_int != 401)


def test_a_token_is_made_listed_shown_and_deleted(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool, other = world.pool(acme), world.pool(acme)
    world.pool_token(other)
    tokens = f"/agent-pools/{pool.id}/authentication-tokens"
    made = api.post(tokens, owner.token, new())["data"]
    text = made["attributes"].pop("token")
    assert made["attributes"]["description"] == "builders"
    assert made["relationships"]["created-by"]["data"] == {"type": "users", "id": owner.id}
    shown = api.get(f"/authentication-tokens/{made['id']}", owner.token)["data"]
    assert shown["attributes"].pop("token") is None
    assert shown == made
    [listed] = api.get(tokens, owner.token)["data"]
    assert (listed["id"], listed["attributes"]["token"]) == (made["id"], None)
    assert works(api, text)
    assert api.get(tokens, owner.token)["data"][0]["attributes"]["last-used-at"] is not None
    api.delete(f"/authentication-tokens/{made['id']}", owner.token)
    assert not works(api, text)
    assert api.get(tokens, owner.token)["data"] == []
    created, deleted = left_by_requests(world)
    assert (created.action, deleted.action) == ("authentication-tokens.create", "authentication-tokens.delete")
    assert created.organization_id == acme.id
    assert text not in str(vars(created))


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(api: Api, world: World, acme: Organization, who: str) -> None:
    token, pool = token_of(world, acme, who), world.pool(acme)
    world.pool_token(pool)
    [stored] = [each for each in world.all(AuthenticationToken) if each.agent_pool_id == pool.id]
    tokens, one = f"/agent-pools/{pool.id}/authentication-tokens", f"/authentication-tokens/{stored.id}"
    requests = [("GET", tokens, None), ("POST", tokens, new()), ("GET", one, None), ("DELETE", one, None)]
    answers = [api.raw(method, path, token, sent).status_int for method, path, sent in requests]
    assert tuple(answers) == WHO[who]


@pytest.mark.one_database
def test_managing_pools_opens_no_other_tokens(api: Api, world: World, acme: Organization) -> None:
    manager = world.member(acme, world.team(acme, "manage-agent-pools"))
    world.token(acme)
    world.team_token(world.team(acme))
    world.project_token(world.project(acme), "viewer")
    world.pool_token(world.pool(world.organization()))
    world.built_in_token()
    strange = [each for each in world.all(AuthenticationToken) if each.kind != "user"]
    assert len(strange) == 5
    for token in strange:
        api.get(f"/authentication-tokens/{token.id}", manager.token, expect=404)
        api.delete(f"/authentication-tokens/{token.id}", manager.token, expect=404)
    api.get("/organizations/acme/authentication-token", manager.token, expect=404)


@pytest.mark.one_database
def test_nobody_sees_the_token_of_the_built_in_pool(api: Api, world: World, acme: Organization, owner: Person) -> None:
    world.built_in_token()
    [token] = [each for each in world.all(AuthenticationToken) if each.kind == "agent"]
    for who in (owner.token, world.token(acme), world.person(site_role="super_user").token):
        api.get(f"/authentication-tokens/{token.id}", who, expect=404)
        api.delete(f"/authentication-tokens/{token.id}", who, expect=404)


@pytest.mark.one_database
def test_a_token_may_expire(api: Api, world: World, acme: Organization, owner: Person) -> None:
    tokens = f"/agent-pools/{world.pool(acme).id}/authentication-tokens"
    soon = (now() + timedelta(days=1)).isoformat()
    sent = document("authentication-tokens", {"description": "a", "expired-at": soon})
    assert api.post(tokens, owner.token, sent)["data"]["attributes"]["expired-at"] is not None
    past = document("authentication-tokens", {"expired-at": "2020-01-01T00:00:00Z"})
    assert faults(api.post(tokens, owner.token, past, expect=422)) == [
        ("Expired at must be in the future", "/data/attributes/expired-at")
    ]
    long = faults(api.post(tokens, owner.token, new("x" * 257), expect=422))
    assert [pointer for _, pointer in long] == ["/data/attributes/description"]


def test_a_pool_takes_its_tokens_with_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    text = world.pool_token(pool)
    assert works(api, text)
    api.delete(f"/agent-pools/{pool.id}", owner.token)
    assert not works(api, text)


@pytest.mark.one_database
def test_an_agent_reads_and_writes_nothing(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    workspace = world.workspace(world.project(acme))
    for token in (world.pool_token(pool), world.built_in_token()):
        assert api.get("/organizations", token)["data"] == []
        for path in (
            "/organizations/acme",
            "/account/details",
            f"/users/{owner.id}",
            f"/workspaces/{workspace.id}",
            f"/workspaces/{workspace.id}/current-state-version",
            f"/agent-pools/{pool.id}",
            f"/agent-pools/{pool.id}/agents",
            f"/agent-pools/{pool.id}/authentication-tokens",
        ):
            api.get(path, token, expect=404)
        api.post(f"/agent-pools/{pool.id}/authentication-tokens", token, new(), expect=404)
        api.post(f"/workspaces/{workspace.id}/actions/lock", token, expect=404)
        api.delete(f"/agent-pools/{pool.id}", token, expect=404)


def test_the_list_costs_the_same_however_long_it_is(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements
) -> None:
    pool = world.pool(acme)
    request = ("GET", f"/agent-pools/{pool.id}/authentication-tokens", None)
    api.get("/organizations/acme", owner.token)
    costs = []
    for _ in range(3):
        costs.append(cost(statements, api, owner.token, request))
        for _ in range(10):
            world.pool_token(pool)
    assert costs == [3, 3, 3]


def test_a_token_is_not_made_in_a_pool_that_goes(
    world: World, acme: Organization, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    pool = world.pool(acme)
    tokens = f"/agent-pools/{pool.id}/authentication-tokens"
    made, deleted = at_once(
        ("POST", tokens, owner.token, new()), ("DELETE", f"/agent-pools/{pool.id}", owner.token, None)
    )
    assert (made in {201, 404}, deleted) == (True, 204)
    assert [each for each in world.all(AuthenticationToken) if each.kind == "agent"] == []
