"""Whose role holds in one place learns nothing of what is outside: no list, count, include or error tells of it.

All that he can read is read twice: when there is only what he sees, and when there is much more.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.models import (
    Environment,
    Organization,
    Project,
    RemoteStateConsumer,
    TagBinding,
    Team,
    Var,
    Varset,
    VarsetWorkspace,
    Workspace,
)
from app.models.tag_bindings import tag_id
from app.persistence import now
from tests.support.api import Api, document
from tests.support.world import Person, World


class Place:
    """A project with an environment, and all that a workspace in it can have."""

    def __init__(self, world: World, acme: Organization) -> None:
        self.world = world
        self.acme = acme
        self.project: Project = world.project(acme, "plans")
        self.environment: Environment = world.environment(self.project, "staging")
        self.team: Team = world.team(acme, visibility="organization")
        self.shared: Varset = world.varset(acme)
        self.pool = world.pool(acme)
        self.inside = self.workspace("inside", self.environment, "eu")

    def workspace(self, name: str, environment: Environment, cell: str | None) -> Workspace:
        """A workspace with tags, variables, states, people and teams."""
        world = self.world
        settings = {"own_execution_mode": "agent", "own_agent_pool_id": self.pool.id}
        workspace = world.workspace(self.project, name, environment_id=environment.id, cell=cell, **settings)
        ids = {"organization_id": self.acme.id, "workspace_id": workspace.id}
        # What is outside came first: a tag is as old as what the reader sees of it.
        created_at = now() - timedelta(days=name != "inside")
        for position, key in enumerate(("common", f"only-{name}")):
            world.add(TagBinding(**ids, key=key, value="", position=position, created_at=created_at))
        world.add(TagBinding(**ids, key="place", value=name))
        world.add(Var(**ids, key=f"var_{name}", category="env", value="x"))
        world.add(VarsetWorkspace(varset_id=self.shared.id, workspace_id=workspace.id))
        world.state_version(workspace, "output")
        world.acl_entry(workspace, world.member(self.acme), "owner")
        world.workspace_access(self.team, workspace, "read")
        return workspace

    def crowd(self, scope: str) -> list[Workspace]:
        """Workspaces everywhere else: in other cells, environments and projects."""
        beside = self.world.environment(self.project, "production")
        elsewhere = self.world.project(self.acme, "elsewhere")
        outside = [self.world.workspace(elsewhere, "outside-project"), self.workspace("outside-both", beside, "us")]
        if scope != "an environment":
            outside.append(self.workspace("outside-cell", self.environment, "us"))
            outside.append(self.workspace("outside-none", self.environment, None))
        if scope != "a cell":
            outside.append(self.workspace("outside-environment", beside, "eu"))
        for workspace in outside:
            self.world.add(RemoteStateConsumer(workspace_id=self.inside.id, consumer_id=workspace.id))
        self.world.project_member(self.project, self.world.member(self.acme), "owner")
        return outside


@pytest.fixture
def place(world: World, acme: Organization) -> Place:
    return Place(world, acme)


def role(place: Place, person: Person, **scope: Any) -> None:
    place.world.project_member(place.project, person, "admin", **scope)


SCOPES: dict[str, Callable[[Place, Person], Any]] = {
    "an environment": lambda place, person: role(place, person, environment=place.environment),
    "a cell": lambda place, person: role(place, person, cells=["eu"]),
    "a cell of an environment": lambda place, person: role(
        place, person, environment=place.environment, cells=["eu", "ap"]
    ),
    "a level on the workspace": lambda place, person: place.world.acl_entry(place.inside, person, "admin"),
}


def addresses(place: Place) -> Iterator[str]:
    acme, project, inside = f"/organizations/{place.acme.name}", f"/projects/{place.project.id}", place.inside.id
    workspace = f"/workspaces/{inside}"
    for included in ("project,organization,agent_pool", "effective_tag_bindings", "current_state_version,outputs"):
        yield f"{acme}/workspaces?include={included}"
    for narrowed in (
        "search[name]=outside",
        "search[tags]=common",
        "search[exclude-tags]=only-inside",
        "search[wildcard-name]=*side*",
        "filter[tagged][0][key]=place",
        f"filter[project][id]={place.project.id}",
        "page[size]=1",
        "page[size]=1&page[number]=2",
        "sort=-name",
        "sort=-latest-change-at",
    ):
        yield f"{acme}/workspaces?{narrowed}"
    yield from (f"{acme}/projects", f"{acme}/projects?q=e", f"{acme}/projects?filter[tagged][0][key]=place", project)
    yield f"{project}/environments"
    yield from (f"{acme}/tags", f"{acme}/tags?q=o", f"{acme}/tags?page[size]=1", f"{project}/members")
    yield from (f"{acme}/varsets?include=workspaces,projects,vars", f"/varsets/{place.shared.id}")
    yield from (f"{acme}/agent-pools?include=workspaces", f"/agent-pools/{place.pool.id}?include=workspaces")
    yield from (f"{acme}/teams", f"{acme}/reserved-tag-keys", acme, f"{project}/varsets")
    for below in (
        "", "/acl", "/vars", "/varsets", "/all-vars", "/relationships/tags", "/tag-bindings",
        "/effective-tag-bindings", "/relationships/remote-state-consumers", "/current-state-version",
        "/current-state-version-outputs", "/resources", "/applicable-varsets",
    ):  # fmt: skip
        yield f"{workspace}{below}"
    yield f"/team-workspaces?filter[workspace][id]={inside}"
    yield f"/team-projects?filter[project][id]={place.project.id}"
    yield f"{acme}/activity-events"
    yield f"{project}/activity-events"
    yield f"{workspace}/activity-events"


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_that_is_read_tells_of_what_is_outside(
    api: Api, world: World, acme: Organization, owner: Person, place: Place, scope: str
) -> None:
    person = world.member(acme)
    SCOPES[scope](place, person)
    # To who has a role in a cell of every environment, environments are no secret.
    paths = [path for path in addresses(place) if not (scope == "a cell" and path.endswith("/environments"))]

    def everything() -> dict[str, bytes]:
        return {path: api.raw("GET", path, person.token).body for path in paths}

    before = everything()
    seen = orjson.loads(before[f"/organizations/{acme.name}/workspaces?sort=-name"])["data"]
    assert [each["attributes"]["name"] for each in seen] == ["inside"]
    for workspace in place.crowd(scope):
        # What is done there is in the record of activity.
        api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", {"description": "changed"}))
    after = everything()
    assert {path: after[path] for path in paths if after[path] != before[path]} == {}


def faulty(place: Place, workspace_id: str, name: str) -> list[tuple[str, str, Any]]:
    """Requests that name a workspace in every way there is."""
    workspace = f"/workspaces/{workspace_id}"
    by_name = f"/organizations/{place.acme.name}/workspaces/{name}"
    named = ids("workspaces", workspace_id)
    patch = document("workspaces", {"description": "x"})
    tagged = {"data": [{"type": "tags", "attributes": {"name": "new"}}]}
    inside = f"/workspaces/{place.inside.id}"
    return [
        *(("GET", f"{workspace}{below}", None) for below in ("", "/acl", "/vars", "/tag-bindings", "/varsets")),
        ("GET", by_name, None),
        ("GET", f"/team-workspaces?filter[workspace][id]={workspace_id}", None),
        ("GET", f"/organizations/{place.acme.name}/tags?filter[exclude][taggable][id]={workspace_id}", None),
        ("PATCH", workspace, patch),
        ("PATCH", by_name, patch),
        ("DELETE", workspace, None),
        ("POST", f"{workspace}/actions/safe-delete", None),
        ("POST", f"{workspace}/actions/lock", {}),
        ("POST", f"{workspace}/relationships/tags", tagged),
        ("POST", f"{workspace}/acl", document("workspace-acl-entries", {"level": "user"}, user=("users", "x"))),
        ("POST", f"{inside}/relationships/remote-state-consumers", named),
        ("POST", f"/varsets/{place.shared.id}/relationships/workspaces", named),
        ("POST", f"/tags/{tag_of(place, 'common')}/relationships/workspaces", named),
        ("POST", f"/projects/{place.project.id}/relationships/workspaces", named),
        ("POST", f"{inside}/relationships/tags", {"data": [{"type": "tags", "id": tag_of(place, f"only-{name}")}]}),
        ("POST", f"/tags/{tag_of(place, f'only-{name}')}/relationships/workspaces", ids("workspaces", place.inside.id)),
    ]


def tag_of(place: Place, name: str) -> str:
    # Whoever knows the organization and guesses a name knows the id.
    return tag_id(place.acme.id, name)


def ids(type_: str, identifier: str) -> dict[str, Any]:
    return {"data": [{"type": type_, "id": identifier}]}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_outside_is_answered_like_what_is_not_there(
    api: Api, world: World, acme: Organization, place: Place, scope: str
) -> None:
    person = world.member(acme)
    SCOPES[scope](place, person)
    missing = "ws-1111111111111111"

    def answers(workspace_id: str, name: str) -> list[tuple[int, bytes]]:
        responses = (api.raw(*request[:2], person.token, request[2]) for request in faulty(place, workspace_id, name))
        return [(each.status_int, each.body.replace(workspace_id.encode(), b"")) for each in responses]

    expected = answers(missing, "missing")
    assert {status for status, _ in expected} <= {200, 404}
    for workspace in place.crowd(scope):
        assert answers(workspace.id, workspace.name) == expected
