"""One person with roles in several environments of a project."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.models import AuthenticationToken, Environment, Organization, Project, ProjectMember, WorkspaceAclEntry
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.invitations import accept, code, invited, token_of
from tests.support.world import Person, World

ENVIRONMENT = "/data/relationships/environment"


@pytest.fixture
def places(world: World, project: Project) -> Mapping[str, Environment]:
    return {name: world.environment(project, name) for name in ("staging", "production")}


@pytest.fixture
def grace(world: World, acme: Organization) -> Person:
    return world.member(acme, username="grace")


def sent(role: str, person: Person, environment: Environment | None = None, **attributes: Any) -> dict[str, Any]:
    related: dict[str, Any] = {"user": ("users", person.id)}
    if environment is not None:
        related["environment"] = ("environments", environment.id)
    return document("project-members", {"role": role, **attributes}, **related)


def test_a_person_may_do_what_each_of_the_roles_gives(
    api: Api, world: World, owner: Person, project: Project, places: Mapping[str, Environment], grace: Person
) -> None:
    members = f"/projects/{project.id}/members"
    made = {
        name: api.post(members, owner.token, sent(role, grace, places.get(name)))["data"]
        for name, role in (("staging", "admin"), ("production", "viewer"))
    }
    workspaces = {name: world.workspace(project, environment_id=place.id) for name, place in places.items()}
    elsewhere = world.workspace(project)

    def statuses() -> dict[str, int]:
        change = document("workspaces", {"auto-apply": True})
        return {
            name: api.raw("PATCH", f"/workspaces/{workspace.id}", grace.token, change).status_int
            for name, workspace in (*workspaces.items(), ("elsewhere", elsewhere))
        }

    assert statuses() == {"staging": 200, "production": 404, "elsewhere": 404}
    api.get(f"/workspaces/{workspaces['production'].id}", grace.token)
    api.get(f"/workspaces/{elsewhere.id}", grace.token, expect=404)
    # And one in the whole project beside them.
    api.post(members, owner.token, sent("viewer", grace))
    api.get(f"/workspaces/{elsewhere.id}", grace.token)
    assert statuses()["staging"] == 200
    assert len(api.get(f"{members}?q=grace", owner.token)["data"]) == 3
    api.delete(f"/project-members/{made['staging']['id']}", owner.token)
    assert statuses()["staging"] == 404
    assert len(world.all(ProjectMember)) == 2


def test_two_roles_have_two_places(
    api: Api, world: World, owner: Person, project: Project, places: Mapping[str, Environment], grace: Person
) -> None:
    members = f"/projects/{project.id}/members"
    for place in (None, places["staging"]):
        api.post(members, owner.token, sent("viewer", grace, place))
        answer = api.post(members, owner.token, sent("admin", grace, place), expect=422)
        assert faults(answer) == [("User has already been taken", "/data/relationships/user")]
    third = api.post(members, owner.token, sent("viewer", grace, places["production"]))["data"]
    path = f"/project-members/{third['id']}"
    for target in (("environments", places["staging"].id), None):
        body = document("project-members", {}, environment=target)
        answer = api.patch(path, owner.token, body, expect=422)
        assert faults(answer) == [("Environment has already been taken", ENVIRONMENT)]
    api.patch(path, owner.token, document("project-members", {"role": "member"}))
    assert sorted(each.role for each in world.all(ProjectMember)) == ["member", "viewer", "viewer"]


def test_an_invitation_is_to_a_place(
    api: Api, world: World, owner: Person, project: Project, places: Mapping[str, Environment], bob: Person
) -> None:
    world.project_member(project, bob, "viewer", environment=places["staging"])
    same = {"email": "bob@example.test", "environment": places["staging"].id}
    refused = api.post(
        f"/projects/{project.id}/invitations",
        owner.token,
        document(
            "invitations", {"email": same["email"], "role": "admin"}, environment=("environments", same["environment"])
        ),
        expect=422,
    )
    assert code(refused) == "email-of-member"
    other = invited(api, project, owner.token, role="admin", environment=places["production"].id)
    world.project_member(project, bob, "viewer")
    accept(api, token_of(other), bob)
    assert sorted((each.role, each.environment_id or "") for each in world.all(ProjectMember)) == sorted(
        [("viewer", places["staging"].id), ("admin", places["production"].id), ("viewer", "")]
    )


def test_what_a_role_has_brought_ends_with_the_last_role_that_reaches_it(
    api: Api, world: World, owner: Person, project: Project, places: Mapping[str, Environment], grace: Person
) -> None:
    whole = world.project_member(project, grace, "admin")
    world.project_member(project, grace, "viewer", environment=places["staging"])
    made = {}
    for name, place in places.items():
        body = document("workspaces", {"name": name}, project_environment=("environments", place.id))
        made[name] = api.post(f"/projects/{project.id}/workspaces", grace.token, body)["data"]["id"]
    token = document("authentication-tokens", {"role": "viewer"})
    api.post(f"/projects/{project.id}/authentication-tokens", grace.token, token)
    api.delete(f"/project-members/{whole.id}", owner.token)
    assert {each.workspace_id for each in world.all(WorkspaceAclEntry)} == {made["staging"]}
    assert [each for each in world.all(AuthenticationToken) if each.kind == "project"] == []
    [left] = world.all(ProjectMember)
    api.delete(f"/project-members/{left.id}", owner.token)
    assert world.all(WorkspaceAclEntry) == []
    actions = [each.action for each in left_by_requests(world)]
    assert actions.count("workspace-acl-entries.delete") == 2


def test_the_heir_of_a_project_may_have_several_roles(
    api: Api, world: World, owner: Person, project: Project, places: Mapping[str, Environment], grace: Person
) -> None:
    world.project_member(project, grace, "viewer", environment=places["staging"])
    world.project_member(project, grace, "viewer")
    api.post(
        f"/projects/{project.id}/actions/transfer-ownership",
        owner.token,
        document("project-members", {"username": "grace"}),
        expect=200,
    )
    roles = sorted((each.role, each.environment_id is None) for each in world.all(ProjectMember))
    assert roles == [("owner", True), ("viewer", False)]
