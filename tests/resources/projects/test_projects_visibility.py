"""Who sees a project and what each kind of caller may do with it, over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from app.models import Organization, Project, TagBinding, Workspace
from tests.support.api import Api, document
from tests.support.personas import PERSONAS, table
from tests.support.world import World

MISSING = "prj-1111111111111111"

# The status of each request, for a project that is neither empty of rights nor the default one. ``into`` moves a
# workspace from another project on which the caller has the same; ``out`` moves one away into that other project.
STATUSES = table("""
                         | show tags update delete force create workspace into  out  tag retag
site administrator       |  200  200    200    204   204    201       201  204  204  204   204
owner                    |  200  200    200    204   204    201       201  204  204  204   204
organization token       |  200  200    200    204   204    201       201  204  204  204   204
manage-projects          |  200  200    200    204   403    201       201  204  204  204   204
read-projects            |  200  200    404    404   404    404       422  404  404  404   404
manage-workspaces        |  404  404    404    404   404    404       422  404  404  404   404
read-workspaces          |  404  404    404    404   404    404       422  404  404  404   404
project admin            |  200  200    200    204   403    404       201  204  204  204   204
project maintain         |  200  200    404    404   404    404       201  404  404  204   404
project write            |  200  200    404    404   404    404       422  404  404  204   404
project read             |  200  200    404    404   404    404       422  404  404  404   404
custom least             |  200  200    404    404   404    404       422  404  404  404   404
custom settings update   |  200  200    200    404   404    404       422  404  404  204   204
custom settings delete   |  200  200    200    204   403    404       422  404  404  204   204
custom create            |  200  200    404    404   404    404       201  404  404  404   404
custom move              |  200  200    404    404   404    404       422  204  204  404   404
custom delete            |  200  200    404    404   404    404       422  404  404  404   404
member                   |  404  404    404    404   404    404       422  404  404  404   404
outsider                 |  404  404    404    404   404    404       404  404  404  404   404
agent pool token         |  404  404    404    404   404    404       404  404  404  404   404
other owner              |  404  404    404    404   404    404       404  404  404  404   404
other organization token |  404  404    404    404   404    404       404  404  404  404   404
""")

# The projects in the list: the caller's two, the third one, the default one.
LISTED = {
    "site administrator": "one two three default",
    "owner": "one two three default",
    "organization token": "one two three default",
    "manage-projects": "one two three default",
    "read-projects": "one two three default",
    "manage-workspaces": "default",
    "read-workspaces": "",
    "project admin": "one two",
    "project maintain": "one two",
    "project write": "one two",
    "project read": "one two",
    "custom least": "one two",
    "custom settings update": "one two",
    "custom settings delete": "one two",
    "custom create": "one two",
    "custom move": "one two",
    "custom delete": "one two",
    "member": "",
    "outsider": None,
    "agent pool token": None,
    "other owner": None,
    "other organization token": None,
}


@dataclass(frozen=True)
class Scene:
    """Two projects on which the persona is granted the same, and a third on which nothing is."""

    organization: Organization
    one: Project
    two: Project
    three: Project


@pytest.fixture
def scene(world: World, acme: Organization) -> Scene:
    """See ``Scene``."""
    return Scene(acme, *(world.project(acme, name) for name in ("one", "two", "three")))


Request = tuple[str, str, Any]


def listed(*workspaces: Workspace) -> Any:
    return {"data": [{"type": "workspaces", "id": workspace.id} for workspace in workspaces]}


def tag(key: str) -> Any:
    return {"data": [{"type": "tag-bindings", "attributes": {"key": key, "value": "prod"}}]}


REQUESTS: Mapping[str, Callable[[World, Scene], Request]] = {
    "show": lambda _, scene: ("GET", f"/projects/{scene.one.id}", None),
    "tags": lambda _, scene: ("GET", f"/projects/{scene.one.id}/tag-bindings", None),
    "update": lambda _, scene: ("PATCH", f"/projects/{scene.one.id}", document("projects", {"name": "renamed"})),
    "delete": lambda _, scene: ("DELETE", f"/projects/{scene.one.id}", None),
    "force": lambda _, scene: ("DELETE", f"/projects/{scene.one.id}?force=true", None),
    "create": lambda *_: ("POST", "/organizations/acme/projects", document("projects", {"name": "created"})),
    "workspace": lambda _, scene: (
        "POST",
        "/organizations/acme/workspaces",
        document("workspaces", {"name": "created"}, project=("projects", scene.one.id)),
    ),
    "into": lambda world, scene: (
        "POST",
        f"/projects/{scene.one.id}/relationships/workspaces",
        listed(world.workspace(scene.two)),
    ),
    "out": lambda world, scene: (
        "POST",
        f"/projects/{scene.two.id}/relationships/workspaces",
        listed(world.workspace(scene.one)),
    ),
    "tag": lambda _, scene: ("POST", f"/projects/{scene.one.id}/relationships/tag-bindings", tag("env")),
    "retag": lambda _, scene: ("PATCH", f"/projects/{scene.one.id}/relationships/tag-bindings", tag("env")),
}


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "request_name", "status"), STATUSES, ids=[f"{who}: {action}" for who, action, _ in STATUSES]
)
def test_each_kind_of_caller_is_answered_as_the_table_says(
    api: Api, world: World, scene: Scene, *, who: str, request_name: str, status: str
) -> None:
    token = PERSONAS[who](world, scene.organization, (scene.one, scene.two))
    method, path, sent = REQUESTS[request_name](world, scene)
    before = snapshot(world)
    api.send(method, path, token, sent, expect=int(status))
    changed = snapshot(world) != before
    assert changed == (int(status) < 300 and method != "GET"), "what is refused changes nothing"


def snapshot(world: World) -> set[tuple[str, ...]]:
    return {
        *((project.id, project.name) for project in world.all(Project)),
        *((workspace.id, workspace.project_id) for workspace in world.all(Workspace)),
        *((binding.project_id, binding.key) for binding in world.all(TagBinding)),
    }


@pytest.mark.parametrize("who", PERSONAS)
def test_a_list_has_what_the_caller_can_see(api: Api, world: World, scene: Scene, who: str) -> None:
    token = PERSONAS[who](world, scene.organization, (scene.one, scene.two))
    expected = LISTED[who]
    if expected is None:
        api.get("/organizations/acme/projects", token, expect=404)
        return
    answer = api.get("/organizations/acme/projects", token)
    names = {project["attributes"]["name"].removesuffix(" Project").lower() for project in answer["data"]}
    assert names == set(expected.split())
    assert answer["meta"]["status-counts"] == {"total": len(names), "matching": len(names)}


def test_manage_workspaces_opens_the_default_project_for_workspaces_alone(api: Api, world: World, scene: Scene) -> None:
    default = world.default_project(scene.organization)
    token = PERSONAS["manage-workspaces"](world, scene.organization, ())
    shown = api.get(f"/projects/{default.id}", token)["data"]["attributes"]["permissions"]
    granted = {flag for flag, held in shown.items() if held}
    assert granted == {"can-read", "can-create-workspace"}
    api.post("/organizations/acme/workspaces", token, document("workspaces", {"name": "created"}))
    api.patch(f"/projects/{default.id}", token, document("projects", {"name": "renamed"}), expect=404)
    api.delete(f"/projects/{default.id}", token, expect=404)


FLAGS = table("""
                       | read update destroy create-workspace move-workspace read-teams manage-teams manage-tags
