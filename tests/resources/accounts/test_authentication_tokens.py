"""The one token of an organization."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.models import AuthenticationToken, Organization
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

PATH = "/organizations/acme/authentication-token"
EXPIRY = "/data/attributes/expired-at"


def sent(**attributes: Any) -> dict[str, Any]:
    return document("authentication-tokens", {name.replace("_", "-"): value for name, value in attributes.items()})


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


def test_an_owner_creates_it(api: Api, acme: Organization, owner: Person) -> None:
    created = api.post(PATH, owner.token, sent())["data"]
    text = created["attributes"]["token"]
    assert works(api, text)
    attributes = created["attributes"]
    assert datetime.now(UTC) - datetime.fromisoformat(attributes.pop("created-at")) < timedelta(minutes=1)
    assert attributes == {"description": None, "last-used-at": None, "expired-at": None, "token": text}
    assert created["relationships"] == {"created-by": {"data": {"id": owner.id, "type": "users"}}}
    assert api.get("/account/details", text)["data"]["attributes"]["username"] == f"api-org-{acme.name}"


@pytest.mark.usefixtures("acme")
def test_it_is_shown_without_its_text(api: Api, owner: Person) -> None:
    created = api.post(PATH, owner.token)["data"]
    shown = api.get("/organizations/ACME/authentication-token", owner.token)["data"]
    assert shown == created | {"attributes": created["attributes"] | {"token": None}}
    assert api.get(f"/authentication-tokens/{created['id']}", owner.token)["data"] == shown


@pytest.mark.usefixtures("acme")
def test_there_is_none_before_the_first_and_after_the_last(api: Api, owner: Person) -> None:
    api.get(PATH, owner.token, expect=404)
    api.delete(PATH, owner.token, expect=404)
    text = api.post(PATH, owner.token)["data"]["attributes"]["token"]
    api.get(PATH, owner.token)
    api.delete(PATH, owner.token)
    assert not works(api, text)
    api.get(PATH, owner.token, expect=404)
    api.delete(PATH, owner.token, expect=404)


def test_another_one_replaces_it_at_once(api: Api, world: World, acme: Organization, owner: Person) -> None:
    first = api.post(PATH, owner.token)["data"]
    second = api.post(PATH, owner.token)["data"]
    assert first["id"] != second["id"]
    assert not works(api, first["attributes"]["token"])
    assert works(api, second["attributes"]["token"])
    api.get(f"/authentication-tokens/{first['id']}", owner.token, expect=404)
    events = [(event.action, event.subject_id) for event in left_by_requests(world)]
    assert sorted(events) == sorted(
        [
            ("authentication-tokens.create", first["id"]),
            ("authentication-tokens.delete", first["id"]),
            ("authentication-tokens.create", second["id"]),
        ]
    )
    assert {event.organization_id for event in left_by_requests(world)} == {acme.id}


def test_the_token_may_replace_and_revoke_itself(api: Api, world: World, acme: Organization) -> None:
    old = world.token(acme)
    created = api.post(PATH, old)["data"]
    new = created["attributes"]["token"]
    assert (works(api, old), works(api, new)) == (False, True)
    assert created["relationships"]["created-by"]["data"] == {"id": "acme", "type": "organizations"}
    assert api.get(PATH, new)["data"]["id"] == created["id"]
    api.delete(PATH, new)
    assert not works(api, new)


def test_who_made_it_follows_the_name_of_the_organization(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    token = api.post(PATH, world.token(acme))["data"]["attributes"]["token"]
    api.patch("/organizations/acme", owner.token, document("organizations", {"name": "globex"}))
    shown = api.get("/organizations/globex/authentication-token", token)["data"]
    assert shown["relationships"]["created-by"]["data"] == {"id": "globex", "type": "organizations"}


def test_a_token_made_by_a_command_was_made_by_nobody(api: Api, world: World, acme: Organization) -> None:
    shown = api.get(PATH, world.token(acme))["data"]
    assert shown["relationships"]["created-by"] == {"data": None}


@pytest.mark.parametrize("who", ["member", "strong member", "stranger", "other organization", "site administrator"])
def test_nobody_else_comes_near_it(api: Api, world: World, acme: Organization, who: str) -> None:
    token_id = api.get(PATH, world.token(acme))["data"]["id"]
    flags = ("manage-teams", "manage-organization-access", "manage-membership", "manage-projects", "manage-workspaces")
    caller = {
        "member": lambda: world.member(acme).token,
        "strong member": lambda: world.member(acme, world.team(acme, *flags)).token,
        "stranger": lambda: world.person().token,
        "other organization": lambda: world.token(world.organization("other")),
        "site administrator": lambda: world.person(site_role="admin").token,
    }[who]()
    for path in (PATH, f"/authentication-tokens/{token_id}"):
        api.get(path, caller, expect=404)
        api.delete(path, caller, expect=404)
    api.post(PATH, caller, expect=404)
    assert left_by_requests(world) == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b'{"data":{}}',
        b'{"data":{"type":""}}',
        b'{"data":{"type":null}}',
        b'{"data":{"type":"authentication-token"}}',
        b'{"data":{"type":"authentication-token","attributes":{}}}',
        b'{"data":{"type":"organizations","attributes":null}}',
        b'{"data":{"attributes":{"description":"ignored"}}}',
    ],
)
def test_clients_send_any_type_or_nothing_at_all(api: Api, acme: Organization, owner: Person, body: bytes) -> None:
    created = api.post(f"/organizations/{acme.name}/authentication-token", owner.token, body)["data"]
    assert (created["type"], created["attributes"]["description"]) == ("authentication-tokens", None)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 422), (b'{"data":null}', 422), (b'{"meta":{}}', 422)]
)
def test_a_body_that_is_there_must_be_a_document(
    api: Api, world: World, acme: Organization, owner: Person, body: bytes, status: int
) -> None:
    old = world.token(acme)
    api.post(PATH, owner.token, body, expect=status)
    assert works(api, old)


# --- expiry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, None),
        ("2999-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"),
        ("2999-01-01T00:00:00Z", "2999-01-01T00:00:00.000Z"),
        ("2999-01-01T00:00:00.123456Z", "2999-01-01T00:00:00.123Z"),
        ("2999-01-01T02:30:00+02:30", "2999-01-01T00:00:00.000Z"),
        # Without a zone, as HashiCorp's Python client sends it, it is UTC.
        ("2999-01-01T00:00:00", "2999-01-01T00:00:00.000Z"),
        ("2999-01-01 00:00:00", "2999-01-01T00:00:00.000Z"),
    ],
)
def test_an_expiry_is_a_moment_in_utc(
    api: Api, acme: Organization, owner: Person, given: str | None, shown: str | None
) -> None:
    created = api.post(f"/organizations/{acme.name}/authentication-token", owner.token, sent(expired_at=given))["data"]
    assert created["attributes"]["expired-at"] == shown
    assert api.get(PATH, owner.token)["data"]["attributes"]["expired-at"] == shown
    assert works(api, created["attributes"]["token"])


INVALID = "Expired at is not a valid ISO 8601 date and time"
PAST = "Expired at must be in the future"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("2000-01-01T00:00:00Z", PAST),
        ("0001-01-01T00:00:00Z", PAST),
        ("", INVALID),
        ("soon", INVALID),
        ("2999-01-01", INVALID),
        ("2999-02-30T00:00:00Z", INVALID),
        ("9999-12-31T23:59:59-01:00", INVALID),
        (4_102_444_800, INVALID),
        (True, INVALID),
        (["2999-01-01T00:00:00Z"], INVALID),
    ],
)
def test_an_expiry_that_is_past_or_none_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, given: Any, detail: str
) -> None:
    old = world.token(acme)
    answer = api.post(PATH, owner.token, sent(expired_at=given), expect=422)
    assert faults(answer) == [(detail, EXPIRY)]
    assert works(api, old)
    assert left_by_requests(world) == []


@pytest.mark.usefixtures("acme")
def test_an_expired_token_is_dead_and_still_listed(api: Api, owner: Person, engine: Engine) -> None:
    created = api.post(PATH, owner.token, sent(expired_at="2999-01-01T00:00:00Z"))["data"]
    with Session(engine) as session, session.begin():
        session.execute(
            update(AuthenticationToken).where(AuthenticationToken.id == created["id"]).values(expired_at=now())
        )
    assert not works(api, created["attributes"]["token"])
    assert api.get(PATH, owner.token)["data"]["id"] == created["id"]
    # Replacing it needs no deletion first.
    assert works(api, api.post(PATH, owner.token)["data"]["attributes"]["token"])


# --- the token for audit trails --------------------------------------------------------------------------------------

AUDIT = f"{PATH}?token=audit-trails"


def test_the_token_for_audit_trails_reads_the_trail_and_nothing_else(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    plain = world.token(acme)
    made = api.post(AUDIT, owner.token)["data"]
    token = made["attributes"]["token"]
    assert api.get("/organization/audit-trail", token)["data"]
    for path in (
        f"/organizations/{acme.name}",
        f"/organizations/{acme.name}/projects",
        f"/organizations/{acme.name}/activity-events",
        "/account/details",
        PATH,
        AUDIT,
    ):
        assert api.raw("GET", path, token).status_int in {403, 404}, path
    assert api.get("/organizations", token)["data"] == []
    api.post(PATH, token, expect=404)
    api.delete(AUDIT, token, expect=404)
    # The two tokens are apart: each is shown, replaced and revoked without the other.
    assert api.get(AUDIT, owner.token)["data"]["id"] == made["id"]
    assert api.get(PATH, owner.token)["data"]["id"] != made["id"]
    again = api.post(AUDIT, owner.token)["data"]["attributes"]["token"]
    api.get("/organization/audit-trail", token, expect=401)
    api.delete(AUDIT, owner.token)
    api.get("/organization/audit-trail", again, expect=401)
    api.get(AUDIT, owner.token, expect=404)
    assert works(api, plain)


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_token_for_another_purpose_is_not_the_plain_one(
    api: Api, world: World, acme: Organization, owner: Person, method: str
) -> None:
    token = world.token(acme)
    api.send(method, f"{PATH}?token=metrics", owner.token, expect=404)
    assert works(api, token)


def test_two_regenerations_at_once_leave_one_token(app: Flask, world: World, acme: Organization, owner: Person) -> None:
    old = world.token(acme)
    for _ in range(5):
        answers: list[Any] = []
        start = threading.Barrier(2)

        def regenerate(answers: list[Any] = answers, start: threading.Barrier = start) -> None:
            start.wait()
            answers.append(Api(app).post(PATH, owner.token))

        threads = [threading.Thread(target=regenerate) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        # Neither has failed, and the later one's lives.
        texts = [answer["data"]["attributes"]["token"] for answer in answers]
        assert len(texts) == 2
        assert [works(Api(app), text) for text in texts].count(True) == 1
        assert not works(Api(app), old)
        assert len([token for token in world.all(AuthenticationToken) if token.organization_id == acme.id]) == 1
