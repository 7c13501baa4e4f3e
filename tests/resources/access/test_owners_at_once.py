"""Requests about the owners of a project or a workspace at the same time: one of them stays."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Organization, ProjectMember, WorkspaceAclEntry
from tests.support.api import document
from tests.support.world import Person, World

ROUNDS = 8
AtOnce = Callable[..., list[int]]


def demotion(type_: str) -> dict[str, Any]:
    return document(type_, {"role": "admin"} if type_ == "project-members" else {"level": "admin"})


@pytest.mark.parametrize(
    "how", ["both leave", "both are demoted", "one leaves, one is demoted", "each removes the other"]
)
@pytest.mark.parametrize("place", ["project", "workspace"])
def test_one_of_two_owners_stays(at_once: AtOnce, world: World, acme: Organization, place: str, how: str) -> None:
    project = world.project(acme)
    workspace = world.workspace(project)
    for _ in range(ROUNDS):
        people = [world.member(acme) for _ in range(2)]
        if place == "project":
            rows: list[Any] = [world.project_member(project, person, "owner") for person in people]
            paths = [f"/project-members/{row.id}" for row in rows]
            type_ = "project-members"
        else:
            rows = [world.acl_entry(workspace, person, "owner") for person in people]
            paths = [f"/workspaces/{workspace.id}/acl/{row.id}" for row in rows]
            type_ = "workspace-acl-entries"
        first, second = (person.token for person in people)
        leave, demote = ("DELETE", None), ("PATCH", demotion(type_))
        done: dict[str, list[tuple[tuple[str, Any], str]]] = {
            "both leave": [(leave, first), (leave, second)],
            "both are demoted": [(demote, first), (demote, second)],
            "one leaves, one is demoted": [(leave, first), (demote, second)],
            "each removes the other": [(leave, second), (leave, first)],
        }
        requests = [(method, path, token, sent) for path, ((method, sent), token) in zip(paths, done[how], strict=True)]
        statuses = at_once(*requests)
        assert sorted(status < 300 for status in statuses) == [False, True]
        # The second one finds that he is the last, or that he is no longer one who may.
        assert max(statuses) in (403, 404)
        remaining = [each for each in world.all(type(rows[0])) if _is_owner(each)]
        assert len(remaining) == 1
        world.remove(remaining[0])


def test_two_transfers_at_once_make_one_owner(at_once: AtOnce, world: World, acme: Organization) -> None:
    for _ in range(ROUNDS):
        project = world.project(acme)
        former = world.member(acme)
        world.project_member(project, former, "owner")
        path = f"/projects/{project.id}/actions/transfer-ownership"
        heirs = [world.member(acme) for _ in range(2)]
        requests = [("POST", path, former.token, heir_of(heir)) for heir in heirs]
        assert sorted(at_once(*requests)) == [200, 403]
        members = [each for each in world.all(ProjectMember) if each.project_id == project.id]
        assert sorted(each.role for each in members) == ["admin", "owner"]


def test_one_of_two_who_add_the_same_user_does(
    at_once: AtOnce, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    for _ in range(ROUNDS):
        user = ("users", world.member(acme).id)
        sent = document("project-members", {"role": "viewer"}, user=user)
        request = ("POST", f"/projects/{project.id}/members", owner.token, sent)
        assert sorted(at_once(request, request)) == [201, 422]


def test_who_is_removed_from_the_organization_meanwhile_gets_no_role(
    at_once: AtOnce, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    for _ in range(ROUNDS):
        person = world.member(acme)
        sent = document("project-members", {"role": "viewer"}, user=("users", person.id))
        added, removed = at_once(
            ("POST", f"/projects/{project.id}/members", owner.token, sent),
            ("DELETE", f"/organization-memberships/{world.membership(acme, person)}", owner.token, None),
        )
        assert (added in (201, 409, 422), removed) == (True, 204)
        assert world.all(ProjectMember) == []


def heir_of(person: Person) -> dict[str, Any]:
    return document("project-members", {}, user=("users", person.id))


def _is_owner(row: ProjectMember | WorkspaceAclEntry) -> bool:
    return (row.role if isinstance(row, ProjectMember) else row.level) == "owner"
