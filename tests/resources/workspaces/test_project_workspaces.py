"""The workspaces of a project: listing, creating, showing, updating and deleting them below its address."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, Project, Workspace, WorkspaceAclEntry
from tests.support.api import Api, document, faults
from tests.support.personas import PERSONAS, table
from tests.support.world import Person, World

MISSING = "ws-1111111111111111"


def _role(role: str) -> Callable[..., str]:
    def make(world: World, _organization: Organization, projects: Any) -> str:
        person = world.person()
        for project in projects:
            world.project_member(project, person, role)
        return person.token

    return make


def _level(level: str) -> Callable[..., str]:
    def make(world: World, _organization: Organization, projects: Any) -> str:
        person = world.person()
        [workspace] = [each for each in world.all(Workspace) if each.project_id == projects[0].id]
        world.acl_entry(workspace, person, level)
        return person.token

    return make


def _token(role: str) -> Callable[..., str]:
    return lambda world, _organization, projects: world.project_token(projects[0], role)


EVERYBODY: Mapping[str, Callable[..., str]] = {
    **PERSONAS,
    "super user": lambda world, _organization, _projects: world.person(site_role="super_user").token,
    **{f"role {role}": _role(role) for role in ("viewer", "member", "admin", "owner")},
    **{f"level {level}": _level(level) for level in ("user", "developer", "admin", "owner")},
    **{f"token {role}": _token(role) for role in ("viewer", "member", "admin", "owner")},
}
# Listing, and what the other routes answer; ``other`` updates the workspace at the address of another project.
STATUSES = table("""
                         | list create show update other force
super user               |  200    201  200    200   404   204
site administrator       |  200    201  200    200   404   204
owner                    |  200    201  200    200   404   204
organization token       |  200    201  200    200   404   403
manage-projects          |  200    201  200    200   404   403
read-projects            |  200    403  200    404   404   403
manage-workspaces        |  404    404  200    200   404   403
read-workspaces          |  404    404  200    404   404   403
project admin            |  200    201  200    200   404   403
project maintain         |  200    201  200    200   404   403
project write            |  200    403  200    404   404   403
project read             |  200    403  200    404   404   403
custom least             |  200    403  200    404   404   403
custom create            |  200    201  200    404   404   403
role viewer              |  200    403  200    404   404   403
role member              |  200    201  200    404   404   403
role admin               |  200    201  200    200   404   403
role owner               |  200    201  200    200   404   204
level user               |  200    403  200    404   404   403
level developer          |  200    403  200    404   404   403
level admin              |  200    403  200    200   404   403
level owner              |  200    403  200    200   404   204
token viewer             |  200    403  200    404   404   403
token member             |  200    201  200    404   404   403
token admin              |  200    201  200    200   404   403
token owner              |  200    201  200    200   404   204
member                   |  404    404  404    404   404   404
outsider                 |  404    404  404    404   404   404
other owner              |  404    404  404    404   404   404
other organization token |  404    404  404    404   404   404
""")


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with the workspace network."""
    project = world.project(acme, "platform")
    world.workspace(project, "network")
    return project


@pytest.fixture
def network(world: World, project: Project) -> Workspace:
    """The workspace."""
    [workspace] = [each for each in world.all(Workspace) if each.project_id == project.id]
    return workspace  # type: ignore[no-any-return]


def names(answer: Any) -> list[str]:
    return [each["attributes"]["name"] for each in answer["data"]]


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "action", "status"), STATUSES, ids=[f"{who}: {action}" for who, action, _ in STATUSES])
def test_each_kind_of_caller_is_answered_as_the_table_says(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    network: Workspace,
    *,
    who: str,
    action: str,
    status: str,
) -> None:
    elsewhere = world.project(acme)
    token = EVERYBODY[who](world, acme, (project, elsewhere))
    path = f"/projects/{project.id}/workspaces"
    changed = document("workspaces", {"auto-apply": True})
    method, address, sent = {
        "list": ("GET", path, None),
        "create": ("POST", path, document("workspaces", {"name": "created"})),
        "show": ("GET", f"{path}/{network.id}", None),
        "update": ("PATCH", f"{path}/{network.id}", changed),
        "other": ("PATCH", f"/projects/{elsewhere.id}/workspaces/{network.id}", changed),
        "force": ("DELETE", f"{path}/{network.id}?force=true", None),
    }[action]
    before = snapshot(world)
    answer = api.send(method, address, token, sent, expect=int(status))
    assert (snapshot(world) != before) == (int(status) < 300 and method != "GET"), "what is refused changes nothing"
    if status == "200" and action == "list":
        assert names(answer) == ["network"]
    if status == "403":
        [(detail, _)] = faults(answer)
        if action == "force":
            # It names the way that needs no force.
            assert f"POST /api/v2/workspaces/{network.id}/actions/safe-delete" in detail
        else:
            assert detail == "You are not authorized to perform this action"


