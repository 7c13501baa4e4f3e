"""What teams may do on workspaces: the levels, their details, who sees and grants them, what they open."""

from typing import Any

import pytest

from app.models import Organization, Project, Team, TeamWorkspace, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.personas import table
from tests.support.world import Person, World

PATH = "/team-workspaces"
DETAILS = table("""
       | runs  variables state-versions sentinel-mocks workspace-locking run-tasks policy-overrides
read   | read  read      read           none           false             false     false
plan   | plan  read      read           none           false             false     false
write  | apply write     write          read           true              false     false
admin  | apply write     write          read           true              true      false
custom | read  none      none           none           false             false     false
""")


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    """What is granted."""
    return world.workspace(world.project(acme, "network"), "prod")


@pytest.fixture
def team(world: World, acme: Organization) -> Team:
    """Who it is granted to."""
    return world.team(acme, name="platform", visibility="organization")


def sent(team: Team, workspace: Workspace, access: str, **details: Any) -> Any:
    attributes = {"access": access, **{name.replace("_", "-"): value for name, value in details.items()}}
    related = {"team": ("teams", team.id), "workspace": ("workspaces", workspace.id)}
    return document("team-workspaces", attributes, **related)


@pytest.mark.parametrize("access", ["read", "plan", "write", "admin", "custom"])
def test_every_detail_of_a_level_is_shown(
    api: Api, owner: Person, team: Team, workspace: Workspace, access: str
) -> None:
    created = api.post(PATH, owner.token, sent(team, workspace, access))["data"]
    assert created["id"].startswith("tws-")
    expected = {name: value for level, name, value in DETAILS if level == access}
    shown = {name: str(value).lower() for name, value in created["attributes"].items()}
    assert shown == {"access": access, "expires-at": "none", **expected}
    assert created["relationships"] == {
        "team": {"data": {"id": team.id, "type": "teams"}, "links": {"related": f"/api/v2/teams/{team.id}"}},
        "workspace": {
            "data": {"id": workspace.id, "type": "workspaces"},
            "links": {"related": "/api/v2/organizations/acme/workspaces/prod"},
        },
    }
    assert created["links"] == {"self": f"/api/v2{PATH}/{created['id']}"}
    assert api.get(f"{PATH}/{created['id']}", owner.token)["data"] == created
    listed = api.get(f"{PATH}?filter[workspace][id]={workspace.id}", owner.token)
    assert listed == {"data": [created]}


