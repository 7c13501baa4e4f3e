"""The one plan: its feature set, and the subscription of an organization to it."""

from typing import Any

import pytest

from app.models import Organization
from tests.support.api import Api, faults
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

SUBSCRIBE = "/admin/organizations/acme/subscription"


def wish(plan: Any) -> dict[str, Any]:
    """What go-tfe sends to upgrade an organization before its tests."""
    related = {"feature-set": {"data": {"type": "feature-sets", "id": plan}}}
    return {"data": {"type": "subscription", "attributes": {"runs-ceiling": 10}, "relationships": related}}


def test_members_see_the_plan(api: Api, world: World, acme: Organization) -> None:
    member = world.member(acme)
    [plan] = api.get("/organizations/acme/feature-sets", member.token)["data"]
    entitled = api.get("/organizations/acme/entitlement-set", member.token)["data"]["attributes"]
    assert entitled.items() <= plan["attributes"].items()
    shown = api.get("/organizations/acme/subscription", member.token)
    assert shown["included"] == [plan]
    assert shown["data"]["relationships"]["feature-set"]["data"] == {"id": plan["id"], "type": "feature-sets"}
    assert shown["data"]["attributes"]["is-active"] is True
    assert api.get(f"/subscriptions/{shown['data']['id']}", member.token) == shown


def test_an_administrator_gives_the_plan_and_no_other(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    token = world.person(site_role="admin").token
    [plan] = api.get("/admin/feature-sets?q=Business", token)["data"]
    given = api.post(SUBSCRIBE, token, wish(plan["id"]), expect=200)
    assert given == api.get(f"/organizations/{acme.name}/subscription", owner.token)
    answer = api.post(SUBSCRIBE, token, wish("fs-other"), expect=422)
    assert faults(answer) == [
        ("Feature set must be fs-groundplan, the only plan there is", "/data/relationships/feature-set/data/id")
    ]


def test_others_see_nothing_and_give_nothing(api: Api, world: World, acme: Organization, owner: Person) -> None:
    assert acme.name == "acme"
    stranger = world.person()
    for path in ("/organizations/acme/feature-sets", "/organizations/acme/subscription", "/subscriptions/sub-1"):
        api.get(path, stranger.token, expect=404)
    api.get("/subscriptions/org-1", owner.token, expect=404)
    api.get("/admin/feature-sets", owner.token, expect=404)
    for person in (owner, stranger):
        api.post(SUBSCRIBE, person.token, wish("fs-groundplan"), expect=404)
