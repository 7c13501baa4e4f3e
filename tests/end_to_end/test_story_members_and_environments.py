"""The story of projects with members, invitations and environments, from "My SaaS App" to its end.

Ada owns the organization and makes the project; Ben and Cleo belong to the organization; Dora and Finn have accounts
and belong to nothing until somebody invites them.
"""

from typing import Any

import pytest

from tests.end_to_end.story import Caller, Cast, attributes, join, made, owners_of
from tests.support.api import document, faults
from tests.support.pictures import MULTIPART, icon_form, picture

pytestmark = pytest.mark.one_database("postgresql")

SERVER = "550e8400-e29b-41d4-a716-446655440000"
SECRET = "s3cret-value-that-nobody-reads-again"


@pytest.fixture
def organization(cast: Cast, organization: str) -> str:
    """Ada's organization, with Ben and Cleo."""
    join(cast.root, organization, cast.ada, team_id=owners_of(cast.root, organization))
    join(cast.ada, organization, cast.ben, cast.cleo)
    return organization


@pytest.fixture
def project(cast: Cast, organization: str) -> str:
    """Ada's project."""
    sent = document("projects", {"name": "my-saas"})
    return made(cast.ada.post(f"organizations/{organization}/projects", sent))


def member(caller: Caller, project_id: str, person: Caller, role: str) -> str:
    """A role of the person in the project."""
    sent = document("project-members", {"role": role}, user=("users", person.id))
    return made(caller.post(f"projects/{project_id}/members", sent))


def invite(caller: Caller, project_id: str, person: Caller, role: str) -> tuple[str, str]:
    """The id of an invitation and the token of its link; the service of the story sends no mail."""
    sent = document("invitations", {"email": person.email, "role": role})
    answer = caller.post(f"projects/{project_id}/invitations", sent)
    assert attributes(answer)["link"].endswith(f"/invitations/{attributes(answer)['token']}")
    return made(answer), attributes(answer)["token"]


def test_a_project_with_its_looks(cast: Cast, organization: str) -> None:
    projects = f"organizations/{organization}/projects"

    # C1: all but the name is optional, and only what is sent changes.
    looks = {
        "display-name": "My SaaS App",
        "description": "Production SaaS application",
        "color": "#3B82F6",
        "single-server-mode": False,
        "default-server-id": SERVER,
    }
    project = made(cast.ada.post(projects, document("projects", {"name": "my-saas", **looks})))
    shown = attributes(cast.ada.get(f"projects/{project}"))
    assert {name: shown[name] for name in looks} == looks
    assert shown["created-at"].endswith("Z")
    sent = {"name": "my-saas-v2", "description": "Updated description", "auto-error-tracking-enabled": True}
    updated = attributes(cast.ada.patch(f"projects/{project}", document("projects", sent)))
    assert {name: updated[name] for name in {**looks, **sent}} == {**looks, **sent}
    assert "my-saas-v2" in cast.ada.names(projects)
    wrong = {"color": "blue", "default-server-id": "7", "single-server-mode": "yes"}
    refused = cast.ada.patch(f"projects/{project}", document("projects", wrong), expect=422)
    assert {pointer for _, pointer in faults(refused)} == {f"/data/attributes/{name}" for name in wrong}

    # C2: an icon comes as a form, is known by its content, and is served with headers for caches.
    icon = f"projects/{project}/icon"
    sent_icon = cast.ada.raw("POST", icon, icon_form(picture("PNG")), MULTIPART)
    assert sent_icon.status_code == 201, sent_icon.text
    assert attributes(cast.ada.get(f"projects/{project}"))["icon-url"]
    got = cast.ada.raw("GET", icon)
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/png")
    assert "max-age" in got.headers["Cache-Control"]
    assert cast.ada.raw("GET", icon, headers={"If-None-Match": got.headers["ETag"]}).status_code == 304
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for content in (drawing, b"\x89PNG of no kind", b""):
        assert cast.ada.raw("POST", icon, icon_form(content), MULTIPART).status_code == 422
    assert cast.ada.raw("GET", icon).content == got.content
    assert cast.ben.raw("GET", icon).status_code == 404
    cast.ada.delete(icon)
    cast.ada.get(icon, expect=404)
    assert attributes(cast.ada.get(f"projects/{project}"))["icon-url"] is None


