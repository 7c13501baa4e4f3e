"""Dry runs: they tell exactly what the same request does, to whom, and change nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.authz.permissions import P
from app.models import (
    Environment,
    NotificationConfiguration,
    Organization,
    Project,
    RepositoryLink,
    StoredObject,
    Team,
    Var,
    Workspace,
)
from app.persistence import Base
from tests.support.api import Api, document, faults
from tests.support.reach import Subject, everybody, held, subject_of
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

# What each request writes beside the change.
UNCOUNTED = {
    "activity-events",
    "idempotency-keys",
    "request-counts",
    # For some days, what is deleted can be had back.
    "recoverable-items",
    "recoverable-rows",
    "recoverable-objects",
}


@dataclass(frozen=True)
class Scene:
    """A project whose workspace in another environment is reached by everybody in another way."""

    project: Project
    environment: Environment
    workspace: Workspace
    other: Project
    heir: Person
    tokens: Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """A request that has a dry run, and the projects and workspaces that it is about."""

    method: str
    path: str
    sent: Any = None
    things: Sequence[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def scene(world: World, acme: Organization, owner: Person) -> Scene:
    project, other = world.project(acme, "shop"), world.project(acme, "other")
    environment = world.environment(project, "live")
    workspace = world.workspace(project, "net", environment_id=environment.id, cell="eu", resource_count=3)
    place = {"organization_id": acme.id, "workspace_id": workspace.id}
    world.state_version(workspace, "address", size=70)
    for key in ("region", "zone"):
        world.add(Var(**place, key=key, category="env", value="here"))
    world.add(RepositoryLink(organization_id=acme.id, project_id=project.id, url="https://example.test/r.git"))
    told = {"name": "ops", "destination_type": "generic", "url": "https://hook.example.test", "triggers": []}
    world.add(NotificationConfiguration(organization_id=acme.id, own_project_id=project.id, **told))
    world.workspace(project, "app")
    tokens = {"owner of acme": owner.token, **everybody(world, acme, project, workspace)}
    team = world.team(acme)
    world.access(team, other, "write")
    heir = world.member(acme, team, username="heir")
    world.acl_entry(workspace, heir, "user")
    tokens |= {"heir": heir.token, "team of other": world.team_token(team)}
    return Scene(project, environment, workspace, other, heir, tokens)


def force_delete_of_a_project(scene: Scene) -> Case:
    things = [("projects", scene.project.id), ("workspaces", scene.workspace.id)]
    return Case("DELETE", f"/projects/{scene.project.id}?force=true", things=things)


def force_delete_of_an_environment(scene: Scene) -> Case:
    things = [("projects", scene.project.id), ("workspaces", scene.workspace.id)]
    return Case("DELETE", f"/environments/{scene.environment.id}?force=true", things=things)


def force_delete_of_a_workspace(scene: Scene) -> Case:
    return Case("DELETE", f"/workspaces/{scene.workspace.id}?", things=[("workspaces", scene.workspace.id)])


def move(scene: Scene) -> Case:
    sent = {"data": [{"type": "workspaces", "id": scene.workspace.id}]}
    path = f"/projects/{scene.other.id}/relationships/workspaces?"
    return Case("POST", path, sent, [("workspaces", scene.workspace.id)])


def transfer(scene: Scene) -> Case:
    sent = document("project-members", {"username": "heir"})
    path = f"/projects/{scene.project.id}/actions/transfer-ownership?"
    return Case("POST", path, sent, [("projects", scene.project.id), ("workspaces", scene.workspace.id)])


CASES: Sequence[Callable[[Scene], Case]] = (
    force_delete_of_a_project,
    force_delete_of_an_environment,
    force_delete_of_a_workspace,
    move,
    transfer,
)


def everything(engine: Engine) -> dict[str, list[str]]:
    """All rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in Base.metadata.sorted_tables
            if table.name != "authentication_tokens"  # when one was last used is noted
        }


def counts(engine: Engine) -> dict[str, int]:
    return {name.replace("_", "-"): len(rows) for name, rows in everything(engine).items()}


def foreseen(api: Api, case: Case, token: str) -> dict[str, Any]:
    answer = api.send(case.method, f"{case.path}&dry-run=true", token, case.sent, expect=200)["data"]
    assert answer["type"] == "dry-runs"
    assert answer["attributes"]["dry-run"] is True
    found: dict[str, Any] = answer["attributes"]
    return found


