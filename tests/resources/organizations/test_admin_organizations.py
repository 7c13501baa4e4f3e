"""All organizations of the service, as site administrators see them."""

import pytest

from app.models import Organization
from tests.support.api import Api
from tests.support.statement_costs import Statements, cost
from tests.support.world import World


def test_administrators_see_all_organizations_and_what_is_in_them(
    api: Api, world: World, acme: Organization, statements: Statements
) -> None:
    admin = world.person("admin", site_role="admin")
    world.member(acme)
    world.workspace(world.project(acme, "other"))
    world.organization("Abc")
    found = api.get("/admin/organizations", admin.token)["data"]
    assert [each["attributes"]["name"] for each in found] == ["Abc", acme.name]
    shown = api.get(f"/admin/organizations/{acme.name}", admin.token)["data"]
    assert found[1] == shown
    del shown["attributes"]["created-at"]
    assert shown == {
        "id": acme.name,
        "type": "organizations",
        "attributes": {
            "name": acme.name,
            "external-id": acme.id,
            "notification-email": acme.email,
            "is-disabled": False,
            "user-count": 2,
            "project-count": 2,
            "workspace-count": 1,
        },
        "links": {"self": f"/api/v2/admin/organizations/{acme.name}"},
    }
    assert [each["id"] for each in api.get("/admin/organizations?q=ABC", admin.token)["data"]] == ["Abc"]
    assert cost(statements, api, admin.token, ("GET", "/admin/organizations", None)) == 2


@pytest.mark.one_database
def test_nobody_else_finds_them(api: Api, world: World, acme: Organization) -> None:
    owner = world.owner(acme)
    for path in ("/admin/organizations", f"/admin/organizations/{acme.name}"):
        api.get(path, owner.token, expect=404)
