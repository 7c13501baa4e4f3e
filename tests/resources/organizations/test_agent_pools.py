"""Agent pools: what they are, whom they are open to, who may see and change them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.models import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace, Organization
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

POOLS = "/organizations/acme/agent-pools"
MISSING = "apool-1111111111111111"


def names(answer: Any) -> list[str]:
    return [item["attributes"]["name"] for item in answer["data"]]


def linked(answer: Any, relationship: str) -> list[str]:
    return [item["id"] for item in answer["data"]["relationships"][relationship]["data"]]


@pytest.mark.usefixtures("acme")
def test_a_pool_is_made_shown_and_listed_alike(api: Api, owner: Person) -> None:
    made = api.post(POOLS, owner.token, document("agent-pools", {"name": "build-farm_1"}))["data"]
    assert made == {
        "id": made["id"],
        "type": "agent-pools",
        "attributes": {
            "name": "build-farm_1",
            "created-at": made["attributes"]["created-at"],
            "organization-scoped": True,
            "agent-count": 0,
            "max-concurrent-runs": None,
        },
        "relationships": {
            "organization": {"data": {"id": "acme", "type": "organizations"}},
            "workspaces": {"data": []},
            "agents": {"links": {"related": f"/api/v2/agent-pools/{made['id']}/agents"}},
            "authentication-tokens": {
                "links": {"related": f"/api/v2/agent-pools/{made['id']}/authentication-tokens"},
            },
            "allowed-workspaces": {"data": []},
            "allowed-projects": {"data": []},
            "excluded-workspaces": {"data": []},
        },
        "links": {"self": f"/api/v2/agent-pools/{made['id']}"},
    }
    assert made["id"].startswith("apool-")
    assert made["attributes"]["created-at"].endswith("Z")
    assert api.get(f"/agent-pools/{made['id']}", owner.token)["data"] == made
    listed = api.get(POOLS, owner.token)
    assert listed["data"] == [made]
    assert listed["meta"]["status-counts"] == {"total": 1, "matching": 1}
    assert listed["meta"]["pagination"]["total-count"] == 1


def test_a_pool_is_made_for_some(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme)
    first, second = world.workspace(project, "a"), world.workspace(project, "b")
    sent = document(
        "agent-pools",
        {"name": "some", "organization-scoped": False},
        allowed_workspaces=[("workspaces", second.id), ("workspaces", first.id), ("workspaces", first.id)],
        allowed_projects=[("projects", project.id)],
        excluded_workspaces=[("workspaces", second.id)],
    )
    made = api.post(POOLS, owner.token, sent)
    assert made["data"]["attributes"]["organization-scoped"] is False
    assert linked(made, "allowed-workspaces") == [first.id, second.id], "by name"
    assert linked(made, "allowed-projects") == [project.id]
    assert linked(made, "excluded-workspaces") == [second.id]
    assert api.get(f"/agent-pools/{made['data']['id']}", owner.token) == made
    [event] = left_by_requests(world)
    assert (event.action, event.subject_type, event.subject_name) == ("agent-pools.create", "agent-pools", "some")
    assert event.changes == {
        "name": [None, "some"],
        "organization-scoped": [None, False],
        "allowed-workspaces": [[], sorted([first.id, second.id])],
        "allowed-projects": [[], [project.id]],
        "excluded-workspaces": [[], [second.id]],
    }


def test_an_update_changes_what_it_names_and_nothing_else(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    first, second = world.workspace(project), world.workspace(project)
    pool = world.pool(acme, "before", organization_scoped=False)
    world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=first.id))
    world.add(AllowedProject(agent_pool_id=pool.id, project_id=project.id))
    world.add(ExcludedWorkspace(agent_pool_id=pool.id, workspace_id=second.id))
    path = f"/agent-pools/{pool.id}"

    before = api.get(path, owner.token)
    assert api.patch(path, owner.token, document("agent-pools")) == before
    assert api.patch(path, owner.token, document("agent-pools", {"name": "before"})) == before
    again = document("agent-pools", allowed_workspaces=[("workspaces", first.id)])
    assert api.patch(path, owner.token, again) == before
    assert left_by_requests(world) == []

    renamed = api.patch(path, owner.token, document("agent-pools", {"name": "AFTER"}))
    assert renamed["data"]["attributes"] == {**before["data"]["attributes"], "name": "AFTER"}
    assert renamed["data"]["relationships"] == before["data"]["relationships"]

    # A list replaces the one there is; the others stay.
    replaced = api.patch(path, owner.token, document("agent-pools", allowed_workspaces=[("workspaces", second.id)]))
    assert linked(replaced, "allowed-workspaces") == [second.id]
    assert linked(replaced, "allowed-projects") == [project.id]
    emptied = api.patch(path, owner.token, document("agent-pools", allowed_workspaces=[], allowed_projects=[]))
    assert [linked(emptied, name) for name in ("allowed-workspaces", "allowed-projects")] == [[], []]
    assert linked(emptied, "excluded-workspaces") == [second.id]
    opened = api.patch(path, owner.token, document("agent-pools", {"organization-scoped": True}))
    assert opened["data"]["attributes"]["organization-scoped"] is True
    changes = [event.changes for event in left_by_requests(world)]
    assert changes == [
        {"name": ["before", "AFTER"]},
        {"allowed-workspaces": [[first.id], [second.id]]},
        {"allowed-workspaces": [[second.id], []], "allowed-projects": [[project.id], []]},
        {"organization-scoped": [False, True]},
    ]


ATTRIBUTES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("Name can't be blank", "name")]),
    ({"name": None}, [("Name can't be blank", "name")]),
    ({"name": ""}, [("Name can't be blank", "name")]),
    ({"name": 7}, [("Name must be a string", "name")]),
    ({"name": "a b"}, [("Name is invalid", "name")]),
    ({"name": "ä"}, [("Name is invalid", "name")]),
    ({"name": "n" * 91}, [("Name is too long (maximum is 90 characters)", "name")]),
    ({"name": "taken"}, [("Name has already been taken", "name")]),
    ({"name": "TAKEN"}, [("Name has already been taken", "name")]),
    (
        {"name": "x", "organization-scoped": "yes"},
        [("Organization scoped must be true or false", "organization-scoped")],
    ),
    ({"name": "x", "organization-scoped": None}, [("Organization scoped can't be blank", "organization-scoped")]),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("sent", "expected"), ATTRIBUTES, ids=[ascii(sent)[:40] for sent, _ in ATTRIBUTES])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_value_is_refused(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    method: str,
    sent: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    world.pool(acme, "taken")
    pool = world.pool(acme, "other")
    if method == "PATCH" and not sent:
        sent = {"name": ""}
    path = POOLS if method == "POST" else f"/agent-pools/{pool.id}"
    answer = api.send(method, path, owner.token, document("agent-pools", sent), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{member}") for detail, member in expected]
    assert [error["title"] for error in answer["errors"]] == ["invalid attribute"]
    assert {found.name for found in world.all(AgentPool)} == {"taken", "other"}
    assert left_by_requests(world) == []


def test_the_longest_name_and_the_name_of_another_organization_s_pool_are_free(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    world.pool(world.organization(), "same")
    for name in ("n" * 90, "same"):
        api.post(POOLS, owner.token, document("agent-pools", {"name": name}))
    pool = world.pool(acme, "Case")
    shown = api.patch(f"/agent-pools/{pool.id}", owner.token, document("agent-pools", {"name": "case"}))
    assert shown["data"]["attributes"]["name"] == "case"


RELATIONSHIPS = [
    ("allowed-workspaces", "workspaces", "Allowed workspaces must be workspaces of the organization"),
    ("excluded-workspaces", "workspaces", "Excluded workspaces must be workspaces of the organization"),
    ("allowed-projects", "projects", "Allowed projects must be projects of the organization"),
]


@pytest.mark.parametrize(("relationship", "type_", "detail"), RELATIONSHIPS, ids=lambda value: value[:20])
@pytest.mark.parametrize("which", ["missing", "of another organization"])
def test_only_what_is_the_organization_s_can_be_listed(
    api: Api, world: World, acme: Organization, owner: Person, *, relationship: str, type_: str, detail: str, which: str
) -> None:
    elsewhere = world.project(world.organization(owner=owner))
    strange = {"projects": elsewhere.id, "workspaces": world.workspace(elsewhere).id}[type_]
    own = world.project(acme)
    known = {"projects": own.id, "workspaces": world.workspace(own).id}[type_]
    given = [(type_, known), (type_, strange if which != "missing" else "nothing-1")]
    pool = world.pool(acme)
    sent = document("agent-pools", {"name": "new"}, **{relationship.replace("-", "_"): given})
    for method, path in (("POST", POOLS), ("PATCH", f"/agent-pools/{pool.id}")):
        answer = api.send(method, path, owner.token, sent, expect=422)
        assert faults(answer) == [(detail, f"/data/relationships/{relationship}/data/1/id")]
    assert [found.name for found in world.all(AgentPool)] == [pool.name]
    assert left_by_requests(world) == []


LINKAGE: list[tuple[Any, str, str]] = [
    (None, "Allowed workspaces must be an object with a data array", ""),
    ({"type": "workspaces", "id": "ws-1"}, "Allowed workspaces must be an object with a data array", ""),
    ([{"type": "projects", "id": "prj-1"}], "type must be workspaces", "/data/0/type"),
    ([{"type": "workspaces", "id": 1}], "id must be a string", "/data/0/id"),
    ([{"type": "workspaces", "id": ""}], "id must be a string", "/data/0/id"),
    (["ws-1"], "data must contain objects", "/data/0"),
    (
        [{"type": "workspaces", "id": f"ws-{n}"} for n in range(1001)],
        "data must not have more than 1000 items",
        "/data",
    ),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("given", "detail", "where"), LINKAGE, ids=[ascii(given)[:40] for given, _, _ in LINKAGE])
@pytest.mark.usefixtures("acme")
def test_linkage_of_another_shape_is_refused(api: Api, owner: Person, given: Any, detail: str, where: str) -> None:
    sent = document("agent-pools", {"name": "new"})
    sent["data"]["relationships"] = {"allowed-workspaces": {"data": given}}
    answer = api.post(POOLS, owner.token, sent, expect=422)
    assert faults(answer) == [(detail, f"/data/relationships/allowed-workspaces{where}")]


def test_a_thousand_workspaces_can_be_listed_at_once(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(world.project(acme))
    sent = document("agent-pools", {"name": "new"}, allowed_workspaces=[("workspaces", workspace.id)] * 1000)
    assert linked(api.post(POOLS, owner.token, sent), "allowed-workspaces") == [workspace.id]


def test_pools_are_searched_sorted_and_paged(api: Api, world: World, acme: Organization, owner: Person) -> None:
    for day, name in enumerate(("beta", "Alpha", "gamma-farm"), start=1):
        world.pool(acme, name, created_at=datetime(2026, 1, day, tzinfo=UTC))
    world.pool(world.organization(), "elsewhere")
    assert names(api.get(POOLS, owner.token)) == ["Alpha", "beta", "gamma-farm"]
    assert names(api.get(f"{POOLS}?sort=-name", owner.token)) == ["gamma-farm", "beta", "Alpha"]
    assert names(api.get(f"{POOLS}?sort=created-at", owner.token)) == ["beta", "Alpha", "gamma-farm"]
    assert names(api.get(f"{POOLS}?sort=-created-at", owner.token)) == ["gamma-farm", "Alpha", "beta"]
    found = api.get(f"{POOLS}?q=ET", owner.token)
    assert names(found) == ["beta"]
    assert found["meta"]["status-counts"] == {"total": 3, "matching": 1}
    assert names(api.get(f"{POOLS}?page[size]=1&page[number]=2", owner.token)) == ["beta"]
    assert names(api.get(f"{POOLS}?page[size]=1&page[number]=9", owner.token)) == []
    assert faults(api.get(f"{POOLS}?sort=agent-count", owner.token, expect=400))[0][1] == "sort"
    assert faults(api.get(f"{POOLS}?include=agents", owner.token, expect=400))[0][1] == "include"


def test_the_workspaces_that_use_a_pool_can_be_included(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    pool, unused = world.pool(acme, "a"), world.pool(acme, "b")
    settings = {"own_execution_mode": "agent", "own_agent_pool_id": pool.id}
    project = world.project(acme)
    own = world.workspace(project, **settings)
    world.workspace(project)
    for path in (POOLS, f"/agent-pools/{pool.id}"):
        shown = api.get(f"{path}?include=workspaces", owner.token)
        assert [(item["type"], item["id"]) for item in shown["included"]] == [("workspaces", own.id)]
    assert linked(api.get(f"/agent-pools/{pool.id}", owner.token), "workspaces") == [own.id]
    assert api.get(f"/agent-pools/{unused.id}?include=workspaces", owner.token)["included"] == []


@pytest.mark.parametrize("spelling", ["filter[allowed_{}][name]", "filter[allowed-{}][name]"])
def test_pools_are_found_by_whom_they_are_open_to(
    api: Api, world: World, acme: Organization, owner: Person, spelling: str
) -> None:
    project, other = world.project(acme, "network"), world.project(acme, "data")
    net, hidden = world.workspace(project, "net"), world.workspace(other, "hidden")
    world.pool(acme, "all")
    excluding = world.pool(acme, "all-but-net")
    by_workspace = world.pool(acme, "by-workspace", organization_scoped=False)
    by_project = world.pool(acme, "by-project", organization_scoped=False)
    world.pool(acme, "closed", organization_scoped=False)
    world.add(ExcludedWorkspace(agent_pool_id=excluding.id, workspace_id=net.id))
    world.add(AllowedWorkspace(agent_pool_id=by_workspace.id, workspace_id=net.id))
    world.add(AllowedProject(agent_pool_id=by_project.id, project_id=project.id))
    # A name that another organization has as well leads to none of its pools, and its grants to none here.
    elsewhere = world.organization(owner=owner)
    world.workspace(world.project(elsewhere, "network"), "net")
    world.pool(elsewhere, "strange")

    def found(kind: str, name: str, token: str = owner.token) -> list[str]:
        return names(api.get(f"{POOLS}?{spelling.format(kind)}={name}", token))

    assert found("workspaces", "NET") == ["all", "by-project", "by-workspace"]
    assert found("workspaces", hidden.name) == ["all", "all-but-net"]
    assert found("projects", "Network") == ["all", "all-but-net", "by-project"]
    assert found("projects", "data") == ["all", "all-but-net"]
    assert found("workspaces", "ne") == found("projects", "missing") == []
    # What a member can't see is for him as if it were not there.
    team = world.team(acme)
    world.access(team, project, "read")
    member = world.member(acme, team).token
    assert found("workspaces", "net", member) == ["all", "by-project", "by-workspace"]
    assert found("workspaces", "hidden", member) == found("projects", "data", member) == []


def test_nobody_learns_from_a_pool_of_what_he_can_not_see(api: Api, world: World, acme: Organization) -> None:
    seen, unseen = world.project(acme), world.project(acme)
    pool = world.pool(acme)
    settings = {"own_execution_mode": "agent", "own_agent_pool_id": pool.id}
    workspaces = [world.workspace(project, **settings) for project in (seen, unseen)]
    for project, workspace in zip((seen, unseen), workspaces, strict=True):
        world.add(AllowedProject(agent_pool_id=pool.id, project_id=project.id))
        world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        world.add(ExcludedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
    team = world.team(acme)
    world.access(team, seen, "read")
    shown = api.get(f"/agent-pools/{pool.id}?include=workspaces", world.member(acme, team).token)
    for relationship in ("workspaces", "allowed-workspaces", "excluded-workspaces"):
        assert linked(shown, relationship) == [workspaces[0].id]
    assert linked(shown, "allowed-projects") == [seen.id]
    assert [item["id"] for item in shown["included"]] == [workspaces[0].id]


@pytest.mark.one_database
def test_a_pool_limits_the_runs_at_once(api: Api, world: World, acme: Organization, owner: Person) -> None:
    path = f"/agent-pools/{world.pool(acme).id}"
    for limit in (1, 100_000, None):
        sent = document("agent-pools", {"max-concurrent-runs": limit})
        assert api.patch(path, owner.token, sent)["data"]["attributes"]["max-concurrent-runs"] == limit
    for nonsense in (0, -1, 100_001, "3", 1.5, True):
        sent = document("agent-pools", {"max-concurrent-runs": nonsense})
        [(_, pointer)] = faults(api.patch(path, owner.token, sent, expect=422))
        assert pointer == "/data/attributes/max-concurrent-runs"


def test_an_organization_takes_its_pools_with_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool = world.pool(acme)
    settings = {"own_execution_mode": "agent", "own_agent_pool_id": pool.id}
    workspace = world.workspace(world.project(acme, **settings), **settings)
    world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
    api.delete("/organizations/acme", owner.token)
    assert world.all(AgentPool) == world.all(AllowedWorkspace) == []


def test_what_goes_leaves_the_pools_that_list_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    pool, project = world.pool(acme), world.project(acme)
    workspace = world.workspace(project)
    world.add(AllowedProject(agent_pool_id=pool.id, project_id=project.id))
    for table in (AllowedWorkspace, ExcludedWorkspace):
        world.add(table(agent_pool_id=pool.id, workspace_id=workspace.id))
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    shown = api.get(f"/agent-pools/{pool.id}", owner.token)
    for relationship in ("allowed-workspaces", "allowed-projects", "excluded-workspaces"):
        assert linked(shown, relationship) == []
