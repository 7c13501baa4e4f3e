"""Invitations that users see without their links: they accept or decline them by id."""

from typing import Any

import pytest
from flask import Flask

from app.models import Invitation, ProjectMember
from tests.support.activity import left_by_requests
from tests.support.api import Api
from tests.support.browser import person_with_password
from tests.support.invitation_page import Reader, heading
from tests.support.invitations import accept, code, token_of
from tests.support.world import Person, World


def test_what_is_listed_is_accepted_by_its_id(api: Api, world: World, bob: Person, invitation: Any) -> None:
    [listed] = api.get("/account/invitations", bob.token)["data"]
    assert listed["id"] == invitation["id"]
    shown = accept(api, listed["id"], bob)["data"]
    assert shown["attributes"]["status"] == "accepted"
    assert [each.role for each in world.all(ProjectMember)] == ["member"]
    assert code(accept(api, listed["id"], bob, expect=409)) == "invitation-accepted"


@pytest.mark.parametrize("by", ["id", "token"])
def test_it_can_be_declined(api: Api, world: World, owner: Person, bob: Person, invitation: Any, by: str) -> None:
    name = invitation["id"] if by == "id" else token_of(invitation)
    path = f"/invitations/{name}/actions/decline"
    assert api.post(path, bob.token, expect=200)["data"]["attributes"]["status"] == "canceled"
    assert code(api.post(path, bob.token, expect=409)) == "invitation-canceled"
    assert code(accept(api, token_of(invitation), bob, expect=409)) == "invitation-canceled"
    assert api.get(f"/invitations/{invitation['id']}", owner.token)["data"]["attributes"]["status"] == "canceled"
    assert world.all(ProjectMember) == []
    event = left_by_requests(world)[-1]
    assert (event.action, event.actor_id, event.subject_id) == ("invitations.decline", bob.id, invitation["id"])
    assert event.changes == {"status": ["pending", "canceled"]}


@pytest.mark.parametrize("action", ["accept", "decline"])
def test_nobody_else_answers_it(api: Api, world: World, owner: Person, invitation: Any, action: str) -> None:
    project_token = world.project_token(world.default_project(world.organization()), "owner")
    for token in (owner.token, world.person().token, project_token):
        for name in (invitation["id"], token_of(invitation), "inv-1111111111111111"):
            api.post(f"/invitations/{name}/actions/{action}", token, expect=404)
    api.post(f"/invitations/{invitation['id']}/actions/{action}", expect=401)
    assert [each.status for each in world.all(Invitation)] == ["pending"]


def test_the_page_declines_it_too(app: Flask, world: World, invitation: Any) -> None:
    person_with_password(world, "bob")
    reader = Reader(app, token_of(invitation))
    page = reader.submit(reader.come_in("bob"), "decline")
    assert (page.status_int, heading(page.follow())) == (303, "The invitation has been canceled")
    assert [each.status for each in world.all(Invitation)] == ["canceled"]
