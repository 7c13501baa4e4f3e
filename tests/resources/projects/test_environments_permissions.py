"""Who may do what with environments, and who hears of which."""

from collections.abc import Callable

import pytest

from app.models import ActivityEvent, Environment, Organization, Project
from tests.support.api import Api, document
from tests.support.personas import table
from tests.support.world import World

Place = tuple[Organization, Project, Environment]


def _member(role: str, *, scoped: str = "", cells: list[str] | None = None) -> Callable[[World, Place], str]:
    def make(world: World, place: Place) -> str:
        organization, project, environment = place
        person = world.member(organization)
        there = {"": None, "here": environment, "elsewhere": world.default_environment(project)}[scoped]
        world.project_member(project, person, role, environment=there, cells=cells)
        return person.token

    return make


def _team(access: str) -> Callable[[World, Place], str]:
    def make(world: World, place: Place) -> str:
        team = world.team(place[0])
        world.access(team, place[1], access)
        return world.member(place[0], team).token

    return make


def _flag(flag: str) -> Callable[[World, Place], str]:
    return lambda world, place: world.member(place[0], world.team(place[0], flag)).token


def _with_workspace(world: World, place: Place) -> str:
    person = world.member(place[0])
    world.acl_entry(world.workspace(place[1], environment_id=place[2].id), person, "owner")
    return person.token


def _token(role: str) -> Callable[[World, Place], str]:
    return lambda world, place: world.project_token(place[1], role)


WHO: dict[str, Callable[[World, Place], str]] = {
    "site super_user": lambda world, _: world.person(site_role="super_user").token,
    "site admin": lambda world, _: world.person(site_role="admin").token,
    "organization owner": lambda world, place: world.owner(place[0]).token,
    "organization token": lambda world, place: world.token(place[0]),
    "manage-projects": _flag("manage-projects"),
    "read-projects": _flag("read-projects"),
    "manage-workspaces": _flag("manage-workspaces"),
    "team admin": _team("admin"),
    "team maintain": _team("maintain"),
    "team write": _team("write"),
    "team read": _team("read"),
    "project owner": _member("owner"),
    "project admin": _member("admin"),
    "project member": _member("member"),
    "project viewer": _member("viewer"),
    "admin here": _member("admin", scoped="here"),
    "viewer here": _member("viewer", scoped="here"),
    "admin elsewhere": _member("admin", scoped="elsewhere"),
    "admin in a cell": _member("admin", cells=["eu"]),
    "admin in a cell here": _member("admin", scoped="here", cells=["eu"]),
    "workspace owner": _with_workspace,
    "token owner": _token("owner"),
    "token admin": _token("admin"),
    "token member": _token("member"),
    "token viewer": _token("viewer"),
    "member": lambda world, place: world.member(place[0]).token,
    "outsider": lambda world, _: world.owner(world.organization()).token,
    "other project's token": lambda world, place: world.project_token(world.project(place[0]), "owner"),
}

