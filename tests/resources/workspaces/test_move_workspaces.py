"""Moving workspaces into a project: all of them or none."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import Organization, Project, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

MISSING = "ws-1111111111111111"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def listed(identifiers: Iterable[str]) -> Any:
    return {"data": [{"type": "workspaces", "id": identifier} for identifier in identifiers]}


def refusal(*identifiers: str) -> Any:
    listed_ids = ", ".join(identifiers)
    return [
        {
            "status": "403",
            "title": "forbidden",
            "code": "workspaces-not-movable",
            "detail": f"Workspace(s) not found, or you are not authorized to move them: {listed_ids}",
        }
    ]


def whereabouts(world: World) -> dict[str, str]:
    return {workspace.id: workspace.project_id for workspace in world.all(Workspace)}


@pytest.fixture
def source(world: World, acme: Organization) -> Project:
    """Where the workspaces are at first."""
    return world.project(acme, "source")


@pytest.fixture
def destination(world: World, acme: Organization) -> Project:
    """Where they shall go."""
    return world.project(acme, "destination")


def path_into(project: Project) -> str:
    return f"/projects/{project.id}/relationships/workspaces"


def test_workspaces_move(api: Api, world: World, source: Project, destination: Project, owner: Person) -> None:
    moving, staying = [world.workspace(source) for _ in range(3)], world.workspace(source)
    response = api.raw("POST", path_into(destination), owner.token, listed(each.id for each in moving))
    assert (response.status_int, response.body) == (204, b"")
    assert whereabouts(world) == {staying.id: source.id} | {each.id: destination.id for each in moving}


def test_workspaces_of_several_projects_move_together(
    api: Api, world: World, acme: Organization, source: Project, destination: Project, *, owner: Person
) -> None:
    moving = [world.workspace(project) for project in (source, world.project(acme), world.default_project(acme))]
    api.post(path_into(destination), owner.token, listed(each.id for each in moving), expect=204)
    assert set(whereabouts(world).values()) == {destination.id}


def test_a_workspace_goes_to_the_environment_of_the_same_name_or_else_to_the_default_one(
    api: Api, world: World, source: Project, destination: Project, owner: Person
) -> None:
    moving, expected = [], {}
    for here, there in (("stage", "Stage"), ("blue", None), ("Prod", "prod"), ("green", None)):
        workspace = world.workspace(source, environment_id=world.environment(source, here).id)
        found = world.environment(destination, there) if there else world.default_environment(destination)
        moving.append(workspace.id)
        expected[workspace.id] = found.id
    api.post(path_into(destination), owner.token, listed(moving), expect=204)
    assert {each.id: each.environment_id for each in world.all(Workspace)} == expected


def test_one_bad_id_among_a_thousand_moves_nothing(
    api: Api, world: World, source: Project, destination: Project, owner: Person, *, engine: Engine
) -> None:
    environment_id = world.default_environment(source).id
    place = {"organization_id": source.organization_id, "project_id": source.id, "environment_id": environment_id}
    with Session(engine, expire_on_commit=False) as session, session.begin():
        rows = [Workspace(**place, name=f"workspace-{index}") for index in range(1_000)]
        session.add_all(rows)
        session.flush()
        identifiers = [row.id for row in rows]
    answer = api.post(
        path_into(destination), owner.token, listed([*identifiers[:500], MISSING, *identifiers[500:]]), expect=403
    )
    assert answer["errors"] == refusal(MISSING)
    assert set(whereabouts(world).values()) == {source.id}
    assert left_by_requests(world) == []
    api.post(path_into(destination), owner.token, listed(identifiers), expect=204)
    assert set(whereabouts(world).values()) == {destination.id}
    assert len(left_by_requests(world)) == 1_000


def test_every_bad_id_is_named_once_in_the_order_sent(
    api: Api, world: World, source: Project, destination: Project, owner: Person
) -> None:
    workspace = world.workspace(source)
    bad = ["ws-zzzzzzzzzzzzzzzz", MISSING, "x"]
    answer = api.post(path_into(destination), owner.token, listed([bad[0], workspace.id, *bad[1:], *bad]), expect=403)
    assert answer["errors"] == refusal(*bad)


def test_another_organizations_workspace_is_not_movable(
    api: Api, world: World, source: Project, destination: Project, owner: Person
) -> None:
    theirs = world.organization("other", owner=owner)
    foreign, own = world.workspace(world.project(theirs)), world.workspace(source)
    answer = api.post(path_into(destination), owner.token, listed([own.id, foreign.id]), expect=403)
    assert answer["errors"] == refusal(foreign.id)
    assert whereabouts(world)[own.id] == source.id


LEVELS = [
    ("admin", "admin", 204),
    ("custom", "custom", 204),
    ("admin", "custom", 204),
    ("maintain", "admin", 403),
    ("read", "admin", 403),
    ("none", "admin", 403),
    ("admin", "maintain", 404),
    ("admin", "read", 404),
    ("admin", "none", 404),
    ("none", "none", 404),
    ("none", "read", 404),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("at_source", "at_destination", "status"), LEVELS)
def test_moving_needs_the_right_on_both_sides(
    api: Api,
    world: World,
    acme: Organization,
    source: Project,
    destination: Project,
    *,
    at_source: str,
    at_destination: str,
    status: int,
) -> None:
    team = world.team(acme)
    for project, access in ((source, at_source), (destination, at_destination)):
        if access != "none":
            world.access(team, project, access, {"move": True} if access == "custom" else None)
    token = world.member(acme, team).token
    workspace = world.workspace(source)
    answer = api.post(path_into(destination), token, listed([workspace.id]), expect=status)
    if status == 403:
        assert answer["errors"] == refusal(workspace.id)
    if status == 404:
        assert answer["errors"] == [{"status": "404", "title": "not found", "code": "not-found"}]
    assert whereabouts(world) == {workspace.id: destination.id if status == 204 else source.id}


def test_a_hidden_workspace_is_refused_like_a_missing_one(
    api: Api, world: World, acme: Organization, source: Project, destination: Project
) -> None:
    team = world.team(acme)
    world.access(team, destination, "admin")
    token = world.member(acme, team).token
    hidden = world.workspace(source).id
    answers = [
        api.raw("POST", path_into(destination), token, listed([identifier])).text.replace(identifier, "…")
        for identifier in (hidden, MISSING)
    ]
    assert answers[0] == answers[1]


def test_a_workspace_that_is_there_already_stays(
    api: Api, world: World, source: Project, destination: Project, owner: Person
) -> None:
    there, coming = world.workspace(destination), world.workspace(source)
    api.post(path_into(destination), owner.token, listed([there.id, coming.id, coming.id]), expect=204)
    assert set(whereabouts(world).values()) == {destination.id}
    assert [event.subject_id for event in left_by_requests(world)] == [coming.id]


def test_an_empty_list_moves_nothing(api: Api, world: World, destination: Project, owner: Person) -> None:
    api.post(path_into(destination), owner.token, {"data": []}, expect=204)
    assert left_by_requests(world) == []


def test_a_move_leaves_one_event_for_each_workspace(
    api: Api, world: World, source: Project, destination: Project, owner: Person
) -> None:
    moving = {world.workspace(source).id for _ in range(2)}
    api.post(path_into(destination), owner.token, listed(moving), expect=204)
    events = left_by_requests(world)
    assert {event.subject_id for event in events} == moving
    assert {event.action for event in events} == {"workspaces.move"}
    assert {event.project_id for event in events} == {destination.id}
    environments = [world.default_environment(project).id for project in (source, destination)]
    moved = {"project": [source.id, destination.id], "project-environment": environments}
    assert [event.changes for event in events] == [moved] * 2


MALFORMED = [
    ({}, ("The document must be an object with a data member", "")),
    ({"data": None}, ("data must be an array", "/data")),
    ({"data": {"type": "workspaces", "id": MISSING}}, ("data must be an array", "/data")),
    ({"data": [MISSING]}, ("data must contain objects", "/data/0")),
    ({"data": [{"type": "projects", "id": MISSING}]}, ("type must be workspaces", "/data/0/type")),
    ({"data": [{"type": "workspaces"}]}, ("id must be a string", "/data/0/id")),
    ({"data": [{"type": "workspaces", "id": ""}]}, ("id must be a string", "/data/0/id")),
    ({"data": [{"type": "workspaces", "id": 1}]}, ("id must be a string", "/data/0/id")),
    (listed([MISSING] * 5_001), ("data must not have more than 5000 items", "/data")),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("sent", "fault"), MALFORMED, ids=[str(sent)[:60] for sent, _ in MALFORMED])
def test_a_malformed_list_is_refused(
    api: Api, destination: Project, owner: Person, sent: Any, fault: tuple[str, str]
) -> None:
    assert faults(api.post(path_into(destination), owner.token, sent, expect=422)) == [fault]


INHERITED = {
    "inherits-project-auto-destroy": True,
    "auto-destroy-activity-duration": "3d",
    "execution-mode": "remote",
}


@pytest.mark.parametrize("way", ["list", "patch"])
def test_what_a_workspace_inherits_comes_from_the_new_project(
    api: Api, world: World, acme: Organization, owner: Person, way: str
) -> None:
    old = world.project(acme, auto_destroy_activity_duration="14d", own_execution_mode="local")
    new = world.project(acme, auto_destroy_activity_duration="3d", own_execution_mode="remote")
    inheriting = world.workspace(old, updated_at=LONG_AGO)
    own = world.workspace(
        old,
        updated_at=LONG_AGO,
        own_execution_mode="local",
        inherits_project_auto_destroy=False,
        own_auto_destroy_activity_duration="2h",
    )
    if way == "list":
        api.post(path_into(new), owner.token, listed([inheriting.id, own.id]), expect=204)
    else:
        for workspace in (inheriting, own):
            sent = document("workspaces", project=("projects", new.id))
            api.patch(f"/workspaces/{workspace.id}", owner.token, sent)
    for workspace, expected in (
        (inheriting, INHERITED),
        (
            own,
            {
                "inherits-project-auto-destroy": False,
                "auto-destroy-activity-duration": "2h",
                "execution-mode": "local",
            },
        ),
    ):
        shown = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]
        assert shown["relationships"]["project"]["data"]["id"] == new.id
        assert {name: shown["attributes"][name] for name in expected} == expected
        assert shown["attributes"]["updated-at"] > "2002"
    counts = [
        api.get(f"/projects/{project.id}", owner.token)["data"]["attributes"]["workspace-count"]
        for project in (old, new)
    ]
    assert counts == [0, 2]