def snapshot(world: World) -> set[tuple[str, str, bool]]:
    return {(each.name, each.project_id, each.auto_apply) for each in world.all(Workspace)}


# --- listing -------------------------------------------------------------------------------------------------------


def test_a_list_has_the_workspaces_of_the_project_alone(
    api: Api, world: World, project: Project, acme: Organization, owner: Person
) -> None:
    for name in ("Zone", "access"):
        world.workspace(project, name)
    world.workspace(world.project(acme), "elsewhere")
    path = f"/projects/{project.id}/workspaces"
    listed = api.get(path, owner.token)
    assert names(listed) == ["access", "network", "Zone"]
    assert (
        listed["data"]
        == api.get(f"/organizations/acme/workspaces?filter[project][id]={project.id}", owner.token)["data"]
    )
    assert names(api.get(f"{path}?sort=-name", owner.token)) == ["Zone", "network", "access"]
    page = api.get(f"{path}?page[size]=2&page[number]=2", owner.token)
    assert (names(page), page["meta"]["pagination"]["total-count"]) == (["Zone"], 3)
    assert names(api.get(f"{path}?search[name]=ET", owner.token)) == ["network"]
    assert names(api.get(f"{path}?search[wildcard-name]=a*", owner.token)) == ["access"]
    included = api.get(f"{path}?include=project", owner.token)["included"]
    assert [each["id"] for each in included] == [project.id]
    for query, parameter in (("sort=size", "sort"), ("include=none", "include"), ("page[size]=0", "page[size]")):
        assert faults(api.get(f"{path}?{query}", owner.token, expect=400))[0][1] == parameter


def test_a_list_is_filtered_by_tags(api: Api, world: World, project: Project, owner: Person) -> None:
    sent = document("workspaces", {"name": "tagged"}, tags=[{"type": "tags", "attributes": {"name": "blue"}}])
    path = f"/projects/{project.id}/workspaces"
    api.post(path, owner.token, sent)
    assert names(api.get(f"{path}?search[tags]=blue", owner.token)) == ["tagged"]
    assert names(api.get(f"{path}?search[exclude-tags]=blue", owner.token)) == ["network"]
    assert names(api.get(f"{path}?filter[tagged][0][key]=blue", owner.token)) == ["tagged"]
    assert {each.project_id for each in world.all(Workspace)} == {project.id}


def test_everybody_sees_what_he_reaches_and_counts_nothing_else(
    api: Api, world: World, project: Project, network: Workspace
) -> None:
    staging = world.environment(project, "staging")
    world.workspace(project, "staged", environment_id=staging.id)
    world.workspace(project, "east", cell="east")
    world.workspace(project, "staged-east", cell="east", environment_id=staging.id)
    viewer, staged, celled, both, single, nothing = (world.person() for _ in range(6))
    world.project_member(project, viewer, "viewer")
    world.project_member(project, staged, "admin", environment=staging)
    world.project_member(project, celled, "member", cells=["east"])
    world.project_member(project, both, "member", cells=["east"], environment=staging)
    world.project_member(project, nothing, "member", cells=[])
    world.acl_entry(network, single, "user")
    path = f"/projects/{project.id}/workspaces"
    for person, expected in (
        (viewer, ["east", "network", "staged", "staged-east"]),
        (staged, ["staged", "staged-east"]),
        (celled, ["east", "staged-east"]),
        (both, ["staged-east"]),
        (single, ["network"]),
        (nothing, []),
    ):
        listed = api.get(path, person.token)
        assert names(listed) == expected
        assert listed["meta"]["pagination"]["total-count"] == len(expected)


# --- creating ------------------------------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "level"),
    [
        ("owner", "owner"),
        ("manage-projects", "admin"),
        ("project admin", "admin"),
        ("project maintain", "admin"),
        ("role member", "developer"),
        ("role admin", "admin"),
        ("role owner", "owner"),
        ("custom create", None),
        ("site administrator", None),
        ("organization token", None),
        ("token owner", None),
    ],
)
@pytest.mark.parametrize("address", ["project", "organization", "name"])
def test_who_creates_a_workspace_has_on_it_what_he_may_do_there(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    *,
    who: str,
    level: str | None,
    address: str,
) -> None:
    token = EVERYBODY[who](world, acme, (project,))
    sent = document("workspaces", {"name": "created"}, project=("projects", project.id))
    if address == "name":
        created = api.put("/organizations/acme/workspaces/created", token, sent, expect=201)
    else:
        path = f"/projects/{project.id}" if address == "project" else "/organizations/acme"
        created = api.post(f"{path}/workspaces", token, sent)
    entries = world.all(WorkspaceAclEntry)
    assert [(each.workspace_id, each.level) for each in entries] == ([(created["data"]["id"], level)] if level else [])
    if level:
        me = api.get("/account/details", token)["data"]["id"]
        assert entries[0].membership_id == world.membership(acme, Person(me, "", token))


