"""Who may invite, and who may look at invitations."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.models import Environment, Invitation, Organization, Project, Workspace
from tests.support.api import Api, document
from tests.support.personas import table
from tests.support.world import World


class Places:
    """A project with two environments, a workspace in a cell of the second one, and who has what there."""

    def __init__(self, world: World, acme: Organization, project: Project) -> None:
        self.world, self.acme, self.project = world, acme, project
        self.environment: Environment = world.environment(project)
        self.workspace: Workspace = world.workspace(project, environment_id=self.environment.id, cell="eu")

    def member(self, role: str, **scope: Any) -> str:
        person = self.world.person()
        self.world.project_member(self.project, person, role, **scope)
        return person.token

    def level(self, level: str) -> str:
        person = self.world.person()
        self.world.acl_entry(self.workspace, person, level)
        return person.token

    def flagged(self, *flags: str) -> str:
        return self.world.member(self.acme, self.world.team(self.acme, *flags)).token

    def team(self, access: str) -> str:
        team = self.world.team(self.acme)
        self.world.access(team, self.project, access)
        return self.world.member(self.acme, team).token

    def workspace_team(self, access: str) -> str:
        team = self.world.team(self.acme)
        self.world.workspace_access(team, self.workspace, access)
        return self.world.team_token(team)


CALLERS: Mapping[str, Callable[[Places], str | None]] = {
    "super user": lambda places: places.world.person(site_role="super_user").token,
    "site admin": lambda places: places.world.person(site_role="admin").token,
    "owner": lambda places: places.world.owner(places.acme).token,
    "organization token": lambda places: places.world.token(places.acme),
    "manage-projects": lambda places: places.flagged("manage-projects"),
    "manage-workspaces": lambda places: places.flagged("manage-workspaces"),
    "read-projects": lambda places: places.flagged("read-projects"),
    "team admin": lambda places: places.team("admin"),
    "team maintain": lambda places: places.team("maintain"),
    "team write": lambda places: places.team("write"),
    "workspace team": lambda places: places.workspace_team("admin"),
    "project owner": lambda places: places.member("owner"),
    "project admin": lambda places: places.member("admin"),
    "project member": lambda places: places.member("member"),
    "project viewer": lambda places: places.member("viewer"),
    "admin there": lambda places: places.member("admin", environment=places.environment),
    "admin of cell": lambda places: places.member("admin", cells=["eu"]),
    "member there": lambda places: places.member("member", environment=places.environment),
    "level owner": lambda places: places.level("owner"),
    "level admin": lambda places: places.level("admin"),
    "level developer": lambda places: places.level("developer"),
    "level user": lambda places: places.level("user"),
    "token owner": lambda places: places.world.project_token(places.project, "owner"),
    "token admin": lambda places: places.world.project_token(places.project, "admin"),
    "token member": lambda places: places.world.project_token(places.project, "member"),
    "member": lambda places: places.world.member(places.acme).token,
    "outsider": lambda places: places.world.owner(places.world.organization()).token,
    "nobody": lambda _places: None,
}
# List, invite, invite an owner, show, send again, cancel.
INTO_PROJECT = """
                   | list invite owner show resend cancel
super user         | 200  201    201   200  200    204
site admin         | 200  201    201   200  200    204
owner              | 200  201    201   200  200    204
organization token | 200  201    201   200  200    204
manage-projects    | 200  201    403   200  200    204
manage-workspaces  | 404  404    404   404  404    404
read-projects      | 403  403    403   404  404    404
team admin         | 200  201    403   200  200    204
team maintain      | 403  403    403   404  404    404
team write         | 403  403    403   404  404    404
workspace team     | 403  403    403   404  404    404
project owner      | 200  201    201   200  200    204
project admin      | 200  201    403   200  200    204
project member     | 403  403    403   404  404    404
project viewer     | 403  403    403   404  404    404
admin there        | 403  403    403   404  404    404
admin of cell      | 403  403    403   404  404    404
member there       | 403  403    403   404  404    404
level owner        | 403  403    403   404  404    404
level admin        | 403  403    403   404  404    404
level developer    | 403  403    403   404  404    404
level user         | 403  403    403   404  404    404
token owner        | 403  403    403   404  404    404
token admin        | 403  403    403   404  404    404
token member       | 403  403    403   404  404    404
member             | 404  404    404   404  404    404
outsider           | 404  404    404   404  404    404
nobody             | 401  401    401   401  401    401
"""
# The same, and replacing the links.
TO_WORKSPACE = """
                   | list invite owner show resend reset cancel