owner                  | yes  yes    yes     yes              yes            yes        yes          yes
organization token     | yes  yes    yes     yes              yes            yes        yes          yes
manage-projects        | yes  yes    yes     yes              yes            yes        yes          yes
read-projects          | yes  no     no      no               no             no         no           no
project admin          | yes  yes    yes     yes              yes            yes        yes          yes
project maintain       | yes  no     no      yes              no             no         no           yes
project write          | yes  no     no      no               no             no         no           yes
project read           | yes  no     no      no               no             no         no           no
custom settings update | yes  yes    no      no               no             no         no           yes
custom settings delete | yes  yes    yes     no               no             no         no           yes
custom create          | yes  no     no      yes              no             no         no           no
custom move            | yes  no     no      no               yes            no         no           no
""")


@pytest.mark.one_database
@pytest.mark.parametrize("who", dict.fromkeys(who for who, _, _ in FLAGS))
def test_the_permissions_block_says_what_the_caller_may(api: Api, world: World, scene: Scene, who: str) -> None:
    token = PERSONAS[who](world, scene.organization, (scene.one, scene.two))
    shown = api.get(f"/projects/{scene.one.id}", token)["data"]["attributes"]["permissions"]
    expected = {f"can-{flag}": answer == "yes" for name, flag, answer in FLAGS if name == who}
    assert {flag: shown[flag] for flag in expected} == expected


WORKSPACE_IN_IT: Request = (
    "POST",
    "/organizations/acme/workspaces",
    document("workspaces", {"name": "x"}, project=("projects", "{id}")),
)
EVERY_ROUTE: list[Request] = [
    ("GET", "/projects/{id}", None),
    ("GET", "/projects/{id}?include=effective_tag_bindings", None),
    ("PATCH", "/projects/{id}", document("projects", {"name": "renamed"})),
    ("DELETE", "/projects/{id}", None),
    ("DELETE", "/projects/{id}?force=true", None),
    ("POST", "/projects/{id}/relationships/workspaces", {"data": []}),
    ("POST", "/projects/{id}/relationships/workspaces", {"data": [{"type": "workspaces", "id": "ws-1"}]}),
    ("GET", "/projects/{id}/tag-bindings", None),
    ("GET", "/projects/{id}/relationships/tag-bindings", None),
    ("GET", "/projects/{id}/effective-tag-bindings", None),
    ("PATCH", "/projects/{id}/tag-bindings", tag("env")),
    ("POST", "/projects/{id}/relationships/tag-bindings", tag("env")),
    ("PATCH", "/projects/{id}/relationships/tag-bindings", {"data": []}),
    WORKSPACE_IN_IT,
]


def filled(value: Any, identifier: str) -> Any:
    if isinstance(value, str):
        return value.replace("{id}", identifier)
    if isinstance(value, dict):
        return {name: filled(inner, identifier) for name, inner in value.items()}
    return [filled(inner, identifier) for inner in value] if isinstance(value, list) else value


@pytest.mark.one_database
@pytest.mark.parametrize("who", ["outsider", "member", "other owner", "manage-workspaces", "read-workspaces"])
def test_a_hidden_project_answers_like_a_missing_one(
    api: Api, world: World, scene: Scene, who: str, subtests: pytest.Subtests
) -> None:
    token = PERSONAS[who](world, scene.organization, ())
    for method, path, sent in EVERY_ROUTE:
        with subtests.test(f"{method} {path}", sent=sent):
            hidden, missing = (
                api.raw(method, filled(path, its_id), token, filled(sent, its_id), headers={"X-Request-Id": "same"})
                for its_id in (scene.one.id, MISSING)
            )
            # Whoever sees the organization is told that it is the project that can't be found.
            is_named = (method, path, sent) == WORKSPACE_IN_IT and who not in {"outsider", "other owner"}
            assert hidden.status_int == missing.status_int == (422 if is_named else 404)
            assert hidden.body == missing.body
            if not is_named:
                assert hidden.json == {"errors": [{"status": "404", "title": "not found", "code": "not-found"}]}
            assert dict(hidden.headers) == dict(missing.headers)


@pytest.mark.parametrize("who", ["outsider", "other owner", "other organization token"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_organization_answers_like_a_missing_one(
    api: Api, world: World, scene: Scene, who: str, method: str
) -> None:
    token = PERSONAS[who](world, scene.organization, ())
    sent = document("projects", {"name": "created"}) if method == "POST" else None
    foreign, missing = (api.raw(method, f"/organizations/{name}/projects", token, sent) for name in ("acme", "nowhere"))
    assert foreign.status_int == missing.status_int == 404
    assert foreign.body == missing.body


@pytest.mark.one_database
@pytest.mark.parametrize("token", [None, "nonsense"])
def test_without_a_token_there_is_no_answer(
    api: Api, scene: Scene, token: str | None, subtests: pytest.Subtests
) -> None:
    projects = "/organizations/acme/projects"
    for method, path, sent in [*EVERY_ROUTE, ("GET", projects, None), ("POST", projects, {})]:
        with subtests.test(f"{method} {path}", sent=sent):
            for its_id in (scene.one.id, MISSING):
                answer = api.send(method, filled(path, its_id), token, filled(sent, its_id), expect=401)
                assert answer == {"errors": [{"status": "401", "title": "unauthorized", "code": "unauthorized"}]}


def test_who_may_delete_but_not_force_hears_force_is_refused(api: Api, world: World, scene: Scene) -> None:
    token = PERSONAS["project admin"](world, scene.organization, (scene.one,))
    answer = api.delete(f"/projects/{scene.one.id}?force=true", token, expect=403)
    assert answer["errors"] == [
        {
            "status": "403",
            "title": "forbidden",
            "code": "force-deletion-refused",
            "detail": "You are not authorized to delete this project by force, together with its workspaces. Delete it "
            "without force=true, once it holds no workspaces",
        }
    ]