def test_a_workspace_is_created_with_the_same_document_as_elsewhere(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    attributes = {"name": "created", "iac-tool": "opentofu", "title": "Created", "cell": "east"}
    staging = world.environment(project, "staging")
    sent = document("workspaces", attributes, project_environment=("environments", staging.id))
    path = f"/projects/{project.id}/workspaces"
    created = api.post(path, owner.token, sent)
    shown = created["data"]["attributes"]
    assert {name: shown[name] for name in attributes} == attributes
    assert shown["environment"] == "staging"
    assert created["data"]["relationships"]["project"]["data"]["id"] == project.id
    assert api.get(f"{path}/{created['data']['id']}", owner.token) == created
    [event] = [each for each in world.all(ActivityEvent) if each.action == "workspaces.create"]
    assert (event.subject_id, event.project_id, event.environment_id) == (created["data"]["id"], project.id, staging.id)


def test_the_project_of_the_document_is_that_of_the_address(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    path = f"/projects/{project.id}/workspaces"
    for other in (world.project(acme).id, "prj-1111111111111111"):
        sent = document("workspaces", {"name": "created"}, project=("projects", other))
        answer = api.post(path, owner.token, sent, expect=422)
        assert faults(answer) == [("The project must be the one in the address", "/data/relationships/project")]
    for number, same in enumerate((("projects", project.id), None)):
        api.post(path, owner.token, document("workspaces", {"name": f"created-{number}"}, project=same))
    answer = api.post(path, owner.token, document("workspaces", {"name": "NETWORK"}), expect=422)
    assert faults(answer) == [("Name has already been taken", "/data/attributes/name")]


def test_a_role_in_one_environment_creates_there_alone(api: Api, world: World, project: Project) -> None:
    person, staging, hidden = world.person(), world.environment(project), world.environment(project)
    world.project_member(project, person, "member", environment=staging)
    path = f"/projects/{project.id}/workspaces"

    def sent(name: str, **relationships: Any) -> Any:
        return document("workspaces", {"name": name}, **relationships)

    api.post(path, person.token, sent("there", project_environment=("environments", staging.id)))
    # Left out, it is the default environment, which is none of his.
    api.post(path, person.token, sent("default"), expect=403)
    refusals = {
        str(api.post(path, person.token, sent("x", project_environment=("environments", unknown)), expect=422))
        for unknown in (hidden.id, "env-1111111111111111")
    }
    assert len(refusals) == 1, "what he can't see is as what is not there"
    assert [each.level for each in world.all(WorkspaceAclEntry)] == ["developer"]


# --- one workspace -------------------------------------------------------------------------------------------------


def test_a_workspace_reads_and_changes_as_at_its_own_address(
    api: Api, project: Project, network: Workspace, owner: Person
) -> None:
    path = f"/projects/{project.id}/workspaces/{network.id}"
    assert api.get(path, owner.token) == api.get(f"/workspaces/{network.id}", owner.token)
    assert api.get(f"{path}?include=project", owner.token)["included"][0]["id"] == project.id
    changed = api.patch(path, owner.token, document("workspaces", {"name": "renamed", "iac-tool": "opentofu"}))
    assert changed["data"]["attributes"]["name"] == "renamed"
    assert changed["data"]["attributes"]["iac-tool"] == "opentofu"
    answer = api.patch(path, owner.token, document("workspaces", {"iac-tool": "pulumi"}), expect=422)
    assert faults(answer) == [("Iac tool is not included in the list", "/data/attributes/iac-tool")]
    api.delete(path, owner.token)
    api.get(f"/workspaces/{network.id}", owner.token, expect=404)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_workspace_is_not_found_in_another_project(
    api: Api, world: World, acme: Organization, network: Workspace, owner: Person, *, method: str
) -> None:
    other = world.project(acme)
    sent = document("workspaces", {"name": "renamed"}) if method == "PATCH" else None
    answers = {
        str(api.send(method, path, owner.token, sent, expect=404))
        for path in (
            f"/projects/{other.id}/workspaces/{network.id}",
            f"/projects/{network.project_id}/workspaces/{MISSING}",
            f"/projects/prj-1111111111111111/workspaces/{network.id}",
        )
    }
    assert len(answers) == 1
    assert [each.name for each in world.all(Workspace)] == ["network"]