def test_a_custom_access_keeps_what_is_not_said(api: Api, owner: Person, team: Team, workspace: Workspace) -> None:
    path = f"{PATH}/{api.post(PATH, owner.token, sent(team, workspace, 'plan'))['data']['id']}"
    change = document("team-workspaces", {"access": "custom", "workspace-locking": True, "variables": None})
    shown = api.patch(path, owner.token, change)["data"]["attributes"]
    assert (shown["runs"], shown["variables"], shown["workspace-locking"]) == ("plan", "read", True)
    shown = api.patch(path, owner.token, document("team-workspaces", {"runs": "apply"}))["data"]["attributes"]
    assert (shown["access"], shown["runs"], shown["workspace-locking"]) == ("custom", "apply", True)
    shown = api.patch(path, owner.token, document("team-workspaces", {"access": "read"}))["data"]["attributes"]
    assert (shown["runs"], shown["workspace-locking"]) == ("read", False)
    api.delete(path, owner.token)
    api.delete(path, owner.token, expect=404)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"access": "read", "runs": "apply"},
        "Runs is read-only when access level is 'read'; use the 'custom' access level to set this attribute.",
        "runs",
    ),
    (
        {"access": "admin", "workspace-locking": True},
        (
            "Workspace locking is read-only when access level is 'admin'; "
            "use the 'custom' access level to set this attribute."
        ),
        "workspace-locking",
    ),
    ({"access": "maintain"}, "Access is not included in the list", "access"),
    ({"access": None}, "Access can't be blank", "access"),
    ({"access": "custom", "runs": "x"}, "Runs is not included in the list", "runs"),
    ({"access": "custom", "runs": True}, "Runs is not included in the list", "runs"),
    ({"access": "custom", "run-tasks": "yes"}, "Run tasks must be true or false", "run-tasks"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("attributes", "detail", "member"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_what_is_no_access_is_refused(
    api: Api,
    world: World,
    owner: Person,
    team: Team,
    workspace: Workspace,
    *,
    attributes: dict[str, Any],
    detail: str,
    member: str,
) -> None:
    answer = api.post(PATH, owner.token, sent(team, workspace, **attributes), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{member}")]
    assert answer["errors"][0]["title"] == "invalid attribute"
    assert world.all(TeamWorkspace) == []


def test_a_team_has_one_access_to_a_workspace(
    api: Api, world: World, owner: Person, team: Team, workspace: Workspace
) -> None:
    api.post(PATH, owner.token, sent(team, workspace, "read"))
    answer = api.post(PATH, owner.token, sent(team, workspace, "write"), expect=422)
    assert faults(answer) == [("Team has already been taken", "/data/relationships/team")]
    foreign = world.team(world.organization("other", owner=owner))
    api.post(PATH, owner.token, sent(foreign, workspace, "read"), expect=404)
    api.get(PATH, owner.token, expect=404)


# What a member of the team may do then.
RIGHTS = table("""
       | read lock update force-unlock tag delete grants
none   | 404  404  404    404          404 404    404
read   | 200  404  404    404          404 404    404
plan   | 200  404  404    404          404 404    404
write  | 200  200  404    404          204 404    404
admin  | 200  200  200    409          204 204    200
custom | 200  404  404    404          404 404    404
locker | 200  200  404    404          404 404    404
""")


@pytest.mark.one_database
@pytest.mark.parametrize(("access", "action", "status"), RIGHTS)
def test_an_access_opens_the_workspace(
    api: Api,
    world: World,
    acme: Organization,
    team: Team,
    workspace: Workspace,
    *,
    access: str,
    action: str,
    status: str,
) -> None:
    if access == "locker":
        world.workspace_access(team, workspace, "custom", {"workspace-locking": True})
    elif access != "none":
        world.workspace_access(team, workspace, access)
    token = world.member(acme, team).token
    other = world.workspace(world.default_project(acme))
    path = f"/workspaces/{workspace.id}"
    tag = {"data": [{"type": "tags", "attributes": {"name": "blue"}}]}
    method, at, body = {
        "read": ("GET", path, None),
        "lock": ("POST", f"{path}/actions/lock", None),
        "update": ("PATCH", path, document("workspaces", {"auto-apply": True})),
        "force-unlock": ("POST", f"{path}/actions/force-unlock", None),
        "tag": ("POST", f"{path}/relationships/tags", tag),
        "delete": ("POST", f"{path}/actions/safe-delete", None),
        "grants": ("GET", f"{PATH}?filter[workspace][id]={workspace.id}", None),
    }[action]
    api.send(method, at, token, body, expect=int(status))
    api.get(f"/workspaces/{other.id}", token, expect=404)


def test_a_workspace_shows_its_project_and_no_neighbours(
    api: Api, world: World, acme: Organization, team: Team, workspace: Workspace
) -> None:
    project = next(each for each in world.all(Project) if each.id == workspace.project_id)
    world.workspace(project, "neighbour")
    world.workspace_access(team, workspace, "admin")
    token = world.member(acme, team).token
    listed = api.get("/organizations/acme/workspaces?include=project", token)
    assert [each["id"] for each in listed["data"]] == [workspace.id]
    assert [each["id"] for each in listed["included"]] == [project.id]
    assert listed["data"][0]["attributes"]["permissions"]["can-update"] is True
    [shown] = api.get("/organizations/acme/projects", token)["data"]
    held = {flag for flag, is_held in shown["attributes"]["permissions"].items() if is_held}
    assert (shown["id"], held) == (project.id, {"can-read"})
    change = document("workspaces", {}, project=("projects", world.default_project(acme).id))
    api.patch(f"/workspaces/{workspace.id}", token, change, expect=422)
    api.delete(f"/workspaces/{workspace.id}", token, expect=403)


def test_accesses_to_projects_and_workspaces_add_up(
    api: Api, world: World, acme: Organization, team: Team, workspace: Workspace
) -> None:
    project = next(each for each in world.all(Project) if each.id == workspace.project_id)
    world.access(team, project, "read")
    neighbour = world.workspace(project)
    world.workspace_access(team, workspace, "write")
    token = world.member(acme, team).token
    api.post(f"/workspaces/{workspace.id}/actions/lock", token, expect=200)
    api.get(f"/workspaces/{neighbour.id}", token)
    api.post(f"/workspaces/{neighbour.id}/actions/lock", token, expect=404)


def test_administrators_of_a_workspace_do_not_see_secret_teams(
    api: Api, world: World, acme: Organization, owner: Person, team: Team, workspace: Workspace
) -> None:
    world.workspace_access(team, workspace, "admin")
    secret = world.team(acme, name="secret")
    hidden = world.workspace_access(secret, workspace, "read")
    project_admins = world.team(acme)
    world.access(project_admins, next(p for p in world.all(Project) if p.id == workspace.project_id), "maintain")
    path = f"{PATH}?filter[workspace][id]={workspace.id}"
    assert len(api.get(path, owner.token)["data"]) == 2
    assert len(api.get(f"{path}&filter[team][id]={secret.id}", owner.token)["data"]) == 1
    for token in (world.member(acme, team).token, world.member(acme, project_admins).token):
        [seen] = api.get(path, token)["data"]
        assert seen["relationships"]["team"]["data"]["id"] == team.id
        api.get(f"{PATH}/{hidden.id}", token, expect=404)
        api.delete(f"{PATH}/{hidden.id}", token, expect=404)
        api.post(PATH, token, sent(world.team(acme), workspace, "read"), expect=404)
        visible = world.team(acme, visibility="organization")
        api.post(PATH, token, sent(visible, workspace, "read"))
        api.delete(f"{PATH}/{api.get(path, token)['data'][-1]['id']}", token)


def test_granting_leaves_events(api: Api, world: World, owner: Person, team: Team, workspace: Workspace) -> None:
    path = f"{PATH}/{api.post(PATH, owner.token, sent(team, workspace, 'read'))['data']['id']}"
    api.patch(path, owner.token, document("team-workspaces", {"access": "write"}))
    api.patch(path, owner.token, document("team-workspaces", {"access": "write"}))
    api.delete(path, owner.token)
    events = left_by_requests(world)
    assert [(event.action, event.workspace_id, event.changes) for event in events] == [
        ("team-workspaces.create", workspace.id, {"team": [None, "platform"], "access": [None, "read"]}),
        ("team-workspaces.update", workspace.id, {"team": ["platform"] * 2, "access": ["read", "write"]}),
        ("team-workspaces.delete", workspace.id, {"team": ["platform", None], "access": ["write", None]}),
    ]
