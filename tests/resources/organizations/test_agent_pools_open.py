"""Whom a pool is open to: who may begin to use it, who keeps it, and when it may go."""

from collections.abc import Callable

import pytest

from app.models import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace, Organization
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.executions import INHERITING, LEVELS, Scene
from tests.support.world import Person, World


@pytest.fixture
def scene(api: Api, world: World, acme: Organization, owner: Person) -> Scene:
    return Scene(api, world, acme, owner)


def allow(scene: Scene, pool: AgentPool) -> None:
    scene.world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=scene.workspace.id))


def allow_project(scene: Scene, pool: AgentPool) -> None:
    scene.world.add(AllowedProject(agent_pool_id=pool.id, project_id=scene.project.id))


def exclude(scene: Scene, pool: AgentPool) -> None:
    scene.world.add(ExcludedWorkspace(agent_pool_id=pool.id, workspace_id=scene.workspace.id))


def allow_others(scene: Scene, pool: AgentPool) -> None:
    other = scene.world.project(scene.acme)
    scene.world.add(AllowedProject(agent_pool_id=pool.id, project_id=other.id))
    workspace = scene.world.workspace(scene.project)
    scene.world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))


Opens = Callable[[Scene, AgentPool], object]
# How a pool is made, what opens and closes it, and whether the project and the workspace may use it.
OPEN: dict[str, tuple[bool, list[Opens], bool, bool]] = {
    "open to all": (True, [], True, True),
    "open to all but the workspace": (True, [exclude], True, False),
    "closed": (False, [], False, False),
    "open to the workspace": (False, [allow], False, True),
    "open to the project": (False, [allow_project], True, True),
    "open to the project but not the workspace": (
        False,
        [allow_project, exclude],
        True,
        False,
    ),
    "open to the workspace and closed to it": (
        False,
        [allow, exclude],
        False,
        False,
    ),
    "open to others": (False, [allow_others], False, False),
}


@pytest.mark.parametrize("case", OPEN)
def test_a_pool_is_used_by_those_whom_it_is_open_to(scene: Scene, case: str) -> None:
    is_for_all, opens, for_project, for_workspace = OPEN[case]
    pool = scene.world.pool(scene.acme, organization_scoped=is_for_all)
    for each in opens:
        each(scene, pool)
    for name, may in (("project", for_project), ("workspace", for_workspace)):
        level = LEVELS[name]
        answer = scene.set(name, mode="agent", pool=pool.id, expect=200 if may else 422)
        if may:
            assert level.shown(answer) == ("agent", pool.id)
        else:
            detail = f"{level.pool} {name} does not have access to use this agent pool"
            assert faults(answer) == [(detail, f"/data/attributes/{level.prefix}agent-pool-id")]
            assert answer["errors"][0]["title"] == "invalid attribute"
    # The list of pools says the same.
    for name, kind, may in (("network", "projects", for_project), ("net", "workspaces", for_workspace)):
        found = scene.api.get(f"/organizations/acme/agent-pools?filter[allowed_{kind}][name]={name}", scene.token)
        assert (pool.id in [item["id"] for item in found["data"]]) is may
    # An organization may name any of its pools.
    assert LEVELS["organization"].shown(scene.set("organization", mode="agent", pool=pool.id)) == ("agent", pool.id)


@pytest.mark.parametrize("name", INHERITING)
def test_a_pool_for_what_is_new_is_open_to_all_or_to_its_project(scene: Scene, name: str) -> None:
    level = LEVELS[name]
    pool = scene.world.pool(scene.acme, organization_scoped=False)
    allow_project(scene, pool)
    linkage = {"project": ("projects", scene.project.id)} if name == "workspace" else {}
    sent = document(level.type_, {"name": "new", **level.sent(mode="agent", pool=pool.id)}, **linkage)
    may = name == "workspace"
    path = f"/organizations/acme/{level.type_}"
    answer = scene.api.post(path, scene.token, sent, expect=201 if may else 422)
    if not may:
        assert faults(answer)[0][0] == f"{level.pool} {name} does not have access to use this agent pool"


