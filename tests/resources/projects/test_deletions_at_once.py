"""What is deleted while somebody makes something in it: either comes first, and nobody waits for the other for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Environment, Organization, Project, ProjectMember, Workspace, WorkspaceAclEntry
from tests.support.api import Api, document
from tests.support.invitations import invited, token_of
from tests.support.world import Person, World

ROUNDS = 10
AtOnce = Callable[..., list[int]]
Request = tuple[str, str, str, Any]


def accepting(person: Person, created: Any) -> Request:
    return ("POST", f"/invitations/{token_of(created)}/actions/accept", person.token, None)


def address_of(person: Person) -> str:
    return f"{person.username}@example.test"


def test_a_project_goes_while_people_accept_their_invitations(
    api: Api, at_once: AtOnce, world: World, acme: Organization, owner: Person
) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        people = [world.person() for _ in range(3)]
        created = [invited(api, project, owner.token, email=address_of(person)) for person in people]
        deletion = ("DELETE", f"/projects/{project.id}?force=true", owner.token, None)
        *accepted, deleted = at_once(*map(accepting, people, created), deletion)
        assert (set(accepted) <= {200, 404}, deleted) == (True, 204)
    assert world.all(ProjectMember) == []


@pytest.mark.parametrize("how", ["delete", "wipe"])
def test_a_workspace_goes_while_people_accept_their_invitations(
    api: Api, at_once: AtOnce, world: World, acme: Organization, owner: Person, how: str
) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        workspace = world.workspace(project)
        people = [world.person() for _ in range(3)]
        path = f"/workspaces/{workspace.id}"
        created = [
            api.post(
                f"{path}/invitations",
                owner.token,
                document("invitations", {"email": address_of(person), "level": "user"}),
            )["data"]
            for person in people
        ]
        deletion = ("DELETE", path) if how == "delete" else ("POST", f"/projects/{project.id}/actions/wipe")
        *accepted, deleted = at_once(*map(accepting, people, created), (*deletion, owner.token, None))
        assert (set(accepted) <= {200, 404}, deleted in {200, 204}) == (True, True)
    assert world.all(WorkspaceAclEntry) == []


def test_who_accepts_is_handed_the_project_meanwhile(
    api: Api, at_once: AtOnce, world: World, acme: Organization, owner: Person
) -> None:
    for _ in range(ROUNDS):
        project, person = world.project(acme), world.member(acme)
        created = invited(api, project, owner.token, email=address_of(person))
        heir = document("project-members", {}, user=("users", person.id))
        path = f"/projects/{project.id}/actions/transfer-ownership"
        accepted, handed_over = at_once(accepting(person, created), ("POST", path, owner.token, heir))
        assert (accepted in {200, 409}, handed_over) == (True, 200)
        [member] = [each for each in world.all(ProjectMember) if each.project_id == project.id]
        assert member.role == "owner"


@pytest.mark.parametrize("how", ["delete", "wipe"])
def test_environments_go_by_force_with_their_project(
    at_once: AtOnce, world: World, acme: Organization, owner: Person, how: str
) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        environments = [world.environment(project) for _ in range(3)]
        for environment in environments * 2:
            world.workspace(project, environment_id=environment.id)
        path = f"/projects/{project.id}"
        last = ("DELETE", f"{path}?force=true") if how == "delete" else ("POST", f"{path}/actions/wipe")
        each = [("DELETE", f"/environments/{every.id}?force=true", owner.token, None) for every in environments]
        *gone, deleted = at_once(*each, (*last, owner.token, None))
        assert (set(gone) <= {204, 404}, deleted in {200, 204}) == (True, True)
        assert world.all(Workspace) == []


def test_an_organization_goes_with_what_is_made_and_deleted_in_it(
    api: Api, at_once: AtOnce, world: World, owner: Person
) -> None:
    for index in range(ROUNDS):
        organization = world.organization(f"organization-{index}", owner=owner)
        project = world.project(organization)
        environment = world.environment(project)
        world.workspace(project, environment_id=environment.id)
        person = world.person()
        created = invited(api, project, owner.token, email=address_of(person))
        path = f"/projects/{project.id}"
        deleted, *others = at_once(
            ("DELETE", f"/organizations/{organization.name}", owner.token, None),
            accepting(person, created),
            ("POST", f"{path}/workspaces", owner.token, document("workspaces", {"name": "new"})),
            ("DELETE", f"/environments/{environment.id}?force=true", owner.token, None),
            ("POST", f"{path}/actions/wipe", owner.token, None),
            ("DELETE", f"{path}?force=true", owner.token, None),
        )
        assert (deleted, set(others) <= {200, 201, 204, 404}) == (204, True)
    assert world.all(Project) == []


def test_a_workspace_that_goes_to_the_default_environment_while_another_becomes_it(
    at_once: AtOnce, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    environments = [world.default_environment(project), world.environment(project)]
    sent: dict[str, Any] = document("workspaces", {})
    sent["data"]["relationships"] = {"project-environment": {"data": None}}
    for index in range(ROUNDS):
        chosen = environments[1 - index % 2]
        workspaces = [world.workspace(project, environment_id=chosen.id) for _ in range(3)]
        made_default, *moved = at_once(
            ("POST", f"/environments/{chosen.id}/actions/set-default", owner.token, None),
            *(("PATCH", f"/workspaces/{workspace.id}", owner.token, sent) for workspace in workspaces),
        )
        # Not 404: the workspace is there, and the request may be sent again.
        assert (made_default, set(moved) <= {200, 409}) == (200, True)
        assert [each.id for each in world.all(Environment) if each.project_id == project.id and each.is_default] == [
            chosen.id
        ]