def test_the_members_of_a_project(cast: Cast, project: str) -> None:
    members = f"projects/{project}/members"

    # C4: a role is given, changed and taken away by who manages members.
    assert _roles(cast.ada, project) == {"ada": "owner"}
    ben = member(cast.ada, project, cast.ben, "admin")
    cleo = member(cast.ben, project, cast.cleo, "member")
    assert _roles(cast.cleo, project) == {"ada": "owner", "ben": "admin", "cleo": "member"}
    cast.ben.patch(f"project-members/{cleo}", document("project-members", {"role": "viewer"}))
    assert _roles(cast.ben, project)["cleo"] == "viewer"
    cast.cleo.patch(f"project-members/{cleo}", document("project-members", {"role": "admin"}), expect=403)
    cast.ben.patch(f"project-members/{cleo}", document("project-members", {"role": "owner"}), expect=403)
    wrong = document("project-members", {"role": "boss"}, user=("users", "user-none"))
    assert "/data/attributes/role" in {pointer for _, pointer in faults(cast.ben.post(members, wrong, expect=422))}
    twice = document("project-members", {"role": "viewer"}, user=("users", cast.cleo.id))
    assert [pointer for _, pointer in faults(cast.ben.post(members, twice, expect=422))] == ["/data/relationships/user"]
    cast.dora.get(members, expect=404)

    # C4: the last owner stays.
    ada = _id_of(cast.ada, project, "ada")
    cast.ada.delete(f"project-members/{ada}", expect=403)
    cast.ada.patch(f"project-members/{ada}", document("project-members", {"role": "viewer"}), expect=403)

    # C5: ownership is handed over by the owner alone, who becomes admin.
    handed = document("project-members", user=("users", cast.ben.id))
    cast.ben.post(f"projects/{project}/actions/transfer-ownership", handed, expect=403)
    cast.ada.post(f"projects/{project}/actions/transfer-ownership", handed, expect=200)
    assert _roles(cast.ben, project) == {"ada": "admin", "ben": "owner", "cleo": "viewer"}

    cast.ben.delete(f"project-members/{cleo}")
    cast.cleo.get(f"projects/{project}", expect=404)
    cast.ben.delete(f"project-members/{ben}", expect=403)


def test_invitations_into_a_project(cast: Cast, organization: str, project: str) -> None:
    pending = f"projects/{project}/invitations"
    member(cast.ada, project, cast.cleo, "member")

    # C6: who manages members invites an address, sees what waits, and cancels.
    dora_id, dora = invite(cast.ada, project, cast.dora, "member")
    finn_id, finn = invite(cast.ada, project, cast.finn, "viewer")
    assert sorted(cast.ada.names(pending, "email")) == [cast.dora.email, cast.finn.email]
    assert dora not in cast.ada.raw("GET", pending).text
    cast.cleo.get(pending, expect=403)
    cast.cleo.post(pending, document("invitations", {"email": "x@y.test", "role": "viewer"}), expect=403)
    again = document("invitations", {"email": cast.dora.email, "role": "viewer"})
    assert [where for _, where in faults(cast.ada.post(pending, again, expect=422))] == ["/data/attributes/email"]
    cast.ada.delete(f"invitations/{finn_id}")
    assert cast.ada.names(pending, "email") == [cast.dora.email]

    # C7: only the address that was invited sees and accepts it, once.
    assert [each["id"] for each in cast.dora.get("account/invitations")["data"]] == [dora_id]
    assert attributes(cast.dora.get(f"invitations/{dora}"))["project-name"] == "my-saas"
    cast.finn.get(f"invitations/{dora}", expect=404)
    cast.finn.post(f"invitations/{dora}/actions/accept", expect=404)
    cast.passer_by.get(f"invitations/{dora}", expect=401)
    cast.dora.get(f"projects/{project}", expect=404)
    # C6: one that is sent again has a new link, and the first is dead.
    renewed = attributes(cast.ada.post(f"invitations/{dora_id}/actions/resend", expect=200))["token"]
    cast.dora.post(f"invitations/{dora}/actions/accept", expect=404)
    cast.dora.post(f"invitations/{renewed}/actions/accept", expect=200)
    cast.dora.post(f"invitations/{renewed}/actions/accept", expect=409)
    assert attributes(cast.dora.get(f"projects/{project}"))["permissions"]["can-create-workspace"] is True
    assert _roles(cast.ada, project)["dora"] == "member"
    assert organization in [each["id"] for each in cast.dora.get("organizations")["data"]]
    assert cast.dora.get("account/invitations")["data"] == []
    assert cast.ada.get(pending)["data"] == []
    cast.finn.post(f"invitations/{finn}/actions/accept", expect=409)
    cast.finn.get(f"projects/{project}", expect=404)


