"""The examples of the API document work: each request creates what it says."""

from typing import Any

import pytest

from app.jsonapi import MEDIA_TYPE
from tests.contract.description import committed, operations
from tests.contract.targets import Targets
from tests.support.api import Api, document
from tests.support.world import World

# What the owner of an organization may not do, though somebody may.
OF_ADMINISTRATORS = {"organizations.create_organization"}
# Its first state, so there is no other that the example would have to follow.
PREPARED = {"state_versions.create_state_version"}


def with_examples() -> list[tuple[str, str, Any]]:
    return [
        (operation["operationId"], path, content["example"])
        for path, method, operation in operations(committed())
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if method == "post" and "example" in content
    ]


EXAMPLES = with_examples()


def prepare(api: Api, targets: Targets, name: str) -> dict[str, str]:
    """Do what a person would do before, where an example needs more than resources of the types that it names.

    Returns the parts of the address that must not be what the example names.
    """
    workspace = targets.of_type("workspaces")
    if name == "runs.create_run":
        targets.of_type("configuration-versions")
    if name == "invitations.reset_invite":
        invited = next(example for other, _, example in EXAMPLES if other == "invitations.create_workspace_invitation")
        api.post(f"/workspaces/{workspace}/invitations", targets.owner.token, invited)
    if name == "authentication_tokens.rotate_token":
        organization = targets.parameters({"organization": None})["organization"]
        path = f"/organizations/{organization}/authentication-tokens"
        made = api.post(path, targets.owner.token, document("authentication-tokens", {"description": "script"}))
        return {"token_id": made["data"]["id"]}
    if name == "state_versions.create_state_version":
        api.post(f"/workspaces/{workspace}/actions/lock", targets.owner.token, expect=200)
    if name == "run_triggers.create_run_trigger":
        shown = api.get(f"/workspaces/{workspace}", targets.owner.token)["data"]["relationships"]
        path = f"/organizations/{shown['organization']['data']['id']}/workspaces"
        made = api.post(path, targets.owner.token, document("workspaces", {"name": "downstream"}))
        return {"workspace_id": made["data"]["id"]}
    return {}


@pytest.mark.one_database
@pytest.mark.parametrize(("name", "path", "example"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_an_example_works_as_it_is(api: Api, world: World, name: str, path: str, example: dict[str, Any]) -> None:
    targets = Targets(world, api)
    others = prepare(api, targets, name)
    token = (world.person(site_role="admin") if name in OF_ADMINISTRATORS else targets.owner).token
    variables = dict.fromkeys(part[1:-1] for part in path.split("/") if part.startswith("{"))
    filled = path
    for variable, value in targets.parameters(variables, "" if name in PREPARED else name, "post").items():
        filled = filled.replace(f"{{{variable}}}", others.get(variable, value))
    response = api.raw(
        "POST", filled.removeprefix("/api/v2"), token, targets.aimed(example), headers={"Content-Type": MEDIA_TYPE}
    )
    assert response.status_int in {200, 201, 204}, response.text
