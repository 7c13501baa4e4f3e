"""Who may read agent pools, and who may manage them."""

from collections.abc import Callable

import pytest

from app.models import Organization
from tests.support.api import Api, document
from tests.support.world import World

POOLS = "/organizations/acme/agent-pools"
MISSING = "apool-1111111111111111"

# What each may do: list, show, create, update, delete.
WHO = {
    "owner": (200, 200, 201, 200, 204),
    "organization token": (200, 200, 201, 200, 204),
    "site administrator": (200, 200, 201, 200, 204),
    "manage-agent-pools": (200, 200, 201, 200, 204),
    "manage-workspaces": (200, 200, 404, 404, 404),
    "manage-projects": (200, 200, 404, 404, 404),
    "project admin": (200, 200, 404, 404, 404),
    "member": (200, 200, 404, 404, 404),
    "team token": (200, 200, 404, 404, 404),
    "outsider": (404, 404, 404, 404, 404),
    "nobody": (401, 401, 401, 401, 401),
}


def token_of(world: World, acme: Organization, who: str) -> str | None:
    if who.startswith("manage-"):
        return world.member(acme, world.team(acme, who)).token
    if who == "project admin":
        team = world.team(acme)
        world.access(team, world.project(acme), "admin")
        return world.member(acme, team).token
    made: dict[str, Callable[[], str | None]] = {
        "owner": lambda: world.owner(acme).token,
        "organization token": lambda: world.token(acme),
        "site administrator": lambda: world.person(site_role="admin").token,
        "member": lambda: world.member(acme).token,
        "team token": lambda: world.team_token(world.team(acme)),
        "outsider": lambda: world.owner(world.organization()).token,
        "nobody": lambda: None,
    }
    return made[who]()


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(api: Api, world: World, acme: Organization, who: str) -> None:
    token = token_of(world, acme, who)
    path = f"/agent-pools/{world.pool(acme).id}"
    sent = document("agent-pools", {"name": "new"})
    requests = [
        ("GET", POOLS, None),
        ("GET", path, None),
        ("POST", POOLS, sent),
        ("PATCH", path, document("agent-pools")),
    ]
    answers = [api.raw(method, address, token, given) for method, address, given in (*requests, ("DELETE", path, None))]
    assert tuple(answer.status_int for answer in answers) == WHO[who]
    if who != "nobody":
        missing = api.raw("PATCH", f"/agent-pools/{MISSING}", token, document("agent-pools"))
        assert missing.status_int == 404
        if answers[3].status_int == 404:
            assert missing.body == answers[3].body, "forbidden reads like missing"


@pytest.mark.parametrize(("who", "may"), [("owner", True), ("manage-agent-pools", True), ("member", False)])
def test_the_organization_says_who_manages_pools(
    api: Api, world: World, acme: Organization, who: str, *, may: bool
) -> None:
    shown = api.get("/organizations/acme", token_of(world, acme, who))["data"]["attributes"]
    assert shown["permissions"]["can-update-agent-pools"] is may