def test_the_environments_of_a_project(cast: Cast, project: str) -> None:
    path = f"projects/{project}/environments"
    member(cast.ada, project, cast.cleo, "member")

    # C8: beside the default one, others with all their attributes.
    (default,) = cast.ada.get(path)["data"]
    assert (default["attributes"]["name"], default["attributes"]["is-default"]) == ("default", True)
    looks = {
        "name": "staging",
        "display-name": "Staging",
        "type": "staging",
        "description": "Pre-production environment",
        "color": "#F59E0B",
        "git-branch": "develop",
    }
    staging = made(cast.ada.post(path, document("environments", looks)))
    shown = attributes(cast.cleo.get(f"environments/{staging}"))
    assert {name: shown[name] for name in looks} == looks
    changed = cast.ada.patch(f"environments/{staging}", document("environments", {"git-branch": "main"}))
    assert (attributes(changed)["git-branch"], attributes(changed)["color"]) == ("main", "#F59E0B")
    cast.cleo.post(path, document("environments", {"name": "mine"}), expect=403)
    cast.dora.get(path, expect=404)
    taken = cast.ada.post(path, document("environments", {"name": "Staging"}), expect=422)
    assert [pointer for _, pointer in faults(taken)] == ["/data/attributes/name"]

    # C9: exactly one is the default.
    cast.ada.post(f"environments/{staging}/actions/set-default", expect=200)
    assert _defaults(cast.ada, path) == ["staging"]
    cast.ada.post(f"environments/{default['id']}/actions/set-default", expect=200)
    assert _defaults(cast.ada, path) == ["default"]

    # C10: a clone has copies of all workspaces, with variables, tags and access, without their states.
    network = _network(cast, project, staging)
    clone = document("environments", {"name": "staging-v2", "type": "staging", "description": "Cloned from staging"})
    cast.cleo.post(f"environments/{staging}/actions/clone", clone, expect=403)
    answer = cast.ada.post(f"environments/{staging}/actions/clone", clone)
    (copied,) = answer["meta"]["workspaces"]
    assert copied["source-id"] == network
    copy = cast.ada.get(f"workspaces/{copied['id']}")
    assert copy["data"]["relationships"]["project-environment"]["data"]["id"] == made(answer)
    assert (attributes(copy)["tag-names"], attributes(copy)["auto-apply"]) == (["net"], True)
    variables = {
        each["attributes"]["key"]: each["attributes"]
        for each in cast.ada.get(f"workspaces/{copied['id']}/vars")["data"]
    }
    assert variables["region"]["value"] == "eu"
    assert (variables["password"]["sensitive"], variables["password"]["value"]) == (True, None)
    assert _levels(cast.ada, copied["id"]) == _levels(cast.ada, network)
    cast.ada.post(f"environments/{staging}/actions/clone", clone, expect=422)
    assert sorted(cast.ada.names(path)) == ["default", "staging", "staging-v2"]

    # C8: one that holds workspaces goes only by force, the default one never.
    cast.ada.delete(f"environments/{staging}", expect=403)
    cast.cleo.delete(f"environments/{staging}?force=true", expect=403)
    cast.ada.delete(f"environments/{staging}?force=true")
    cast.ada.get(f"workspaces/{network}", expect=404)
    cast.ada.delete(f"environments/{default['id']}?force=true", expect=403)

    # C3: a project goes with all its resources.
    cast.ada.delete(f"projects/{project}", expect=403)
    cast.ada.delete(f"projects/{project}?force=true")
    for gone in (f"environments/{made(answer)}", f"workspaces/{copied['id']}", path, f"projects/{project}"):
        cast.ada.get(gone, expect=404)


def _network(cast: Cast, project: str, environment: str) -> str:
    sent = document(
        "workspaces",
        {"name": "network", "auto-apply": True},
        project_environment=("environments", environment),
        tags=[{"type": "tags", "attributes": {"name": "net"}}],
    )
    network = made(cast.ada.post(f"projects/{project}/workspaces", sent))
    for variable in (
        {"key": "region", "value": "eu", "category": "terraform"},
        {"key": "password", "value": SECRET, "category": "env", "sensitive": True},
    ):
        cast.ada.post(f"workspaces/{network}/vars", document("vars", variable))
    level = document("workspace-acl-entries", {"level": "developer"}, user=("users", cast.cleo.id))
    cast.ada.post(f"workspaces/{network}/acl", level)
    return network


def _roles(caller: Caller, project_id: str) -> dict[str, str]:
    members = [each["attributes"] for each in caller.get(f"projects/{project_id}/members")["data"]]
    return {each["username"]: each["role"] for each in members}


def _id_of(caller: Caller, project_id: str, username: str) -> str:
    members = caller.get(f"projects/{project_id}/members")["data"]
    return str(next(each["id"] for each in members if each["attributes"]["username"] == username))


def _levels(caller: Caller, workspace_id: str) -> dict[str, str]:
    entries = [each["attributes"] for each in caller.get(f"workspaces/{workspace_id}/acl")["data"]]
    return {entry["username"]: entry["level"] for entry in entries}


def _defaults(caller: Caller, path: str) -> list[str]:
    environments: list[dict[str, Any]] = [each["attributes"] for each in caller.get(path)["data"]]
    return [each["name"] for each in environments if each["is-default"]]
