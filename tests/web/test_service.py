"""Ping and discovery answer whoever asks."""

import pytest

from tests.support.api import Api
from tests.support.world import World

pytestmark = pytest.mark.one_database

ANYBODY = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer \xe9"}]


@pytest.mark.parametrize("headers", ANYBODY)
def test_ping_answers_nothing_whatever_the_token(api: Api, headers: dict[str, str]) -> None:
    answer = api.raw("GET", "/ping", headers=headers)
    assert (answer.status_int, answer.body) == (204, b"")
    assert answer.headers["TFP-API-Version"] == "2.6"


def test_ping_answers_nothing_with_a_good_token(api: Api, world: World) -> None:
    assert api.get("/ping", world.person().token, expect=204) is None


@pytest.mark.parametrize("headers", ANYBODY)
def test_the_service_calls_from_no_address(api: Api, headers: dict[str, str]) -> None:
    answer = api.raw("GET", "/api/meta/ip-ranges", headers=headers)
    assert answer.json == {"api": [], "notifications": [], "sentinel": [], "vcs": []}
    assert answer.headers["Content-Type"] == "application/json"
    since = {"If-Modified-Since": answer.headers["Last-Modified"]}
    assert api.raw("GET", "/api/meta/ip-ranges", headers={**headers, **since}).status_int == 304
    earlier = {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert api.raw("GET", "/api/meta/ip-ranges", headers={**headers, **earlier}).status_int == 200


@pytest.mark.parametrize("headers", ANYBODY)
def test_discovery_is_plain_json_whatever_the_token(api: Api, headers: dict[str, str]) -> None:
    answer = api.raw("GET", "/.well-known/terraform.json", headers=headers)
    assert answer.status_int == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "tfe.v2": "/api/v2/",
        "tfe.v2.1": "/api/v2/",
        "tfe.v2.2": "/api/v2/",
        "state.v2": "/api/v2/",
        "modules.v1": "/api/registry/v1/modules/",
        "login.v1": {
            "client": "terraform-cli",
            "grant_types": ["authz_code"],
            "authz": "/oauth/authorization",
            "token": "/oauth/token",
            "ports": [10000, 10010],
        },
    }


@pytest.mark.parametrize("path", ["/ping", "/.well-known/terraform.json"])
def test_neither_asks_the_database(api: Api, statements: object, path: str) -> None:
    with statements() as seen:  # type: ignore[operator]
        api.raw("GET", path, "some-token")
    assert seen == []
