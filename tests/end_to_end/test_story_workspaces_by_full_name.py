"""The story of workspaces by full name: all that an account reaches, made and found by organization and name.

Ada owns two organizations; Ben and Cleo belong to the first; Dora and Finn have accounts and wait for an invitation.
"""

from typing import Any

import pytest

from tests.end_to_end.story import Caller, Cast, attributes, join, made, owners_of
from tests.support.api import document, faults
from tests.support.pictures import avatar, picture

pytestmark = pytest.mark.one_database("postgresql")


@pytest.fixture
def organization(cast: Cast, organization: str) -> str:
    """Ada's organization, with Ben and Cleo."""
    join(cast.root, organization, cast.ada, team_id=owners_of(cast.root, organization))
    join(cast.ada, organization, cast.ben, cast.cleo)
    return organization


@pytest.fixture
def network(cast: Cast, organization: str) -> str:
    """The path of Ada's workspace of the name network."""
    path = f"organizations/{organization}/workspaces/network"
    cast.ada.put(path, document("workspaces", {}), expect=201)
    return path


def invite(caller: Caller, workspace_id: str, person: Caller, level: str) -> tuple[str, str]:
    """The id of an invitation and the token of its link; the service of the story sends no mail."""
    sent = document("invitations", {"email": person.email, "level": level})
    answer = caller.post(f"workspaces/{workspace_id}/invitations", sent)
    return made(answer), attributes(answer)["token"]


def test_workspaces_by_their_full_names(cast: Cast, organization: str) -> None:
    path = f"organizations/{organization}/workspaces/network"

    # E3: made when it is not there, updated when it is; made only, if that is what was asked.
    cast.ada.get(path, expect=404)
    looks = {"title": "The network", "avatar-url": "https://acme.test/network.png", "tag-names": ["net", "core"]}
    labels = [{"type": "tag-bindings", "attributes": {"key": "stage", "value": "live"}}]
    created = cast.ada.put(path, document("workspaces", {"name": "network", **looks}, tag_bindings=labels), expect=201)
    same = cast.ada.put(path, document("workspaces", {"description": "All of it"}), expect=200)
    assert (made(same), attributes(same)["title"]) == (made(created), "The network")
    only = document("workspaces", {"create-only": True, "title": "Mine"})
    cast.ada.put(path, only, expect=409)
    cast.ada.put(path, document("workspaces", {"title": "Mine"}), expect=409, If_None_Match="*")
    other = document("workspaces", {"name": "another"})
    assert [where for _, where in faults(cast.ada.put(path, other, expect=422))] == ["/data/attributes/name"]
    cast.ada.put(path.replace("network", "database"), only, expect=201)
    cast.ben.put(path, document("workspaces", {"title": "Mine"}), expect=404)

    # E2, E4: found by its full name, with tags, labels, title and the address of its avatar.
    shown = attributes(cast.ada.get(path))
    assert (shown["title"], shown["avatar-url"], shown["description"]) == (
        "The network",
        "https://acme.test/network.png",
        "All of it",
    )
    bindings = [each["attributes"] for each in cast.ada.get(f"workspaces/{made(created)}/tag-bindings")["data"]]
    assert {each["key"]: each["value"] for each in bindings} == {"stage": "live", "net": "", "core": ""}
    assert sorted(shown["tag-names"]) == ["core", "net"]
    cast.ben.get(path, expect=404)
    cast.passer_by.get(path, expect=401)

    # E1: what an account reaches, of all organizations, and nothing else.
    second = f"{organization}-2"
    cast.root.post("organizations", document("organizations", {"name": second, "email": "ops@acme.test"}))
    join(cast.root, second, cast.ada, team_id=owners_of(cast.root, second))
    cast.ada.put(f"organizations/{second}/workspaces/network", document("workspaces", {}), expect=201)
    assert sorted(cast.ada.names("workspaces")) == ["database", "network", "network"]
    assert cast.ada.names(f"workspaces?filter[organization]={second}") == ["network"]
    assert cast.ada.names("workspaces?search[name]=DATA") == ["database"]
    page = cast.ada.get("workspaces?page[size]=2")
    assert (len(page["data"]), page["meta"]["pagination"]["total-count"]) == (2, 3)
    assert cast.ben.names("workspaces") == []
    cast.root.delete(f"organizations/{second}")

    # E5: deleted by its full name.
    cast.ben.delete(path, expect=404)
    cast.ada.delete(path)
    cast.ada.get(path, expect=404)


