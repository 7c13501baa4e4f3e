"""What everybody is shown of a workspace whose project has public-read, also without a token."""

from typing import Any

import pytest

from app.models import Organization, Workspace
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

UNAUTHORIZED = {"errors": [{"status": "401", "title": "unauthorized", "code": "unauthorized"}]}
SECRETS = {
    "cell": "cell-of-it",
    "working_directory": "directory-of-it",
    "source_name": "source-of-it",
    "locked": True,
    "locked_reason": "reason-of-it",
    "locked_by_type": "users",
    "locked_by_id": "user-of-it",
    "locked_by_name": "name-of-it",
    "avatar_url": "https://avatar-of-it.example/",
}


@pytest.fixture
def shown(world: World, acme: Organization) -> Workspace:
    """A workspace that everybody may see a part of."""
    project = world.project(acme, "platform", public_read=True)
    world.tag(project, "tag-of-it", "x")
    environment = world.environment(project, "environment-of-it")
    texts = {"description": "All of it", "title": "The network"}
    return world.workspace(project, "network", environment_id=environment.id, **texts, **SECRETS)


def path_of(workspace: Workspace) -> str:
    return f"/projects/{workspace.project_id}/workspaces/{workspace.id}"


def test_without_a_token_there_is_what_is_public(api: Api, shown: Workspace) -> None:
    response = api.raw("GET", path_of(shown))
    assert response.status_int == 200
    answer = response.json
    stamps = {name: answer["data"]["attributes"].pop(name) for name in ("created-at", "updated-at")}
    assert all(moment.endswith("Z") for moment in stamps.values())
    assert answer == {
        "data": {
            "id": shown.id,
            "type": "workspaces",
            "attributes": {
                "name": "network",
                "description": "All of it",
                "title": "The network",
                "iac-tool": "terraform",
                "terraform-version": shown.terraform_version,
            },
            "links": {"self": f"/api/v2{path_of(shown)}"},
        }
    }
    assert "of-it" not in response.text
    assert "acme" not in response.text


@pytest.mark.parametrize("who", ["outsider", "member", "other owner", "other organization token", "project token"])
def test_who_has_no_access_is_shown_the_same_with_a_token(
    api: Api, world: World, acme: Organization, shown: Workspace, *, who: str
) -> None:
    token = {
        "outsider": lambda: world.person().token,
        "member": lambda: world.member(acme).token,
        "other owner": lambda: world.owner(world.organization()).token,
        "other organization token": lambda: world.token(world.organization()),
        "project token": lambda: world.project_token(world.project(acme), "owner"),
    }[who]()
    assert api.get(path_of(shown), token) == api.get(path_of(shown))


def test_who_has_access_is_shown_everything(api: Api, world: World, shown: Workspace, owner: Person) -> None:
    single = world.person()
    world.acl_entry(shown, single, "user")
    for token in (owner.token, single.token):
        assert api.get(path_of(shown), token) == api.get(f"/workspaces/{shown.id}", token)
        assert api.get(path_of(shown), token)["data"]["attributes"]["locked"] is True


def test_nothing_related_is_public(api: Api, world: World, shown: Workspace) -> None:
    for token in (None, world.person().token):
        answer = api.get(f"{path_of(shown)}?include=project,organization", token)
        assert answer == {**api.get(path_of(shown)), "included": []}
        refused = api.get(f"{path_of(shown)}?include=secrets", token, expect=400)
        assert faults(refused) == [("Invalid include parameter", "include")]


@pytest.mark.one_database
@pytest.mark.parametrize(
    "authorization", ["Bearer nonsense", "Bearer ", "Basic YTpi", "", "nonsense"], ids=lambda text: text or "empty"
)
def test_a_bad_token_is_refused_even_so(api: Api, shown: Workspace, authorization: str) -> None:
    response = api.raw("GET", path_of(shown), headers={"Authorization": authorization})
    assert (response.status_int, response.json) == (401, UNAUTHORIZED)


def test_what_is_not_public_is_as_what_is_not_there(
    api: Api, world: World, acme: Organization, shown: Workspace
) -> None:
    hidden = world.workspace(world.project(acme), "hidden")
    outsider = world.person().token
    paths = [
        path_of(hidden),
        f"/projects/{shown.project_id}/workspaces/{hidden.id}",
        f"/projects/{hidden.project_id}/workspaces/{shown.id}",
        f"/projects/{shown.project_id}/workspaces/ws-1111111111111111",
        f"/projects/prj-1111111111111111/workspaces/{shown.id}",
    ]
    for path in paths:
        without = api.raw("GET", path)
        assert (without.status_int, without.json) == (401, UNAUTHORIZED)
        assert without.headers["WWW-Authenticate"] == "Bearer"
        api.get(path, outsider, expect=404)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/workspaces/WORKSPACE", None),
        ("GET", "/workspaces", None),
        ("GET", "/projects/PROJECT", None),
        ("GET", "/projects/PROJECT/workspaces", None),
        ("POST", "/projects/PROJECT/workspaces", document("workspaces", {"name": "x"})),
        ("PATCH", "/projects/PROJECT/workspaces/WORKSPACE", document("workspaces", {"name": "x"})),
        ("DELETE", "/projects/PROJECT/workspaces/WORKSPACE", None),
        ("GET", "/organizations/acme/workspaces/network", None),
        ("GET", "/workspaces/WORKSPACE/vars", None),
        ("GET", "/workspaces/WORKSPACE/current-state-version", None),
    ],
)
def test_no_other_address_is_open(
    api: Api, world: World, shown: Workspace, *, method: str, path: str, sent: Any
) -> None:
    path = path.replace("WORKSPACE", shown.id).replace("PROJECT", shown.project_id)
    assert api.send(method, path, None, sent, expect=401) == UNAUTHORIZED
    outsider = world.person().token
    if path == "/workspaces":
        assert api.get(path, outsider)["data"] == []
    else:
        api.send(method, path, outsider, sent, expect=404)


def test_a_project_can_be_closed_again(api: Api, shown: Workspace, owner: Person) -> None:
    api.patch(f"/projects/{shown.project_id}", owner.token, document("projects", {"public-read": False}))
    assert api.get(path_of(shown), expect=401) == UNAUTHORIZED


def test_a_public_answer_costs_two_statements(api: Api, shown: Workspace, statements: Any) -> None:
    with statements() as seen:
        api.get(path_of(shown))
    assert len(seen) == 2
