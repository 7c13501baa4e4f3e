"""The story of projects with permissions and activity: each project and workspace by its id, and a record of it all.

Ada owns the organization and Ben administers the site. In the project Cleo is a member and Dora a viewer; Finn belongs
to the organization and has no role.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.story import Caller, Cast, attributes, join, made, owners_of
from tests.support.api import document, faults

pytestmark = pytest.mark.one_database("postgresql")

SECRET = "s3cret-value-that-nobody-reads-again"


@pytest.fixture
def organization(cast: Cast, organization: str) -> str:
    """Ada's organization, to which all but Ben belong."""
    join(cast.root, organization, cast.ada, team_id=owners_of(cast.root, organization))
    join(cast.ada, organization, cast.cleo, cast.dora, cast.finn)
    return organization


@pytest.fixture
def project(cast: Cast, organization: str) -> str:
    """Ada's project with its members."""
    project_id = made(cast.ada.post(f"organizations/{organization}/projects", document("projects", {"name": "Shop"})))
    for person, role in ((cast.cleo, "member"), (cast.dora, "viewer")):
        sent = document("project-members", {"role": role}, user=("users", person.id))
        cast.ada.post(f"projects/{project_id}/members", sent)
    return project_id


@pytest.fixture
def administrator(cast: Cast) -> Iterator[Caller]:
    """Ben, as long as the story lasts (B8)."""
    cast.root.patch(f"users/{cast.ben.id}", document("users", {"site-role": "admin"}))
    yield cast.ben
    cast.root.patch(f"users/{cast.ben.id}", document("users", {"site-role": "user"}))


def workspace(caller: Caller, project_id: str, name: str, **members: object) -> str:
    """A workspace of the project."""
    return made(caller.post(f"projects/{project_id}/workspaces", document("workspaces", {"name": name, **members})))


def test_a_project_from_its_first_look_to_its_end(cast: Cast, project: str) -> None:
    path = f"projects/{project}"

    # B1: whoever may view the project sees it, with what he may do there.
    assert attributes(cast.ada.get(path))["permissions"]["can-destroy"] is True
    seen = attributes(cast.dora.get(path))["permissions"]
    assert (seen["can-read"], seen["can-update"], seen["can-destroy"]) == (True, False, False)
    assert cast.finn.get(path, expect=404) == cast.ada.get("projects/prj-none", expect=404)
    cast.passer_by.get(path, expect=401)

    # B2: name, description and cloud provider, each for itself.
    assert "aws" in [each["id"] for each in cast.dora.get("cloud-providers")["data"]]
    cast.ada.patch(path, document("projects", {"name": "Web shop"}))
    cast.ada.patch(path, document("projects", {"description": "Sells"}))
    updated = cast.ada.patch(path, document("projects", cloud_provider=("cloud-providers", "aws")))
    assert (attributes(updated)["name"], attributes(updated)["description"]) == ("Web shop", "Sells")
    assert updated["data"]["relationships"]["cloud-provider"]["data"]["id"] == "aws"
    short = cast.ada.patch(path, document("projects", {"name": "x"}), expect=422)
    assert [pointer for _, pointer in faults(short)] == ["/data/attributes/name"]
    nowhere = document("projects", cloud_provider=("cloud-providers", "nowhere"))
    refused = faults(cast.ada.patch(path, nowhere, expect=422))
    assert [pointer for _, pointer in refused] == ["/data/relationships/cloud-provider"]
    cast.dora.patch(path, document("projects", {"name": "Mine"}), expect=404)

    # B3: only who may delete it does, and then it is gone for everybody.
    for person in (cast.finn, cast.dora, cast.cleo):
        person.delete(path, expect=404)
    cast.ada.delete(path)
    for person in (cast.ada, cast.dora):
        person.get(path, expect=404)