@pytest.mark.parametrize("make", CASES)
def test_it_says_what_is_done_then(
    api: Api, engine: Engine, owner: Person, scene: Scene, make: Callable[[Scene], Case]
) -> None:
    case = make(scene)
    before = everything(engine)
    said = foreseen(api, case, owner.token)
    assert foreseen(api, case, owner.token) == said
    assert everything(engine) == before, "a dry run writes nothing"
    tokens = list(scene.tokens.values())
    subjects = {token: subject_of(engine, token) for token in tokens}
    was = {thing: held(engine, tokens, *thing) for thing in case.things}
    counted = counts(engine)
    api.send(case.method, f"{case.path}&dry-run=false", owner.token, case.sent, expect=200 if make is transfer else 204)
    is_now = {thing: held(engine, tokens, *thing) for thing in case.things}
    assert listed(said["gains-access"]) == differences(subjects, is_now, was)
    assert listed(said["loses-access"]) == differences(subjects, was, is_now)
    assert said["loses-access"]["hidden"] == said["gains-access"]["hidden"] == 0
    if case.method == "DELETE":
        gone = {name: count - counts(engine)[name] for name, count in counted.items() if name not in UNCOUNTED}
        told = {name: count for name, count in said["counts"].items() if name in gone}
        assert told == {name: gone[name] for name in told}
        assert said["counts"]["state-bytes"] == 70
        assert {"workspaces", "vars", "state-versions", "runs"} <= told.keys()
        # What is not counted are parts of what is, and what links two things.
        assert not {name for name, count in gone.items() if count} - told.keys()


def listed(changes: Mapping[str, Any]) -> dict[Subject, set[str]]:
    """What each one gains or loses who has a token in the scene: somebody who was made up owns other things."""
    assert changes["total"] == len(changes["listed"])
    found = {(each["type"], each["id"]): set(each["permissions"]) for each in changes["listed"]}
    assert all(each["paths"] for each in changes["listed"])
    return found


def differences(
    subjects: Mapping[str, Subject],
    more: Mapping[Any, Mapping[str, frozenset[P]]],
    less: Mapping[Any, Mapping[str, frozenset[P]]],
) -> dict[Subject, set[str]]:
    found: dict[Subject, set[str]] = {}
    for token, subject in subjects.items():
        for thing in more:
            if different := more[thing][token] - less[thing][token]:
                found.setdefault(subject, set()).update(map(str, different))
    return found


def test_a_clone_is_foreseen(api: Api, world: World, engine: Engine, owner: Person, scene: Scene) -> None:
    sent = document("environments", {"name": "copy"})
    case = Case("POST", f"/environments/{scene.environment.id}/actions/clone?", sent)
    before = everything(engine)
    said = foreseen(api, case, owner.token)
    assert everything(engine) == before
    assert said["counts"]["environments"] == said["counts"]["workspaces"] == 1
    assert said["counts"]["vars"] == 2
    assert "state-versions" not in said["counts"]
    assert said["loses-access"] == {"total": 0, "hidden": 0, "listed": []}
    api.post(case.path, owner.token, sent)
    copy = next(each for each in world.all(Workspace) if each.name == "net-copy")
    tokens = list(scene.tokens.values())
    is_now = {"copy": held(engine, tokens, "workspaces", copy.id)}
    was = {"copy": dict.fromkeys(tokens, frozenset[P]())}
    subjects = {token: subject_of(engine, token) for token in tokens}
    assert listed(said["gains-access"]) == differences(subjects, is_now, was)


@pytest.mark.one_database
def test_each_change_says_by_which_path(api: Api, scene: Scene, owner: Person) -> None:
    said = foreseen(api, move(scene), owner.token)
    heir = next(each for each in said["gains-access"]["listed"] if each["name"] == "heir")
    assert (heir["type"], heir["id"], heir["projects"], heir["workspaces"]) == ("users", scene.heir.id, 0, 1)
    # They read it already, by the access list.
    assert "workspace:read" not in heir["permissions"]
    assert "variable:write" in heir["permissions"]
    (path,) = heir["paths"]
    assert (path["type"], path["role"]) == ("team-projects", "write")
    assert path["team"]["name"]


