"""Clones of environments: what a copy has of its source, and what not."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select

from app.models import (
    AllowedWorkspace,
    Environment,
    ExcludedWorkspace,
    Organization,
    PolicySet,
    PolicySetWorkspace,
    Project,
    RemoteStateConsumer,
    RunTask,
    TagBinding,
    TeamWorkspace,
    Var,
    VarsetWorkspace,
    WorkspaceAclEntry,
    WorkspaceTask,
)
from app.persistence import Base
from app.resources.projects.environments import cloning
from app.resources.projects.environments.cloning import BELONGINGS, LINKS, free_names
from app.services import services
from app.storage.keyring import Keyring
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

Clone = Callable[..., Any]


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with its default environment."""
    return world.project(acme, "platform")


@pytest.fixture
def source(world: World, project: Project) -> Environment:
    """The environment that is cloned."""
    return world.environment(
        project,
        "prod",
        display_name="Production",
        type="production",
        description="The real one",
        color="#ff0000",
        git_branch="main",
    )


@pytest.fixture
def clone(api: Api, source: Environment, owner: Person) -> Clone:
    """Clones the source; the answer."""

    def cloning_it(name: str = "blue", expect: int = 201, **members: Any) -> Any:
        sent = document("environments", {"name": name, **members})
        return api.post(f"/environments/{source.id}/actions/clone", owner.token, sent, expect=expect)

    return cloning_it


