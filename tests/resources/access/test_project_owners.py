"""The owners of a project: one stays, one owns all of it, and one hands it over."""

from typing import Any

import pytest
from sqlalchemy import Engine, delete

from app.models import Organization, OrganizationMembership, Project, ProjectMember, User
from app.resources.organizations.organization_memberships.members import WhichUser
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

LAST = "The project must keep at least one owner whose role does not expire"
SCOPED = "The role of an owner holds in the whole project; it can't be limited to an environment or to cells"


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "plans")


def roles_of(world: World, project: Project) -> dict[str, str]:
    users = {each.id: each.user_id for each in world.all(OrganizationMembership)}
    names = {each.id: each.username for each in world.all(User)}
    rows = [each for each in world.all(ProjectMember) if each.project_id == project.id]
    return {names[users[each.membership_id]]: each.role for each in rows}


def told(**attributes: Any) -> dict[str, Any]:
    return document("project-members", {name.replace("_", "-"): value for name, value in attributes.items()})


def heir(user_id: Any) -> dict[str, Any]:
    return document("project-members", {}, user=("users", user_id))


@pytest.mark.parametrize("by", ["himself", "an owner of the organization", "a site administrator"])
def test_the_last_owner_stays(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, by: str
) -> None:
    person = world.member(acme, username="grace")
    member = world.project_member(project, person, "owner")
    world.project_member(project, world.member(acme), "admin")
    tokens = {
        "himself": person.token,
        "an owner of the organization": owner.token,
        "a site administrator": world.person(site_role="admin").token,
    }
    address = f"/project-members/{member.id}"
    for method, sent in (
        ("DELETE", None),
        ("PATCH", told(role="admin")),
        ("PATCH", told(role="viewer", cell_scopes=[])),
    ):
        answer = api.send(method, address, tokens[by], sent, expect=403)
        assert faults(answer) == [(LAST, "")]
        assert answer["errors"][0]["code"] == "last-project-owner"
    assert roles_of(world, project)["grace"] == "owner"
    assert left_by_requests(world) == []
    # A second owner makes the first one free to go.
    world.project_member(project, world.member(acme), "owner")
    api.delete(address, tokens[by])


def test_owners_of_other_projects_do_not_count(api: Api, world: World, acme: Organization, owner: Person) -> None:
    person = world.member(acme)
    members = [world.project_member(world.project(acme), person, "owner") for _ in range(2)]
    api.delete(f"/project-members/{members[0].id}", owner.token, expect=403)


