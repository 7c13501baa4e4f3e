"""How long tokens of an organization may live at most (spec: organizations, token TTL policies)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import ActivityEvent, Organization
from app.persistence import now
from tests.support.api import Api, document
from tests.support.world import Person, World

PATH = "/organizations/acme/token-ttl-policies"
DAY = 24 * 60 * 60 * 1000


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


def policies(**longest: Any) -> dict[str, Any]:
    entries = [{"token-type": type_, "max-ttl-ms": longest} for type_, longest in longest.items()]
    return document("organization-token-ttl-policies", {"token-ttl-policies": entries})


def shown(answer: Any) -> dict[str, int]:
    return {each["attributes"]["token-type"]: each["attributes"]["max-ttl-ms"] for each in answer["data"]}


def enable(api: Api, owner: Person, *, enabled: bool = True) -> None:
    api.patch("/organizations/acme", owner.token, document("organizations", {"max-ttl-enabled": enabled}))


@pytest.mark.usefixtures("acme")
def test_several_are_set_at_once_and_others_stay(api: Api, owner: Person, world: World) -> None:
    assert shown(api.get(PATH, owner.token)) == {}
    assert shown(api.patch(PATH, owner.token, policies(team=DAY, organization=2 * DAY))) == {
        "organization": 2 * DAY,
        "team": DAY,
    }
    changed = api.patch(PATH, owner.token, policies(team=3 * DAY, audit_trails=DAY))
    assert shown(changed) == {"audit_trails": DAY, "organization": 2 * DAY, "team": 3 * DAY}
    assert api.get(PATH, owner.token)["data"] == changed["data"]
    assert {each["type"] for each in changed["data"]} == {"organization-token-ttl-policies"}
    api.patch(PATH, owner.token, policies(team=3 * DAY))
    found = [(each.action, each.changes) for each in world.all(ActivityEvent) if "ttl" in each.action]
    assert sorted(action for action, _ in found) == ["token-ttl-policies.create"] * 3 + ["token-ttl-policies.update"]
    assert {"max-ttl-ms": [DAY, 3 * DAY]} in [changes for _, changes in found]


def test_only_owners_see_and_set_them(api: Api, world: World, acme: Organization) -> None:
    member, stranger = world.member(acme).token, world.person().token
    for token, status in ((member, 403), (world.token(acme), 403), (stranger, 404)):
        api.get(PATH, token, expect=status)
        api.patch(PATH, token, policies(team=DAY), expect=status)


def test_new_tokens_live_no_longer(api: Api, owner: Person, world: World, acme: Organization) -> None:
    team = world.team(acme)
    paths = {
        "organization": "/organizations/acme/authentication-token",
        "audit_trails": "/organizations/acme/authentication-token?token=audit-trails",
        "team": f"/teams/{team.id}/authentication-token",
    }
    api.patch(PATH, owner.token, policies(**dict.fromkeys(paths, DAY)))
    for path in paths.values():
        assert api.post(path, owner.token, {})["data"]["attributes"]["expired-at"] is None, "it is not enabled"
    enable(api, owner)
    late = document("authentication-tokens", {"expired-at": (now() + timedelta(days=2)).isoformat()})
    soon = document("authentication-tokens", {"expired-at": (now() + timedelta(hours=2)).isoformat()})
    for path in paths.values():
        given = api.post(path, owner.token, {})["data"]["attributes"]["expired-at"]
        left = datetime.fromisoformat(given) - now()
        assert timedelta(hours=23, minutes=59) < left <= timedelta(days=1)
        refused = api.post(path, owner.token, late, expect=422)
        assert refused["errors"][0]["source"] == {"pointer": "/data/attributes/expired-at"}
        api.post(path, owner.token, soon)
    narrowed = document("authentication-tokens", {"description": "script"})
    made = api.post("/organizations/acme/authentication-tokens", owner.token, narrowed)
    assert made["data"]["attributes"]["expired-at"] is not None
    enable(api, owner, enabled=False)
    api.post(paths["team"], owner.token, late)


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_tokens_of_others_are_not_limited(api: Api, owner: Person, world: World) -> None:
    api.patch(PATH, owner.token, policies(team=DAY, organization=DAY, audit_trails=DAY))
    enable(api, owner)
    path = f"/users/{owner.id}/authentication-tokens"
    made = api.post(path, owner.token, document("authentication-tokens", {"description": "mine"}))
    assert made["data"]["attributes"]["expired-at"] is None
    world.organization("other", owner=owner)
    assert (
        api.post("/organizations/other/authentication-token", owner.token, {})["data"]["attributes"]["expired-at"]
        is None
    )


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_what_can_not_be_limited_is_refused(api: Api, owner: Person, subtests: pytest.Subtests) -> None:
    entries: list[Any] = [
        None,
        [],
        {},
        ["team"],
        [{"token-type": "user", "max-ttl-ms": DAY}],
        [{"token-type": "metrics", "max-ttl-ms": DAY}],
        [{"token-type": "other", "max-ttl-ms": DAY}],
        [{"token-type": "team"}],
        [{"token-type": "team", "max-ttl-ms": 0}],
        [{"token-type": "team", "max-ttl-ms": "1d"}],
        [{"token-type": "team", "max-ttl-ms": 10**18}],
    ]
    for sent in entries:
        with subtests.test(sent=sent):
            body = document("organization-token-ttl-policies", {"token-ttl-policies": sent})
            answer = api.patch(PATH, owner.token, body, expect=422)
            assert answer["errors"][0]["source"] == {"pointer": "/data/attributes/token-ttl-policies"}
    assert api.get(PATH, owner.token)["data"] == []
