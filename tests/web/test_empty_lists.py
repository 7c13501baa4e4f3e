"""Lists of what the service does not have are empty for those who see the organization, and nobody adds to them."""

import pytest
from flask import Flask
from webtest import TestApp

from tests.support.api import Api, faults
from tests.support.world import World

pytestmark = pytest.mark.one_database

LISTS = ("oauth-clients", "registry-modules", "registry-providers")


@pytest.mark.parametrize("name", LISTS)
def test_it_is_empty_and_stays_so(api: Api, world: World, name: str) -> None:
    owner = world.person()
    organization = world.organization("acme", owner=owner)
    path = f"/organizations/{organization.name}/{name}"
    shown = api.get(path, owner.token)
    assert shown["data"] == []
    assert shown["meta"]["pagination"]["total-count"] == 0
    api.get(path, world.person().token, expect=404)
    [(detail, _)] = faults(api.post(path, owner.token, {"data": {"type": name}}, expect=422))
    assert detail.startswith("This service has no ")


def test_keys_of_a_registry_are_listed_for_the_organizations_that_are_named(app: Flask, world: World) -> None:
    owner = world.person()
    world.organization("acme", owner=owner)
    world.organization("globex", owner=owner)
    headers = {"Authorization": f"Bearer {owner.token}"}
    keys = "/api/registry/private/v2/gpg-keys"
    found = TestApp(app).get(f"{keys}?filter[namespace]=acme,%20globex", headers=headers)
    assert (found.json["data"], found.content_type) == ([], "application/vnd.api+json")
    for query, status in (("", 400), ("?filter[namespace]=acme,elsewhere", 404)):
        answer = TestApp(app).get(f"{keys}{query}", headers=headers, status=status)
        assert answer.json["errors"][0]["status"] == str(status)
    TestApp(app).get(f"{keys}?filter[namespace]=acme", status=401)