def test_a_project_without_owners_takes_any_change(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    member = world.project_member(project, world.member(acme), "admin")
    api.patch(f"/project-members/{member.id}", owner.token, told(role="viewer"))
    api.delete(f"/project-members/{member.id}", owner.token)


def test_an_owner_owns_the_whole_project(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    environment = world.environment(project)
    first = world.project_member(project, world.member(acme), "owner")
    placed = world.project_member(project, world.member(acme), "admin", environment=environment)
    in_cells = world.project_member(project, world.member(acme), "admin", cells=["eu"])
    here = {"environment": ("environments", environment.id)}
    cells, relationship = "/data/attributes/cell-scopes", "/data/relationships/environment"
    cases: list[tuple[str, str, dict[str, Any], str]] = [
        ("PUT", f"/project-members/{first.id}/cell-scopes", told(cell_scopes=["eu"]), cells),
        ("PUT", f"/project-members/{first.id}/cell-scopes", told(cell_scopes=[]), cells),
        ("PATCH", f"/project-members/{first.id}", told(cell_scopes=["eu"]), cells),
        ("PATCH", f"/project-members/{first.id}", document("project-members", {}, **here), relationship),
        ("PATCH", f"/project-members/{placed.id}", told(role="owner"), "/data/attributes/role"),
        ("PATCH", f"/project-members/{in_cells.id}", told(role="owner"), "/data/attributes/role"),
        (
            "POST",
            f"/projects/{project.id}/members",
            document("project-members", {"role": "owner"}, user=("users", world.member(acme).id), **here),
            relationship,
        ),
    ]
    for method, path, sent, pointer in cases:
        assert faults(api.send(method, path, owner.token, sent, expect=422)) == [(SCOPED, pointer)]
    api.put(f"/project-members/{first.id}/cell-scopes", owner.token, told(cell_scopes=None))
    api.patch(f"/project-members/{in_cells.id}", owner.token, told(role="owner", cell_scopes=None))


# --- handing over --------------------------------------------------------------------------------------------------


def test_an_owner_hands_over_and_becomes_admin(api: Api, world: World, acme: Organization, project: Project) -> None:
    ada2, grace, other = (world.member(acme, username=name) for name in ("lovelace", "grace", "other"))
    world.project_member(project, ada2, "owner")
    world.project_member(project, other, "owner")
    world.project_member(project, grace, "viewer", cells=["eu"])
    path = f"/projects/{project.id}/actions/transfer-ownership"
    shown = api.post(path, ada2.token, heir(grace.id), expect=200)["data"]
    assert (shown["attributes"]["role"], shown["attributes"]["cell-scopes"]) == ("owner", None)
    assert shown["relationships"]["user"]["data"]["id"] == grace.id
    # The other owner has no part in it.
    assert roles_of(world, project) == {"lovelace": "admin", "grace": "owner", "other": "owner"}
    first, *others = left_by_requests(world)
    events = {event.subject_id: event for event in [first, *others]}
    assert {event.action for event in events.values()} == {"projects.transfer-ownership", "project-members.update"}
    assert events[project.id].changes == {"owners": [["lovelace", "other"], ["grace", "other"]]}
    assert events[shown["id"]].changes == {
        "username": ["grace", "grace"],
        "role": ["viewer", "owner"],
        "cell-scopes": [["eu"], None],
    }
    # What he handed over is no longer his to give.
    api.post(path, ada2.token, heir(other.id), expect=403)


def test_who_is_new_in_the_project_becomes_its_owner(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    first, grace = world.member(acme, username="first"), world.member(acme, username="grace")
    world.project_member(project, first, "owner")
    api.post(f"/projects/{project.id}/actions/transfer-ownership", first.token, heir(grace.id), expect=200)
    assert roles_of(world, project) == {"first": "admin", "grace": "owner"}
    actions = [event.action for event in left_by_requests(world)]
    assert sorted(actions) == ["project-members.create", "project-members.update", "projects.transfer-ownership"]


@pytest.mark.parametrize("by", ["owner of the organization", "organization token", "super user"])
def test_who_is_above_the_owners_makes_one_for_all(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, by: str
) -> None:
    for name in ("first", "second"):
        world.project_member(project, world.member(acme, username=name), "owner")
    grace = world.member(acme, username="grace")
    tokens = {
        "owner of the organization": owner.token,
        "organization token": world.token(acme),
        "super user": world.person(site_role="super_user").token,
    }
    path = f"/projects/{project.id}/actions/transfer-ownership"
    api.post(path, tokens[by], heir(grace.id), expect=200)
    assert roles_of(world, project) == {"first": "admin", "second": "admin", "grace": "owner"}
    # Once more changes nothing, and nothing is told of it.
    before = len(left_by_requests(world))
    api.post(path, tokens[by], heir(grace.id), expect=200)
    assert roles_of(world, project) == {"first": "admin", "second": "admin", "grace": "owner"}
    assert len(left_by_requests(world)) == before


def test_an_owner_of_the_organization_takes_a_project_over(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    world.project_member(project, world.member(acme, username="first"), "owner")
    world.project_member(project, owner, "viewer")
    api.post(f"/projects/{project.id}/actions/transfer-ownership", owner.token, heir(owner.id), expect=200)
    assert roles_of(world, project) == {"first": "admin", "ada": "owner"}


def test_nobody_hands_over_to_himself_or_to_strangers(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    person, outsider, invited = world.member(acme, username="first"), world.person(), world.person()
    world.membership(acme, invited, status="invited")
    world.project_member(project, person, "owner")
    path, user = f"/projects/{project.id}/actions/transfer-ownership", "/data/relationships/user"
    answer = api.post(path, person.token, heir(person.id), expect=422)
    assert faults(answer) == [("You own the project already", user)]
    for stranger in (outsider.id, invited.id, "user-0000000000000000"):
        answer = api.post(path, person.token, heir(stranger), expect=422)
        assert faults(answer) == [("User is not an active member of the organization", user)]
    for sent in (
        document("project-members"),
        {"data": {"type": "project-members", "relationships": {"user": {"data": None}}}},
    ):
        assert faults(api.post(path, person.token, sent, expect=422)) == [(WhichUser.detail, user)]
    assert roles_of(world, project) == {"first": "owner"}
    assert left_by_requests(world) == []


# --- leaving the organization --------------------------------------------------------------------------------------


def test_who_leaves_the_organization_leaves_its_projects_and_workspaces(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    person = world.member(acme, username="grace")
    workspace = world.workspace(project)
    member, entry = world.project_member(project, person, "owner"), world.acl_entry(workspace, person, "owner")
    api.delete(f"/organization-memberships/{world.membership(acme, person)}", owner.token)
    assert world.all(ProjectMember) == []
    api.get(f"/project-members/{member.id}", owner.token, expect=404)
    api.get(f"/workspaces/{workspace.id}/acl/{entry.id}", owner.token, expect=404)
    api.get(f"/projects/{project.id}", person.token, expect=404)
    # The project stays, in the hands of the organization's owners, who name another owner.
    heirs = world.member(acme, username="heir")
    api.post(f"/projects/{project.id}/actions/transfer-ownership", owner.token, heir(heirs.id), expect=200)
    assert roles_of(world, project) == {"heir": "owner"}
    events = {event.action: event for event in left_by_requests(world)}
    assert events["project-members.delete"].changes == {"username": ["grace", None], "role": ["owner", None]}
    assert events["project-members.delete"].project_id == project.id
    assert events["workspace-acl-entries.delete"].changes == {"username": ["grace", None], "level": ["owner", None]}
    assert events["workspace-acl-entries.delete"].workspace_id == workspace.id


def test_a_user_who_is_deleted_leaves_nothing_behind(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, *, engine: Engine
) -> None:
    person = world.member(acme)
    workspace = world.workspace(project)
    world.project_member(project, person, "owner")
    world.acl_entry(workspace, person, "owner")
    with engine.begin() as connection:
        connection.execute(delete(User).where(User.id == person.id))
    assert roles_of(world, project) == {}
    assert api.get(f"/workspaces/{workspace.id}/acl", owner.token)["data"] == []
    assert api.get(f"/projects/{project.id}/members", owner.token)["data"] == []
