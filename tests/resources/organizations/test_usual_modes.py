"""The execution mode of a new organization: remote, if an agent of the built-in pool is there to take its runs."""

from datetime import timedelta
from typing import Any

import pytest

from app.persistence import now
from tests.support.api import Api, document
from tests.support.world import World


def mode_of_new(api: Api, world: World, **attributes: Any) -> str:
    sent = {"name": f"new-{len(attributes)}", "email": "new@example.test", **attributes}
    made = api.post("/organizations", world.person(site_role="admin").token, document("organizations", sent))
    return str(made["data"]["attributes"]["default-execution-mode"])


def test_with_an_agent_it_is_remote(api: Api, world: World) -> None:
    world.agent()
    assert mode_of_new(api, world) == "remote"


def test_without_one_it_is_local(api: Api, world: World) -> None:
    assert mode_of_new(api, world) == "local"


@pytest.mark.parametrize("state", ["silent", "exited", "of another pool"])
def test_only_an_agent_of_the_built_in_pool_that_is_alive_counts(api: Api, world: World, state: str) -> None:
    if state == "silent":
        world.agent(last_ping_at=now() - timedelta(minutes=1))
    elif state == "exited":
        world.agent(status="exited")
    else:
        world.agent(world.pool(world.organization()))
    assert mode_of_new(api, world) == "local"


@pytest.mark.one_database
@pytest.mark.parametrize("mode", ["local", "remote"])
def test_the_mode_that_is_asked_for_counts(api: Api, world: World, mode: str) -> None:
    if mode == "local":
        world.agent()
    assert mode_of_new(api, world, **{"default-execution-mode": mode}) == mode


@pytest.mark.one_database
def test_existing_organizations_keep_theirs(api: Api, world: World) -> None:
    owner = world.person()
    acme = world.organization("acme", owner=owner)
    world.agent()
    api.patch("/organizations/acme", owner.token, document("organizations", {"email": "x@example.test"}))
    shown = api.get(f"/organizations/{acme.name}", owner.token)["data"]["attributes"]
    assert shown["default-execution-mode"] == "local"
