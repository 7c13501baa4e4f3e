"""Who may see and change the members of a project; what a role of an owner takes."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.models import Organization, ProjectMember
from tests.support.api import Api, document
from tests.support.personas import PERSONAS, Granted
from tests.support.world import World


def role(name: str, **scope: Any) -> Granted:
    def make(world: World, organization: Organization, projects: Any) -> str:
        person = world.member(organization)
        for project in projects:
            world.project_member(project, person, name, **scope)
        return person.token

    return make


def in_environment(name: str, cells: list[str] | None = None) -> Granted:
    def make(world: World, organization: Organization, projects: Any) -> str:
        person = world.member(organization)
        for project in projects:
            world.project_member(project, person, name, environment=world.environment(project), cells=cells)
        return person.token

    return make


def level(name: str) -> Granted:
    def make(world: World, organization: Organization, projects: Any) -> str:
        person = world.member(organization)
        for project in projects:
            world.acl_entry(world.workspace(project), person, name)
        return person.token

    return make


def token(name: str) -> Granted:
    return lambda world, _organization, projects: world.project_token(projects[0], name)


WHO: Mapping[str, Granted] = {
    **PERSONAS,
    "super user": lambda world, _organization, _projects: world.person(site_role="super_user").token,
    "viewer": role("viewer"),
    "member of it": role("member"),
    "admin": role("admin"),
    "owner of it": role("owner"),
    "admin in an environment": in_environment("admin"),
    "admin in cells": role("admin", cells=["eu"]),
    "admin in no cell": role("admin", cells=[]),
    "admin in cells of an environment": in_environment("admin", ["eu"]),
    "owner of a workspace": level("owner"),
    "viewing token": token("viewer"),
    "administering token": token("admin"),
    "owning token": token("owner"),
}

# What each request for the members and their owners answers, by whom it is sent.
# list: what the list answers; other: another member is shown; viewer, owner: one is added, and changed, and removed.
RIGHTS = """
                                   | list other viewer owner transfer
