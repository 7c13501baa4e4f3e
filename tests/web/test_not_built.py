"""What HCP Terraform has and this service has not."""

import pytest

from app.web.not_built import LACKING, not_built
from tests.contract import hcp_names
from tests.contract.description import committed
from tests.support.api import Api
from tests.support.world import World

OURS = hcp_names.operations_of(committed())
CREATING = [name for name in hcp_names.read() if name.startswith("POST ") and name not in OURS]
# Taking part in what is done elsewhere: nothing would be created.
ELSEWHERE = {"POST /email-recipient-statuses/unsubscribe", "POST /email-recipient-statuses/verify"}


def test_every_address_of_hcp_that_creates_and_is_not_built_is_known(subtests: pytest.Subtests) -> None:
    for name in CREATING:
        if name not in ELSEWHERE:
            with subtests.test(name):
                method, _, path = name.partition(" ")
                found = not_built(method, f"/api/v2{path.replace('{}', 'x-1')}")
                assert found is not None, "name what the service lacks in LACKING"
                assert str(found).startswith("This service has no ")


def test_what_is_built_is_not_said_to_be_lacking(subtests: pytest.Subtests) -> None:
    for name in OURS:
        if name.startswith("POST "):
            with subtests.test(name):
                assert LACKING.keys().isdisjoint(name.partition(" ")[2].split("/")), "remove it from LACKING"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("method", "path", "lacking"),
    [
        (
            "POST",
            "/policy-sets/polset-1/versions",
            "versions of policy sets; upload each policy at /policies/:id/upload, and add it to the set",
        ),
        ("POST", "/organizations/acme/oauth-clients", "connections to version control"),
        ("POST", "/workspaces/ws-1/relationships/data-retention-policy", "data retention policies"),
    ],
)
def test_creating_it_is_refused_with_its_name(api: Api, world: World, *, method: str, path: str, lacking: str) -> None:
    document = {"data": {"type": "anything"}}
    answer = api.send(method, path, world.person().token, document, expect=422)
    assert answer == {
        "errors": [
            {
                "status": "422",
                "title": "unprocessable entity",
                "code": "not-built",
                "detail": f"This service has no {lacking}",
            }
        ]
    }
    api.send(method, path, None, document, expect=401)


@pytest.mark.one_database
def test_everything_else_is_not_found(api: Api, world: World) -> None:
    token = world.person().token
    for method, path in (
        ("DELETE", "/change-requests/cr-1"),
        ("POST", "/organizations/acme/nothing-known"),
        ("POST", "/runs-of-nobody"),
    ):
        api.send(method, path, token, None, expect=404)
    # An address that exists says itself what is wrong.
    api.post("/workspaces/ws-1/actions/lock", token, {}, expect=404)