# ``list`` is how many of the two environments are there, - where the project itself is not.
MAY = table("""
                      | list show create update default clone delete wipe
site super_user       | 2    200  201    200    200     201   204    200
site admin            | 2    200  201    200    200     201   204    200
organization owner    | 2    200  201    200    200     201   204    200
organization token    | 2    200  201    200    200     201   204    200
manage-projects       | 2    200  201    200    200     201   204    200
read-projects         | 2    200  403    403    403     403   403    403
manage-workspaces     | -    404  404    404    404     404   404    404
team admin            | 2    200  201    200    200     201   204    200
team maintain         | 2    200  403    403    403     403   403    403
team write            | 2    200  403    403    403     403   403    403
team read             | 2    200  403    403    403     403   403    403
project owner         | 2    200  201    200    200     201   204    200
project admin         | 2    200  201    200    200     201   204    200
project member        | 2    200  403    403    403     403   403    403
project viewer        | 2    200  403    403    403     403   403    403
admin here            | 1    200  403    403    403     403   403    403
viewer here           | 1    200  403    403    403     403   403    403
admin elsewhere       | 1    404  403    404    404     404   404    403
admin in a cell       | 2    200  403    403    403     403   403    403
admin in a cell here  | 1    200  403    403    403     403   403    403
workspace owner       | 0    404  403    404    404     404   404    403
token owner           | 2    200  201    200    200     201   204    200
token admin           | 2    200  201    200    200     201   204    200
token member          | 2    200  403    403    403     403   403    403
token viewer          | 2    200  403    403    403     403   403    403
member                | -    404  404    404    404     404   404    404
outsider              | -    404  404    404    404     404   404    404
other project's token | -    404  404    404    404     404   404    404
""")
EXPECTED = {who: {name: cell for each, name, cell in MAY if each == who} for who in WHO}
EMPTY = document("environments")
NAMED = document("environments", {"name": "new"})
CLONED = document("environments", {"name": "clone"})


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(api: Api, world: World, acme: Organization, who: str) -> None:
    project = world.project(acme)
    environment = world.environment(project, "here")
    token = WHO[who](world, (acme, project, environment))
    listed = api.raw("GET", f"/projects/{project.id}/environments", token)
    seen = {"list": str(len(listed.json["data"])) if listed.status_int == 200 else "-"}
    for name, method, path, sent in (
        ("show", "GET", "/environments/{}", None),
        ("create", "POST", f"/projects/{project.id}/environments", NAMED),
        ("update", "PATCH", "/environments/{}", EMPTY),
        ("clone", "POST", "/environments/{}/actions/clone", CLONED),
        ("wipe", "POST", f"/projects/{project.id}/actions/wipe", None),
        ("default", "POST", "/environments/{}/actions/set-default", None),
    ):
        answer = api.raw(method, path.format(environment.id), token, sent)
        seen[name] = str(answer.status_int)
        if "{}" in path and answer.status_int == 404:
            missing = api.raw(method, path.format("env-1111111111111111"), token, sent)
            assert missing.body == answer.body, "hidden reads like missing"
    deletion = world.environment(project)
    if who in {"admin here", "viewer here", "admin in a cell here"}:
        deletion = environment
    seen["delete"] = str(api.raw("DELETE", f"/environments/{deletion.id}", token).status_int)
    assert seen == EXPECTED[who]


@pytest.mark.parametrize("who", ["admin here", "admin elsewhere", "admin in a cell here"])
def test_one_environment_is_all_that_a_role_in_it_shows(api: Api, world: World, acme: Organization, who: str) -> None:
    project = world.project(acme)
    environment = world.environment(project, "here")
    default = world.default_environment(project)
    token = WHO[who](world, (acme, project, environment))
    mine, other = (default, environment) if who == "admin elsewhere" else (environment, default)
    listed = api.get(f"/projects/{project.id}/environments", token)
    assert [item["id"] for item in listed["data"]] == [mine.id]
    assert listed["meta"]["pagination"]["total-count"] == 1
    assert api.get(f"/projects/{project.id}/environments?q={other.name}", token)["data"] == []
    api.get(f"/environments/{mine.id}", token)
    api.get(f"/environments/{other.id}", token, expect=404)


def test_events_about_one_environment_name_no_other(api: Api, world: World, acme: Organization) -> None:
    project = world.project(acme)
    old, new = world.default_environment(project), world.environment(project, "new")
    token = world.owner(acme).token
    api.post(f"/environments/{new.id}/actions/set-default", token, expect=200)
    clone = api.post(f"/environments/{new.id}/actions/clone", token, CLONED)["data"]["id"]
    told = [event for event in world.all(ActivityEvent) if event.environment_id is not None]
    assert {event.environment_id for event in told} == {old.id, new.id, clone}
    for event in told:
        others = {old.id, new.id, clone} - {event.environment_id}
        assert not [identifier for identifier in others if identifier in str(event.changes)]
