"""Requests at the same time: whoever comes first, the rules hold and nobody gets a 5xx."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, delete
from webtest.response import TestResponse

from app.models import (
    AgentPool,
    Environment,
    Organization,
    Project,
    RemoteStateConsumer,
    TagBinding,
    Workspace,
    WorkspaceAclEntry,
)
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

pytestmark = pytest.mark.both_drivers

ROUNDS = 8
Request = tuple[str, str, Any]
AtOnce = Callable[..., list[TestResponse]]


@pytest.fixture
def at_once(app: Flask, owner: Person) -> AtOnce:
    """Sends requests of the owner at once, each from a thread of its own; the responses in the order given."""

    def send(*requests: Request) -> list[TestResponse]:
        barrier = Barrier(len(requests))

        def run(request: Request) -> TestResponse:
            api = Api(app)
            method, path, sent = request
            barrier.wait(timeout=10)
            return api.raw(method, path, owner.token, sent)

        with ThreadPoolExecutor(len(requests)) as pool:
            responses = list(pool.map(run, requests, timeout=60))
        assert [response.text for response in responses if response.status_int >= 500] == []
        return responses

    return send


def statuses(responses: list[TestResponse]) -> list[int]:
    return [response.status_int for response in responses]


def moved(*workspaces: Workspace) -> Any:
    return {"data": [{"type": "workspaces", "id": workspace.id} for workspace in workspaces]}


@pytest.mark.parametrize("kind", ["projects", "workspaces"])
def test_one_of_two_creators_gets_the_name(at_once: AtOnce, world: World, acme: Organization, kind: str) -> None:
    path = f"/organizations/{acme.name}/{kind}"
    for index in range(ROUNDS):
        responses = at_once(
            ("POST", path, document(kind, {"name": f"name-{index}"})),
            ("POST", path, document(kind, {"name": f"NAME-{index}"})),
        )
        assert sorted(statuses(responses)) == [201, 422]
        [refused] = [response for response in responses if response.status_int == 422]
        assert faults(refused.json) == [("Name has already been taken", "/data/attributes/name")]
    model = Project if kind == "projects" else Workspace
    assert len([row for row in world.all(model) if row.name.lower().startswith("name-")]) == ROUNDS
    assert [event.action for event in left_by_requests(world)].count(f"{kind}.create") == ROUNDS


def test_two_that_make_one_slug_get_two(at_once: AtOnce, world: World, acme: Organization) -> None:
    path = f"/organizations/{acme.name}/projects"
    for index in range(ROUNDS):
        names = (f"name {index}", f"name-{index}")
        responses = at_once(*(("POST", path, document("projects", {"name": name})) for name in names))
        assert statuses(responses) == [201, 201]
    slugs = {row.slug for row in world.all(Project)}
    assert {f"name-{index}" for index in range(ROUNDS)} | {f"name-{index}-2" for index in range(ROUNDS)} < slugs


@pytest.mark.parametrize("only", [False, True], ids=["or update", "only"])
def test_two_that_put_a_workspace_make_one(at_once: AtOnce, world: World, acme: Organization, *, only: bool) -> None:
    for index in range(ROUNDS):
        path = f"/organizations/{acme.name}/workspaces/workspace-{index}"
        titles = ("left", "right")
        responses = at_once(
            *(("PUT", path, document("workspaces", {"title": title, "create-only": only})) for title in titles)
        )
        assert sorted(statuses(responses)) == ([201, 409] if only else [200, 201])
        [made] = [row for row in world.all(Workspace) if row.name == f"workspace-{index}"]
        # With the title of who came last, or of the only one.
        last = 201 if only else 200
        assert made.title == titles[statuses(responses).index(last)]
    assert len(world.all(WorkspaceAclEntry)) == ROUNDS


def test_one_of_two_projects_is_renamed_to_the_name(at_once: AtOnce, world: World, acme: Organization) -> None:
    projects = [world.project(acme) for _ in range(2)]
    for index in range(ROUNDS):
        sent = document("projects", {"name": f"name-{index}"})
        responses = at_once(*(("PATCH", f"/projects/{project.id}", sent) for project in projects))
        assert sorted(statuses(responses)) == [200, 422]


def test_two_that_add_tags_do_not_pass_the_limit_together(at_once: AtOnce, world: World, acme: Organization) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        path = f"/projects/{project.id}/relationships/tag-bindings"
        requests: list[Request] = [
            (
                "POST",
                path,
                {"data": [{"type": "tag-bindings", "attributes": {"key": f"{who}-{index}"}} for index in range(6)]},
            )
            for who in ("a", "b")
        ]
        assert sorted(statuses(at_once(*requests))) == [204, 422]
        assert len([tag for tag in world.all(TagBinding) if tag.project_id == project.id]) == 6


def test_two_that_set_the_same_tags_both_succeed(at_once: AtOnce, world: World, acme: Organization) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        requests: list[Request] = [
            (
                "PATCH",
                f"/projects/{project.id}/tag-bindings",
                {"data": [{"type": "tag-bindings", "attributes": {"key": "env", "value": value}}]},
            )
            for value in ("prod", "test")
        ]
        assert statuses(at_once(*requests)) == [200, 200]
        assert len([tag for tag in world.all(TagBinding) if tag.project_id == project.id]) == 1


def test_moves_in_opposite_orders_do_not_lock_each_other_out(at_once: AtOnce, world: World, acme: Organization) -> None:
    left, right = world.project(acme), world.project(acme)
    workspaces = [world.workspace(left) for _ in range(20)]
    for _ in range(ROUNDS):
        responses = at_once(
            ("POST", f"/projects/{left.id}/relationships/workspaces", moved(*workspaces)),
            ("POST", f"/projects/{right.id}/relationships/workspaces", moved(*reversed(workspaces))),
        )
        assert statuses(responses) == [204, 204]
        assert len({workspace.project_id for workspace in world.all(Workspace)}) == 1, "all or nothing"


def test_a_list_of_moves_and_single_moves_do_not_lock_each_other_out(
    at_once: AtOnce, world: World, acme: Organization
) -> None:
    left, right = world.project(acme), world.project(acme)
    workspaces = [world.workspace(left) for _ in range(3)]
    for index in range(ROUNDS):
        destination = (right, left)[index % 2]
        responses = at_once(
            ("POST", f"/projects/{destination.id}/relationships/workspaces", moved(*workspaces)),
            *(
                (
                    "PATCH",
                    f"/workspaces/{workspace.id}",
                    document("workspaces", project=("projects", destination.id)),
                )
                for workspace in workspaces
            ),
        )
        assert statuses(responses) == [204, 200, 200, 200]
        assert {workspace.project_id for workspace in world.all(Workspace)} == {destination.id}


@pytest.mark.parametrize("parameters", ["", "?force=true"], ids=["plain", "force"])
def test_a_workspace_is_not_orphaned_by_the_deletion_of_its_project(
    at_once: AtOnce, world: World, acme: Organization, parameters: str
) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for index in range(ROUNDS):
        project = world.project(acme)
        responses = at_once(
            ("DELETE", f"/projects/{project.id}{parameters}", None),
            (
                "POST",
                "/organizations/acme/workspaces",
                document("workspaces", {"name": f"workspace-{index}"}, project=("projects", project.id)),
            ),
        )
        seen[tuple(statuses(responses))] += 1
        projects = {found.id for found in world.all(Project)}
        assert {workspace.project_id for workspace in world.all(Workspace)} <= projects
    expected = {(204, 422), (204, 201)} if parameters else {(204, 422), (403, 201)}
    assert set(seen) <= expected


@pytest.mark.parametrize("way", ["list", "patch"])
@pytest.mark.parametrize("parameters", ["", "?force=true"], ids=["plain", "force"])
def test_a_workspace_is_not_moved_into_a_project_that_goes(
    at_once: AtOnce, world: World, acme: Organization, *, parameters: str, way: str
) -> None:
    default = world.default_project(acme)
    for _ in range(ROUNDS):
        project, workspace = world.project(acme), world.workspace(default)
        move: Request = (
            ("POST", f"/projects/{project.id}/relationships/workspaces", moved(workspace))
            if way == "list"
            else ("PATCH", f"/workspaces/{workspace.id}", document("workspaces", project=("projects", project.id)))
        )
        deletion, moving = statuses(at_once(("DELETE", f"/projects/{project.id}{parameters}", None), move))
        # A project in an address that is not there is 404, one in a document is 422.
        done, gone = (204, 404) if way == "list" else (200, 422)
        assert (deletion, moving) in {(204, gone), (204 if parameters else 403, done)}
        projects = {found.id for found in world.all(Project)}
        assert {each.project_id for each in world.all(Workspace)} <= projects


def test_a_project_is_deleted_once(at_once: AtOnce, world: World, acme: Organization) -> None:
    for index in range(ROUNDS):
        project = world.project(acme)
        world.workspace(project)
        responses = at_once(*[("DELETE", f"/projects/{project.id}?force=true", None)] * 3)
        assert sorted(statuses(responses)) == [204, 404, 404]
        assert len(left_by_requests(world)) == 2 * (index + 1)


def test_what_two_change_at_once_is_changed_twice(at_once: AtOnce, world: World, acme: Organization) -> None:
    project = world.project(acme, description="first")
    for _ in range(ROUNDS):
        responses = at_once(
            ("PATCH", f"/projects/{project.id}", document("projects", {"description": "second"})),
            ("PATCH", f"/projects/{project.id}", document("projects", {"auto-destroy-activity-duration": "1d"})),
        )
        assert statuses(responses) == [200, 200]
        [found] = [row for row in world.all(Project) if row.id == project.id]
        assert (found.description, found.auto_destroy_activity_duration) == ("second", "1d")
        reset = document("projects", {"description": "first", "auto-destroy-activity-duration": None})
        at_once(("PATCH", f"/projects/{project.id}", reset))


def test_a_pool_that_is_given_to_somebody_does_not_go(at_once: AtOnce, world: World, acme: Organization) -> None:
    places = {"workspaces": world.workspace(world.project(acme)).id, "projects": world.project(acme).id}
    for index in range(ROUNDS):
        type_, prefix = ("workspaces", "") if index % 2 else ("projects", "default-")
        pool = world.pool(acme)
        given = {f"{prefix}execution-mode": "agent", f"{prefix}agent-pool-id": pool.id}
        used, deleted = statuses(
            at_once(
                ("PATCH", f"/{type_}/{places[type_]}", document(type_, given)),
                ("DELETE", f"/agent-pools/{pool.id}", None),
            )
        )
        assert (used, deleted) in {(200, 422), (422, 204)}
        named = {row.own_agent_pool_id for model in (Project, Workspace) for row in world.all(model)} - {None}
        assert named <= {row.id for row in world.all(AgentPool)}


def test_listing_a_workspace_and_giving_it_the_pool_do_not_lock_each_other_out(
    at_once: AtOnce, world: World, acme: Organization
) -> None:
    workspace = world.workspace(world.project(acme))
    for _ in range(ROUNDS):
        pool = world.pool(acme)
        given = document("workspaces", {"execution-mode": "agent", "agent-pool-id": pool.id})
        listed = document("agent-pools", excluded_workspaces=[("workspaces", workspace.id)])
        used, *replaced = statuses(
            at_once(
                ("PATCH", f"/workspaces/{workspace.id}", given),
                ("PATCH", f"/agent-pools/{pool.id}", listed),
                ("PATCH", f"/agent-pools/{pool.id}", listed),
            )
        )
        assert used in {200, 422}, "before or after it was excluded"
        assert replaced == [200, 200]


def test_workspaces_that_name_each_other_as_consumers_do_not_wait_for_each_other(
    at_once: AtOnce, world: World, acme: Organization, engine: Engine
) -> None:
    workspaces = [world.workspace(world.project(acme)) for _ in range(4)]
    for index in range(ROUNDS):
        method = ("POST", "PATCH")[index % 2]
        requests = [
            (
                method,
                f"/workspaces/{workspace.id}/relationships/remote-state-consumers",
                moved(*(other for other in workspaces if other is not workspace)),
            )
            for workspace in workspaces
        ]
        assert set(statuses(at_once(*requests))) == {204}
        with engine.begin() as connection:
            connection.execute(delete(RemoteStateConsumer))


def test_however_many_set_the_default_there_is_one(at_once: AtOnce, world: World, acme: Organization) -> None:
    project = world.project(acme)
    environments = [world.default_environment(project), *(world.environment(project) for _ in range(3))]
    for _ in range(ROUNDS):
        requests: list[Request] = [
            ("POST", f"/environments/{environment.id}/actions/set-default", None) for environment in environments
        ]
        assert set(statuses(at_once(*requests))) == {200}
        assert len([each for each in world.all(Environment) if each.project_id == project.id and each.is_default]) == 1


def test_what_becomes_the_default_does_not_go(at_once: AtOnce, world: World, acme: Organization) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(ROUNDS):
        project = world.project(acme)
        path = f"/environments/{world.environment(project).id}"
        seen[tuple(statuses(at_once(("DELETE", path, None), ("POST", f"{path}/actions/set-default", None))))] += 1
        assert len([each for each in world.all(Environment) if each.project_id == project.id and each.is_default]) == 1
    assert set(seen) <= {(204, 404), (403, 200)}


@pytest.mark.parametrize("parameters", ["", "?force=true"], ids=["plain", "force"])
def test_a_workspace_is_not_left_without_its_environment(
    at_once: AtOnce, world: World, acme: Organization, parameters: str
) -> None:
    project, other = world.project(acme), world.project(acme)
    for index in range(ROUNDS):
        environment = world.environment(project)
        inside = world.workspace(project, environment_id=environment.id)
        outside = world.workspace(project)
        into = document("workspaces", project_environment=("environments", environment.id))
        new = document("workspaces", {"name": f"new-{index}"}, project=("projects", project.id))
        new["data"]["relationships"] |= into["data"]["relationships"]
        deleted, moved_in, made, *left = statuses(
            at_once(
                ("DELETE", f"/environments/{environment.id}{parameters}", None),
                ("PATCH", f"/workspaces/{outside.id}", into),
                ("POST", "/organizations/acme/workspaces", new),
                ("POST", f"/projects/{other.id}/relationships/workspaces", moved(inside)),
                ("PATCH", f"/workspaces/{inside.id}", document("workspaces", project=("projects", other.id))),
            )
        )
        assert deleted in ({204} if parameters else {204, 403})
        assert moved_in in {200, 404, 422}
        assert made in {201, 422}
        assert set(left) <= {200, 204, 403, 404}
        environments = {each.id: each.project_id for each in world.all(Environment)}
        assert (environment.id in environments) is (deleted == 403)
        assert all(environments[each.environment_id] == each.project_id for each in world.all(Workspace))


def test_clones_wipes_and_moves_do_not_lock_each_other_out(at_once: AtOnce, world: World, acme: Organization) -> None:
    project, other = world.project(acme), world.project(acme)
    source = world.environment(project)
    for index in range(ROUNDS):
        workspaces = [world.workspace(project, environment_id=source.id) for _ in range(3)]
        cloned, again, wiped, _ = statuses(
            at_once(
                ("POST", f"/environments/{source.id}/actions/clone", document("environments", {"name": f"a{index}"})),
                ("POST", f"/environments/{source.id}/actions/clone", document("environments", {"name": f"A{index}"})),
                ("POST", f"/projects/{project.id}/actions/wipe", None),
                ("POST", f"/projects/{other.id}/relationships/workspaces", moved(*workspaces)),
            )
        )
        assert sorted((cloned, again)) == [201, 422]
        assert wiped == 200
        environments = {each.id: each.project_id for each in world.all(Environment)}
        assert all(environments[each.environment_id] == each.project_id for each in world.all(Workspace))
