"""Wiping a project: what goes, what stays, what the answer counts."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select

from app.models import (
    AllowedWorkspace,
    AuthenticationToken,
    Environment,
    ExcludedWorkspace,
    Invitation,
    Organization,
    PolicySetWorkspace,
    PolicySetWorkspaceExclusion,
    Project,
    RemoteStateConsumer,
    RepositoryLink,
    RunTrigger,
    Var,
    Varset,
    VarsetProject,
    VarsetWorkspace,
    Workspace,
)
from app.persistence import Base, now
from app.resources.projects.project_wipes.operations import COUNTED, OF_WORKSPACES
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.contents import fill
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.statement_costs import Statements, cost
from tests.support.sweeper import Sweeper
from tests.support.world import Person, World

# They go with the workspaces as well, and are nothing that a client knows by an id of its own.
LINKS = {
    model.__tablename__
    for model in (
        VarsetWorkspace,
        PolicySetWorkspace,
        PolicySetWorkspaceExclusion,
        AllowedWorkspace,
        ExcludedWorkspace,
        RemoteStateConsumer,
    )
}
# They go with their run, of which they are parts.
PARTS = {
    "applies",
    "comments",
    "plans",
    "run_events",
    "policy_set_outcomes",
    "run_jobs",
    "assessment_results",
    "task_stages",
    "policy_evaluations",
    "task_results",
    "task_result_outcomes",
}
# Events outlive what they tell of.
STAY = {"activity_events"}
COUNTS = {
    "workspaces": 2,
    "state-versions": 2,
    "state-version-outputs": 3,
    "configuration-versions": 2,
    "runs": 2,
    "notification-configurations": 2,
    "workspace-tasks": 2,
    "run-triggers": 3,
    "tag-bindings": 2,
    "team-workspaces": 2,
    "workspace-acl-entries": 2,
    "invitations": 2,
    "images": 2,
    "remote-state-consumers": 3,
    "vars": 3,
    "varsets": 1,
}
ZERO = {**dict.fromkeys(COUNTS, 0), "workspaces-left": 0}


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with its default environment."""
    return world.project(acme, "platform")


def rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def wipe(api: Api, project: Project, token: str, parameters: str = "", expect: int = 200) -> Any:
    return api.post(f"/projects/{project.id}/actions/wipe{parameters}", token, expect=expect)


def test_all_that_goes_is_counted_or_is_a_mere_link() -> None:
    tables = {table.name for table in Base.metadata.sorted_tables if "workspace_id" in table.c}
    models: list[type[Base]] = [*OF_WORKSPACES, RunTrigger, Var]
    counted = {model.__tablename__ for model in models}
    assert tables == counted | LINKS | PARTS | STAY
    assert {model.__tablename__.replace("_", "-") for model in COUNTED} == set(COUNTS)


@pytest.mark.parametrize("who", ["owner", "token"])
def test_a_wipe_deletes_and_counts_and_a_second_one_counts_zero(
    app: Flask, api: Api, world: World, acme: Organization, project: Project, owner: Person, engine: Engine, who: str
) -> None:
    token = owner.token if who == "owner" else world.project_token(project, "owner")
    before = rows(engine)
    fill(api, world, acme, project, owner.token)
    spared = {row.id for row in world.all(Workspace) if row.project_id != project.id}
    filled = rows(engine)
    answer = wipe(api, project, token)
    assert answer == {
        "data": {
            "type": "project-wipes",
            "id": project.id,
            "attributes": {"dry-run": False, "counts": {**COUNTS, "workspaces-left": 0}},
        }
    }
    after = rows(engine)
    for model in COUNTED:
        gone = filled[model.__tablename__] - after[model.__tablename__]
        assert gone == COUNTS[model.__tablename__.replace("_", "-")], model
    assert {row.id for row in world.all(Workspace)} == spared
    assert [after[name] for name in LINKS] == [before[name] for name in LINKS]
    assert Sweeper(app).listed() == set(), "the objects were condemned with their rows"
    again = wipe(api, project, token)["data"]["attributes"]
    assert again == {"dry-run": False, "counts": ZERO}
    assert rows(engine) == after


def test_a_dry_run_counts_the_same_and_does_nothing(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, engine: Engine
) -> None:
    fill(api, world, acme, project, owner.token)
    before = rows(engine)
    for _ in range(2):
        dry = wipe(api, project, owner.token, "?dry-run=true")["data"]["attributes"]
        lost = dry.pop("loses-access")
        assert dry == {
            "dry-run": True,
            "counts": {**COUNTS, "workspaces-left": 0},
            "gains-access": {"total": 0, "hidden": 0, "listed": []},
        }
        assert {each["workspaces"] for each in lost["listed"] if each["name"] == owner.username} == {2}
    assert rows(engine) == before
    assert wipe(api, project, owner.token, "?dry-run=false")["data"]["attributes"]["counts"] == {
        **COUNTS,
        "workspaces-left": 0,
    }


@pytest.mark.one_database
@pytest.mark.parametrize("value", ["1", "yes", "TRUE", "", "true,false"])
def test_dry_run_is_true_or_false(api: Api, world: World, project: Project, owner: Person, value: str) -> None:
    workspace = world.workspace(project)
    answer = wipe(api, project, owner.token, f"?dry-run={value}", 400)
    assert faults(answer) == [("dry-run must be true or false", "dry-run")]
    assert [row.id for row in world.all(Workspace)] == [workspace.id]


