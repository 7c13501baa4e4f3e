"""The record of activity: who reads what of it, and that it outlives its subjects."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, Workspace
from tests.support.api import Api, document
from tests.support.world import Person, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/organizations/acme/activity-events"


class Scene:
    """A project with two environments and two cells, another project, and one event at each place."""

    def __init__(self, world: World, acme: Organization) -> None:
        self.world, self.acme = world, acme
        self.project = world.project(acme, "platform")
        self.other = world.project(acme, "other")
        self.default = world.default_environment(self.project)
        self.production = world.environment(self.project, "production")
        self.near = world.workspace(self.project, "near", cell="a")
        self.far = world.workspace(self.project, "far", cell="b", environment_id=self.production.id)
        self.also_far = world.workspace(self.project, "also-far", cell="a", environment_id=self.production.id)
        self.strange = world.workspace(self.other, "strange")
        self.event("organization", "organizations", acme.id)
        self.event("project", "projects", self.project.id, project_id=self.project.id)
        self.event("access", "team-projects", "tprj-1", project_id=self.project.id, is_about_access=True)
        self.event("other", "projects", self.other.id, project_id=self.other.id)
        for label, workspace in self.workspaces.items():
            self.on(label, workspace)

    @property
    def workspaces(self) -> Mapping[str, Workspace]:
        return {"near": self.near, "far": self.far, "also far": self.also_far, "strange": self.strange}

    def on(self, label: str, workspace: Workspace, **members: Any) -> ActivityEvent:
        return self.event(
            label,
            "workspaces",
            workspace.id,
            project_id=workspace.project_id,
            environment_id=workspace.environment_id,
            cell=workspace.cell,
            workspace_id=workspace.id,
            **members,
        )

    def event(self, label: str, subject_type: str, subject_id: str, **members: Any) -> ActivityEvent:
        given = {
            "action": f"{subject_type}.update",
            "actor_type": "users",
            "actor_id": "user-1111111111111111",
            "actor_name": "Ada",
            "changes": {},
            "created_at": NOON,
            "organization_id": self.acme.id,
            **members,
        }
        return self.world.add(
            ActivityEvent(subject_type=subject_type, subject_id=subject_id, subject_name=label, **given)
        )


@pytest.fixture
def scene(world: World, acme: Organization) -> Scene:
    """See ``Scene``."""
    return Scene(world, acme)


def names(found: Any) -> set[str]:
    """The names of the subjects; what commands and the making of the world have left is left out."""
    listed = [each["attributes"]["subject"]["name"] for each in found["data"]]
    assert found["meta"]["pagination"]["total-count"] >= len(listed)
    return {name for name in listed if name in EVERYTHING}


IN_WORKSPACES = {"near", "far", "also far", "strange"}
IN_PROJECTS = IN_WORKSPACES | {"project", "other"}
IN_PROJECT = {"project", "near", "far", "also far"}
EVERYTHING = IN_PROJECTS | {"organization", "access"}

Granted = Callable[[Scene], str]


def in_project(role: str, **place: Any) -> Granted:
    def make(scene: Scene) -> str:
        person = scene.world.person()
        at = {name: getattr(scene, value) if name == "environment" else value for name, value in place.items()}
        scene.world.project_member(scene.project, person, role, **at)
        return person.token

    return make


def on_workspace(level: str) -> Granted:
    def make(scene: Scene) -> str:
        person = scene.world.person()
        scene.world.acl_entry(scene.near, person, level)
        return person.token

    return make


def with_flag(*flags: str) -> Granted:
    return lambda scene: scene.world.member(scene.acme, scene.world.team(scene.acme, *flags)).token


def with_access(access: str) -> Granted:
    def make(scene: Scene) -> str:
        team = scene.world.team(scene.acme)
        scene.world.access(team, scene.project, access)
        return scene.world.member(scene.acme, team).token

    return make


READERS: dict[str, tuple[Granted, set[str]]] = {
    "super user": (lambda scene: scene.world.person(site_role="super_user").token, EVERYTHING),
    "site administrator": (lambda scene: scene.world.person(site_role="admin").token, EVERYTHING),
    "owner": (lambda scene: scene.world.owner(scene.acme).token, EVERYTHING),
    "organization token": (lambda scene: scene.world.token(scene.acme), EVERYTHING),
    "manage-projects": (with_flag("manage-projects"), IN_PROJECTS),
    "read-projects": (with_flag("read-projects"), IN_PROJECTS),
    "manage-workspaces": (with_flag("manage-workspaces"), IN_WORKSPACES),
    "read-workspaces": (with_flag("read-workspaces"), IN_WORKSPACES),
    "manage-policies": (with_flag("manage-policies"), set()),
    "team with read": (with_access("read"), IN_PROJECT),
    "team with admin": (with_access("admin"), IN_PROJECT | {"access"}),
    "team with least": (with_access("custom"), set()),
    "viewer": (in_project("viewer"), IN_PROJECT),
    "member of the project": (in_project("member"), IN_PROJECT),
    "admin": (in_project("admin"), IN_PROJECT | {"access"}),
    "owner of the project": (in_project("owner"), IN_PROJECT | {"access"}),
    "viewer of an environment": (in_project("viewer", environment="production"), {"far", "also far"}),
    "admin of an environment": (in_project("admin", environment="production"), {"far", "also far"}),
    "admin of a cell": (in_project("admin", cells=["a"]), {"near", "also far"}),
    "admin of a cell of an environment": (in_project("admin", environment="production", cells=["a"]), {"also far"}),
    "user of a workspace": (on_workspace("user"), {"near"}),
    "owner of a workspace": (on_workspace("owner"), {"near"}),
    "project token of a viewer": (lambda scene: scene.world.project_token(scene.project, "viewer"), IN_PROJECT),
    # It manages nobody, so what happens to access is nothing to it.
    "project token of an admin": (lambda scene: scene.world.project_token(scene.project, "admin"), IN_PROJECT),
    "member": (lambda scene: scene.world.member(scene.acme).token, set()),
}


BLIND_TO_PROJECTS = {"manage-workspaces", "read-workspaces"}


def test_who_sees_no_members_reads_nothing_of_them(api: Api, scene: Scene, owner: Person) -> None:
    newcomer = scene.world.member(scene.acme)
    place = {"user": ("users", newcomer.id), "environment": ("environments", scene.production.id)}
    sent = document("project-members", {"role": "viewer"}, **place)
    api.post(f"/projects/{scene.project.id}/members", owner.token, sent)
    team = scene.world.team(scene.acme)
    scene.world.access(team, scene.project, "custom", {"variables": "read", "state-versions": "read"})
    readers = {
        in_project("viewer")(scene): 1,
        scene.world.member(scene.acme, team).token: 1,
        in_project("admin", environment="production")(scene): 0,
        in_project("admin", cells=["b"])(scene): 0,
        on_workspace("owner")(scene): 0,
    }
    for token, count in readers.items():
        assert len(api.get(f"{PATH}?filter[action]=project-members.*", token)["data"]) == count
        members = api.raw("GET", f"/projects/{scene.project.id}/members", token)
        assert (newcomer.id in members.text) is bool(count), "the record tells what the list does"


@pytest.mark.parametrize("reader", READERS)
def test_everybody_reads_what_he_may_see(api: Api, scene: Scene, reader: str) -> None:
    make, expected = READERS[reader]
    token = make(scene)
    found = api.get(f"{PATH}?page[size]=100", token)
    assert names(found) == expected
    shown = {each["id"]: each for each in found["data"]}
    for event in scene.world.all(ActivityEvent):
        if event.subject_name in EVERYTHING:
            status = 200 if event.subject_name in expected else 404
            answered = api.get(f"/activity-events/{event.id}", token, expect=status)
            assert status == 404 or answered["data"] == shown[event.id]
    if not expected & IN_PROJECT:
        return
    if reader in BLIND_TO_PROJECTS:
        api.get(f"/projects/{scene.project.id}/activity-events", token, expect=404)
    else:
        of_project = api.get(f"/projects/{scene.project.id}/activity-events", token)
        assert names(of_project) == expected & (IN_PROJECT | {"access"})
    for label, workspace in scene.workspaces.items():
        path = f"/workspaces/{workspace.id}/activity-events"
        if label in expected:
            assert names(api.get(path, token)) == {label}
        else:
            assert api.get(path, token, expect=404) == api.get("/workspaces/ws-1/activity-events", token, expect=404)


def test_of_what_is_hidden_there_is_no_record(api: Api, scene: Scene, world: World) -> None:
    stranger = world.owner(world.organization()).token
    member = world.member(scene.acme).token
    missing = api.get("/projects/prj-1111111111111111/activity-events", stranger, expect=404)
    event = next(each for each in world.all(ActivityEvent) if each.subject_name == "project")
    for path, token in (
        (f"/projects/{scene.project.id}/activity-events", stranger),
        (f"/projects/{scene.project.id}/activity-events", member),
        (f"/workspaces/{scene.near.id}/activity-events", stranger),
        (f"/activity-events/{event.id}", stranger),
        (f"/activity-events/{event.id}", member),
        ("/activity-events/evt-1111111111111111", member),
        (PATH, stranger),
    ):
        assert api.get(path, token, expect=404) == missing
    for path in (PATH, f"/projects/{scene.project.id}/activity-events", f"/activity-events/{event.id}"):
        api.get(path, expect=401)


def test_an_event_says_who_what_where_and_when(api: Api, world: World, acme: Organization) -> None:
    project = world.project(acme, "platform")
    token = world.token(acme)
    sent = document("workspaces", {"name": "network"}, project=("projects", project.id))
    made = api.raw("POST", "/organizations/acme/workspaces", token, sent, headers={"X-Request-Id": "the-request"})
    workspace_id = made.json["data"]["id"]
    [event] = api.get(f"/workspaces/{workspace_id}/activity-events", token)["data"]
    moment = event["attributes"].pop("created-at")
    assert datetime.fromisoformat(moment) - datetime.now(UTC) < timedelta(minutes=1)
    assert event == {
        "id": event["id"],
        "type": "activity-events",
        "attributes": {
            "action": "workspaces.create",
            "actor": {"type": "organizations", "id": acme.id, "name": "acme"},
            "token-kind": "organization",
            "subject": {"type": "workspaces", "id": workspace_id, "name": "network"},
            "changes": {
                "name": {"before": None, "after": "network"},
                "project": {"before": None, "after": project.id},
                "environment-id": {"before": None, "after": world.default_environment(project).id},
            },
            "request-id": "the-request",
        },
        "relationships": {
            "organization": {"data": {"id": "acme", "type": "organizations"}},
            "project": {"data": {"id": project.id, "type": "projects"}},
            "workspace": {"data": {"id": workspace_id, "type": "workspaces"}},
        },
        "links": {"self": f"/api/v2/activity-events/{event['id']}"},
    }


def test_the_value_of_a_variable_is_changed_and_not_told(api: Api, world: World, acme: Organization) -> None:
    workspace = world.workspace(world.project(acme, "platform"))
    token, path = world.token(acme), f"/workspaces/{workspace.id}/vars"
    given = {"key": "password", "value": "s3cret-before", "category": "env", "sensitive": True}
    made = api.post(path, token, document("vars", given))
    changed = document("vars", {"value": "s3cret-after"}) | {}
    api.patch(f"{path}/{made['data']['id']}", token, changed)
    api.delete(f"{path}/{made['data']['id']}", token)
    told = api.raw("GET", f"/workspaces/{workspace.id}/activity-events", token)
    assert "s3cret" not in told.text
    deleted, updated, created = (each["attributes"] for each in told.json["data"])
    assert {each["subject"]["name"] for each in (deleted, updated, created)} == {"password"}
    assert created["changes"]["value"] == {"before": None, "after": "(hidden)"}
    assert updated["changes"]["value"] == {"before": "(hidden)", "after": "(hidden)"}


# --- it outlives its subject ---------------------------------------------------------------------------------------


def test_what_is_gone_is_still_on_record(api: Api, scene: Scene, owner: Person) -> None:
    world = scene.world
    viewer = in_project("viewer")(scene)
    api.delete(f"/workspaces/{scene.near.id}", owner.token)
    of_project = api.get(f"/projects/{scene.project.id}/activity-events", viewer)
    assert {"near", "project"} <= names(of_project)
    api.get(f"/workspaces/{scene.near.id}/activity-events", viewer, expect=404)
    found = api.get(f"/workspaces/{scene.near.id}/activity-events", owner.token)
    assert [each["attributes"]["action"] for each in found["data"]] == ["workspaces.delete", "workspaces.update"]

    api.delete(f"/projects/{scene.project.id}?force=true", owner.token)
    for path in (PATH, f"/projects/{scene.project.id}/activity-events"):
        found = api.get(f"{path}?filter[action]=projects.delete", owner.token)
        [event] = found["data"]
        assert event["attributes"]["subject"] == {"type": "projects", "id": scene.project.id, "name": "platform"}
        assert event["relationships"]["project"]["data"] == {"type": "projects", "id": scene.project.id}
    for token in (viewer, world.member(scene.acme).token, world.owner(world.organization()).token):
        api.get(f"/projects/{scene.project.id}/activity-events", token, expect=404)
    assert names(api.get(PATH, viewer)) == set()


# --- what it names beside its subject ------------------------------------------------------------------------------


def moved(api: Api, scene: Scene, owner: Person) -> None:
    """Move a workspace from the one project to the other."""
    sent = {"data": [{"type": "workspaces", "id": scene.near.id}]}
    api.post(f"/projects/{scene.other.id}/relationships/workspaces", owner.token, sent, expect=204)


def test_who_sees_one_of_two_projects_is_not_told_the_other(api: Api, scene: Scene, owner: Person) -> None:
    there, both = scene.world.person(), scene.world.person()
    scene.world.project_member(scene.other, there, "viewer")
    for project in (scene.project, scene.other):
        scene.world.project_member(project, both, "viewer")
    here = in_project("owner")(scene)
    moved(api, scene, owner)
    path = f"/organizations/acme/activity-events?filter[action]=workspaces.move&filter[subject]={scene.near.id}"
    environments = [scene.default.id, scene.world.default_environment(scene.other).id]
    told = {
        "project": {"before": scene.project.id, "after": scene.other.id},
        "project-environment": {"before": environments[0], "after": environments[1]},
    }
    for token in (owner.token, both.token):
        [event] = api.get(path, token)["data"]
        assert event["attributes"]["changes"].items() >= told.items()
    [event] = api.get(path, there.token)["data"]
    assert event["attributes"]["changes"]["project"] == {"before": "(hidden)", "after": scene.other.id}
    assert event["attributes"]["changes"]["project-environment"]["before"] == "(hidden)"
    assert api.get(f"/activity-events/{event['id']}", there.token)["data"] == event
    for token in (there.token, in_project("viewer")(scene)):
        text = api.raw("GET", f"{PATH}?page[size]=100", token).text
        assert not (
            {scene.project.id, scene.other.id} <= {each for each in (scene.project.id, scene.other.id) if each in text}
        )
    assert api.get(path, here)["data"] == []


def test_who_sees_one_workspace_is_not_told_where_it_was(api: Api, scene: Scene, owner: Person) -> None:
    token = on_workspace("user")(scene)
    moved(api, scene, owner)
    path = f"/workspaces/{scene.near.id}/activity-events"
    [move, before] = api.get(path, token)["data"]
    assert before["relationships"]["project"] == {"data": None}
    assert move["relationships"]["project"]["data"]["id"] == scene.other.id
    text = api.raw("GET", path, token).text
    assert scene.project.id not in text
    assert scene.default.id not in text


def test_who_sees_where_it_went_is_not_told_of_the_cells_where_it_was(api: Api, scene: Scene) -> None:
    reader = scene.world.member(scene.acme)
    scene.world.project_member(scene.other, reader, "viewer")
    arrived = scene.world.workspace(scene.other, "arrived", cell="c")
    for places, before in (({}, "b"), ({"project": [scene.project.id, scene.other.id]}, "(hidden)")):
        event = scene.on("arrived", arrived, changes={"cell": ["b", "c"], **places})
        shown = api.get(f"/activity-events/{event.id}", reader.token)["data"]["attributes"]["changes"]
        assert shown["cell"] == {"before": before, "after": "c"}


def test_what_an_event_is_about_is_told_and_what_is_hidden_is_not_wherever_it_stands(api: Api, scene: Scene) -> None:
    gone, place = "ws-1111111111111111", {"project_id": scene.project.id, "workspace_id": None}
    named = {scene.near.id: [None, "seen"], scene.strange.id: [None, "hidden"]}
    event = scene.event("gone", "workspaces", gone, **place, changes={"name": [gone, None], "tag-bindings": named})
    text = api.raw("GET", f"/activity-events/{event.id}", in_project("viewer")(scene)).text
    changes = text.partition('"changes"')[2].partition('"relationships"')[0]
    assert [each in changes for each in (gone, scene.near.id, scene.strange.id)] == [True, True, False]


BEFORE: dict[str, tuple[Granted, bool, bool]] = {
    # Whether he is told the environment before, and the cell.
    "viewer": (in_project("viewer"), True, True),
    "read-workspaces": (with_flag("read-workspaces"), True, True),
    "of the environment": (in_project("viewer", environment="production"), False, False),
    "of the cell": (in_project("viewer", cells=["b"]), True, False),
    "of the cell of the environment": (in_project("viewer", environment="production", cells=["b"]), False, False),
}


@pytest.mark.parametrize("who", BEFORE)
def test_who_sees_one_place_is_not_told_of_others(api: Api, scene: Scene, who: str) -> None:
    reader, sees_environment, sees_cell = BEFORE[who]
    changes = {"environment-id": [scene.default.id, scene.production.id], "cell": ["a", "b"], "name": ["x", "y"]}
    event = scene.on("far", scene.far, changes=changes)
    shown = api.get(f"/activity-events/{event.id}", reader(scene))["data"]["attributes"]["changes"]
    assert shown == {
        "environment-id": {
            "before": scene.default.id if sees_environment else "(hidden)",
            "after": scene.production.id,
        },
        "cell": {"before": "a" if sees_cell else "(hidden)", "after": "b"},
        "name": {"before": "x", "after": "y"},
    }


def test_consumers_that_a_reader_does_not_see_are_hidden(api: Api, scene: Scene, owner: Person) -> None:
    consumers = [[scene.near.id], [scene.near.id, scene.strange.id]]
    event = scene.on("near", scene.near, changes={"remote-state-consumers": consumers})
    path = f"/activity-events/{event.id}"
    for token, after in (
        (owner.token, [scene.near.id, scene.strange.id]),
        (in_project("viewer")(scene), [scene.near.id, "(hidden)"]),
    ):
        shown = api.get(path, token)["data"]["attributes"]["changes"]
        assert shown == {"remote-state-consumers": {"before": [scene.near.id], "after": after}}
