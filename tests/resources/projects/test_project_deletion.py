"""Deleting projects: empty ones, the default one, by force with all they hold."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import Organization, Project, TagBinding, TeamProject, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.world import Person, World

NOT_EMPTY = "The project still contains workspaces; move or delete them first, or delete the project with force=true"
DEFAULT = "The default project can be renamed, but it cannot be deleted"


def ids(rows: Sequence[Project | Workspace]) -> set[str]:
    return {row.id for row in rows}


def test_an_empty_project_is_deleted_once(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme)
    answer = api.raw("DELETE", f"/projects/{project.id}", owner.token)
    assert (answer.status_int, answer.body) == (204, b"")
    assert project.id not in ids(world.all(Project))
    api.get(f"/projects/{project.id}", owner.token, expect=404)
    api.delete(f"/projects/{project.id}", owner.token, expect=404)
    api.delete(f"/projects/{project.id}?force=true", owner.token, expect=404)


def test_tags_and_access_go_with_their_project_and_no_others(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project, other = world.project(acme), world.project(acme)
    team = world.team(acme)
    for each in (project, other):
        world.tag(each, "env")
        world.access(team, each, "read")
    api.delete(f"/projects/{project.id}", owner.token)
    assert [row.project_id for row in (*world.all(TagBinding), *world.all(TeamProject))] == [other.id, other.id]


@pytest.mark.parametrize("parameters", ["", "?force=false", "?force"], ids=lambda text: text or "none")
def test_a_project_that_holds_workspaces_is_not_deleted(
    api: Api, world: World, acme: Organization, owner: Person, parameters: str
) -> None:
    project = world.project(acme)
    workspace = world.workspace(project)
    status = 400 if parameters == "?force" else 403
    answer = api.delete(f"/projects/{project.id}{parameters}", owner.token, expect=status)
    if status == 403:
        assert answer["errors"] == [
            {"status": "403", "title": "forbidden", "code": "project-not-empty", "detail": NOT_EMPTY}
        ]
    assert project.id in ids(world.all(Project))
    assert [found.id for found in world.all(Workspace)] == [workspace.id]
    assert left_by_requests(world) == []


@pytest.mark.parametrize("parameters", ["", "?force=true"], ids=["plain", "force"])
@pytest.mark.parametrize("holds", ["nothing", "a workspace"])
def test_the_default_project_is_never_deleted(
    api: Api, world: World, acme: Organization, owner: Person, *, parameters: str, holds: str
) -> None:
    default = world.default_project(acme)
    if holds == "a workspace":
        world.workspace(default)
    answer = api.delete(f"/projects/{default.id}{parameters}", owner.token, expect=403)
    assert answer["errors"] == [{"status": "403", "title": "forbidden", "code": "default-project", "detail": DEFAULT}]
    assert world.default_project(acme).id == default.id
    assert len(world.all(Workspace)) == (holds == "a workspace")
    assert left_by_requests(world) == []


@pytest.mark.one_database
@pytest.mark.parametrize("value", ["1", "yes", "TRUE", "True", "", "true,true", "0"])
def test_force_is_true_or_false(api: Api, world: World, acme: Organization, owner: Person, value: str) -> None:
    project = world.project(acme)
    answer = api.delete(f"/projects/{project.id}?force={value}", owner.token, expect=400)
    assert faults(answer) == [("force must be true or false", "force")]
    assert project.id in ids(world.all(Project))


@pytest.mark.parametrize("held", [0, 1, 3])
def test_force_deletes_a_project_with_its_workspaces(
    api: Api, world: World, acme: Organization, owner: Person, held: int
) -> None:
    project, other = world.project(acme, "platform"), world.project(acme)
    doomed = [world.workspace(project, locked=True, resource_count=7) for _ in range(held)]
    spared = world.workspace(other)
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    assert project.id not in ids(world.all(Project))
    assert [found.id for found in world.all(Workspace)] == [spared.id]
    for workspace in doomed:
        api.get(f"/workspaces/{workspace.id}", owner.token, expect=404)


def test_a_forced_deletion_tells_of_the_project_and_of_each_workspace(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme, "platform")
    names = {world.workspace(project).name for _ in range(3)}
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    events = left_by_requests(world)
    deleted = [event for event in events if event.action == "workspaces.delete"]
    assert {event.subject_name for event in deleted} == names
    assert {event.project_id for event in deleted} == {project.id}
    [event] = [event for event in events if event not in deleted]
    assert (event.action, event.subject_name, event.subject_id) == ("projects.delete", "platform", project.id)
    assert event.changes == {"workspace-count": [3, 0]}


def test_the_event_of_a_deletion_outlives_the_project(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme, "platform")
    api.delete(f"/projects/{project.id}", owner.token)
    [event] = left_by_requests(world)
    assert (event.action, event.subject_type, event.subject_id) == ("projects.delete", "projects", project.id)
    assert (event.subject_name, event.project_id, event.organization_id) == ("platform", project.id, acme.id)
    assert (event.actor_id, event.changes) == (owner.id, {})


def test_a_second_deletion_leaves_no_event(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme)
    api.delete(f"/projects/{project.id}", owner.token)
    api.delete(f"/projects/{project.id}", owner.token, expect=404)
    assert len(left_by_requests(world)) == 1


@pytest.mark.parametrize(("allowed", "status"), [(False, 403), (True, 204)], ids=["not allowed", "allowed"])
@pytest.mark.parametrize("access", ["admin", "custom", "manage-projects"])
def test_who_may_delete_may_force_where_the_organization_allows_it(
    api: Api, world: World, access: str, *, allowed: bool, status: int
) -> None:
    organization = world.organization(allow_force_delete_workspaces=allowed)
    project = world.project(organization)
    workspace = world.workspace(project)
    if access == "manage-projects":
        team = world.team(organization, access)
    else:
        team = world.team(organization)
        world.access(team, project, access, {"settings": "delete", "delete": True} if access == "custom" else None)
    token = world.member(organization, team).token
    api.delete(f"/projects/{project.id}", token, expect=403)
    api.delete(f"/projects/{project.id}?force=true", token, expect=status)
    assert [found.id for found in world.all(Workspace)] == ([] if allowed else [workspace.id])
    assert (project.id in ids(world.all(Project))) is not allowed


def test_who_may_not_delete_the_workspaces_can_not_force_them_out_with_their_project(api: Api, world: World) -> None:
    organization = world.organization(allow_force_delete_workspaces=True)
    project = world.project(organization)
    workspace = world.workspace(project)
    team = world.team(organization)
    world.access(team, project, "custom", {"settings": "delete"})
    token = world.member(organization, team).token
    api.delete(f"/workspaces/{workspace.id}", token, expect=403)
    api.delete(f"/projects/{project.id}?force=true", token, expect=403)
    assert [found.id for found in world.all(Workspace)] == [workspace.id]


def test_who_may_not_delete_can_not_even_ask_for_force(api: Api, world: World) -> None:
    organization = world.organization(allow_force_delete_workspaces=True)
    project = world.project(organization)
    team = world.team(organization)
    world.access(team, project, "maintain")
    api.delete(f"/projects/{project.id}?force=true", world.member(organization, team).token, expect=404)


def test_a_thousand_workspaces_go_with_their_project(
    api: Api, world: World, acme: Organization, owner: Person, engine: Engine
) -> None:
    project = world.project(acme)
    environment_id = world.default_environment(project).id
    with Session(engine) as session, session.begin():
        session.add_all(
            Workspace(
                organization_id=acme.id,
                project_id=project.id,
                environment_id=environment_id,
                name=f"workspace-{index}",
            )
            for index in range(1_000)
        )
    api.delete(f"/projects/{project.id}?force=true", owner.token)
    assert world.all(Workspace) == []
    assert len(left_by_requests(world)) == 1_001