site administrator                 | 200  200   201    201   200
super user                         | 200  200   201    201   200
owner                              | 200  200   201    201   200
organization token                 | 200  200   201    201   200
manage-projects                    | 200  200   201    403   403
read-projects                      | 200  200   403    403   403
manage-workspaces                  | 404  404   404    404   404
read-workspaces                    | 404  404   404    404   404
project admin                      | 200  200   201    403   403
project maintain                   | 200  200   403    403   403
project read                       | 200  200   403    403   403
custom least                       | 200  404   403    403   403
viewer                             | 200  200   403    403   403
member of it                       | 200  200   403    403   403
admin                              | 200  200   201    403   403
owner of it                        | 200  200   201    201   200
admin in an environment            | 200  404   403    403   403
admin in cells                     | 200  404   403    403   403
admin in no cell                   | 200  404   403    403   403
admin in cells of an environment   | 200  404   403    403   403
owner of a workspace               | 200  404   403    403   403
viewing token                      | 200  200   403    403   403
administering token                | 200  200   403    403   403
owning token                       | 200  200   403    403   403
member                             | 404  404   404    404   404
outsider                           | 404  404   404    404   404
other owner                        | 404  404   404    404   404
other organization token           | 404  404   404    404   404
"""
CASES = [
    (name.strip(), dict(zip(RIGHTS.split("|")[1].split()[:5], map(int, cells.split()), strict=True)))
    for name, _, cells in (line.partition("|") for line in RIGHTS.strip().splitlines()[1:])
]


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "may"), CASES, ids=[name for name, _ in CASES])
def test_who_may(api: Api, world: World, acme: Organization, who: str, may: dict[str, int]) -> None:
    project = world.project(acme)
    others = {name: world.project_member(project, world.member(acme), name) for name in ("viewer", "owner")}
    caller = WHO[who](world, acme, [project])
    path = f"/projects/{project.id}/members"
    listed = api.get(path, caller, expect=may["list"])
    if may["list"] == 200:
        ids = {each["id"] for each in listed["data"]}
        assert ({each.id for each in others.values()} <= ids) is (may["other"] == 200)
        assert listed["meta"]["pagination"]["total-count"] == len(ids)
    for name, other in others.items():
        address = f"/project-members/{other.id}"
        new = document("project-members", {"role": name}, user=("users", world.member(acme).id))
        api.get(address, caller, expect=may["other"])
        api.post(path, caller, new, expect=may[name])
        unseen = may["other"] == 404
        expect = 404 if unseen else 200 if may[name] == 201 else 403
        to = document("project-members", {"role": "member"})
        api.put(f"{address}/cell-scopes", caller, document("project-members", {"cell-scopes": None}), expect=expect)
        api.patch(address, caller, to, expect=expect)
        if expect == 200 and name == "owner":
            other = world.project_member(project, world.member(acme), "owner")  # noqa: PLW2901 - the next to go
        api.delete(f"/project-members/{other.id}", caller, expect=204 if expect == 200 else expect)
    heir = document("project-members", {}, user=("users", world.member(acme).id))
    api.post(f"/projects/{project.id}/actions/transfer-ownership", caller, heir, expect=may["transfer"])


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "before", "after", "expect"),
    [
        ("admin", "viewer", "admin", 200),
        ("admin", "admin", "viewer", 200),
        ("admin", "viewer", "owner", 403),
        ("admin", "owner", "viewer", 403),
        ("admin", "owner", "owner", 403),
        ("owner of it", "viewer", "owner", 200),
        ("owner of it", "owner", "viewer", 200),
        ("administering token", "viewer", "owner", 403),
    ],
)
def test_only_owners_touch_the_role_of_owners(
    api: Api, world: World, acme: Organization, who: str, before: str, after: str, expect: int
) -> None:
    project = world.project(acme)
    world.project_member(project, world.member(acme), "owner")
    other = world.project_member(project, world.member(acme), before)
    caller = WHO[who](world, acme, [project])
    sent = document("project-members", {"role": after})
    api.patch(f"/project-members/{other.id}", caller, sent, expect=expect)
    [kept] = [each for each in world.all(ProjectMember) if each.id == other.id]
    assert kept.role == (after if expect == 200 else before)


@pytest.mark.parametrize(
    ("name", "is_placed", "cells"),
    [
        ("viewer", False, None),
        ("admin", False, None),
        ("owner", False, None),
        ("admin", True, None),
        ("member", False, ["eu"]),
        ("viewer", False, []),
        ("member", True, ["eu"]),
    ],
)
def test_everybody_sees_his_own_role_and_gives_it_up(
    api: Api, world: World, acme: Organization, name: str, *, is_placed: bool, cells: list[str] | None
) -> None:
    project = world.project(acme)
    world.project_member(project, world.member(acme), "owner")
    person = world.member(acme)
    environment = world.environment(project) if is_placed else None
    own = world.project_member(project, person, name, environment=environment, cells=cells)
    address = f"/project-members/{own.id}"
    listed = api.get(f"/projects/{project.id}/members", person.token)["data"]
    is_everywhere = environment is None and cells is None
    assert own.id in [each["id"] for each in listed]
    assert len(listed) == (2 if is_everywhere else 1)
    assert api.get(address, person.token)["data"]["attributes"]["email"] == f"{person.username}@example.test"
    if not is_everywhere or name == "viewer":
        api.patch(address, person.token, document("project-members", {"role": "owner"}), expect=403)
    api.delete(address, person.token)
    api.get(address, person.token, expect=404)
    api.get(f"/projects/{project.id}", person.token, expect=404)


def test_a_closed_organization_keeps_its_roles_to_itself(api: Api, world: World, acme: Organization) -> None:
    project = world.project(acme)
    person = world.member(acme)
    own = world.project_member(project, person, "viewer")
    sent = document("organizations", {"user-tokens-enabled": False})
    api.patch(f"/organizations/{acme.name}", world.person(site_role="admin").token, sent)
    api.get(f"/project-members/{own.id}", person.token, expect=404)
    api.delete(f"/project-members/{own.id}", person.token, expect=404)
