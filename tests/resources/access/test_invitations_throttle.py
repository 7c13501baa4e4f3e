"""Nobody's mailbox is filled with invitations: links for one of them, and for one address, have a limit in time."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.models import Invitation, InvitationMessage, Organization, Project, Workspace
from app.persistence import now
from app.resources.access.invitations.throttle import OF_ADDRESS, OF_INVITATION
from app.web.mailing import WINDOW
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.invitations import accept, code, invited, token_of
from tests.support.invitations import sent as sent_to_project
from tests.support.world import Person, World


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "net")


def sent_to_workspace(email: str = "bob@example.test") -> Any:
    return document("invitations", {"email": email, "level": "user"})


def made(engine: Engine, times: int, *, invitation: str | None = None, address: str | None = None) -> None:
    """Let links have been made; an invitation or address that is None is another one each time."""
    with Session(engine) as session, session.begin():
        session.add_all(
            InvitationMessage(
                invitation_id=invitation or f"inv-other-{index}", address=address or f"other-{index}@example.test"
            )
            for index in range(times)
        )


def let_pass(engine: Engine, time: timedelta) -> None:
    with engine.begin() as connection:
        connection.execute(update(InvitationMessage).values(created_at=now() - time))


def refused(api: Api, token: str, path: str, sent: Any = None) -> int:
    """How many seconds the answer says to wait, in both of its headers."""
    answer = api.raw("POST", path, token, sent)
    assert answer.status_int == 429
    assert code(answer.json) == "too-many-messages"
    assert answer.json["errors"][0]["status"] == "429"
    assert answer.headers["Retry-After"] == answer.headers["X-RateLimit-Reset"]
    return int(answer.headers["Retry-After"])


def test_an_invitation_is_sent_so_often_and_then_not(
    api: Api, world: World, project: Project, owner: Person, bob: Person
) -> None:
    last = invited(api, project, owner.token)
    path = f"/invitations/{last['id']}/actions/resend"
    for _ in range(OF_INVITATION - 1):
        last = api.post(path, owner.token, expect=200)["data"]
    before, events = world.all(Invitation)[0], len(left_by_requests(world))
    for _ in range(2):
        assert WINDOW.total_seconds() - 60 < refused(api, owner.token, path) <= WINDOW.total_seconds()
    # Nothing has changed: the last link is still good, nothing is told, and waiting in vain makes it no longer.
    after = world.all(Invitation)[0]
    assert (after.nonce, after.expires_at) == (before.nonce, before.expires_at)
    assert len(left_by_requests(world)) == events
    assert len(world.all(InvitationMessage)) == OF_INVITATION
    accept(api, token_of(last), bob)


def test_after_a_while_it_is_sent_again(
    api: Api, world: World, project: Project, owner: Person, engine: Engine
) -> None:
    identifier = invited(api, project, owner.token)["id"]
    made(engine, OF_INVITATION - 1, invitation=identifier)
    path = f"/invitations/{identifier}/actions/resend"
    let_pass(engine, WINDOW - timedelta(seconds=30))
    assert 0 < refused(api, owner.token, path) <= 30
    let_pass(engine, WINDOW)
    api.post(path, owner.token, expect=200)
    assert len(world.all(InvitationMessage)) == 1, "those that count no longer are forgotten"


@pytest.mark.parametrize("way", ["into the project", "to the workspace", "again", "reset", "reset all"])
def test_an_address_gets_so_many_whoever_sends_them(
    api: Api, world: World, project: Project, workspace: Workspace, owner: Person, engine: Engine, way: str
) -> None:
    other = api.post(f"/workspaces/{workspace.id}/invitations", owner.token, sent_to_workspace("eve@example.test"))
    waiting = other["data"]["id"]
    path, sent, expect = {
        "into the project": (f"/projects/{project.id}/invitations", sent_to_project("Eve@Example.test"), 201),
        "to the workspace": (
            f"/workspaces/{world.workspace(project).id}/invitations",
            sent_to_workspace("EVE@example.test"),
            201,
        ),
        "again": (f"/invitations/{waiting}/actions/resend", None, 200),
        "reset": (
            f"/workspaces/{workspace.id}/actions/reset-invite",
            document("invitations", {"email": "Eve@example.test"}),
            200,
        ),
        "reset all": (f"/workspaces/{workspace.id}/actions/reset-invite", None, 200),
    }[way]
    made(engine, OF_ADDRESS - 2, address="eve@example.test")
    api.post(path, owner.token, sent, expect=expect)
    before = {each.id: each.nonce for each in world.all(Invitation)}
    if expect == 201:
        # A place has one that waits for an address; that it is made anew does not get around the limit.
        newest = next(each.id for each in world.all(Invitation) if each.id != waiting)
        api.delete(f"/invitations/{newest}", owner.token)
    refused(api, owner.token, path, sent)
    assert {each.id: each.nonce for each in world.all(Invitation)} == before
    # Others have not.
    api.post(f"/projects/{project.id}/invitations", owner.token, sent_to_project("carl@example.test"))


def test_no_organization_gets_around_it(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, engine: Engine
) -> None:
    made(engine, OF_ADDRESS, address="bob@example.test")
    for organization in (acme, world.organization("globex", owner=owner)):
        path = f"/projects/{world.project(organization).id}/invitations"
        refused(api, owner.token, path, sent_to_project("bob@example.test"))
        api.post(path, owner.token, sent_to_project("carl@example.test"))
    # Nor does who may not invite learn of it.
    stranger = world.member(acme)
    api.post(f"/projects/{project.id}/invitations", stranger.token, sent_to_project("bob@example.test"), expect=404)


def test_who_waits_for_several_is_told_the_longest_time(
    api: Api, workspace: Workspace, owner: Person, engine: Engine
) -> None:
    path = f"/workspaces/{workspace.id}"
    for name in ("eve", "carl"):
        let_pass(engine, WINDOW - timedelta(minutes=1))
        sent = sent_to_workspace(f"{name}@example.test")
        invitation = api.post(f"{path}/invitations", owner.token, sent)["data"]["id"]
        made(engine, OF_INVITATION - 1, invitation=invitation)
    assert refused(api, owner.token, f"{path}/actions/reset-invite") > timedelta(minutes=2).total_seconds()


def test_all_links_of_a_workspace_or_none(
    api: Api, world: World, workspace: Workspace, owner: Person, engine: Engine
) -> None:
    path = f"/workspaces/{workspace.id}/invitations"
    first, _ = (
        api.post(path, owner.token, sent_to_workspace(f"{name}@example.test"))["data"]["id"] for name in ("eve", "carl")
    )
    made(engine, OF_INVITATION - 1, invitation=first)
    before = {each.id: each.nonce for each in world.all(Invitation)}
    reset = f"/workspaces/{workspace.id}/actions/reset-invite"
    refused(api, owner.token, reset)
    assert {each.id: each.nonce for each in world.all(Invitation)} == before
    api.post(reset, owner.token, document("invitations", {"email": "carl@example.test"}), expect=200)
    # The one that is left can still be taken back.
    api.delete(f"/invitations/{first}", owner.token)
    api.post(reset, owner.token, expect=200)
