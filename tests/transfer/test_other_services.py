"""Documents as other services write them: attributes that are unknown, null or missing, and what can't be carried."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from app import transfer_commands
from app.models import Organization
from app.transfer.client import Answer
from tests.support.api import Api
from tests.support.states import state
from tests.support.world import World
from tests.transfer.conftest import Command

LONG_AGO = "2021-06-08T09:00:00.000Z"


def resource(type_: str, identifier: str, attributes: dict[str, Any], **linked: tuple[str, str]) -> dict[str, Any]:
    relationships = {
        name.replace("_", "-"): {"data": {"type": each[0], "id": each[1]}} for name, each in linked.items()
    }
    return {"id": identifier, "type": type_, "attributes": attributes, "relationships": relationships}


WORKSPACE: dict[str, Any] = {
    "name": "legacy",
    "description": None,
    "auto-apply": None,
    "execution-mode": "agent",
    "terraform-version": "~> 1.5",
    "vcs-repo": {"identifier": "acme/net", "branch": "main"},
    "auto-destroy-at": LONG_AGO,
    "trigger-prefixes": [],
    "working-directory": "",
    "operations": True,
    "environment": "default",
    "locked": False,
    "policy-check-failures": 0,
    "tag-names": ["core"],
    "created-at": LONG_AGO,
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "/organizations/acme/teams": [
        resource("teams", "team-1", {"name": "owners"}),
        resource(
            "teams",
            "team-2",
            {
                "name": "ops\u001b[31m",
                "visibility": "secret",
                "organization-access": {"manage-workspaces": True, "manage-spaceships": True},
            },
        ),
        resource("teams", "team-3", {"name": "dev", "visibility": "organization", "sso-team-id": "sso"}),
    ],
    "/organizations/acme/varsets": [
        resource("varsets", "varset-1", {"name": "all", "global": True, "priority": False, "var-count": 1}),
    ],
    "/varsets/varset-1/relationships/vars": [
        resource("vars", "var-1", {"key": "K", "value": None, "category": "env", "sensitive": True, "hcl": False}),
    ],
    "/organizations/acme/workspaces": [
        resource("workspaces", "ws-1", WORKSPACE, agent_pool=("agent-pools", "apool-1"), ssh_key=("ssh-keys", "s-1")),
        resource("workspaces", "ws-2", {**WORKSPACE, "name": "other", "execution-mode": "local", "vcs-repo": None}),
    ],
    "/workspaces/ws-1/vars": [
        resource(
            "vars", "var-2", {"key": "a", "value": "1", "category": "terraform", "hcl": None, "description": None}
        ),
    ],
    "/team-workspaces?ws-1": [
        resource("team-workspaces", "tws-1", {"access": "write", "runs": "apply"}, team=("teams", "team-3")),
        resource("team-workspaces", "tws-2", {"access": "admin"}, team=("teams", "team-1")),
    ],
    "/state-versions?legacy": [
        resource("state-versions", f"sv-{serial}", {"serial": serial, "hosted-state-download-url": f"/state/{serial}"})
        for serial in (4, 2)
    ],
}
SINGLE = {
    "/organizations/acme": resource("organizations", "acme", {"name": "acme", "email": "ops@example.test"}),
    "/agent-pools/apool-1": resource("agent-pools", "apool-1", {"name": "gone"}),
    "/varsets/varset-1": LISTS["/organizations/acme/varsets"][0],
    **{f"/state-versions/{each['id']}": each for each in LISTS["/state-versions?legacy"]},
}


class Canned:
    """A service that pages by one, and has none of the newer routes."""

    def __init__(self, *_named: str, **_options: object) -> None:
        pass

    @contextmanager
    def request(self, method: str, address: str, body: bytes, media_type: str) -> Iterator[Answer]:
        assert (method, body) == ("GET", b""), media_type
        named, query = urlsplit(address), parse_qs(urlsplit(address).query)
        path = named.path.removeprefix("/api/v2")
        if path.startswith("/state/"):
            yield Answer(200, iter([state(int(path.rpartition("/")[2]))]))
            return
        for name in ("filter[workspace][id]", "filter[workspace][name]"):
            path += f"?{query[name][0]}" if name in query else ""
        if path in SINGLE:
            yield Answer(200, iter([orjson.dumps({"data": SINGLE[path]})]))
        elif path in LISTS:
            number, found = int(query["page[number]"][0]), LISTS[path]
            following = number + 1 if number < len(found) else None
            document = {"data": [found[number - 1]], "meta": {"pagination": {"next-page": following}}}
            yield Answer(200, iter([orjson.dumps(document)]))
        else:
            yield Answer(404, iter([b'{"errors":[{"status":"404","title":"not found"}]}']))


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def test_documents_of_other_services(
    acme: Organization,
    world: World,
    api: Api,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = world.owner(acme)
    monkeypatch.setattr(transfer_commands, "Remote", Canned)
    (tmp_path / "token").write_text("token")
    run = ("import-from", "https://tfe.example", "--organization", "acme", "--token-file", tmp_path / "token")
    told = command(*run, "--apply", fails=True).output
    for line in (
        "! workspace legacy: there is no agent pool gone for agent-pool",
        "! workspace legacy: the connection to version control",
        "! workspace legacy: the SSH key",
        f"! workspace legacy: the time of its destruction, {LONG_AGO}",
        "! variable all/env/K: its value is sensitive and not known",
        "+ states of workspace legacy: 2 state versions, serial 2 to 4",
        # What the terminal would obey is not printed, and the API refuses the name.
        "x team ops?[31m: Name may only contain visible characters",
        "1 things could not be carried",
    ):
        assert line in told
    assert "\u001b" not in told
    legacy = api.get("/organizations/acme/workspaces/legacy", owner.token)["data"]
    shown = legacy["attributes"]
    assert (shown["terraform-version"], shown["tag-names"], shown["auto-destroy-at"]) == ("~> 1.5", ["core"], None)
    assert shown["setting-overwrites"] == {"execution-mode": False, "agent-pool": False}
    assert legacy["relationships"]["project"]["data"]["id"] == world.default_project(acme).id
    other = api.get("/organizations/acme/workspaces/other", owner.token)["data"]["attributes"]
    assert (other["execution-mode"], other["setting-overwrites"]["execution-mode"]) == ("local", True)
    teams = api.get("/organizations/acme/teams", owner.token)["data"]
    assert sorted(each["attributes"]["name"] for each in teams) == ["dev", "owners"]
    access = api.get(f"/team-workspaces?filter[workspace][id]={legacy['id']}", owner.token)["data"]
    assert [each["attributes"]["access"] for each in access] == ["write"]
    again = command(*run, "--apply", fails=True).output
    # The plan can't know that the API will refuse the name.
    assert "Plan: 1 to create, 0 to change" in again
    assert "Done: 0 created, 0 changed." in again
