"""Deleting environments: empty ones, the default one, by force with all they hold."""

import pytest
from flask import Flask

from app.models import Environment, Organization, Project, ProjectMember, Var, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.states import States, state
from tests.support.sweeper import Sweeper
from tests.support.world import Person, World

DEFAULT = "The default environment cannot be deleted; make another environment the default first"
NOT_EMPTY = (
    "The environment still contains workspaces; move or delete them first, or delete the environment with force=true"
)


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with its default environment."""
    return world.project(acme, "platform")


def there(world: World, project: Project) -> set[str]:
    return {each.id for each in world.all(Environment) if each.project_id == project.id}


def test_an_empty_one_is_deleted_once(api: Api, world: World, project: Project, owner: Person) -> None:
    environment = world.environment(project)
    api.delete(f"/environments/{environment.id}", owner.token)
    assert environment.id not in there(world, project)
    api.get(f"/environments/{environment.id}", owner.token, expect=404)
    api.delete(f"/environments/{environment.id}?force=true", owner.token, expect=404)


@pytest.mark.parametrize("parameters", ["", "?force=true"])
@pytest.mark.parametrize("held", [0, 1])
def test_the_default_one_never_goes(
    api: Api, world: World, project: Project, owner: Person, *, parameters: str, held: int
) -> None:
    default = world.default_environment(project)
    for _ in range(held):
        world.workspace(project)
    answer = api.delete(f"/environments/{default.id}{parameters}", owner.token, expect=403)
    assert answer["errors"] == [
        {"status": "403", "title": "forbidden", "code": "default-environment", "detail": DEFAULT}
    ]
    assert there(world, project) == {default.id}
    assert len(world.all(Workspace)) == held
    assert left_by_requests(world) == []


def test_after_another_became_the_default_it_does(api: Api, world: World, project: Project, owner: Person) -> None:
    default, other = world.default_environment(project), world.environment(project)
    api.post(f"/environments/{other.id}/actions/set-default", owner.token, expect=200)
    api.delete(f"/environments/{default.id}", owner.token)
    assert there(world, project) == {other.id}


def test_one_that_holds_workspaces_goes_by_force_alone(api: Api, world: World, project: Project, owner: Person) -> None:
    environment = world.environment(project, "doomed")
    doomed = [world.workspace(project, environment_id=environment.id, locked=True, resource_count=7) for _ in range(3)]
    spared = world.workspace(project)
    for parameters in ("", "?force=false"):
        answer = api.delete(f"/environments/{environment.id}{parameters}", owner.token, expect=403)
        assert answer["errors"] == [
            {"status": "403", "title": "forbidden", "code": "environment-not-empty", "detail": NOT_EMPTY}
        ]
    assert left_by_requests(world) == []
    api.delete(f"/environments/{environment.id}?force=true", owner.token)
    assert [found.id for found in world.all(Workspace)] == [spared.id]
    assert environment.id not in there(world, project)
    *deleted, last = left_by_requests(world)
    assert {(event.action, event.subject_id) for event in deleted} == {
        ("workspaces.delete", workspace.id) for workspace in doomed
    }
    assert (last.action, last.subject_id, last.changes) == (
        "environments.delete",
        environment.id,
        {"workspace-count": [3, 0]},
    )


def test_what_its_workspaces_stored_goes_along(
    app: Flask, api: Api, world: World, project: Project, owner: Person
) -> None:
    environment = world.environment(project)
    states = States(api, world.workspace(project, environment_id=environment.id), owner.token)
    states.save(state())
    sweeper = Sweeper(app)
    assert sweeper.listed() != set()
    api.delete(f"/environments/{environment.id}?force=true", owner.token)
    assert sweeper.listed() == set()


@pytest.mark.one_database
@pytest.mark.parametrize("value", ["1", "yes", "TRUE", ""])
def test_force_is_true_or_false(api: Api, world: World, project: Project, owner: Person, value: str) -> None:
    path = f"/environments/{world.environment(project).id}?force={value}"
    assert faults(api.delete(path, owner.token, expect=400)) == [("force must be true or false", "force")]


@pytest.mark.one_database
@pytest.mark.parametrize("held", [0, 1])
@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("access", ["team admin", "admin", "owner", "token admin", "organization token"])
def test_force_needs_the_right_to_it(api: Api, world: World, *, access: str, allowed: bool, held: int) -> None:
    organization = world.organization(allow_force_delete_workspaces=allowed)
    project = world.project(organization)
    environment = world.environment(project)
    for _ in range(held):
        world.workspace(project, environment_id=environment.id)
    person = world.member(organization)
    if access == "team admin":
        team = world.team(organization)
        world.access(team, project, "admin")
        token = world.member(organization, team).token
    elif access == "token admin":
        token = world.project_token(project, "admin")
    elif access == "organization token":
        token = world.token(organization)
    else:
        world.project_member(project, person, access)
        token = person.token
    forced = api.raw("DELETE", f"/environments/{environment.id}?force=true", token).status_int
    # Whoever may force the project out may do so with its environments.
    expected = api.raw("DELETE", f"/projects/{project.id}?force=true", token).status_int
    assert forced == expected
    assert expected == (204 if allowed or access in {"owner", "organization token"} else 403)


def test_roles_that_held_only_there_go_along(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    environment, other = world.environment(project), world.environment(project)
    people = [world.member(acme) for _ in range(3)]
    gone = world.project_member(project, people[0], "admin", environment=environment)
    kept = [
        world.project_member(project, people[1], "admin", environment=other),
        world.project_member(project, people[2], "viewer"),
    ]
    api.get(f"/projects/{project.id}", people[0].token)
    api.delete(f"/environments/{environment.id}", owner.token)
    assert {member.id for member in world.all(ProjectMember)} == {member.id for member in kept}
    api.get(f"/projects/{project.id}", people[0].token, expect=404)
    events = left_by_requests(world)
    assert [(event.action, event.subject_id) for event in events] == [
        ("project-members.delete", gone.id),
        ("environments.delete", environment.id),
    ]
    assert events[0].changes == {"username": [people[0].username, None], "role": ["admin", None]}
    assert {event.project_id for event in events} == {project.id}


@pytest.mark.parametrize("held", [1, 40])
def test_statements_do_not_depend_on_what_it_holds(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, statements: Statements, held: int
) -> None:
    environment = world.environment(project)
    for _ in range(held):
        workspace = world.workspace(project, environment_id=environment.id)
        world.add(Var(organization_id=acme.id, workspace_id=workspace.id, key="a", category="env", value="b"))
        world.project_member(project, world.member(acme), "viewer", environment=environment)
    api.get("/account/details", owner.token)
    # caller, lock, workspaces, their objects, delete them, members, delete it, the events of each kind
    assert cost(statements, api, owner.token, ("DELETE", f"/environments/{environment.id}?force=true", None)) == 11


def test_a_workspace_moves_between_environments_of_its_project_alone(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    environment = world.environment(project, "prod")
    foreign = world.environment(world.project(acme), "prod")
    workspace = world.workspace(project)
    path = f"/workspaces/{workspace.id}"
    sent = document("workspaces", project_environment=("environments", environment.id))
    shown = api.patch(path, owner.token, sent)["data"]
    assert shown["attributes"]["environment"] == "prod"
    assert shown["relationships"]["project-environment"]["data"]["id"] == environment.id
    for unknown in (foreign.id, "env-1111111111111111"):
        sent = document("workspaces", project_environment=("environments", unknown))
        expected = [("The project has no such environment", "/data/relationships/project-environment")]
        assert faults(api.patch(path, owner.token, sent, expect=422)) == expected


@pytest.mark.parametrize("way", ["list", "patch"])
@pytest.mark.parametrize(
    ("has", "arrives"),
    [(["PROD"], "PROD"), (["test"], "default"), ([], "default")],
    ids=["same name", "another name", "none"],
)
def test_in_another_project_it_is_where_the_name_is_the_same_or_in_the_default_one(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    owner: Person,
    *,
    way: str,
    has: list[str],
    arrives: str,
) -> None:
    workspace = world.workspace(project, environment_id=world.environment(project, "prod").id)
    destination = world.project(acme)
    for name in has:
        world.environment(destination, name)
    if way == "list":
        sent = {"data": [{"type": "workspaces", "id": workspace.id}]}
        api.post(f"/projects/{destination.id}/relationships/workspaces", owner.token, sent, expect=204)
    else:
        sent = document("workspaces", project=("projects", destination.id))
        api.patch(f"/workspaces/{workspace.id}", owner.token, sent)
    shown = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]
    assert shown["attributes"]["environment"] == arrives
    assert shown["relationships"]["project"]["data"]["id"] == destination.id
    [event] = left_by_requests(world)
    assert set(event.changes) == {"project", "project-environment"}
