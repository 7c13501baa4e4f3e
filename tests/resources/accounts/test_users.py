"""Users as others see them, and the caller's own account."""

from typing import Any
from urllib.parse import unquote

import pytest

from app.models import Organization
from tests.support.api import Api
from tests.support.world import Person, World


def attributes(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["data"]["attributes"]
    return found


@pytest.mark.one_database
def test_the_avatar_is_a_picture_that_tells_nobody_anything(api: Api, world: World) -> None:
    ada, other = world.person("ada"), world.person("_&")
    urls = [api.get("/account/details", person.token)["data"]["attributes"]["avatar-url"] for person in (ada, other)]
    for url, initial in zip(urls, ("A", "_"), strict=True):
        kind, _, picture = url.partition(",")
        assert kind == "data:image/svg+xml"
        assert f">{initial}</text>" in unquote(picture)
    assert urls[0] != urls[1]
    assert api.get(f"/users/{ada.id}", ada.token)["data"]["attributes"]["avatar-url"] == urls[0]


def test_an_account_is_the_own_user(api: Api, world: World) -> None:
    ada = world.person("ada")
    shown = api.get("/account/details", ada.token)["data"]
    assert shown == {
        "id": ada.id,
        "type": "users",
        "attributes": {
            "username": "ada",
            "is-service-account": False,
            "email": "ada@example.test",
            "unconfirmed-email": None,
            "auth-method": "tfc",
            "avatar-url": shown["attributes"]["avatar-url"],
            "v2-only": False,
            "is-admin": False,
            "is-site-admin": False,
            "site-role": "user",
            "is-sso-login": False,
            "is-unified": False,
            "two-factor": {"enabled": False, "verified": False},
            "permissions": {
                "can-create-organization": False,
                "can-create-organizations": False,
                "can-view-organizations": True,
                "can-view-profile": True,
                "can-view-settings": True,
                "can-change-email": True,
                "can-change-username": True,
                "can-change-password": True,
                "can-update-user": True,
                "can-manage-user-tokens": True,
                "can-manage-sessions": False,
                "can-reenable-2fa-by-unlinking": False,
                "can-view2fa-settings": False,
                "can-manage-hcp-account": False,
                "can-manage-hcp-accounts": False,
            },
        },
        "relationships": {
            "authentication-tokens": {"links": {"related": f"/api/v2/users/{ada.id}/authentication-tokens"}},
            "authenticated-resource": {
                "data": {"id": ada.id, "type": "users"},
                "links": {"related": f"/api/v2/users/{ada.id}"},
            },
        },
        "links": {"self": f"/api/v2/users/{ada.id}"},
    }


def test_an_administrators_account_says_so(api: Api, world: World) -> None:
    found = attributes(api.get("/account/details", world.person(site_role="admin").token))
    assert found["is-admin"] is found["is-site-admin"] is True
    assert found["permissions"]["can-create-organizations"] is True


def test_an_organizations_token_has_the_account_of_a_service(api: Api, world: World, acme: Organization) -> None:
    shown = api.get("/account/details", world.token(acme))["data"]
    assert (shown["id"], shown["type"]) == (f"user-{acme.id.removeprefix('org-')}", "users")
    found = shown["attributes"]
    assert (found["username"], found["is-service-account"], found["email"]) == ("api-org-acme", True, None)
    assert found["is-admin"] is False
    assert not any(found["permissions"].values())
    assert shown["relationships"]["authenticated-resource"] == {
        "data": {"id": "acme", "type": "organizations"},
        "links": {"related": "/api/v2/organizations/acme"},
    }
    # It is no user that anybody could look at.
    api.get(f"/users/{shown['id']}", world.person(site_role="admin").token, expect=404)


def test_oneself_is_seen_with_the_address(api: Api, world: World) -> None:
    ada = world.person("ada")
    found = attributes(api.get(f"/users/{ada.id}", ada.token))
    assert (found["username"], found["email"]) == ("ada", "ada@example.test")
    assert found["permissions"]["can-manage-user-tokens"] is True


@pytest.mark.parametrize("who", ["member", "owner", "organization", "site administrator"])
def test_others_are_seen_without_it(api: Api, world: World, acme: Organization, owner: Person, who: str) -> None:
    ada = world.member(acme)
    token = {
        "member": lambda: world.member(acme).token,
        "owner": lambda: owner.token,
        "organization": lambda: world.token(acme),
        "site administrator": lambda: world.person(site_role="admin").token,
    }[who]()
    shown = api.get(f"/users/{ada.id}", token)["data"]
    assert (shown["id"], shown["attributes"]["username"]) == (ada.id, ada.username)
    assert shown["attributes"]["email"] is None
    assert shown["attributes"]["site-role"] is None
    assert shown["attributes"]["permissions"]["can-manage-user-tokens"] is False
    assert "authenticated-resource" not in shown["relationships"]


@pytest.mark.usefixtures("acme")
def test_strangers_see_nobody(api: Api, world: World, owner: Person) -> None:
    for token in (world.person().token, world.token(world.organization()), world.member(world.organization()).token):
        api.get(f"/users/{owner.id}", token, expect=404)


def test_who_has_left_is_seen_no_more(api: Api, world: World, acme: Organization, owner: Person) -> None:
    ada, grace = world.member(acme), world.member(acme)
    api.get(f"/users/{ada.id}", grace.token)
    api.delete(f"/organizations/{acme.name}", owner.token)
    api.get(f"/users/{ada.id}", grace.token, expect=404)


def test_an_invited_user_sees_nobody_yet(api: Api, world: World, acme: Organization, owner: Person) -> None:
    invited = world.person()
    world.membership(acme, invited, status="invited")
    api.get(f"/users/{owner.id}", invited.token, expect=404)
    assert attributes(api.get(f"/users/{invited.id}", owner.token))["email"] is None


def test_an_unknown_user_is_not_found(api: Api, world: World) -> None:
    admin = world.person(site_role="admin").token
    for user_id in ("user-1111111111111111", "x", "me", "org-1111111111111111"):
        api.get(f"/users/{user_id}", admin, expect=404)
