"""Agents: how they register, what is shown of them, and when they are alive."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.models import Agent, Organization
from app.persistence import now
from app.resources.organizations.agents import operations
from app.services import services
from tests.resources.organizations.test_agent_pools_permissions import token_of
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.services import replace_services
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

AGENTS = "/api/agent/v1/agents"
REGISTRATION: dict[str, Any] = {
    "protocol": 1,
    "name": "one",
    "version": "1.0.0",
    "os": "linux",
    "arch": "amd64",
    "slots": 2,
    "single": False,
    "tools": {"terraform": ["1.11.4", "1.12.0-rc1"], "opentofu": []},
    "sandbox": "bwrap",
}
HOURS = timedelta(hours=1)


@pytest.mark.one_database
def test_heartbeats_come_more_often_than_leases_end(
    app: Flask, api: Api, world: World, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_services(monkeypatch, app, settings=replace(services(app).settings, lease_seconds=8))
    registered = api.post(AGENTS, world.pool_token(world.pool(acme)), REGISTRATION)
    assert (registered["heartbeat-seconds"], registered["lease-seconds"]) == (2, 8)


def test_an_agent_registers_is_shown_and_ends(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    token = world.pool_token(pool)
    registered = api.post(AGENTS, token, REGISTRATION)
    path = f"{AGENTS}/{registered['id']}"
    assert registered == {"id": registered["id"], "heartbeat-seconds": 10, "lease-seconds": 60}
    shown = api.get(f"/agents/{registered['id']}", owner.token)["data"]
    assert shown == {
        "id": registered["id"],
        "type": "agents",
        "attributes": {
            "name": "one",
            "status": "idle",
            "version": "1.0.0",
            "ip-address": None,
            "last-ping-at": shown["attributes"]["last-ping-at"],
            "created-at": shown["attributes"]["created-at"],
            "os": "linux",
            "arch": "amd64",
            "slots": 2,
            "sandbox": "bwrap",
            "tools": REGISTRATION["tools"],
        },
        "links": {"self": f"/api/v2/agents/{registered['id']}"},
    }
    assert api.get(f"/agent-pools/{pool.id}/agents", owner.token)["data"] == [shown]
    assert api.put(path, token, {"status": "busy"}) == {}
    again = api.get(f"/agents/{registered['id']}", owner.token)["data"]["attributes"]
    assert (again["status"], again["last-ping-at"] > shown["attributes"]["last-ping-at"]) == ("busy", True)
    assert api.get(f"/agent-pools/{pool.id}", owner.token)["data"]["attributes"]["agent-count"] == 1
    api.delete(f"/agents/{registered['id']}", owner.token, expect=422)
    api.delete(path, token)
    assert api.get(f"/agents/{registered['id']}", owner.token)["data"]["attributes"]["status"] == "exited"
    assert api.get(f"/agent-pools/{pool.id}", owner.token)["data"]["attributes"]["agent-count"] == 0
    api.delete(f"/agents/{registered['id']}", owner.token)
    api.put(path, token, {"status": "idle"}, expect=404)
    events = left_by_requests(world)
    assert [event.action for event in events] == ["agents.create", "agents.delete"]
    assert (events[0].actor_type, events[0].actor_id, events[0].token_kind) == ("agent-pools", pool.id, "agent")
    assert (events[0].subject_name, events[0].organization_id) == ("one", acme.id)


def test_an_agent_of_the_built_in_pool_belongs_to_nobody(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    registered = api.post(AGENTS, world.built_in_token(), REGISTRATION)
    [agent] = world.all(Agent)
    assert (agent.pool, agent.agent_pool_id, agent.organization_id) == ("built-in", None, None)
    api.get(f"/agents/{registered['id']}", owner.token, expect=404)
    api.get(f"/agents/{registered['id']}", world.token(acme), expect=404)
    assert api.get(f"/agents/{registered['id']}", world.person(site_role="admin").token)["data"]["id"] == agent.id


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"protocol": 2}, "/protocol"),
        ({"protocol": True}, "/protocol"),
        ({"protocol": None}, "/protocol"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": 1}, "/name"),
        ({"version": None}, "/version"),
        ({"os": []}, "/os"),
        ({"arch": "  "}, "/arch"),
        ({"slots": 0}, "/slots"),
        ({"slots": 257}, "/slots"),
        ({"slots": True}, "/slots"),
        ({"slots": "2"}, "/slots"),
        ({"single": "yes"}, "/single"),
        ({"sandbox": "chroot"}, "/sandbox"),
        ({"sandbox": []}, "/sandbox"),
        ({"tools": []}, "/tools"),
        ({"tools": {"terraform": "1.11.4"}}, "/tools/terraform"),
        ({"tools": {"terraform": ["1.11.4"] * 201}}, "/tools/terraform"),
        ({"tools": {"opentofu": ["1.9.0", "latest"]}}, "/tools/opentofu/1"),
        ({"tools": {"terraform": [1]}}, "/tools/terraform/0"),
        ({"tools": {"terraform": [f"1.0.0-{'x' * 70}"]}}, "/tools/terraform/0"),
    ],
)
def test_nonsense_is_refused_at_its_member(
    api: Api, world: World, acme: Organization, *, sent: dict[str, Any], pointer: str
) -> None:
    answer = api.post(AGENTS, world.pool_token(world.pool(acme)), {**REGISTRATION, **sent}, expect=422)
    assert [found for _, found in faults(answer)] == [pointer]
    assert world.all(Agent) == []


@pytest.mark.one_database
def test_an_agent_of_another_protocol_learns_which_one_is_spoken(api: Api, world: World, acme: Organization) -> None:
    answer = api.post(AGENTS, world.pool_token(world.pool(acme)), {**REGISTRATION, "protocol": 2}, expect=422)
    assert answer["errors"][0]["code"] == "protocol-unknown"
    assert "protocol 1" in answer["errors"][0]["detail"]


@pytest.mark.one_database
def test_members_that_only_newer_agents_know_do_no_harm(api: Api, world: World, acme: Organization) -> None:
    api.post(AGENTS, world.pool_token(world.pool(acme)), {**REGISTRATION, "cgroups": 2, "tools": {"other": 1}})
    [agent] = world.all(Agent)
    assert agent.tools == {"terraform": [], "opentofu": []}


@pytest.mark.one_database
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"idle"'])
def test_what_is_no_object_is_refused(api: Api, world: World, acme: Organization, body: bytes) -> None:
    token = world.pool_token(world.pool(acme))
    assert api.raw("POST", AGENTS, token, body).status_int in {400, 422}
    assert api.raw("PUT", f"{AGENTS}/agent-1", token, body).status_int in {400, 422}


@pytest.mark.one_database
@pytest.mark.parametrize("status", ["exited", "errored", "unknown", "", None, 1, ["idle"]])
def test_an_agent_is_idle_or_busy(api: Api, world: World, acme: Organization, status: Any) -> None:
    pool = world.pool(acme)
    path = f"{AGENTS}/{world.agent(pool).id}"
    [(_, pointer)] = faults(api.put(path, world.pool_token(pool), {"status": status}, expect=422))
    assert pointer == "/status"


@pytest.mark.one_database
def test_only_agents_speak_as_agents(api: Api, world: World, acme: Organization, owner: Person) -> None:
    path = f"{AGENTS}/{world.agent(world.pool(acme)).id}"
    for token in (owner.token, world.token(acme), world.person(site_role="super_user").token):
        api.post(AGENTS, token, REGISTRATION, expect=404)
        api.put(path, token, {"status": "idle"}, expect=404)
        api.delete(path, token, expect=404)
    api.post(AGENTS, None, REGISTRATION, expect=401)


def test_an_agent_speaks_for_its_own_pool_alone(api: Api, world: World, acme: Organization) -> None:
    other = world.pool(acme)
    for strange in (world.agent(other), world.agent()):
        token = world.pool_token(world.pool(acme))
        api.put(f"{AGENTS}/{strange.id}", token, {"status": "busy"}, expect=404)
        api.delete(f"{AGENTS}/{strange.id}", token, expect=404)
    api.put(f"{AGENTS}/{world.agent(other).id}", world.built_in_token(), {"status": "busy"}, expect=404)
    assert {agent.status for agent in world.all(Agent)} == {"idle"}


@pytest.mark.parametrize(
    ("reported", "silence", "shown"),
    [
        ("idle", timedelta(seconds=20), "idle"),
        ("busy", timedelta(seconds=20), "busy"),
        ("idle", timedelta(seconds=40), "unknown"),
        ("busy", timedelta(hours=1, minutes=59), "unknown"),
        ("idle", timedelta(hours=2, minutes=1), "errored"),
        ("exited", timedelta(seconds=1), "exited"),
        ("exited", timedelta(days=3), "exited"),
    ],
)
def test_the_status_follows_from_the_silence(
    api: Api, world: World, acme: Organization, owner: Person, *, reported: str, silence: timedelta, shown: str
) -> None:
    pool = world.pool(acme)
    agent = world.agent(pool, status=reported, last_ping_at=now() - silence)
    path = f"/agent-pools/{pool.id}/agents"
    assert api.get(f"/agents/{agent.id}", owner.token)["data"]["attributes"]["status"] == shown
    assert len(api.get(f"{path}?filter[status]={shown}", owner.token)["data"]) == 1
    assert len(api.get(f"{path}?filter[status]=none", owner.token)["data"]) == 0
    is_alive = shown in {"idle", "busy"}
    for found in (api.get(f"/agent-pools/{pool.id}", owner.token)["data"], *api.get(POOLS, owner.token)["data"]):
        assert found["attributes"]["agent-count"] == int(is_alive)
    api.delete(f"/agents/{agent.id}", owner.token, expect=422 if is_alive else 204)


POOLS = "/organizations/acme/agent-pools"


def test_the_list_is_filtered_sorted_and_cut(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    world.agent(world.pool(acme), "strange")
    for name, ago in (("b", 3), ("C", 2), ("a", 1)):
        moment = now() - ago * HOURS
        world.agent(pool, name, created_at=moment, last_ping_at=moment)
    path = f"/agent-pools/{pool.id}/agents"

    def names(query: str = "") -> list[str]:
        return [each["attributes"]["name"] for each in api.get(f"{path}?{query}", owner.token)["data"]]

    assert names() == ["a", "C", "b"]
    assert names("sort=name") == ["a", "b", "C"]
    assert names("sort=-last-ping-at") == ["a", "C", "b"]
    assert names("sort=created-at") == ["b", "C", "a"]
    assert names("page[size]=1&page[number]=2") == ["C"]
    since = (now() - 1.5 * HOURS).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(f"filter[last-ping-since]={since}") == ["a"]
    assert names("filter[last-ping-since]=2020-08-11T10:41:23Z") == ["a", "C", "b"]
    answer = api.get(f"{path}?filter[last-ping-since]=yesterday", owner.token, expect=400)
    assert [parameter for _, parameter in faults(answer)] == ["filter[last-ping-since]"]


# List, show, delete.
WHO = {
    "owner": (200, 200, 204),
    "organization token": (200, 200, 204),
    "site administrator": (200, 200, 204),
    "manage-agent-pools": (200, 200, 204),
    "manage-workspaces": (200, 200, 404),
    "member": (200, 200, 404),
    "team token": (200, 200, 404),
    "outsider": (404, 404, 404),
    "nobody": (401, 401, 401),
}


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(api: Api, world: World, acme: Organization, who: str) -> None:
    token, pool = token_of(world, acme, who), world.pool(acme)
    agent = f"/agents/{world.agent(pool, status='exited').id}"
    requests = [("GET", f"/agent-pools/{pool.id}/agents"), ("GET", agent), ("DELETE", agent)]
    assert tuple(api.raw(method, path, token).status_int for method, path in requests) == WHO[who]


def test_a_pool_takes_its_agents_with_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    world.agent(pool)
    api.delete(f"/agent-pools/{pool.id}", owner.token)
    assert world.all(Agent) == []


def test_agents_that_ended_long_ago_go_when_another_one_comes(api: Api, world: World, acme: Organization) -> None:
    pool, other = world.pool(acme), world.pool(acme)
    days = timedelta(days=1)
    for place in (pool, other):
        world.agent(place, "exited long ago", status="exited", last_ping_at=now() - 1.1 * HOURS)
        world.agent(place, "silent for long", last_ping_at=now() - 7.1 * days)
        world.agent(place, "exited", status="exited", last_ping_at=now() - 0.9 * HOURS)
        world.agent(place, "silent", last_ping_at=now() - 6.9 * days)
    api.post(AGENTS, world.pool_token(pool), REGISTRATION)
    assert {agent.name for agent in world.all(Agent) if agent.pool == pool.id} == {"exited", "silent", "one"}
    assert len([agent for agent in world.all(Agent) if agent.pool == other.id]) == 4


def test_an_agent_does_not_register_in_a_pool_that_goes(
    world: World, acme: Organization, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    for _ in range(5):
        pool = world.pool(acme)
        token = world.pool_token(pool)
        registered, deleted = at_once(
            ("POST", AGENTS, token, REGISTRATION), ("DELETE", f"/agent-pools/{pool.id}", owner.token, None)
        )
        # 401 if its token was gone before it was looked up.
        assert (registered in {201, 401, 404}, deleted) == (True, 204)
    assert world.all(Agent) == []


@pytest.mark.one_database
def test_a_pool_has_so_many_agents_at_most(
    api: Api, world: World, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAXIMUM", 2)
    token = world.pool_token(world.pool(acme))
    for _ in range(2):
        api.post(AGENTS, token, REGISTRATION)
    assert api.post(AGENTS, token, REGISTRATION, expect=422)["errors"][0]["code"] == "too-many-agents"


def test_requests_cost_the_same_however_many_agents_there_are(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements
) -> None:
    pool = world.pool(acme)
    token, agent = world.pool_token(pool), world.agent(pool)
    own, listed = ("PUT", f"{AGENTS}/{agent.id}", {"status": "idle"}), ("GET", f"/agent-pools/{pool.id}/agents", None)
    api.put(own[1], token, own[2])
    api.get("/organizations/acme", owner.token)
    costs = []
    for _ in range(3):
        costs.append(
            (
                cost(statements, api, token, own),
                cost(statements, api, token, ("POST", AGENTS, REGISTRATION)),
                cost(statements, api, owner.token, listed),
                cost(statements, api, owner.token, ("GET", POOLS, None)),
            )
        )
        for _ in range(10):
            world.agent(pool)
    assert costs == [(2, 6, 3, 3)] * 3


def test_agents_are_found_by_index(api: Api, app: Flask, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    agent = world.agent(pool)
    for path in (f"/agent-pools/{pool.id}/agents", f"/agents/{agent.id}", POOLS):
        assert read_from_end_to_end(plans(app, api, path, owner.token), {"agents"}) == []


@pytest.mark.one_database
def test_an_organization_limits_the_runs_at_once(api: Api, acme: Organization, owner: Person) -> None:
    path = f"/organizations/{acme.name}"
    assert api.get(path, owner.token)["data"]["attributes"]["max-concurrent-runs"] is None
    for limit in (1, 100_000, None):
        sent = document("organizations", {"max-concurrent-runs": limit})
        assert api.patch(path, owner.token, sent)["data"]["attributes"]["max-concurrent-runs"] == limit
    for nonsense in (0, 100_001, "3", True):
        sent = document("organizations", {"max-concurrent-runs": nonsense})
        [(_, pointer)] = faults(api.patch(path, owner.token, sent, expect=422))
        assert pointer == "/data/attributes/max-concurrent-runs"
