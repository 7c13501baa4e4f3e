"""Lists of what the service does not have are empty for those who see the organization, and nobody adds to them."""

import pytest

from tests.support.api import Api, faults
from tests.support.world import World

pytestmark = pytest.mark.one_database

LISTS = ("oauth-clients", "policies", "policy-sets", "registry-modules", "registry-providers", "tasks")


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