def test_the_avatar_of_a_workspace(cast: Cast, network: str) -> None:
    # E6: a name, a type and the picture itself; what it is the service sees for itself.
    path = f"workspaces/{made(cast.ada.get(network))}/avatar"
    content = picture("PNG")
    cast.ada.post(path, avatar(content))
    got = cast.ada.raw("GET", path)
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/png")
    assert attributes(cast.ada.get(network))["avatar-url"].endswith("/avatar")
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for wrong in (avatar(drawing), avatar(content, data="no base64!")):
        refused = cast.ada.post(path, wrong, expect=422)
        assert [where for _, where in faults(refused)] == ["/data/attributes/data"]
    cast.ben.post(path, avatar(content), expect=404)
    assert cast.ben.raw("GET", path).status_code == 404
    cast.ada.delete(path)
    cast.ada.get(path, expect=404)
    assert attributes(cast.ada.get(network))["avatar-url"] is None


def test_the_access_list_of_a_workspace(cast: Cast, organization: str, network: str) -> None:
    workspace = made(cast.ada.get(network))
    acl = f"workspaces/{workspace}/acl"

    # E7: levels are given to members of the organization, and by invitation to anybody.
    assert _levels(cast.ada, acl) == {"ada": "owner"}
    ben = made(cast.ada.post(acl, document("workspace-acl-entries", {"level": "admin"}, user=("users", cast.ben.id))))
    cleo = document("workspace-acl-entries", {"level": "developer"}, user=("users", cast.cleo.id))
    cleo_id = made(cast.ben.post(acl, cleo))
    assert _levels(cast.cleo, acl) == {"ada": "owner", "ben": "admin", "cleo": "developer"}
    cast.cleo.post(f"workspaces/{workspace}/actions/lock", {"reason": "mine"}, expect=200)
    cast.cleo.patch(network, document("workspaces", {"title": "Mine"}), expect=404)
    _, token = invite(cast.ben, workspace, cast.dora, "user")
    cast.dora.get(network, expect=404)
    cast.finn.post(f"invitations/{token}/actions/accept", expect=404)
    invited = document("workspace-acl-entries", {"invite": token})
    cast.finn.post(acl, invited, expect=404)
    assert attributes(cast.dora.post(acl, invited))["level"] == "user"
    cast.dora.post(acl, invited, expect=409)
    assert cast.dora.names("workspaces") == ["network"]
    assert organization in [each["id"] for each in cast.dora.get("organizations")["data"]]
    cast.dora.post(f"workspaces/{workspace}/actions/lock", {"reason": "mine"}, expect=404)

    # E7: a level changes, by whom it is theirs to give, and the last owner stays.
    higher = document("workspace-acl-entries", {"level": "owner"})
    cast.ben.patch(f"{acl}/{cleo_id}", higher, expect=403)
    cast.cleo.patch(f"{acl}/{cleo_id}", higher, expect=403)
    cast.ada.patch(f"{acl}/{ben}", document("workspace-acl-entries", {"level": "user"}))
    assert _levels(cast.ben, acl) == {"ada": "owner", "ben": "user", "cleo": "developer", "dora": "user"}
    wrong = document("workspace-acl-entries", {"level": "boss"})
    assert [where for _, where in faults(cast.ada.patch(f"{acl}/{ben}", wrong, expect=422))] == [
        "/data/attributes/level"
    ]
    ada = next(each["id"] for each in cast.ada.get(acl)["data"] if each["attributes"]["username"] == "ada")
    cast.ada.patch(f"{acl}/{ada}", document("workspace-acl-entries", {"level": "user"}), expect=403)
    cast.ada.delete(f"{acl}/{ada}", expect=403)
    cast.ada.delete(f"{acl}/{cleo_id}")
    cast.cleo.get(network, expect=404)


def test_invitations_to_a_workspace_that_are_reset(cast: Cast, network: str) -> None:
    # E8: after a reset the earlier link is dead and the new one works.
    workspace = made(cast.ada.get(network))
    _, first = invite(cast.ada, workspace, cast.finn, "developer")
    reset = f"workspaces/{workspace}/actions/reset-invite"
    cast.ben.post(reset, expect=404)
    (renewed,) = cast.ada.post(reset, expect=200)["data"]
    cast.finn.post(f"invitations/{first}/actions/accept", expect=404)
    cast.finn.get(network, expect=404)
    cast.finn.post(f"invitations/{renewed['attributes']['token']}/actions/accept", expect=200)
    assert _levels(cast.finn, f"workspaces/{workspace}/acl")["finn"] == "developer"


def _levels(caller: Caller, path: str) -> dict[str, Any]:
    entries = [each["attributes"] for each in caller.get(path)["data"]]
    return {entry["username"]: entry["level"] for entry in entries}
