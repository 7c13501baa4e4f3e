"""The tokens of users; and that the text of no token is found anywhere."""

import logging
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from app.models import AuthenticationToken, Organization
from app.persistence import Base, now
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World


@pytest.fixture
def ada(world: World) -> Person:
    return world.person("ada-lovelace")


def tokens(api: Api, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/users/{person.id}/authentication-tokens", person.token)["data"]
    return found


def create(api: Api, person: Person, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    body = document("authentication-tokens", attributes)
    created: dict[str, Any] = api.post(f"/users/{person.id}/authentication-tokens", person.token, body)["data"]
    return created


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


def test_a_user_creates_tokens_for_oneself(api: Api, ada: Person) -> None:
    created = create(api, ada, {"description": "ci", "expired-at": "2999-01-01T00:00:00Z"})
    attributes = created["attributes"]
    assert (attributes["description"], attributes["expired-at"]) == ("ci", "2999-01-01T00:00:00.000Z")
    assert created["relationships"]["created-by"]["data"] == {"id": ada.id, "type": "users"}
    assert api.get("/account/details", attributes["token"])["data"]["id"] == ada.id
    assert works(api, ada.token)


def test_the_list_is_complete_and_without_their_texts(api: Api, ada: Person) -> None:
    (first,) = tokens(api, ada)
    made = [create(api, ada, {"description": text}) for text in ("one", "two", "")]
    listed = tokens(api, ada)
    assert [each["id"] for each in listed] == [first["id"], *(each["id"] for each in made)]
    assert [each["attributes"]["description"] for each in listed] == [None, "one", "two", ""]
    assert {each["attributes"]["token"] for each in listed} == {None}
    for each in listed[1:]:
        assert api.get(f"/authentication-tokens/{each['id']}", ada.token)["data"] == each


@pytest.mark.parametrize("description", [None, "", "x" * 256, "twice", "\u00fc \U0001f98a"])
def test_a_description_is_any_short_text(api: Api, ada: Person, description: str | None) -> None:
    create(api, ada, {"description": "twice"})
    assert create(api, ada, {"description": description})["attributes"]["description"] == description


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({"description": "x" * 257}, ("Description is too long (maximum is 256 characters)", "description")),
        ({"description": 1}, ("Description must be a string", "description")),
        ({"expired-at": "2000-01-01T00:00:00Z"}, ("Expired at must be in the future", "expired-at")),
        ({"expired-at": "x"}, ("Expired at is not a valid ISO 8601 date and time", "expired-at")),
    ],
)
def test_bad_members_are_refused(api: Api, ada: Person, attributes: dict[str, Any], fault: tuple[str, str]) -> None:
    body = document("authentication-tokens", attributes)
    answer = api.post(f"/users/{ada.id}/authentication-tokens", ada.token, body, expect=422)
    assert faults(answer) == [(fault[0], f"/data/attributes/{fault[1]}")]
    assert len(tokens(api, ada)) == 1


def test_a_body_is_needed(api: Api, ada: Person) -> None:
    answer = api.post(f"/users/{ada.id}/authentication-tokens", ada.token, b"", expect=400)
    assert answer["errors"][0]["detail"].startswith("The request body is not valid JSON")


def test_a_user_revokes_tokens_once(api: Api, world: World, ada: Person) -> None:
    created = create(api, ada)
    path = f"/authentication-tokens/{created['id']}"
    api.delete(path, ada.token)
    assert not works(api, created["attributes"]["token"])
    api.get(path, ada.token, expect=404)
    api.delete(path, ada.token, expect=404)
    assert [event.action for event in left_by_requests(world)] == [
        "authentication-tokens.create",
        "authentication-tokens.delete",
    ]
    assert {(event.actor_id, event.subject_id) for event in left_by_requests(world)} == {(ada.id, created["id"])}


def test_a_token_may_revoke_itself(api: Api, ada: Person) -> None:
    created = create(api, ada)
    api.delete(f"/authentication-tokens/{created['id']}", created["attributes"]["token"])
    assert not works(api, created["attributes"]["token"])