def test_the_workspaces_of_a_project(cast: Cast, organization: str, project: str, administrator: Caller) -> None:
    path = f"projects/{project}/workspaces"

    # B5: who has a role that creates gets a level on what he made; who only looks is refused, who sees nothing finds
    # nothing.
    network = workspace(cast.cleo, project, "network")
    database = workspace(cast.ada, project, "database")
    assert _levels(cast.ada, network)["cleo"] == "developer"
    cast.dora.post(path, document("workspaces", {"name": "mine"}), expect=403)
    cast.finn.post(path, document("workspaces", {"name": "mine"}), expect=404)
    for name in ("", "not a name", "network"):
        refused = cast.cleo.post(path, document("workspaces", {"name": name}), expect=422)
        assert {pointer for _, pointer in faults(refused)} == {"/data/attributes/name"}, name

    # B4, B8: administrators see all of them, the others those that they reach.
    level = document("workspace-acl-entries", {"level": "user"}, user=("users", cast.finn.id))
    cast.ada.post(f"workspaces/{database}/acl", level)
    for everything in (cast.root, administrator, cast.ada, cast.dora):
        assert sorted(everything.names(path)) == ["database", "network"], everything.name
    assert cast.finn.names(path) == ["database"]
    assert cast.finn.get(path)["meta"]["pagination"]["total-count"] == 1
    assert attributes(administrator.get("account/details"))["site-role"] == "admin"
    assert organization in [each["id"] for each in administrator.get("organizations")["data"]]
    administrator.patch(f"users/{cast.finn.id}", document("users", {"site-role": "admin"}), expect=404)

    # B6: each by its id inside its project, and in no other.
    other = made(cast.ada.post(f"organizations/{organization}/projects", document("projects", {"name": "Other"})))
    assert attributes(cast.dora.get(f"{path}/{network}"))["iac-tool"] == "terraform"
    changed = cast.ada.patch(f"{path}/{network}", document("workspaces", {"name": "net", "iac-tool": "opentofu"}))
    assert (attributes(changed)["name"], attributes(changed)["iac-tool"]) == ("net", "opentofu")
    refused = cast.ada.patch(f"{path}/{network}", document("workspaces", {"iac-tool": "pulumi"}), expect=422)
    assert [pointer for _, pointer in faults(refused)] == ["/data/attributes/iac-tool"]
    elsewhere = f"projects/{other}/workspaces/{network}"
    cast.ada.get(elsewhere, expect=404)
    cast.ada.patch(elsewhere, document("workspaces", {"name": "stolen"}), expect=404)
    cast.ada.delete(elsewhere, expect=404)
    cast.dora.patch(f"{path}/{network}", document("workspaces", {"name": "mine"}), expect=404)
    cast.finn.get(f"{path}/{network}", expect=404)

    # B7: without a token only what the project opts to show, and nothing more than what is harmless.
    cast.passer_by.get(f"{path}/{network}", expect=401)
    cast.ada.patch(f"projects/{project}", document("projects", {"public-read": True}))
    public = cast.passer_by.get(f"{path}/{network}")
    assert attributes(public)["name"] == "net"
    assert set(attributes(public)) == {
        "name",
        "description",
        "title",
        "iac-tool",
        "terraform-version",
        "created-at",
        "updated-at",
    }
    assert cast.finn.get(f"{path}/{network}") == public
    cast.passer_by.patch(f"{path}/{network}", document("workspaces", {"name": "mine"}), expect=401)
    cast.passer_by.get(path, expect=401)
    cast.ada.patch(f"projects/{project}", document("projects", {"public-read": False}))
    cast.passer_by.get(f"{path}/{network}", expect=401)

    # B6: deleted by who may, and gone.
    cast.dora.delete(f"{path}/{network}", expect=404)
    cast.dora.delete(f"{path}/{network}?force=true", expect=403)
    cast.ada.delete(f"{path}/{network}")
    cast.ada.get(f"{path}/{network}", expect=404)
    assert cast.ada.names(path) == ["database"]


def test_the_record_of_what_happened(cast: Cast, organization: str, project: str) -> None:
    # B9: every change leaves an event, with who, what, from what to what, when and in which request.
    network = workspace(cast.cleo, project, "network")
    answer = cast.ada.raw(
        "PATCH",
        f"projects/{project}/workspaces/{network}",
        b'{"data": {"type": "workspaces", "attributes": {"iac-tool": "opentofu"}}}',
    )
    assert answer.status_code == 200
    variable = {"key": "password", "value": SECRET, "category": "terraform", "sensitive": True}
    cast.cleo.post(f"workspaces/{network}/vars", document("vars", variable))

    events = _events(cast.ada, f"workspaces/{network}/activity-events")
    # The creator's entry comes in the same moment, before or after.
    assert {event["action"] for event in events[-2:]} == {"workspaces.create", "workspace-acl-entries.create"}
    (update,) = [event for event in events if event["action"] == "workspaces.update"]
    assert (update["actor"]["name"], update["subject"]["id"]) == ("ada", network)
    assert update["changes"] == {"iac-tool": {"before": "terraform", "after": "opentofu"}}
    assert update["request-id"] == answer.headers["X-Request-Id"]
    assert update["created-at"].endswith("Z")

    # Filtered by action, actor, subject and time; for the organization, the project and the workspace.
    of_project = f"projects/{project}/activity-events"
    assert _actions(cast.ada, f"{of_project}?filter[actor]=cleo&filter[action]=workspaces.*") == ["workspaces.create"]
    assert set(_actions(cast.ada, f"{of_project}?filter[subject]={project}")) == {"projects.create"}
    stamp = update["created-at"]
    assert "workspaces.create" not in _actions(cast.ada, f"{of_project}?filter[from]={stamp}")
    assert "workspaces.create" in _actions(cast.ada, f"{of_project}?filter[to]={stamp}")
    assert "projects.create" in _actions(cast.ada, f"organizations/{organization}/activity-events")

    # What is secret never is in it; who may not see the project reads nothing.
    whole = cast.ada.raw("GET", f"organizations/{organization}/activity-events?page[size]=100")
    assert "vars.create" in whole.text
    assert SECRET not in whole.text
    assert "workspaces.update" in _actions(cast.dora, of_project)
    cast.finn.get(of_project, expect=404)
    assert _actions(cast.finn, f"organizations/{organization}/activity-events") == []

    # The record stays when its subject goes.
    cast.ada.delete(f"projects/{project}/workspaces/{network}")
    assert _actions(cast.ada, of_project)[0] == "workspaces.delete"


def _levels(caller: Caller, workspace_id: str) -> dict[str, str]:
    entries = [each["attributes"] for each in caller.get(f"workspaces/{workspace_id}/acl")["data"]]
    return {entry["username"]: entry["level"] for entry in entries}


def _events(caller: Caller, path: str) -> list[dict[str, Any]]:
    return [each["attributes"] for each in caller.get(path)["data"]]


def _actions(caller: Caller, path: str) -> list[str]:
    return [event["action"] for event in _events(caller, path)]
