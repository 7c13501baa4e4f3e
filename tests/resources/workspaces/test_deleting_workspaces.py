"""Deleting a workspace: safely below its project and by its full name, by force only where the request says so."""

from typing import Any

import pytest

from app.models import Organization, Project, Workspace
from tests.support.api import Api
from tests.support.world import Person, World

HERE = ("/projects/{project}/workspaces/{id}", "/organizations/acme/workspaces/net")


def delete(api: Api, path: str, workspace: Workspace, token: str, *, expect: int, **headers: str) -> Any:
    path = path.format(project=workspace.project_id, id=workspace.id)
    answer = api.raw("DELETE", path, token, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_int == expect, answer.text
    return answer.json["errors"][0] if expect >= 400 else None


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "net")


@pytest.mark.parametrize("path", HERE)
def test_an_empty_one_is_deleted(api: Api, world: World, owner: Person, workspace: Workspace, path: str) -> None:
    delete(api, path, workspace, owner.token, expect=204)
    delete(api, path, workspace, owner.token, expect=404)
    assert world.all(Workspace) == []


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize(
    ("members", "code"),
    [({"locked": True}, "workspace-locked"), ({"resource_count": 1}, "workspace-manages-resources")],
)
def test_any_other_takes_force(
    api: Api, world: World, owner: Person, project: Project, path: str, members: dict[str, Any], code: str
) -> None:
    workspace = world.workspace(project, "net", **members)
    error = delete(api, path, workspace, owner.token, expect=409)
    assert error["code"] == code
    assert error["detail"].endswith("; force=true deletes it all the same")
    delete(api, f"{path}?force=false", workspace, owner.token, expect=409)
    delete(api, f"{path}?force=yes", workspace, owner.token, expect=400)
    delete(api, f"{path}?force=true", workspace, owner.token, expect=204)
    assert world.all(Workspace) == []


@pytest.mark.parametrize("path", [*HERE, "/workspaces/{id}"])
def test_whoever_may_not_force_hears_of_the_safe_way(
    api: Api, world: World, workspace: Workspace, project: Project, path: str
) -> None:
    admin = world.person()
    world.project_member(project, admin, "admin")
    error = delete(api, f"{path}?force=true", workspace, admin.token, expect=403)
    assert error["code"] == "force-deletion-refused"
    way = f"/workspaces/{workspace.id}/actions/safe-delete"
    assert f"POST /api/v2{way}" in error["detail"]
    api.post(way, admin.token, expect=204)


def test_those_who_may_delete_need_no_right_to_force(
    api: Api, world: World, acme: Organization, workspace: Workspace, project: Project
) -> None:
    team = world.team(acme)
    world.access(team, project, "custom", {"delete": True})
    member, reader = world.member(acme, team), world.person()
    world.project_member(project, reader, "member")
    delete(api, HERE[0], workspace, reader.token, expect=404)
    delete(api, HERE[0], workspace, member.token, expect=204)


@pytest.mark.parametrize(
    ("agent", "force", "expect"),
    [
        ("go-tfe", "", 204),
        ("go-tfe/1.100.0", "", 204),
        ("go-tfe", "?force=false", 409),
        ("curl/8.0 go-tfe", "", 409),
        ("curl/8.0", "", 409),
    ],
)
def test_terraform_still_deletes_by_force_at_this_address(
    api: Api, world: World, owner: Person, project: Project, agent: str, force: str, expect: int
) -> None:
    workspace = world.workspace(project, "net", resource_count=1)
    delete(api, f"{HERE[1]}{force}", workspace, owner.token, expect=expect, User_Agent=agent)
    # Below the project there is nothing of HCP Terraform's.
    if expect == 409:
        delete(api, HERE[0], workspace, owner.token, expect=409, User_Agent="go-tfe")
