"""A lock goes with its holder: nobody else could be asked about it."""

from collections.abc import Callable

import pytest

from app.models import Organization
from tests.support.activity import left_by_requests
from tests.support.api import Api
from tests.support.meanwhile import after_reading
from tests.support.states import States, state
from tests.support.world import Person, World

pytestmark = pytest.mark.usefixtures("acme")


def shown(states: States, owner: Person) -> tuple[bool, object]:
    found = states.api.get(states.path, owner.token)["data"]
    return found["attributes"]["locked"], found["relationships"]["locked-by"]["data"]


@pytest.fixture
def admin(world: World) -> Person:
    return world.person("root", site_role="super_user")


@pytest.fixture(params=["team", "user", "project"])
def held(
    request: pytest.FixtureRequest, api: Api, world: World, acme: Organization, owner: Person, admin: Person
) -> tuple[States, Callable[[], None], str]:
    """A workspace that somebody has locked, how to delete them, and how refusals name them."""
    project = world.project(acme)
    workspace = world.workspace(project, "held")
    if request.param == "team":
        team = world.team(acme, name="pipelines")
        world.access(team, project, "write")
        token, path, name = world.team_token(team), f"/teams/{team.id}", "Team pipelines"
    elif request.param == "user":
        person = world.member(acme, username="eve")
        world.project_member(project, person, "admin")
        token, path, name = person.token, f"/admin/users/{person.id}", "User eve"
    else:
        token, path = world.project_token(project, "admin"), f"/projects/{project.id}"
        name = f"User api-project_{project.id.removeprefix('prj-')}"
    states = States(api, workspace, token)
    states.lock()
    if request.param == "project":
        moved = {"data": [{"id": workspace.id, "type": "workspaces"}]}
        path_of_default = f"/projects/{world.default_project(acme).id}/relationships/workspaces"
        api.post(path_of_default, owner.token, moved, expect=204)
    deleter = admin if request.param == "user" else owner
    return states, lambda: api.delete(path, deleter.token), name


def test_it_is_released_with_what_has_arrived(
    held: tuple[States, Callable[[], None], str], world: World, owner: Person
) -> None:
    states, delete_holder, name = held
    # A project's token reaches nothing that was moved away.
    versions = [] if name.startswith("User api-") else [states.inline(state(1)), states.create(state(2))]
    delete_holder()
    assert shown(states, owner) == (False, None)
    mine = States(states.api, states.workspace, owner.token)
    (event,) = [each for each in left_by_requests(world) if each.action == "workspaces.force-unlock"]
    assert event.subject_id == states.workspace.id
    assert event.changes == {"locked": [True, False], "locked-by": [name, None]}
    statuses = [mine.show(version)["data"]["attributes"]["status"] for version in versions]
    assert statuses in (["finalized", "discarded"], [])
    if versions:
        assert mine.current()["data"]["attributes"]["serial"] == 1
    mine.save(state(3))


def test_no_other_lock_is_touched(
    held: tuple[States, Callable[[], None], str], world: World, acme: Organization, owner: Person
) -> None:
    states, delete_holder, _ = held
    other = States(states.api, world.workspace(world.default_project(acme), "other"), owner.token)
    other.lock()
    delete_holder()
    assert shown(other, owner) == (True, {"id": owner.id, "type": "users"})


def test_a_team_that_is_being_deleted_gets_no_lock(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme)
    team = world.team(acme)
    world.access(team, project, "write")
    states = States(api, world.workspace(project), world.team_token(team))
    with after_reading(api._app.app, "authentication_tokens", lambda: api.delete(f"/teams/{team.id}", owner.token)):
        assert api.raw("POST", f"{states.path}/actions/lock", states.token).status_int in {401, 404}
    assert shown(states, owner) == (False, None)