def test_what_is_no_data_of_the_project_stays(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    fill(api, world, acme, project, owner.token)
    environment = world.environment(project)
    member = world.project_member(project, world.member(acme), "viewer", environment=environment)
    token = world.project_token(project, "viewer")
    access = world.access(world.team(acme), project, "read")
    tag = world.tag(project, "team", "platform")
    place = {"organization_id": acme.id, "project_id": project.id}
    link = world.add(RepositoryLink(**place, url="https://example.test/r.git"))
    shared = world.varset(acme)
    world.add(VarsetProject(varset_id=shared.id, project_id=project.id))
    invited = world.add(Invitation(**place, email="a@b.test", role="viewer", nonce="n", expires_at=now()))
    wipe(api, project, owner.token)
    for row in (project, environment, member, access, tag, link, shared, invited):
        assert row.id in {found.id for found in world.all(type(row))}, row.__tablename__
    assert len([row for row in world.all(Environment) if row.project_id == project.id]) == 2
    assert [row.varset_id for row in world.all(VarsetProject)] == [shared.id]
    assert [row.project_id for row in world.all(AuthenticationToken) if row.project_id] == [project.id]
    api.get(f"/projects/{project.id}", token)


def test_the_default_project_can_be_wiped(api: Api, world: World, acme: Organization, owner: Person) -> None:
    default = world.default_project(acme)
    world.workspace(default)
    assert wipe(api, default, owner.token)["data"]["attributes"]["counts"] == {**ZERO, "workspaces": 1}
    assert world.default_project(acme).id == default.id


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("who", ["admin", "token", "manage-projects"])
def test_what_may_not_be_deleted_stays_and_is_counted(api: Api, world: World, who: str, *, allowed: bool) -> None:
    organization = world.organization("force", allow_force_delete_workspaces=allowed)
    project, person = world.project(organization), world.person()
    token = {
        "admin": lambda: person.token,
        "token": lambda: world.project_token(project, "admin"),
        "manage-projects": lambda: world.member(organization, world.team(organization, "manage-projects")).token,
    }[who]()
    world.project_member(project, person, "admin")
    empty, locked, managing = (
        world.workspace(project, **members) for members in ({}, {"locked": True}, {"resource_count": 1})
    )
    for workspace in (empty, locked, managing):
        place = {"organization_id": organization.id, "workspace_id": workspace.id}
        world.add(Var(**place, key="a", category="env", value="b"))
    varset = world.varset(organization, project=project)
    world.add(Var(organization_id=organization.id, varset_id=varset.id, key="a", category="env", value="b"))
    # The variable sets stay as long as a workspace does, which may need them.
    going, sets = (3, 1) if allowed else (1, 0)
    counts = {**ZERO, "workspaces": going, "vars": going + sets, "varsets": sets, "workspaces-left": 3 - going}
    for parameters in ("?dry-run=true", ""):
        assert wipe(api, project, token, parameters)["data"]["attributes"]["counts"] == counts
    left = {row.id for row in world.all(Workspace)}
    assert left == (set() if allowed else {locked.id, managing.id})
    assert len(world.all(Varset)) == 1 - sets
    assert len(world.all(Var)) == len(left) + len(world.all(Varset))
    again = wipe(api, project, token)["data"]["attributes"]["counts"]
    assert again == {**ZERO, "workspaces-left": len(left)}
    deleted = [event.subject_id for event in left_by_requests(world) if event.action == "workspaces.delete"]
    assert len(deleted) == going


def test_a_wipe_leaves_an_event_with_its_counts_and_one_for_each_workspace(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspaces = [world.workspace(project) for _ in range(2)]
    world.varset(acme, project=project)
    wipe(api, project, owner.token, "?dry-run=true")
    assert left_by_requests(world) == []
    wipe(api, project, owner.token)
    wipe(api, project, owner.token)
    *deleted, told = left_by_requests(world)
    assert {(event.action, event.subject_id) for event in deleted} == {
        ("workspaces.delete", workspace.id) for workspace in workspaces
    }
    assert (told.action, told.subject_id, told.project_id) == ("projects.wipe", project.id, project.id)
    assert told.changes == {"workspaces": [2, 0], "varsets": [1, 0]}


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_depend_on_what_there_is(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, statements: Statements, count: int
) -> None:
    for index in range(count):
        workspace = world.workspace(project)
        world.add(Var(organization_id=acme.id, workspace_id=workspace.id, key="a", category="env", value="b"))
        world.state_version(workspace, "one", "two")
        if index % 2 == 0:
            world.varset(acme, project=project)
    api.get("/account/details", owner.token)
    path = f"/projects/{project.id}/actions/wipe"
    # caller, lock, count, and six for who would lose access
    assert cost(statements, api, owner.token, ("POST", f"{path}?dry-run=true", None)) == 9
    # and sets, workspaces, objects, the two deletions, both events
    assert cost(statements, api, owner.token, ("POST", path, None)) == 10


def test_another_organization_hears_nothing(api: Api, world: World, project: Project) -> None:
    other = world.organization()
    token = world.project_token(world.project(other), "owner")
    answer = wipe(api, project, token, expect=404)
    missing = api.post("/projects/prj-1111111111111111/actions/wipe", token, expect=404)
    assert answer == missing
    wipe(api, project, world.token(other), "?dry-run=true", 404)


def test_what_a_wipe_deletes_is_found_by_index(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person
) -> None:
    path = f"/projects/{world.project(acme).id}/actions/wipe?dry-run=true"
    lines = plans(app, api, path, owner.token, "POST")
    assert read_from_end_to_end(lines, [model.__tablename__ for model in COUNTED]) == [], "\n".join(lines)