def test_who_has_a_pool_keeps_it_when_the_pool_is_closed(scene: Scene) -> None:
    for name in INHERITING:
        scene.set(name, mode="agent", pool=scene.pool.id)
    closed = document("agent-pools", {"organization-scoped": False})
    scene.api.patch(f"/agent-pools/{scene.pool.id}", scene.token, closed)
    for name in INHERITING:
        assert LEVELS[name].shown(scene.set(name, mode="agent", pool=scene.pool.id)) == ("agent", scene.pool.id)
        scene.set(name, mode="local")
        scene.set(name, mode="agent", pool=scene.pool.id, expect=422)


def test_a_moved_workspace_keeps_its_own_pool_and_inherits_the_new_project_s(scene: Scene) -> None:
    there = scene.world.project(scene.acme, own_execution_mode="agent", own_agent_pool_id=scene.other.id)
    sent = document("workspaces", project=("projects", there.id))
    scene.api.patch(scene.path("workspace"), scene.token, sent)
    assert scene.force("workspace") == ("agent", scene.other.id)
    scene.set("workspace", mode="agent", pool=scene.pool.id)
    sent = document("workspaces", project=("projects", scene.project.id))
    scene.api.patch(scene.path("workspace"), scene.token, sent)
    assert scene.force("workspace") == ("agent", scene.pool.id)


def test_a_workspace_moves_and_takes_a_pool_of_its_new_project_at_once(scene: Scene) -> None:
    there = scene.world.project(scene.acme)
    pool = scene.world.pool(scene.acme, organization_scoped=False)
    scene.world.add(AllowedProject(agent_pool_id=pool.id, project_id=there.id))
    attributes = LEVELS["workspace"].sent(mode="agent", pool=pool.id)
    scene.api.patch(scene.path("workspace"), scene.token, document("workspaces", attributes), expect=422)
    sent = document("workspaces", attributes, project=("projects", there.id))
    shown = scene.api.patch(scene.path("workspace"), scene.token, sent)
    assert LEVELS["workspace"].shown(shown) == ("agent", pool.id)


# --- deleting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEVELS)
def test_a_pool_stays_as_long_as_it_is_used(scene: Scene, name: str) -> None:
    scene.set(name, mode="agent", pool=scene.pool.id)
    path = f"/agent-pools/{scene.pool.id}"
    answer = scene.api.delete(path, scene.token, expect=422)
    [error] = answer["errors"]
    assert (error["title"], error["code"]) == ("unprocessable entity", "agent-pool-in-use")
    assert error["detail"].startswith("The agent pool is in use")
    scene.api.delete(f"/agent-pools/{scene.other.id}", scene.token)
    scene.set(name, mode="remote")
    scene.api.delete(path, scene.token)
    scene.api.get(path, scene.token, expect=404)
    scene.api.delete(path, scene.token, expect=404)
    deleted = [event.subject_name for event in left_by_requests(scene.world) if event.action == "agent-pools.delete"]
    assert deleted == ["second", "first"]


def test_a_pool_goes_with_the_lists_of_whom_it_is_open_to(scene: Scene) -> None:
    for each in (allow, allow_project, exclude):
        each(scene, scene.pool)
    scene.api.delete(f"/agent-pools/{scene.pool.id}", scene.token)
    for table in (AllowedWorkspace, AllowedProject, ExcludedWorkspace):
        assert scene.world.all(table) == []


# --- shown beside workspaces ---------------------------------------------------------------------------------------


def test_the_pools_of_workspaces_can_be_included(scene: Scene) -> None:
    scene.set("organization", mode="agent", pool=scene.pool.id)
    own = scene.world.workspace(scene.project, own_execution_mode="agent", own_agent_pool_id=scene.other.id)
    scene.world.workspace(scene.project, own_execution_mode="local")
    listed = scene.api.get("/organizations/acme/workspaces?include=agent-pool", scene.token)
    assert [item["attributes"]["name"] for item in listed["included"]] == ["first", "second"]
    shown = scene.api.get(f"/workspaces/{own.id}?include=agent_pool", scene.token)["included"]
    assert shown == [scene.api.get(f"/agent-pools/{scene.other.id}", scene.token)["data"]]
    assert [item["id"] for item in shown[0]["relationships"]["workspaces"]["data"]] == [own.id]