def of(world: World, model: type[Base], workspace_id: str, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of the workspace, by these columns."""
    found = [row for row in world.all(model) if row.workspace_id == workspace_id]
    return sorted(tuple(getattr(row, column) for column in columns) for row in found)


def test_an_empty_environment_is_cloned_with_what_it_says_of_itself(
    api: Api, clone: Clone, source: Environment, owner: Person
) -> None:
    answer = clone()
    shown = answer["data"]["attributes"]
    assert answer["meta"] == {"workspaces": []}
    assert api.get(f"/environments/{answer['data']['id']}", owner.token)["data"] == answer["data"]
    assert answer["data"]["relationships"]["project"]["data"]["id"] == source.project_id
    assert {name: shown[name] for name in ("name", "display-name", "is-default", "workspace-count")} == {
        "name": "blue",
        "display-name": None,
        "is-default": False,
        "workspace-count": 0,
    }
    assert [shown[name] for name in ("type", "description", "color", "git-branch")] == [
        "production",
        "The real one",
        "#ff0000",
        "main",
    ]


def test_what_the_request_says_wins(clone: Clone) -> None:
    given = {"display-name": "Blue", "type": None, "color": "#0000ff", "git-branch": "blue"}
    shown = clone(**given)["data"]["attributes"]
    assert {name: shown[name] for name in given} == given
    assert shown["description"] == "The real one"


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"name": None}, ("Name can't be blank", "/data/attributes/name")),
        ({"name": "PROD"}, ("Name has already been taken", "/data/attributes/name")),
        ({"name": "x", "color": "red"}, ("Color must be a color such as #F59E0B", "/data/attributes/color")),
    ],
)
def test_faults_are_those_of_any_new_environment(
    clone: Clone, world: World, members: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert faults(clone(expect=422, **members)) == [fault]
    assert left_by_requests(world) == []


def test_a_name_is_required(api: Api, source: Environment, owner: Person) -> None:
    path = f"/environments/{source.id}/actions/clone"
    answer = api.post(path, owner.token, document("environments"), expect=422)
    assert faults(answer) == [("Name can't be blank", "/data/attributes/name")]


def test_variables_tags_and_access_are_copied(
    clone: Clone, world: World, acme: Organization, project: Project, source: Environment
) -> None:
    originals = [world.workspace(project, environment_id=source.id) for _ in range(2)]
    team, person = world.team(acme), world.member(acme)
    task = world.add(RunTask(organization_id=acme.id, name="costs", url="https://task.example.test"))
    pools = [world.pool(acme), world.pool(acme)]
    varset = world.varset(acme)
    policies = world.add(PolicySet(organization_id=acme.id, name="rules"))
    for index, original in enumerate(originals):
        place = {"organization_id": acme.id, "workspace_id": original.id}
        world.add(Var(**place, key=f"key-{index}", category="env", value=f"value-{index}", description="d"))
        world.add(Var(**place, key="hcl", category="terraform", value="[1]", hcl=True))
        world.add(TagBinding(**place, key="env", value=f"prod-{index}", position=1))
        world.add(TagBinding(**place, key="blue", value="", is_plain=True))
        world.workspace_access(team, original, "custom", {"runs": "plan"})
        world.acl_entry(original, person, "developer")
        world.add(WorkspaceTask(**place, task_id=task.id, stages=["pre_plan"], enforcement_level="mandatory"))
        world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=original.id))
        world.add(PolicySetWorkspace(policy_set_id=policies.id, workspace_id=original.id))
        world.add(AllowedWorkspace(agent_pool_id=pools[0].id, workspace_id=original.id))
        world.add(ExcludedWorkspace(agent_pool_id=pools[1].id, workspace_id=original.id))
    before = {model: len(world.all(model)) for model in (*BELONGINGS, *LINKS)}
    copies = {copy["source-id"]: copy["id"] for copy in clone()["meta"]["workspaces"]}
    assert set(copies) == {original.id for original in originals}
    compared: dict[type[Base], tuple[str, ...]] = {
        Var: ("key", "category", "value", "description", "hcl", "sensitive", "organization_id"),
        TagBinding: ("key", "value", "is_plain", "position", "tag_id", "organization_id"),
        TeamWorkspace: ("team_id", "access", "organization_id"),
        WorkspaceAclEntry: ("membership_id", "level", "organization_id"),
        WorkspaceTask: ("task_id", "stages", "enforcement_level", "organization_id"),
        VarsetWorkspace: ("varset_id",),
        PolicySetWorkspace: ("policy_set_id",),
        AllowedWorkspace: ("agent_pool_id",),
        ExcludedWorkspace: ("agent_pool_id",),
    }
    assert set(compared) == {*BELONGINGS, *LINKS}
    for model, columns in compared.items():
        for original in originals:
            found = of(world, model, original.id, *columns)
            assert found != []
            assert of(world, model, copies[original.id], *columns) == found, model
        assert len(world.all(model)) == 2 * before[model]
    assert {str(row.details) for row in world.all(TeamWorkspace)} == {str({"runs": "plan"})}
    for model in BELONGINGS:
        assert len({row.id for row in world.all(model)}) == 2 * before[model]
    versions = [row.version_id for row in world.all(Var)]
    assert len(set(versions)) == len(versions)


def test_a_sensitive_value_stays_sensitive_and_opens(
    api: Api, app: Flask, clone: Clone, world: World, project: Project, source: Environment, owner: Person
) -> None:
    original = world.workspace(project, environment_id=source.id)
    secret = {"key": "password", "value": "hunter2", "category": "env", "sensitive": True}
    api.post(f"/workspaces/{original.id}/vars", owner.token, document("vars", secret))
    answer = clone()
    [copied] = answer["meta"]["workspaces"]
    [shown] = api.get(f"/workspaces/{copied['id']}/vars", owner.token)["data"]
    assert (shown["attributes"]["value"], shown["attributes"]["sensitive"]) == (None, True)
    [row] = [row for row in world.all(Var) if row.workspace_id == copied["id"]]
    assert row.value is None
    assert Keyring(services(app).settings.encryption_keys).unseal(row.sealed_value) == b"hunter2"
    told = str(answer) + "".join(str(event.changes) for event in left_by_requests(world))
    assert "hunter2" not in told
    # Each has its own: what becomes of the one is nothing to the other.
    api.delete(f"/workspaces/{original.id}", owner.token)
    assert len(api.get(f"/workspaces/{copied['id']}/vars", owner.token)["data"]) == 1


def test_consumers_inside_become_copies_and_others_stay(
    clone: Clone, world: World, project: Project, source: Environment
) -> None:
    first, second = (world.workspace(project, environment_id=source.id) for _ in range(2))
    outside = world.workspace(project)
    for workspace, consumer in ((first, second), (second, first), (first, outside), (outside, first)):
        world.add(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=consumer.id))
    before = {(row.workspace_id, row.consumer_id) for row in world.all(RemoteStateConsumer)}
    copies = {copy["source-id"]: copy["id"] for copy in clone()["meta"]["workspaces"]}
    after = {(row.workspace_id, row.consumer_id) for row in world.all(RemoteStateConsumer)}
    assert after - before == {
        (copies[first.id], copies[second.id]),
        (copies[second.id], copies[first.id]),
        (copies[first.id], outside.id),
    }, "whom the outside one lets read is not for the clone to say"
    assert before <= after


@pytest.mark.parametrize(
    ("names", "taken", "expected"),
    [
        (["net", "app"], [], ["net-blue", "app-blue"]),
        (["net"], ["NET-Blue"], ["net-blue-2"]),
        (["net"], ["net-blue", "net-blue-2"], ["net-blue-3"]),
        (["a" * 260], [], ["a" * 255 + "-blue"]),
        (["a" * 260, "a" * 256 + "bbbb"], [], ["a" * 255 + "-blue", "a" * 253 + "-blue-2"]),
        (["A" * 260, "a" * 256 + "bbbb"], [], ["A" * 255 + "-blue", "a" * 253 + "-blue-2"]),
    ],
)
def test_names_are_free_and_short_enough(names: list[str], taken: list[str], expected: list[str]) -> None:
    assert free_names(names, "blue", taken) == expected


def test_copies_get_names_that_nobody_has(
    clone: Clone, world: World, acme: Organization, project: Project, source: Environment
) -> None:
    longest = "b" * 260
    for name in ("net", "x_y%", longest):
        world.workspace(project, name.replace("%", "z"), environment_id=source.id)
    elsewhere = world.project(acme)
    world.workspace(elsewhere, "NET-blue")
    world.workspace(elsewhere, "net-blue-2")
    world.workspace(world.project(world.organization()), "net-blue-3")
    meta = clone()["meta"]["workspaces"]
    assert {each["source-name"]: each["name"] for each in meta} == {
        "net": "net-blue-3",
        "x_yz": "x_yz-blue",
        longest: "b" * 255 + "-blue",
    }


def test_each_copy_and_the_environment_leave_an_event(
    clone: Clone, world: World, project: Project, source: Environment
) -> None:
    for _ in range(2):
        world.workspace(project, environment_id=source.id)
    answer = clone()
    events = left_by_requests(world)
    made = [event for event in events if event.action == "workspaces.create"]
    assert {(event.subject_id, event.subject_name) for event in made} == {
        (each["id"], each["name"]) for each in answer["meta"]["workspaces"]
    }
    assert {(event.project_id, event.environment_id) for event in made} == {(project.id, answer["data"]["id"])}
    [created] = [event for event in events if event.action == "environments.create"]
    assert created.subject_id == answer["data"]["id"]
    [told] = [event for event in events if event.action == "projects.clone-environment"]
    assert told.changes == {"environment": [source.id, answer["data"]["id"]], "workspace-count": [0, 2]}
    assert (told.project_id, told.environment_id) == (project.id, None)
    assert len(events) == 4


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_depend_on_what_is_copied(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    source: Environment,
    owner: Person,
    statements: Statements,
    count: int,
) -> None:
    team = world.team(acme)
    pool, varset = world.pool(acme), world.varset(acme)
    task = world.add(RunTask(organization_id=acme.id, name="costs", url="https://task.example.test"))
    earlier = None
    for index in range(count):
        workspace = world.workspace(
            project, environment_id=source.id, own_execution_mode="agent", own_agent_pool_id=pool.id
        )
        place = {"organization_id": acme.id, "workspace_id": workspace.id}
        for key in range(1 + index % 3):
            world.add(Var(**place, key=str(key), category="env", value="v"))
            world.add(TagBinding(**place, key=str(key), value="v"))
        world.workspace_access(team, workspace, "read")
        world.acl_entry(workspace, owner, "owner")
        world.add(WorkspaceTask(**place, task_id=task.id, stages=["pre_plan"]))
        world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
        world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        world.add(ExcludedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        consumer = (earlier or world.workspace(project)).id
        world.add(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=consumer))
        earlier = workspace
    api.get("/account/details", owner.token)
    sent = document("environments", {"name": "blue"})
    # Before and after: caller, environment, project, source, count, insert, three events, what is shown.
    # For the workspaces: they, how much belongs to them, the pools, the names, the copies; for each of nine tables
    # what there is and its copy; and that they have no policy sets.
    assert cost(statements, api, owner.token, ("POST", f"/environments/{source.id}/actions/clone", sent)) == 10 + 5 + 19


def test_it_is_all_or_nothing(
    clone: Clone, world: World, project: Project, source: Environment, engine: Engine, app: Flask
) -> None:
    original = world.workspace(project, environment_id=source.id)
    world.add(RemoteStateConsumer(workspace_id=original.id, consumer_id=world.workspace(project).id))
    before = {table.name: count_of(engine, table) for table in Base.metadata.sorted_tables}

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO remote_state_consumers"):
            raise RuntimeError("the last statement of the copies")

    writing = services(app).engines.writing
    event.listen(writing, "before_cursor_execute", fail)
    try:
        clone(expect=500)
    finally:
        event.remove(writing, "before_cursor_execute", fail)
    assert {table.name: count_of(engine, table) for table in Base.metadata.sorted_tables} == before
    clone()


def test_an_environment_that_holds_too_much_is_refused(
    clone: Clone, world: World, project: Project, source: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloning, "AT_ONCE", 2)
    for _ in range(2):
        world.workspace(project, environment_id=source.id)
    clone("at-the-limit")
    world.workspace(project, environment_id=source.id)
    expected = [("An environment that holds more than 5000 workspaces can't be cloned", "/data")]
    assert faults(clone("beyond", expect=422)) == expected
    assert [each.name for each in world.all(Environment) if each.name == "beyond"] == []


def count_of(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(table)).all())
