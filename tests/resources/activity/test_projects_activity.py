"""What requests leave in the record of changes: one event for each change, none for what failed or changed nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.models import AuthenticationToken, Organization, Project, TagBinding, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.world import Person, World

MISSING = "ws-1111111111111111"
REQUEST_ID = "request-of-the-test"
Request = tuple[str, str, Any]


class Scene:
    """A project with a tag, a workspace in it, an empty project beside it."""

    def __init__(self, world: World, acme: Organization) -> None:
        self.project = world.project(acme, "platform", description="old")
        self.empty = world.project(acme, "empty")
        self.workspace = world.workspace(self.project, "network")
        self.default = world.default_project(acme)
        self.world = world
        environments = [world.default_environment(project).id for project in (self.project, self.empty)]
        self.to_default_environment = {"project-environment": environments}
        world.tag(self.project, "env", "prod")


@pytest.fixture
def scene(world: World, acme: Organization) -> Scene:
    """See ``Scene``."""
    return Scene(world, acme)


def tags(**given: str) -> Any:
    return {"data": [{"type": "tag-bindings", "attributes": {"key": key, "value": given[key]}} for key in given]}


def moved(*identifiers: str) -> Any:
    return {"data": [{"type": "workspaces", "id": identifier} for identifier in identifiers]}


Subject = Callable[[Scene], Project | Workspace | None]
WRITES: dict[str, tuple[Callable[[Scene], Request], str, Subject, Any]] = {
    "create a project": (
        lambda _: (
            "POST",
            "/organizations/acme/projects",
            document("projects", {"name": "new", "default-execution-mode": "remote"}, tag_bindings=tags(a="b")["data"]),
        ),
        "projects.create",
        lambda _: None,
        {
            "name": [None, "new"],
            "own-execution-mode": [None, "remote"],
            "slug": [None, "new"],
            "tag-bindings": [None, {"a": "b"}],
        },
    ),
    "update a project": (
        lambda scene: (
            "PATCH",
            f"/projects/{scene.project.id}",
            document("projects", {"name": "platform", "description": None, "auto-destroy-activity-duration": "1d"}),
        ),
        "projects.update",
        lambda scene: scene.project,
        {"description": ["old", None], "auto-destroy-activity-duration": [None, "1d"]},
    ),
    "retag a project by updating it": (
        lambda scene: (
            "PATCH",
            f"/projects/{scene.project.id}",
            document("projects", {"description": "new"}, tag_bindings=tags(app="shop")["data"]),
        ),
        "projects.update",
        lambda scene: scene.project,
        {"description": ["old", "new"], "tag-bindings": {"env": ["prod", None], "app": [None, "shop"]}},
    ),
    "delete a project": (
        lambda scene: ("DELETE", f"/projects/{scene.empty.id}", None),
        "projects.delete",
        lambda scene: scene.empty,
        {},
    ),
    "update tags": (
        lambda scene: ("PATCH", f"/projects/{scene.project.id}/tag-bindings", tags(env="test", app="shop")),
        "projects.tag",
        lambda scene: scene.project,
        {"tag-bindings": {"env": ["prod", "test"], "app": [None, "shop"]}},
    ),
    "add tags": (
        lambda scene: ("POST", f"/projects/{scene.project.id}/relationships/tag-bindings", tags(env="prod", a="b")),
        "projects.tag",
        lambda scene: scene.project,
        {"tag-bindings": {"a": [None, "b"]}},
    ),
    "replace tags": (
        lambda scene: ("PATCH", f"/projects/{scene.project.id}/relationships/tag-bindings", {"data": []}),
        "projects.tag",
        lambda scene: scene.project,
        {"tag-bindings": {"env": ["prod", None]}},
    ),
    "move a workspace": (
        lambda scene: ("POST", f"/projects/{scene.empty.id}/relationships/workspaces", moved(scene.workspace.id)),
        "workspaces.move",
        lambda scene: scene.workspace,
        lambda scene: {"project": [scene.project.id, scene.empty.id], **scene.to_default_environment},
    ),
    "move a workspace by updating it": (
        lambda scene: (
            "PATCH",
            f"/workspaces/{scene.workspace.id}",
            document("workspaces", {"auto-apply": True}, project=("projects", scene.empty.id)),
        ),
        "workspaces.update",
        lambda scene: scene.workspace,
        lambda scene: {
            "project": [scene.project.id, scene.empty.id],
            **scene.to_default_environment,
            "auto-apply": [False, True],
        },
    ),
    "create a workspace": (
        lambda scene: (
            "POST",
            "/organizations/acme/workspaces",
            document("workspaces", {"name": "new"}, project=("projects", scene.empty.id)),
        ),
        "workspaces.create",
        lambda _: None,
        lambda scene: {
            "name": [None, "new"],
            "project": [None, scene.empty.id],
            "environment-id": [None, scene.world.default_environment(scene.empty).id],
        },
    ),
    "update a workspace": (
        lambda _: ("PATCH", "/organizations/acme/workspaces/network", document("workspaces", {"description": "new"})),
        "workspaces.update",
        lambda scene: scene.workspace,
        {"description": [None, "new"]},
    ),
    "delete a workspace safely": (
        lambda scene: ("POST", f"/workspaces/{scene.workspace.id}/actions/safe-delete", None),
        "workspaces.delete",
        lambda scene: scene.workspace,
        {},
    ),
    "delete a workspace by force": (
        lambda _: ("DELETE", "/organizations/acme/workspaces/network", None),
        "workspaces.delete",
        lambda scene: scene.workspace,
        {},
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_change_leaves_one_event_that_says_all(
    api: Api, world: World, acme: Organization, owner: Person, scene: Scene, *, write: str
) -> None:
    make, action, subject_of, changes = WRITES[write]
    method, path, sent = make(scene)
    response = api.raw(method, path, owner.token, sent, headers={"X-Request-Id": REQUEST_ID})
    assert response.status_int < 300, response.text
    left, *further = left_by_requests(world)
    # The creator of a workspace gets an entry in its access list.
    assert [each.action for each in further] == ["workspace-acl-entries.create"] * (write == "create a workspace")
    subject = subject_of(scene)
    subject_id = response.json["data"]["id"] if subject is None else subject.id
    [token_id] = [token.id for token in world.all(AuthenticationToken) if token.user_id == owner.id]
    assert (left.action, left.subject_type) == (action, action.partition(".")[0])
    assert (left.subject_id, left.subject_name) == (subject_id, "new" if subject is None else subject.name)
    assert (left.actor_type, left.actor_id, left.actor_name) == ("users", owner.id, "ada")
    assert (left.token_id, left.request_id) == (token_id, REQUEST_ID)
    assert left.organization_id == acme.id
    assert left.changes == (changes(scene) if callable(changes) else changes)
    is_workspace = left.subject_type == "workspaces"
    assert left.workspace_id == (subject_id if is_workspace else None)
    into_empty = write in ("move a workspace", "move a workspace by updating it", "create a workspace")
    held_by = scene.empty.id if into_empty else scene.project.id
    assert left.project_id == (held_by if is_workspace else subject_id)


def test_an_organizations_token_acts_as_the_organization(
    api: Api, world: World, acme: Organization, scene: Scene
) -> None:
    api.delete(f"/projects/{scene.empty.id}", world.token(acme))
    [left] = left_by_requests(world)
    [token_id] = [token.id for token in world.all(AuthenticationToken) if token.organization_id == acme.id]
    assert (left.actor_type, left.actor_id, left.actor_name) == ("organizations", acme.id, "acme")
    assert left.token_id == token_id


UNCHANGED: dict[str, Callable[[Scene], Request]] = {
    "nothing": lambda scene: ("PATCH", f"/projects/{scene.project.id}", document("projects")),
    "the same": lambda scene: (
        "PATCH",
        f"/projects/{scene.project.id}",
        document("projects", {"name": "platform", "description": "old"}, tag_bindings=tags(env="prod")["data"]),
    ),
    "the same tags": lambda scene: ("PATCH", f"/projects/{scene.project.id}/tag-bindings", tags(env="prod")),
    "the same tags added": lambda scene: (
        "POST",
        f"/projects/{scene.project.id}/relationships/tag-bindings",
        tags(env="prod"),
    ),
    "the same tags instead": lambda scene: (
        "PATCH",
        f"/projects/{scene.project.id}/relationships/tag-bindings",
        tags(env="prod"),
    ),
    "no tags": lambda scene: ("POST", f"/projects/{scene.project.id}/relationships/tag-bindings", {"data": []}),
    "no workspaces": lambda scene: ("POST", f"/projects/{scene.project.id}/relationships/workspaces", {"data": []}),
    "moved to where it is": lambda scene: (
        "POST",
        f"/projects/{scene.project.id}/relationships/workspaces",
        moved(scene.workspace.id),
    ),
    "the same workspace": lambda scene: (
        "PATCH",
        f"/workspaces/{scene.workspace.id}",
        document("workspaces", {"name": "network"}, project=("projects", scene.project.id)),
    ),
}


@pytest.mark.parametrize("make", UNCHANGED.values(), ids=UNCHANGED)
def test_what_changes_nothing_leaves_no_event(
    api: Api, world: World, scene: Scene, owner: Person, make: Callable[[Scene], Request]
) -> None:
    method, path, sent = make(scene)
    assert api.raw(method, path, owner.token, sent).status_int < 300
    assert left_by_requests(world) == []
    [workspace] = world.all(Workspace)
    assert workspace.updated_at == scene.workspace.updated_at


FAILED: dict[str, tuple[Callable[[Scene], Request], int]] = {
    "name taken by a new project": (
        lambda _: ("POST", "/organizations/acme/projects", document("projects", {"name": "Platform"})),
        422,
    ),
    "name taken by another": (
        lambda scene: (
            "PATCH",
            f"/projects/{scene.empty.id}",
            document("projects", {"name": "platform", "description": "new"}, tag_bindings=tags(a="b")["data"]),
        ),
        422,
    ),
    "agent without a pool": (
        lambda scene: (
            "PATCH",
            f"/projects/{scene.project.id}",
            document("projects", {"default-execution-mode": "agent"}, tag_bindings=[]),
        ),
        422,
    ),
    "too many tags": (
        lambda scene: (
            "POST",
            f"/projects/{scene.project.id}/relationships/tag-bindings",
            tags(**{f"key-{index}": "x" for index in range(10)}),
        ),
        422,
    ),
    "default project": (lambda scene: ("DELETE", f"/projects/{scene.default.id}?force=true", None), 403),
    "not empty": (lambda scene: ("DELETE", f"/projects/{scene.project.id}", None), 403),
    "one missing": (
        lambda scene: (
            "POST",
            f"/projects/{scene.empty.id}/relationships/workspaces",
            moved(scene.workspace.id, MISSING),
        ),
        403,
    ),
    "workspace's name taken": (
        lambda _: ("POST", "/organizations/acme/workspaces", document("workspaces", {"name": "NETWORK"})),
        422,
    ),
    "moved and contradicting itself": (
        lambda scene: (
            "PATCH",
            f"/workspaces/{scene.workspace.id}",
            document("workspaces", {"execution-mode": "agent"}, project=("projects", scene.empty.id)),
        ),
        422,
    ),
}


def everything(world: World) -> set[Any]:
    return {
        *((each.id, each.name, each.description) for each in world.all(Project)),
        *((each.id, each.project_id, each.name, each.auto_apply, each.description) for each in world.all(Workspace)),
        *((each.project_id, each.key, each.value) for each in world.all(TagBinding)),
    }


@pytest.mark.parametrize(("make", "status"), FAILED.values(), ids=FAILED)
def test_what_fails_changes_nothing_and_leaves_no_event(
    api: Api, world: World, scene: Scene, owner: Person, *, make: Callable[[Scene], Request], status: int
) -> None:
    before = everything(world)
    method, path, sent = make(scene)
    api.send(method, path, owner.token, sent, expect=status)
    assert everything(world) == before
    assert left_by_requests(world) == []


@pytest.mark.parametrize("write", WRITES)
def test_a_change_that_can_not_be_recorded_does_not_happen(
    api: Api, world: World, scene: Scene, owner: Person, engine: Engine, *, write: str
) -> None:
    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO activity_events" in statement:
            raise RuntimeError("the disk is full")

    before = everything(world)
    method, path, sent = WRITES[write][0](scene)
    event.listen(engine, "before_cursor_execute", fail)
    try:
        answer = api.send(method, path, owner.token, sent, expect=500)
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert "disk" not in str(answer)
    assert everything(world) == before
