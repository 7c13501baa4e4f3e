"""The execution mode agent and its pool: set on organization, project and workspace, inherited, taken back."""

from typing import Any

import pytest

from app.models import Organization
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.executions import INHERITING, LEVELS, Scene
from tests.support.world import Person, World

MISSING = "apool-1111111111111111"


@pytest.fixture
def scene(api: Api, world: World, acme: Organization, owner: Person) -> Scene:
    return Scene(api, world, acme, owner)


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("via", ["attribute", "relationship"])
def test_a_pool_is_set_replaced_and_left(scene: Scene, name: str, via: str) -> None:
    level = LEVELS[name]
    if via == "attribute":
        answer = scene.set(name, mode="agent", pool=scene.pool.id)
    else:
        linkage = {f"{level.prefix}agent-pool".replace("-", "_"): ("agent-pools", scene.pool.id)}
        sent = document(level.type_, level.sent(mode="agent"), **linkage)
        answer = scene.api.patch(scene.path(name), scene.token, sent)
    assert level.shown(answer) == scene.force(name) == ("agent", scene.pool.id)
    if name in INHERITING:
        assert level.overwrites(answer)
    # The same once more, with and without the pool, is nothing new; another pool needs no mode.
    again: list[dict[str, Any]] = [{"mode": "agent"}, {"mode": "agent", "pool": scene.pool.id}, {"pool": scene.pool.id}]
    for given in again:
        assert level.shown(scene.set(name, **given)) == ("agent", scene.pool.id)
    assert len(left_by_requests(scene.world)) == 1
    assert level.shown(scene.set(name, pool=scene.other.id)) == ("agent", scene.other.id)
    # What says nothing about either leaves both.
    named = {"organization": "email", "project": "description", "workspace": "description"}[name]
    sent = document(level.type_, {named: "ops@acme.test"})
    assert level.shown(scene.api.patch(scene.path(name), scene.token, sent)) == ("agent", scene.other.id)
    for mode in ("remote", "local"):
        scene.set(name, mode="agent", pool=scene.other.id)
        assert level.shown(scene.set(name, mode=mode)) == scene.force(name) == (mode, None)


def test_the_change_of_a_pool_is_recorded(scene: Scene) -> None:
    scene.set("project", mode="agent", pool=scene.pool.id)
    scene.set("project", mode="local")
    assert [event.changes for event in left_by_requests(scene.world)] == [
        {"own-execution-mode": [None, "agent"], "own-agent-pool-id": [None, scene.pool.id]},
        {"own-execution-mode": ["agent", "local"], "own-agent-pool-id": [scene.pool.id, None]},
    ]


def test_the_pool_is_inherited_through_both_levels(scene: Scene) -> None:
    agent, other = ("agent", scene.pool.id), ("agent", scene.other.id)
    scene.set("organization", mode="agent", pool=scene.pool.id)
    assert scene.everywhere() == [agent, agent, agent]
    for name in INHERITING:
        assert not LEVELS[name].overwrites(scene.api.get(scene.path(name), scene.token))
    # An own mode hides the pool above, too.
    scene.set("project", mode="remote")
    assert scene.everywhere() == [agent, ("remote", None), ("remote", None)]
    scene.set("workspace", mode="agent", pool=scene.other.id)
    assert scene.everywhere() == [agent, ("remote", None), other]
    scene.set("workspace", overwrites=False)
    scene.set("project", mode="agent", pool=scene.other.id)
    assert scene.everywhere() == [agent, other, other]
    scene.set("project", mode="default")
    assert scene.everywhere() == [agent, agent, agent]
    scene.set("organization", pool=scene.other.id)
    assert scene.everywhere() == [other, other, other]
    scene.set("organization", mode="local")
    assert scene.everywhere() == [("local", None)] * 3


@pytest.mark.parametrize("name", INHERITING)
def test_overwrites_keep_what_is_in_force_or_give_it_up(scene: Scene, name: str) -> None:
    level = LEVELS[name]
    scene.set("organization", mode="agent", pool=scene.pool.id)
    answer = scene.set(name, overwrites=True)
    assert (level.shown(answer), level.overwrites(answer)) == (("agent", scene.pool.id), True)
    scene.set("organization", mode="remote")
    assert scene.force(name) == ("agent", scene.pool.id), "its own by now"
    # With false in the same request the overwrites win: it inherits.
    answer = scene.set(name, mode="agent", pool=scene.other.id, overwrites=False)
    assert (level.shown(answer), level.overwrites(answer)) == (("remote", None), False)
    # A pool beside true needs no mode where agent is in force.
    scene.set("organization", mode="agent", pool=scene.pool.id)
    answer = scene.set(name, pool=scene.other.id, overwrites=True)
    assert (level.shown(answer), level.overwrites(answer)) == (("agent", scene.other.id), True)