@pytest.mark.parametrize("who", ["colleague", "owner", "organization"])
def test_others_see_and_change_nothing(
    api: Api, world: World, acme: Organization, owner: Person, ada: Person, who: str
) -> None:
    world.membership(acme, ada)
    (hers,) = tokens(api, ada)
    caller = {
        "colleague": lambda: world.member(acme).token,
        "owner": lambda: owner.token,
        "organization": lambda: world.token(acme),
    }[who]()
    path = f"/users/{ada.id}/authentication-tokens"
    # An empty list would say that there are none.
    api.get(path, caller, expect=404)
    api.post(path, caller, document("authentication-tokens"), expect=404)
    api.get(f"/authentication-tokens/{hers['id']}", caller, expect=404)
    api.delete(f"/authentication-tokens/{hers['id']}", caller, expect=404)
    assert works(api, ada.token)


def test_the_tokens_of_unknown_users_are_not_found(api: Api, world: World, ada: Person) -> None:
    stranger = world.person()
    for user_id in ("user-1111111111111111", stranger.id, "me"):
        api.get(f"/users/{user_id}/authentication-tokens", ada.token, expect=404)
        api.post(f"/users/{user_id}/authentication-tokens", ada.token, document("authentication-tokens"), expect=404)


def test_an_owner_reaches_the_organizations_token_by_its_id(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    token = world.token(acme)
    token_id = api.get("/organizations/acme/authentication-token", token)["data"]["id"]
    for caller in (owner.token, token):
        assert api.get(f"/authentication-tokens/{token_id}", caller)["data"]["id"] == token_id
    api.delete(f"/authentication-tokens/{token_id}", owner.token)
    assert not works(api, token)


def test_tokens_of_invited_users_manage_their_own(api: Api, world: World, acme: Organization, ada: Person) -> None:
    world.membership(acme, ada, status="invited")
    assert len(tokens(api, ada)) == 1
    assert works(api, create(api, ada)["attributes"]["token"])


# --- the text of a token is in one answer only -----------------------------------------------------------------------


def everything_stored(engine: Engine) -> str:
    """Every value of every row of every table, as one text."""
    with engine.connect() as connection:
        return "\n".join(
            repr(tuple(row)) for table in Base.metadata.sorted_tables for row in connection.execute(select(table))
        )


def test_the_text_of_a_token_is_shown_once_and_stored_nowhere(
    api: Api,
    world: World,
    engine: Engine,
    acme: Organization,
    owner: Person,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("app"), "propagate", True)
    with caplog.at_level(logging.DEBUG):
        texts = [
            api.post(f"/organizations/{acme.name}/authentication-token", owner.token)["data"]["attributes"]["token"],
            create(api, owner, {"description": "secret keeper"})["attributes"]["token"],
        ]
        answers = [
            api.get(path, token)
            for token in (owner.token, *texts)
            for path in ("/account/details", "/organizations", "/organizations/acme/authentication-token")
        ]
        answers.append(tokens(api, owner))
        for text in texts:
            api.get("/users/missing", text, expect=404)
            # Also where a token stands by mistake.
            api.get(f"/authentication-tokens/{text}", text, expect=404)
    stored = everything_stored(engine)
    assert acme.id in stored
    assert world.all(AuthenticationToken)[0].digest in stored
    written = stored + caplog.text + orjson.dumps(answers).decode()
    for text in texts:
        # Not even a part of it.
        assert not [part for part in (text, text[:14], text[-67:], text[-20:]) if part in written]
    for event in left_by_requests(world):
        assert "token" not in event.changes
        assert "digest" not in event.changes


def test_digests_are_in_no_answer(api: Api, world: World, ada: Person) -> None:
    digests = [token.digest for token in world.all(AuthenticationToken)]
    shown = orjson.dumps([tokens(api, ada), create(api, ada)]).decode()
    assert not any(digest in shown for digest in digests)
    assert "digest" not in shown


def test_use_is_shown(api: Api, ada: Person) -> None:
    created = create(api, ada)
    path = f"/authentication-tokens/{created['id']}"
    assert api.get(path, ada.token)["data"]["attributes"]["last-used-at"] is None
    api.get("/account/details", created["attributes"]["token"])
    used = api.get(path, ada.token)["data"]["attributes"]["last-used-at"]
    assert used is not None
    assert used > (now() - timedelta(minutes=1)).isoformat()
