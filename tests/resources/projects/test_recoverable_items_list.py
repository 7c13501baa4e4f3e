"""Recoverable items as a list: who sees them, filters and orders, and the events that tell of them."""

from datetime import timedelta

import pytest
from flask import Flask

from app.models import Organization, Project
from app.models.recoverable_rows import tables_below
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import Api, faults
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.recoverable import DAYS, act, expire, items, keep_deleted, let_expire
from tests.support.world import Person, World


@pytest.fixture(autouse=True)
def _recoverable(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_deleted(app, monkeypatch)


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "platform")


def test_events_tell_of_it(app: Flask, api: Api, world: World, project: Project, owner: Person) -> None:
    for name, verb in (("one", "recover"), ("two", "permanently-delete"), ("three", "expire")):
        api.delete(f"/workspaces/{world.workspace(project, name).id}", owner.token)
        [item] = items(api, owner.token)
        if verb == "expire":
            let_expire(world)
            expire(app)
        else:
            act(api, item, verb, owner.token)
    told = [event for event in left_by_requests(world) if event.action != "workspaces.delete"]
    assert [(event.action, event.subject_name) for event in told] == [
        ("workspaces.recover", "one"),
        ("recoverable-items.permanently-delete", "two"),
        ("recoverable-items.expire", "three"),
    ]


def test_lists_are_filtered_sorted_and_include(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    managing = world.workspace(project, "b", resource_count=3)
    for workspace in (managing, world.workspace(world.default_project(acme), "a")):
        api.delete(f"/workspaces/{workspace.id}", owner.token)
    api.delete(f"/projects/{world.project(acme, 'c').id}", owner.token)

    def named(parameters: str = "") -> list[str]:
        return [item["attributes"]["recoverable-name"] for item in items(api, owner.token, parameters)]

    assert named() == ["b", "a", "c"]
    assert named("?sort=recoverable_name") == ["a", "b", "c"]
    assert named("?sort=-unmanaged_resources")[0] == "b"
    assert named("?sort=-expires_at") == ["c", "a", "b"]
    assert named("?filter[search]=PLAT") == ["b"]
    assert named("?filter[search]=a") == ["b", "a"], "of the project, and its own"
    assert named("?filter[having_managed_resources]=true") == ["b"]
    assert named("?filter[having_managed_resources]=false") == ["b", "a", "c"]
    assert named("?filter[recoverable_type]=projects") == ["c"]
    later = (now() + timedelta(days=DAYS + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert named(f"?filter[expires_after]={later}") == []
    path = "/organizations/acme/recoverable-items"
    for name, value in (("recoverable_type", "stacks"), ("having_managed_resources", "yes"), ("expires_after", "x")):
        answer = api.get(f"{path}?filter[{name}]={value}", owner.token, expect=400)
        assert faults(answer)[0][1] == f"filter[{name}]"
    included = api.get(f"{path}?include=project,deleted_by,recoverable", owner.token)["included"]
    assert {each["type"] for each in included} == {"projects", "users"}


def test_only_who_may_delete_by_force_sees_and_recovers(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    other = world.project(acme)
    admin, of_project, of_other = world.member(acme), world.member(acme), world.member(acme)
    world.project_member(project, of_project, "owner")
    world.project_member(other, of_other, "owner")
    world.project_member(project, admin, "viewer")
    stranger = world.token(world.organization())
    workspaces = world.member(acme, world.team(acme, "manage-workspaces"))
    world.change(acme, allow_force_delete_workspaces=True)
    api.delete(f"/workspaces/{world.workspace(project, 'net').id}", owner.token)
    [item] = items(api, of_project.token)
    for person in (admin, of_other):
        assert items(api, person.token) == []
        api.get(f"/recoverable-items/{item['id']}", person.token, expect=404)
        act(api, item, "recover", person.token, 404)
        act(api, item, "permanently-delete", person.token, 404)
    api.get("/organizations/acme/recoverable-items", stranger, expect=404)
    act(api, item, "recover", stranger, 404)
    act(api, item, "recover", of_project.token)
    # The role went with the project.
    api.delete(f"/projects/{project.id}?force=true", of_project.token)
    [item] = items(api, owner.token)
    assert items(api, of_project.token) == []
    assert [each["id"] for each in items(api, workspaces.token)] == [item["id"]]
    act(api, item, "recover", workspaces.token, 403)
    act(api, item, "recover", owner.token)
    api.get(f"/projects/{project.id}", of_project.token)


def test_what_is_kept_is_found_by_index(app: Flask, api: Api, world: World, project: Project, owner: Person) -> None:
    workspace = world.workspace(project, "net")
    lines = plans(app, api, f"/workspaces/{workspace.id}", owner.token, "DELETE")
    assert read_from_end_to_end(lines, [table.name for table in tables_below()]) == [], "\n".join(lines)
