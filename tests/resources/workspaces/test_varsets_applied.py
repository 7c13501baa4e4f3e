"""Where variable sets apply, and which variables count in the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest

from app.models import Organization, Project, Var, Varset, VarsetProject, VarsetWorkspace, Workspace
from app.resources.workspaces.varsets.operations import ORIGINS, WORKSPACE_RANK, effective, precedence
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.world import Person, World


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "network")


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "network-prod")


def linkage(type_: str, *identifiers: str) -> dict[str, Any]:
    return {"data": [{"type": type_, "id": identifier} for identifier in identifiers]}


def hold(world: World, varset: Varset, key: str = "region", value: str | None = None) -> None:
    world.add(
        Var(
            organization_id=varset.organization_id,
            varset_id=varset.id,
            key=key,
            category="terraform",
            value=value or varset.name,
            global_in=varset.organization_id if varset.is_global else None,
        )
    )


def names(answer: Any) -> list[str]:
    return [item["attributes"]["name"] for item in answer["data"]]


def test_a_set_is_applied_and_removed_harmlessly_often(
    api: Api, world: World, owner: Person, acme: Organization, project: Project, workspace: Workspace
) -> None:
    varset = world.varset(acme)
    own = f"/varsets/{varset.id}"
    for kind, identifier in (("workspaces", workspace.id), ("projects", project.id)):
        for _ in range(2):
            api.post(f"{own}/relationships/{kind}", owner.token, linkage(kind, identifier, identifier), expect=204)
        shown = api.get(own, owner.token)["data"]
        assert shown["relationships"][kind]["data"] == [{"type": kind, "id": identifier}]
        for _ in range(2):
            api.delete(f"{own}/relationships/{kind}", owner.token, linkage(kind, identifier, "gone"))
        assert api.get(own, owner.token)["data"]["relationships"][kind]["data"] == []
    told = [(event.action, event.changes) for event in left_by_requests(world)]
    assert told == [
        ("varsets.apply", {"workspaces": [[], [workspace.id]]}),
        ("varsets.remove", {"workspaces": [[workspace.id], []]}),
        ("varsets.apply", {"projects": [[], [project.id]]}),
        ("varsets.remove", {"projects": [[project.id], []]}),
    ]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 422),
        ({"data": {}}, 422),
        ({"data": [1]}, 422),
        ({"data": [{"type": "projects", "id": "ws-1"}]}, 422),
        ({"data": [{"type": "workspaces"}]}, 422),
        ({"data": [{"type": "workspaces", "id": 7}]}, 422),
        ({"data": [{"type": "workspaces", "id": "ws-none"}]}, 404),
        ({"data": [{"type": "workspaces", "id": f"ws-{number}"} for number in range(1_001)]}, 422),
    ],
)
def test_what_names_no_workspace_is_refused(
    api: Api, world: World, owner: Person, acme: Organization, sent: Any, status: int
) -> None:
    varset = world.varset(acme)
    api.post(f"/varsets/{varset.id}/relationships/workspaces", owner.token, sent, expect=status)
    assert world.all(VarsetWorkspace) == []


def test_a_set_stays_in_its_organization(api: Api, world: World, owner: Person, acme: Organization) -> None:
    foreign = world.project(world.organization("other", owner=owner))
    varset = world.varset(acme)
    own = f"/varsets/{varset.id}/relationships"
    workspace = world.workspace(foreign)
    api.post(f"{own}/workspaces", owner.token, linkage("workspaces", workspace.id), expect=404)
    api.post(f"{own}/projects", owner.token, linkage("projects", foreign.id), expect=404)


def test_a_set_of_a_project_stays_in_its_project(
    api: Api, world: World, owner: Person, acme: Organization, project: Project, workspace: Workspace
) -> None:
    other = world.project(acme)
    outside = world.workspace(other)
    varset = world.varset(acme, project=project, name="mine")
    hold(world, varset)
    own = f"/varsets/{varset.id}/relationships"
    api.post(f"{own}/projects", owner.token, linkage("projects", project.id), expect=204)
    api.post(f"{own}/workspaces", owner.token, linkage("workspaces", workspace.id), expect=204)
    api.post(f"{own}/projects", owner.token, linkage("projects", other.id), expect=422)
    api.post(f"{own}/workspaces", owner.token, linkage("workspaces", workspace.id, outside.id), expect=422)
    # A workspace that leaves the project leaves its sets behind.
    path = f"/workspaces/{workspace.id}"
    assert len(api.get(f"{path}/all-vars", owner.token)["data"]) == 1
    api.patch(path, owner.token, document("workspaces", {}, project=("projects", other.id)))
    assert api.get(f"{path}/all-vars", owner.token)["data"] == []
    assert api.get(f"{path}/varsets", owner.token)["data"] == []


def test_the_sets_of_a_workspace_and_of_a_project(
    api: Api, world: World, owner: Person, acme: Organization, project: Project, workspace: Workspace
) -> None:
    sets = {name: world.varset(acme, name=name) for name in ("a-none", "b-project", "c-workspace")}
    world.varset(acme, name="d-global", is_global=True)
    owned = world.varset(acme, name="e-owned", project=project)
    world.varset(acme, name="f-elsewhere", project=world.project(acme))
    world.varset(world.organization("other"), name="g-other", is_global=True)
    world.add(VarsetProject(varset_id=sets["b-project"].id, project_id=project.id))
    world.add(VarsetWorkspace(varset_id=sets["c-workspace"].id, workspace_id=workspace.id))
    of_workspace, of_project = f"/workspaces/{workspace.id}", f"/projects/{project.id}/varsets"
    assert names(api.get(f"{of_workspace}/varsets", owner.token)) == ["b-project", "c-workspace", "d-global"]
    assert names(api.get(f"{of_workspace}/varsets?q=work&page[size]=1", owner.token)) == ["c-workspace"]
    applicable = api.get(f"{of_workspace}/applicable-varsets", owner.token)
    assert names(applicable) == ["a-none", "b-project", "c-workspace", "e-owned"]
    assert names(api.get(of_project, owner.token)) == ["b-project", "d-global"]
    assert names(api.get(f"{of_project}?scope=owned", owner.token)) == ["e-owned"]
    world.add(VarsetProject(varset_id=owned.id, project_id=project.id))
    assert names(api.get(f"{of_project}?scope=shared", owner.token)) == ["b-project", "d-global"]
    assert names(api.get(f"{of_project}?scope=all", owner.token)) == ["b-project", "d-global", "e-owned"]
    page = api.get(f"{of_project}?page[size]=2&page[number]=2", owner.token)
    assert names(page) == ["e-owned"]
    assert page["meta"]["pagination"]["total-count"] == 3
    assert names(api.get(f"{of_project}?page[number]=9", owner.token)) == []
    api.get(f"{of_project}?scope=other", owner.token, expect=400)


def test_a_set_is_read_through_a_workspace_that_it_applies_to(
    api: Api, world: World, acme: Organization, project: Project, workspace: Workspace
) -> None:
    # A reader of the project may not see the sets that it owns, but what its workspaces get from them.
    team = world.team(acme)
    world.access(team, project, "read")
    reader = world.member(acme, team).token
    varset = world.varset(acme, project=project)
    hold(world, varset)
    through = f"/workspaces/{workspace.id}/varsets/{varset.id}/relationships/vars"
    api.get(through, reader, expect=404)
    world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
    (shown,) = api.get(through, reader)["data"]
    assert api.get(f"{through}/{shown['id']}", reader)["data"] == shown
    assert len(api.get(f"/workspaces/{workspace.id}/varsets", reader)["data"]) == 1
    api.get(f"{through}/var-none", reader, expect=404)
    api.get(f"/varsets/{varset.id}", reader, expect=404)
    api.get(through, world.member(acme).token, expect=404)


# --- precedence ----------------------------------------------------------------------------------------------------

LADDER = (
    "priority global",
    "priority of organization by project",
    "priority of organization by workspace",
    "priority of project by project",
    "priority of project by workspace",
    "own",
    "of project by workspace",
    "of project by project",
    "of organization by workspace",
    "of organization by project",
    "global",
)


def test_the_ladder_of_precedence(
    api: Api, world: World, owner: Person, acme: Organization, project: Project, workspace: Workspace
) -> None:
    def value() -> str:
        (one,) = api.get(f"/workspaces/{workspace.id}/all-vars", owner.token)["data"]
        return str(one["attributes"]["value"])

    # From the lowest rung up: each new one takes over from all those before.
    for name in reversed(LADDER):
        if name == "own":
            place = {"organization_id": acme.id, "workspace_id": workspace.id}
            world.add(Var(**place, key="region", category="terraform", value="own"))
        else:
            varset = world.varset(
                acme,
                name=name,
                project=project if "of project" in name else None,
                is_global="global" in name,
                priority="priority" in name,
            )
            if name == "priority global":
                # Two global sets never hold the same key, so the other one goes first.
                (other,) = [each for each in world.all(Varset) if each.name == "global"]
                api.delete(f"/varsets/{other.id}", owner.token)
            hold(world, varset)
            if "by workspace" in name:
                world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
            if "by project" in name:
                world.add(VarsetProject(varset_id=varset.id, project_id=project.id))
        assert value() == name


def row(identifier: str, key: str = "region", **members: Any) -> SimpleNamespace:
    plain = {"category": "env", "priority": False, "is_global": False, "project_id": None}
    ways = {"by_workspace": True, "by_project": False}
    return SimpleNamespace(id=identifier, key=key, **{**plain, **ways, "varset_name": identifier, **members})


def test_on_the_same_rung_the_first_name_by_code_point_wins() -> None:
    rows = [row("b"), row("a"), row("Z"), row("é"), row("other", key="zone"), row("x", category="terraform")]
    assert [each.id for each in effective([], rows)] == ["Z", "x", "other"]
    assert [each.id for each in effective([], reversed(rows))] == ["Z", "x", "other"]


def test_an_own_variable_overrides_those_of_its_category() -> None:
    own = [row("mine"), row("mine, too", category="terraform")]
    shared = [row("theirs"), row("theirs, too", category="terraform")]
    assert effective(own, shared) == own
    assert effective(own[:1], shared) == [own[0], shared[1]]


def test_a_set_applied_in_two_ways_counts_by_the_stronger() -> None:
    twice, once = row("twice", by_project=True), row("once")
    assert effective([], [once, twice]) == [once]
    assert effective([], [row("z", priority=True, by_project=True), row("a", priority=True)])[0].id == "z"


def test_what_is_overridden_is_left_out_and_the_rest_is_there(
    api: Api, world: World, owner: Person, acme: Organization, workspace: Workspace
) -> None:
    for number in range(2):
        place = {"organization_id": acme.id, "workspace_id": workspace.id}
        world.add(Var(**place, key=f"key_{number}", category="terraform", value="own"))
    everywhere = world.varset(acme, name="everywhere", is_global=True)
    strong = world.varset(acme, name="strong", priority=True)
    world.add(VarsetWorkspace(varset_id=strong.id, workspace_id=workspace.id))
    for varset, keys in ((everywhere, ("key_0", "key_2", "key_3")), (strong, ("key_1", "key_4"))):
        for key in keys:
            hold(world, varset, key)
    answer = api.get(f"/workspaces/{workspace.id}/all-vars", owner.token)
    found = {item["attributes"]["key"]: item["attributes"]["value"] for item in answer["data"]}
    # Seven variables, of which two are overridden.
    assert found == {
        "key_0": "own",
        "key_1": "strong",
        "key_2": "everywhere",
        "key_3": "everywhere",
        "key_4": "strong",
    }


def test_reading_costs_the_same_whatever_there_is(
    api: Api,
    world: World,
    owner: Person,
    acme: Organization,
    project: Project,
    workspace: Workspace,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    api.get("/account/details", owner.token)
    expected = {
        "/organizations/acme/varsets": 3,  # the caller, the page, what its sets are linked with
        "/organizations/acme/varsets?include=vars": 5,  # how long they are, and they themselves
        f"/workspaces/{workspace.id}/varsets": 4,
        f"/workspaces/{workspace.id}/all-vars": 4,
        f"/projects/{project.id}/varsets": 4,
    }
    for count in (1, 30):
        for _ in range(count):
            varset = world.varset(acme)
            hold(world, varset)
            world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
            world.add(VarsetProject(varset_id=varset.id, project_id=project.id))
        costs = {}
        for path in expected:
            with statements() as seen:
                api.get(path, owner.token)
            costs[path] = len(seen)
        assert costs == expected


@pytest.mark.one_database
def test_what_is_overridden_is_listed_after_what_wins(
    api: Api, world: World, owner: Person, acme: Organization, workspace: Workspace
) -> None:
    hold(world, world.varset(acme, name="everywhere", is_global=True))
    first = world.varset(acme, name="first", priority=True)
    world.add(VarsetWorkspace(varset_id=first.id, workspace_id=workspace.id))
    hold(world, first)
    path = f"/workspaces/{workspace.id}"
    secret = {"key": "region", "value": "own", "category": "terraform", "sensitive": True}
    api.post(f"{path}/vars", owner.token, document("vars", secret))
    found = api.get(f"{path}/all-vars?overridden=true", owner.token)["data"]
    assert [(each["attributes"]["value"], each["meta"]) for each in found] == [
        (
            "first",
            {
                "overridden": False,
                "precedence": 3,
                "origin": "a set with priority, applied to the workspace",
                "varset-name": "first",
            },
        ),
        (None, {"overridden": True, "precedence": 8, "origin": "the workspace itself", "varset-name": None}),
        (
            "everywhere",
            {"overridden": True, "precedence": 13, "origin": "a global set", "varset-name": "everywhere"},
        ),
    ]
    (winner,) = api.get(f"{path}/all-vars", owner.token)["data"]
    assert (winner["attributes"]["value"], "meta" in winner) == ("first", False)
    api.get(f"{path}/all-vars?overridden=yes", owner.token, expect=400)


@pytest.mark.one_database
def test_every_precedence_has_a_text() -> None:
    ranks = {
        precedence(SimpleNamespace(priority=a, is_global=b, project_id=c, by_workspace=d, by_project=not d))
        for a in (True, False)
        for b in (True, False)
        for c in (None, "prj-1")
        for d in (True, False)
    }
    assert ranks | {WORKSPACE_RANK} == set(ORIGINS)
