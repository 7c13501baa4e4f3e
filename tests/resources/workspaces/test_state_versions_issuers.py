"""An address for uploads is good while whoever got it may store states in the workspace."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.models import AuthenticationToken, Organization, Team
from app.persistence import now
from app.services import services
from app.web.signatures import sign_for_a_while
from tests.support.api import Api, document, faults
from tests.support.states import States, put, state
from tests.support.world import Person, World

OVER = "Whoever got this address may not store states in the workspace any more; ask for a new one with a valid token"
NOT_LOCKED = "This workspace is not locked and will only accept state uploads when locked"
PARTS = ("state", "json-state")


@pytest.fixture
def team(world: World, acme: Organization) -> Team:
    return world.team(acme)


@pytest.fixture
def ours(api: Api, world: World, acme: Organization, team: Team) -> States:
    """The states of a workspace, for a team that may write them."""
    project = world.project(acme)
    world.access(team, project, "write")
    return States(api, world.workspace(project), world.team_token(team))


def addresses(version: Any) -> dict[str, str]:
    return {part: version["data"]["attributes"][f"hosted-{part}-upload-url"] for part in PARTS}


@pytest.mark.parametrize("how", ["token revoked", "token expired", "access taken", "access lowered"])
def test_it_ends_with_the_right_of_whoever_got_it(
    app: Flask, api: Api, ours: States, owner: Person, team: Team, how: str
) -> None:
    ours.lock()
    version = ours.create(state())
    if how == "token revoked":
        (token,) = api.get(f"/teams/{team.id}/authentication-tokens", owner.token)["data"]
        api.delete(f"/authentication-tokens/{token['id']}", owner.token)
    elif how == "token expired":
        over = update(AuthenticationToken).where(AuthenticationToken.team_id == team.id).values(expired_at=now())
        with services(app).engines.writing.begin() as connection:
            connection.execute(over)
    else:
        listed = f"/team-projects?filter[project][id]={ours.workspace.project_id}"
        (access,) = api.get(listed, owner.token)["data"]
        if how == "access taken":
            api.delete(f"/team-projects/{access['id']}", owner.token)
        else:
            api.patch(f"/team-projects/{access['id']}", owner.token, document("team-projects", {"access": "read"}))
    for part, address in addresses(version).items():
        answer = put(api, address, state() if part == "state" else b"{}", expect=403)
        assert faults(answer.json) == [(OVER, "")]
    assert States(api, ours.workspace, owner.token).show(version)["data"]["attributes"]["status"] == "pending"


def test_it_ends_with_the_lock(api: Api, ours: States, owner: Person) -> None:
    ours.lock()
    version = ours.create(state())
    ours.put(version, state())
    ours.unlock()
    # The same bytes again change nothing, so that a client which missed the answer is told that all is well.
    ours.put(version, state())
    address = addresses(version)["json-state"]
    assert faults(put(api, address, b"{}", expect=409).json) == [(NOT_LOCKED, "")]
    States(api, ours.workspace, owner.token).lock()
    (refusal,) = put(api, address, b"{}", expect=409).json["errors"]
    assert refusal["detail"].startswith(f"This workspace is locked by User {owner.username} ")
    assert ours.show(version)["data"]["attributes"]["hosted-json-state-download-url"] is None


def test_another_address_of_the_version_is_that_of_whoever_asks(api: Api, ours: States, owner: Person) -> None:
    ours.lock()
    version = ours.create(state())
    as_owner = States(api, ours.workspace, owner.token)
    (refusal,) = put(api, addresses(as_owner.show(version))["state"], state(), expect=409).json["errors"]
    assert "and will only accept state uploads from them while locked" in refusal["detail"]
    # The same team with another token holds the same lock.
    ours.put(ours.show(version), state())


@pytest.mark.one_database
def test_an_address_that_names_no_token_still_downloads_and_uploads_nothing(app: Flask, api: Api, ours: States) -> None:
    """Earlier releases made such addresses, and a host of theirs may still run beside this one."""
    version_id = str(ours.save(state())["data"]["id"])
    ours.lock()
    pending = str(ours.create(state(serial=2))["data"]["id"])
    with app.test_request_context():
        down = sign_for_a_while("object download", (version_id, "state"))
        up = sign_for_a_while("object upload", (pending, "state"))
    assert api.raw("GET", f"/objects/{down}").body == state()
    assert put(api, f"/objects/{up}", state(serial=2), expect=403).status_int == 403