super user         | 200  201    201   200  200    200   204
site admin         | 200  201    201   200  200    200   204
owner              | 200  201    201   200  200    200   204
organization token | 200  201    201   200  200    200   204
manage-projects    | 200  201    403   200  200    200   204
manage-workspaces  | 200  201    403   200  200    200   204
read-projects      | 404  404    404   404  404    404   404
team admin         | 200  201    403   200  200    200   204
team maintain      | 200  201    403   200  200    200   204
team write         | 404  404    404   404  404    404   404
workspace team     | 200  201    403   200  200    200   204
project owner      | 200  201    201   200  200    200   204
project admin      | 200  201    403   200  200    200   204
project member     | 404  404    404   404  404    404   404
project viewer     | 404  404    404   404  404    404   404
admin there        | 200  201    403   200  200    200   204
admin of cell      | 200  201    403   200  200    200   204
member there       | 404  404    404   404  404    404   404
level owner        | 200  201    201   200  200    200   204
level admin        | 200  201    403   200  200    200   204
level developer    | 404  404    404   404  404    404   404
level user         | 404  404    404   404  404    404   404
token owner        | 404  404    404   404  404    404   404
token admin        | 404  404    404   404  404    404   404
token member       | 404  404    404   404  404    404   404
member             | 404  404    404   404  404    404   404
outsider           | 404  404    404   404  404    404   404
nobody             | 401  401    401   401  401    401   401
"""


@pytest.fixture
def places(world: World, acme: Organization, project: Project) -> Places:
    return Places(world, acme, project)


def statuses(text: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for who, what, status in table(text):
        found.setdefault(who, {})[what] = int(status)
    return found


def asked(api: Api, path: str, rank: str, invitation: str, token: str | None) -> dict[str, Any]:
    """The answers to everything that can be asked of invitations, the last of it the cancellation."""
    own = f"/invitations/{invitation}"
    name = {"viewer": "role", "user": "level"}[rank]
    invite = document("invitations", {"email": "new@example.test", name: rank})
    owner = document("invitations", {"email": "boss@example.test", name: "owner"})
    requests = {
        "list": ("GET", f"{path}/invitations", None),
        "show": ("GET", own, None),
        "resend": ("POST", f"{own}/actions/resend", None),
        "reset": ("POST", f"{path}/actions/reset-invite", None),
        "invite": ("POST", f"{path}/invitations", invite),
        "owner": ("POST", f"{path}/invitations", owner),
        "cancel": ("DELETE", own, None),
    }
    return {what: api.raw(method, at, token, given) for what, (method, at, given) in requests.items()}


def added(places: Places, role: str, **place: str) -> str:
    row = {"email": "old@example.test", "role": role, "nonce": "n", "expires_at": places.acme.created_at}
    return places.world.add(Invitation(organization_id=places.acme.id, **row, **place)).id


@pytest.mark.one_database
@pytest.mark.parametrize("who", CALLERS)
def test_who_invites_into_projects(api: Api, places: Places, who: str) -> None:
    invitation = added(places, "viewer", project_id=places.project.id)
    token = CALLERS[who](places)
    answers = asked(api, f"/projects/{places.project.id}", "viewer", invitation, token)
    del answers["reset"]
    assert {what: answer.status_int for what, answer in answers.items()} == statuses(INTO_PROJECT)[who]
    missing = asked(api, "/projects/prj-1111111111111111", "viewer", "inv-1111111111111111", token)
    for what, answer in answers.items():
        assert answer.status_int != 404 or answer.body == missing[what].body, "forbidden reads like missing"


@pytest.mark.one_database
@pytest.mark.parametrize("who", CALLERS)
def test_who_invites_to_workspaces(api: Api, places: Places, who: str) -> None:
    invitation = added(places, "user", workspace_id=places.workspace.id)
    token = CALLERS[who](places)
    answers = asked(api, f"/workspaces/{places.workspace.id}", "user", invitation, token)
    assert {what: answer.status_int for what, answer in answers.items()} == statuses(TO_WORKSPACE)[who]
    missing = asked(api, "/workspaces/ws-1111111111111111", "user", "inv-1111111111111111", token)
    for what, answer in answers.items():
        assert answer.status_int != 404 or answer.body == missing[what].body, "forbidden reads like missing"


# Into the project, to the workspace.
OF_OWNERS = {
    "owner": (204, 204),
    "manage-projects": (403, 403),
    "project owner": (204, 204),
    "project admin": (403, 403),
    "token admin": (404, 404),
    "level owner": (404, 204),
    "level admin": (404, 403),
}


@pytest.mark.parametrize("who", OF_OWNERS)
def test_who_may_invite_no_owner_cancels_no_such_invitation(api: Api, places: Places, who: str) -> None:
    token = CALLERS[who](places)
    there = ({"project_id": places.project.id}, {"workspace_id": places.workspace.id})
    for place, status in zip(there, OF_OWNERS[who], strict=True):
        invitation = added(places, "owner", **place)
        api.delete(f"/invitations/{invitation}", token, expect=status)
        [left] = [each for each in places.world.all(Invitation) if each.id == invitation]
        assert left.status == ("canceled" if status == 204 else "pending")


def test_a_role_in_one_environment_shows_no_invitation_to_another(api: Api, places: Places, world: World) -> None:
    elsewhere = world.workspace(places.project)
    hidden = added(places, "user", workspace_id=elsewhere.id)
    shown = added(places, "user", workspace_id=places.workspace.id)
    token = places.member("admin", environment=places.environment)
    api.get(f"/invitations/{shown}", token)
    api.get(f"/invitations/{hidden}", token, expect=404)
    api.get(f"/workspaces/{elsewhere.id}/invitations", token, expect=404)


@pytest.mark.parametrize("who", ["organization token", "token owner", "workspace team"])
def test_only_people_have_invitations_of_their_own(api: Api, places: Places, who: str) -> None:
    api.get("/account/invitations", CALLERS[who](places), expect=404)
