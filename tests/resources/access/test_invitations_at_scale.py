"""Invitations when many ask at once, and when there are many."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert

from app.models import (
    ActivityEvent,
    Invitation,
    OrganizationMembership,
    Project,
    ProjectMember,
    Workspace,
)
from app.persistence import now
from tests.support.api import Api, document
from tests.support.invitations import invited, sent, token_of
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

ROUNDS = 6
Request = tuple[str, str, str, Any]


def accepting(token: str, person: Person) -> Request:
    return ("POST", f"/invitations/{token}/actions/accept", person.token, None)


def test_two_that_accept_at_once_make_one_member(
    api: Api, world: World, project: Project, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    for index in range(ROUNDS):
        person = world.person(f"person-{index}")
        token = token_of(invited(api, project, owner.token, email=f"person-{index}@example.test"))
        assert sorted(at_once(accepting(token, person), accepting(token, person))) == [200, 409]
    assert len(world.all(ProjectMember)) == ROUNDS
    events = [event.action for event in world.all(ActivityEvent)]
    assert events.count("project-members.create") == ROUNDS


def test_two_invitations_accepted_at_once_make_one_membership(
    api: Api, world: World, project: Project, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    for index in range(ROUNDS):
        person = world.person(f"person-{index}")
        email = f"person-{index}@example.test"
        workspace = world.workspace(project)
        into = token_of(invited(api, project, owner.token, email=email))
        given = document("invitations", {"email": email, "level": "user"})
        to = token_of(api.post(f"/workspaces/{workspace.id}/invitations", owner.token, given)["data"])
        assert at_once(accepting(into, person), accepting(to, person)) == [200, 200]
        memberships = [each for each in world.all(OrganizationMembership) if each.user_id == person.id]
        assert len(memberships) == 1


def test_an_invitation_is_either_accepted_or_canceled(
    api: Api, world: World, project: Project, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    for index in range(ROUNDS):
        person = world.person(f"person-{index}")
        created = invited(api, project, owner.token, email=f"person-{index}@example.test")
        cancel = ("DELETE", f"/invitations/{created['id']}", owner.token, None)
        accepted, canceled = at_once(accepting(token_of(created), person), cancel)
        assert (accepted, canceled) in {(200, 409), (409, 204)}


def test_two_that_invite_the_same_address_make_one_invitation(
    world: World, project: Project, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    path = f"/projects/{project.id}/invitations"
    for index in range(ROUNDS):
        given = [sent(f"person-{index}@example.test"), sent(f"PERSON-{index}@example.test")]
        assert sorted(at_once(*(("POST", path, owner.token, each) for each in given))) == [201, 422]
    assert len(world.all(Invitation)) == ROUNDS


def test_an_accept_beside_a_reset_or_an_invitation_waits_for_nobody(
    api: Api, world: World, project: Project, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    workspace = world.workspace(project)
    path = f"/workspaces/{workspace.id}"
    for index in range(ROUNDS):
        person = world.person(f"person-{index}")
        given = document("invitations", {"email": f"person-{index}@example.test", "level": "user"})
        other = document("invitations", {"email": f"other-{index}@example.test", "level": "user"})
        token = token_of(api.post(f"{path}/invitations", owner.token, given)["data"])
        accepted, reset, invited_too = at_once(
            accepting(token, person),
            ("POST", f"{path}/actions/reset-invite", owner.token, None),
            ("POST", f"{path}/invitations", owner.token, other),
        )
        assert (accepted in {200, 404}, reset, invited_too) == (True, 200, 201)


# --- statements ----------------------------------------------------------------------------------------------------


@pytest.fixture
def fill(engine: Engine, project: Project) -> Callable[[Workspace, int], None]:
    """Adds so many invitations, to others and to bob."""

    def filling(workspace: Workspace, count: int) -> None:
        place = {"organization_id": project.organization_id, "nonce": "n", "expires_at": now().replace(year=2100)}
        rows: Iterable[dict[str, Any]] = (
            {**place, "email": f"{count}-{index}@example.test", **to}
            for index in range(count)
            for to in (
                {"project_id": project.id, "workspace_id": None, "role": "viewer"},
                {"project_id": None, "workspace_id": workspace.id, "role": "user"},
            )
        )
        with engine.begin() as connection:
            connection.execute(insert(Invitation), list(rows))

    return filling


def test_requests_cost_the_same_whatever_there_is(
    api: Api,
    world: World,
    project: Project,
    owner: Person,
    bob: Person,
    statements: Statements,
    fill: Callable[[Workspace, int], None],
) -> None:
    workspace = world.workspace(project)
    api.get("/account/details", owner.token)  # notes that the token was used, as it does every few minutes
    api.get("/account/details", bob.token)
    costs = []
    for count in (1, 100):
        fill(workspace, count)
        into, to = f"/projects/{project.id}", f"/workspaces/{workspace.id}"
        mine = invited(api, project, owner.token, email=f"mine-{count}@example.test")
        invite = sent(f"new-{count}@example.test", environment=world.default_environment(project).id)
        invite_to = document("invitations", {"email": f"new-{count}@example.test", "level": "user"})
        costs.append(
            {
                name: cost(statements, api, token, request)
                for name, token, request in [
                    ("list of project", owner.token, ("GET", f"{into}/invitations?page[size]=100", None)),
                    ("list of workspace", owner.token, ("GET", f"{to}/invitations?page[size]=100", None)),
                    ("own", bob.token, ("GET", "/account/invitations", None)),
                    ("show", owner.token, ("GET", f"/invitations/{mine['id']}", None)),
                    ("resend", owner.token, ("POST", f"/invitations/{mine['id']}/actions/resend", None)),
                    ("cancel", owner.token, ("DELETE", f"/invitations/{mine['id']}", None)),
                    ("invite", owner.token, ("POST", f"{into}/invitations", invite)),
                    ("invite to", owner.token, ("POST", f"{to}/invitations", invite_to)),
                    ("reset", owner.token, ("POST", f"{to}/actions/reset-invite", None)),
                ]
            }
        )
    assert costs[0] == costs[1]
    assert costs[0] == {
        "list of project": 3,
        "list of workspace": 3,
        "own": 3,
        "show": 2,
        "resend": 9,
        "cancel": 5,
        "invite": 14,
        "invite to": 13,
        "reset": 9,
    }


def test_accepting_costs_the_same_for_all(
    api: Api, world: World, project: Project, owner: Person, statements: Statements
) -> None:
    workspace = world.workspace(project)
    costs = []
    for index in range(2):
        person = world.person(f"person-{index}")
        api.get("/account/details", person.token)
        email = f"person-{index}@example.test"
        given = document("invitations", {"email": email, "level": "user"})
        environment = world.default_environment(project).id
        into = token_of(invited(api, project, owner.token, email=email, environment=environment))
        to = token_of(api.post(f"/workspaces/{workspace.id}/invitations", owner.token, given)["data"])
        seen = cost(statements, api, person.token, ("GET", f"/invitations/{into}", None))
        made = [
            cost(statements, api, person.token, ("POST", f"/invitations/{token}/actions/accept", None))
            for token in (into, to)
        ]
        costs.append((seen, *made))
    assert costs == [(2, 16, 15)] * 2


def test_lists_are_read_by_index(app: Flask, api: Api, world: World, project: Project, owner: Person) -> None:
    bob = world.person("bob")
    workspace = world.workspace(project)
    token = token_of(invited(api, project, owner.token))
    admin = world.person()
    world.project_member(project, admin, "admin")
    for path, caller in [
        (f"/projects/{project.id}/invitations", owner.token),
        (f"/projects/{project.id}/invitations", admin.token),
        (f"/workspaces/{workspace.id}/invitations", owner.token),
        ("/account/invitations", bob.token),
        (f"/invitations/{token}", bob.token),
    ]:
        assert read_from_end_to_end(plans(app, api, path, caller), {"invitations", "users", "workspaces"}) == []


def test_how_many_were_sent_is_read_by_index(app: Flask, api: Api, project: Project, owner: Person) -> None:
    path = f"/invitations/{invited(api, project, owner.token)['id']}/actions/resend"
    lines = plans(app, api, path, owner.token, "POST")
    assert [line for line in lines if "invitation_messages" in line], "it is read"
    assert read_from_end_to_end(lines, {"invitation_messages"}) == [], "\n".join(lines)