def test_what_is_new_has_a_pool_from_the_start(scene: Scene) -> None:
    scene.set("organization", mode="agent", pool=scene.pool.id)
    for name, members in (("project", {"name": "new"}), ("workspace", {"name": "new"})):
        level = LEVELS[name]
        path = f"/organizations/acme/{level.type_}"
        inheriting = scene.api.post(path, scene.token, document(level.type_, members))
        assert (level.shown(inheriting), level.overwrites(inheriting)) == (("agent", scene.pool.id), False)
        own = {"name": "own", **level.sent(mode="agent", pool=scene.other.id)}
        made = scene.api.post(path, scene.token, document(level.type_, own))
        assert (level.shown(made), level.overwrites(made)) == (("agent", scene.other.id), True)


MUST_NOT = "{subject} must not be specified unless using 'agent' execution mode"
MUST = "{pool} must be specified when using 'agent' execution mode"
# What is there before, what is sent, the title and the detail.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "agent alone": ({}, {"mode": "agent"}, "invalid attribute", MUST),
    "agent without a pool": ({}, {"mode": "agent", "pool": None}, "invalid attribute", MUST),
    "agent with an empty pool": ({}, {"mode": "agent", "pool": " "}, "invalid attribute", "{pool} does not exist"),
    "pool alone": ({}, {"pool": "POOL"}, "unprocessable entity", MUST_NOT),
    "pool with remote": ({}, {"mode": "remote", "pool": "POOL"}, "unprocessable entity", MUST_NOT),
    "pool with local": ({}, {"mode": "local", "pool": "POOL"}, "unprocessable entity", MUST_NOT),
    "pool when leaving": ({"mode": "agent"}, {"mode": "local", "pool": "POOL"}, "unprocessable entity", MUST_NOT),
    "pool taken away": ({"mode": "agent"}, {"pool": None}, "invalid attribute", MUST),
    "pool missing": ({}, {"mode": "agent", "pool": MISSING}, "invalid attribute", "{pool} does not exist"),
    "another one missing": ({"mode": "agent"}, {"pool": MISSING}, "invalid attribute", "{pool} does not exist"),
    "pool of another": ({}, {"mode": "agent", "pool": "STRANGE"}, "invalid attribute", "{pool} does not exist"),
}


@pytest.mark.one_database
@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(scene: Scene, world: World, owner: Person, name: str, case: str) -> None:
    level = LEVELS[name]
    before, given, title, detail = REFUSED[case]
    if before:
        scene.set(name, **before, pool=scene.pool.id)
    there, events = scene.everywhere(), len(left_by_requests(world))
    real = {"POOL": scene.other.id, "STRANGE": world.pool(world.organization(owner=owner)).id}
    if "pool" in given:
        given = {**given, "pool": real.get(given["pool"], given["pool"])}
    answer = scene.set(name, expect=422, **given)
    words = detail.format(subject=level.subject, pool=level.pool)
    assert faults(answer) == [(words, f"/data/attributes/{level.prefix}agent-pool-id")]
    assert answer["errors"][0]["title"] == title
    assert scene.everywhere() == there
    assert len(left_by_requests(world)) == events


@pytest.mark.parametrize("name", LEVELS)
def test_a_fault_points_to_the_relationship_that_was_sent(scene: Scene, name: str) -> None:
    level = LEVELS[name]
    member = f"{level.prefix}agent-pool"
    linkage = {member.replace("-", "_"): ("agent-pools", MISSING)}
    sent = document(level.type_, level.sent(mode="agent"), **linkage)
    answer = scene.api.patch(scene.path(name), scene.token, sent, expect=422)
    assert faults(answer) == [(f"{level.pool} does not exist", f"/data/relationships/{member}")]


def test_a_new_organization_can_not_have_a_pool_yet(scene: Scene, world: World) -> None:
    pool = {"default-execution-mode": "agent", "default-agent-pool-id": scene.pool.id}
    sent = document("organizations", {"name": "newer", "email": "ops@acme.test", **pool})
    answer = scene.api.post("/organizations", world.person(site_role="admin").token, sent, expect=422)
    assert faults(answer) == [("Default agent pool does not exist", "/data/attributes/default-agent-pool-id")]
    assert [found.name for found in world.all(Organization)] == ["acme"]