@pytest.mark.one_database
def test_it_is_refused_as_the_real_thing(api: Api, world: World, acme: Organization, scene: Scene) -> None:
    """The same status and the same words, whoever asks and whatever is in the way."""
    cases = [make(scene) for make in CASES]
    cases += [
        Case("DELETE", f"/projects/{scene.project.id}?"),
        Case("DELETE", f"/environments/{scene.environment.id}?force=false"),
        Case("DELETE", f"/environments/{world.default_environment(scene.project).id}?force=true"),
        Case("DELETE", f"/projects/{world.default_project(acme).id}?force=true"),
        Case("POST", f"/workspaces/{scene.workspace.id}/actions/safe-delete?"),
        Case("DELETE", "/organizations/acme/workspaces/net?"),
        Case(
            "POST", f"/environments/{scene.environment.id}/actions/clone?", document("environments", {"name": "live"})
        ),
        Case("DELETE", "/projects/prj-0000000000000000?force=true"),
    ]
    viewer = world.person()
    world.project_member(scene.project, viewer, "viewer")
    admin = world.person()
    world.project_member(scene.project, admin, "admin")
    compared = 0
    for token in (viewer.token, admin.token, world.person().token):
        for case in cases:
            real = api.raw(case.method, case.path, token, case.sent)
            if real.status_int >= 400:
                dry = api.raw(case.method, f"{case.path}&dry-run=true", token, case.sent)
                assert (dry.status_int, faults(dry.json)) == (real.status_int, faults(real.json)), case
                compared += 1
    assert compared > 30


@pytest.mark.one_database
def test_it_is_true_or_false_and_never_ignored(api: Api, world: World, scene: Scene, owner: Person) -> None:
    for make in CASES:
        case = make(scene)
        answer = api.send(case.method, f"{case.path}&dry-run=yes", owner.token, case.sent, expect=400)
        assert faults(answer) == [("dry-run must be true or false", "dry-run")]
    path = f"/workspaces/{scene.workspace.id}"
    moved = document("workspaces", {}, project=("projects", scene.other.id))
    answer = api.send("PATCH", f"{path}?dry-run=true", owner.token, moved, expect=400)
    assert faults(answer) == [("This request has no dry-run; nothing was changed", "dry-run")]
    unchanged = next(each for each in world.all(Workspace) if each.id == scene.workspace.id)
    assert unchanged.project_id == scene.project.id
    # Whoever nearly says it means it.
    for nearly in ("dry_run=true", "dryrun=true", "dry-run[]=true", "Dry-Run=true", "dry-run=false&dry-run=true"):
        answer = api.delete(f"{path}?{nearly}", owner.token, expect=400)
        assert faults(answer)[0][1] == nearly.partition("=")[0]
    assert scene.workspace.id in {each.id for each in world.all(Workspace)}
    # A read changes nothing anyway.
    api.get(f"{path}?dry-run=true", owner.token)


@pytest.mark.one_database
def test_nobody_learns_of_access_that_they_do_not_see(api: Api, world: World, scene: Scene) -> None:
    admin = world.person("boss")
    world.project_member(scene.project, admin, "owner")
    said = foreseen(api, force_delete_of_a_project(scene), admin.token)["loses-access"]
    assert said["hidden"] == said["total"] - len(said["listed"]) > 0
    paths = [path for each in said["listed"] for path in each["paths"]]
    secret = {each.id for each in world.all(Team) if each.visibility == "secret"}
    assert not secret & {each["id"] for each in said["listed"]}
    assert not secret & {(path["team"] or {}).get("id") for path in paths}
    assert ("users", "boss") in {(each["type"], each["name"]) for each in said["listed"]}


@pytest.mark.one_database
def test_no_object_is_given_up(api: Api, world: World, scene: Scene, owner: Person) -> None:
    world.add(StoredObject(name="states/one"))
    foreseen(api, force_delete_of_a_project(scene), owner.token)
    assert all(each.condemned_at is None for each in world.all(StoredObject))


@pytest.mark.one_database
def test_the_statements_stay_the_same(
    api: Api, world: World, acme: Organization, scene: Scene, owner: Person, statements: Statements
) -> None:
    requests = [(case.method, f"{case.path}&dry-run=true", case.sent) for case in (make(scene) for make in CASES)]
    api.get("/account/details", owner.token)
    before = [cost(statements, api, owner.token, each) for each in requests]
    team = world.team(acme, "read-projects")
    world.access(team, scene.project, "admin")
    for _ in range(3):
        person = world.member(acme, team)
        world.project_member(scene.project, person, "viewer")
        workspace = world.workspace(scene.project, environment_id=scene.environment.id)
        world.acl_entry(workspace, person, "user")
    assert [cost(statements, api, owner.token, each) for each in requests] == before


@pytest.mark.one_database
def test_a_repeated_dry_run_stays_one(api: Api, scene: Scene, owner: Person, world: World) -> None:
    case = force_delete_of_a_workspace(scene)
    for _ in range(2):
        answer = api.raw(case.method, f"{case.path}&dry-run=true", owner.token, headers={"Idempotency-Key": "the-same"})
        assert answer.status_int == 200
    assert scene.workspace.id in {each.id for each in world.all(Workspace)}
