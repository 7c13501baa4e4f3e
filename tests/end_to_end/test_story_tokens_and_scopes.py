"""The story of organization projects with tokens, scopes and wipe: people with a place, programs with a role.

Ada owns the organization; Ben, Cleo and Dora belong to it. Ada makes Ben admin of the project, Cleo a member in one
environment, Dora a member in some cells.
"""

from typing import Any

import pytest

from tests.end_to_end.story import Caller, Cast, attributes, join, made, owners_of
from tests.support.api import document, faults

pytestmark = pytest.mark.one_database("postgresql")


@pytest.fixture
def organization(cast: Cast, organization: str) -> str:
    """Ada's organization, with Ben, Cleo and Dora."""
    join(cast.root, organization, cast.ada, team_id=owners_of(cast.root, organization))
    join(cast.ada, organization, cast.ben, cast.cleo, cast.dora)
    return organization


@pytest.fixture
def project(cast: Cast, organization: str) -> str:
    """Ada's project."""
    sent = document("projects", {"name": "Platform", "slug": "platform"})
    return made(cast.ada.post(f"organizations/{organization}/projects", sent))


def member(caller: Caller, project_id: str, person: Caller, role: str, environment: str | None = None) -> str:
    """A role of the person in the project, or in one environment of it."""
    place: dict[str, Any] = {"environment": ("environments", environment)} if environment else {}
    sent = document("project-members", {"role": role}, user=("users", person.id), **place)
    return made(caller.post(f"projects/{project_id}/members", sent))


def workspace(caller: Caller, project_id: str, name: str, environment: str | None = None, **members: object) -> str:
    """A workspace of the project, in its default environment unless another is named."""
    place: dict[str, Any] = {"project_environment": ("environments", environment)} if environment else {}
    sent = document("workspaces", {"name": name, **members}, **place)
    return made(caller.post(f"projects/{project_id}/workspaces", sent))


def token(caller: Caller, project_id: str, role: str, **members: object) -> tuple[str, str]:
    """The id of a token of the project, and its text."""
    sent = document("authentication-tokens", {"role": role, **members})
    answer = caller.post(f"projects/{project_id}/authentication-tokens", sent)
    return made(answer), attributes(answer)["token"]


def test_projects_with_slugs_and_metadata(cast: Cast, organization: str) -> None:
    projects = f"organizations/{organization}/projects"
    cast.passer_by.get(projects, expect=401)
    cast.passer_by.post(projects, document("projects", {"name": "Shop"}), expect=401)

    # D1: a slug as given or made from the name; the default environment; the creator owns the project.
    shop = cast.ada.post(projects, document("projects", {"name": "Web Shop", "slug": "shop"}))
    assert attributes(shop)["slug"] == "shop"
    made_up = cast.ada.post(projects, document("projects", {"name": "Data Lake"}))
    assert attributes(made_up)["slug"] == "data-lake"
    taken = cast.ada.post(projects, document("projects", {"name": "Another", "slug": "shop"}), expect=422)
    assert [where for _, where in faults(taken)] == ["/data/attributes/slug"]
    assert cast.ada.names(f"projects/{made(shop)}/environments") == ["default"]
    (owner,) = cast.ada.get(f"projects/{made(shop)}/members")["data"]
    assert (owner["attributes"]["username"], owner["attributes"]["role"]) == ("ada", "owner")
    cast.ben.post(projects, document("projects", {"name": "Mine"}), expect=404)
    assert sorted(cast.ada.names(projects)) == ["Data Lake", "Default Project", "Web Shop"]
    assert cast.ben.names(projects) == []

    # D2: name and metadata change for themselves; null and the empty object are two things.
    path = f"projects/{made(shop)}"
    kept = {"team": {"name": "shop", "on-call": ["ada", "ben"]}}
    updated = cast.ada.patch(path, document("projects", {"name": "Shop", "metadata": kept}))
    assert (attributes(updated)["name"], attributes(updated)["metadata"]) == ("Shop", kept)
    assert attributes(cast.ada.patch(path, document("projects", {"name": "The Shop"})))["metadata"] == kept
    assert attributes(cast.ada.patch(path, document("projects", {"metadata": {}})))["metadata"] == {}
    assert attributes(cast.ada.patch(path, document("projects", {"metadata": None})))["metadata"] is None
    wrongs: list[object] = [[], "text", {"long": "x" * 16 * 1024}]
    for wrong in wrongs:
        refused = cast.ada.patch(path, document("projects", {"metadata": wrong}), expect=422)
        assert [where for _, where in faults(refused)] == ["/data/attributes/metadata"]
    member(cast.ada, made(shop), cast.cleo, "member")
    cast.cleo.patch(path, document("projects", {"name": "Mine"}), expect=404)
    cast.cleo.delete(path, expect=404)
    cast.ada.delete(path)
    cast.ada.get(path, expect=404)


def test_roles_that_hold_in_one_place(cast: Cast, project: str) -> None:
    path = f"projects/{project}/workspaces"
    staging = made(cast.ada.post(f"projects/{project}/environments", document("environments", {"name": "staging"})))
    member(cast.ada, project, cast.ben, "admin")

    # D3: a role in one environment holds there and nowhere else; an unknown environment is a fault of the request.
    unknown = document(
        "project-members", {"role": "member"}, user=("users", cast.cleo.id), environment=("environments", "env-none")
    )
    refused = cast.ben.post(f"projects/{project}/members", unknown, expect=400)
    assert [where for _, where in faults(refused)] == ["/data/relationships/environment"]
    member(cast.ben, project, cast.cleo, "member", staging)
    tests = workspace(cast.ben, project, "tests", staging)
    live = workspace(cast.ben, project, "live", cell="east")
    west = workspace(cast.ben, project, "spare", cell="west")
    assert cast.cleo.names(path) == ["tests"]
    assert cast.cleo.names(f"projects/{project}/environments") == ["staging"]
    cast.cleo.get(f"workspaces/{live}", expect=404)
    workspace(cast.cleo, project, "more-tests", staging)
    cast.cleo.post(path, document("workspaces", {"name": "live-2"}), expect=403)
    assert '"live"' not in cast.cleo.raw("GET", f"projects/{project}/activity-events").text

    # D4: null is every cell, a list restricts; nothing of another cell is seen or touched.
    dora = member(cast.ben, project, cast.dora, "member")
    assert sorted(cast.dora.names(path)) == ["live", "more-tests", "spare", "tests"]
    _scope(cast.ben, dora, ["east", "north"])
    assert cast.dora.names(path) == ["live"]
    cast.dora.get(f"workspaces/{west}", expect=404)
    cast.dora.post(f"workspaces/{west}/actions/lock", {"reason": "mine"}, expect=404)
    cast.dora.post(f"workspaces/{live}/actions/lock", {"reason": "mine"}, expect=200)
    workspace(cast.dora, project, "northern", cell="north")
    cast.dora.post(path, document("workspaces", {"name": "western", "cell": "west"}), expect=403)
    cast.dora.put(f"project-members/{dora}/cell-scopes", _cells(None), expect=403)
    cast.ben.put(f"project-members/{dora}/cell-scopes", _cells("east"), expect=422)
    cast.ben.put("project-members/pm-none/cell-scopes", _cells(None), expect=404)
    # What she made herself she has a level on, as long as she has a role.
    _scope(cast.ben, dora, [])
    assert cast.dora.names(path) == ["northern"]
    _scope(cast.ben, dora, None)
    assert len(cast.dora.names(path)) == 5
    cast.ben.delete(f"project-members/{dora}")
    cast.dora.get(f"workspaces/{tests}", expect=404)
    cast.dora.get(path, expect=404)


def test_programs_that_wipe_a_project(cast: Cast, organization: str, project: str) -> None:
    tokens = f"projects/{project}/authentication-tokens"
    other = made(cast.ada.post(f"organizations/{organization}/projects", document("projects", {"name": "Other"})))
    member(cast.ada, project, cast.ben, "admin")
    member(cast.ada, project, cast.cleo, "member")

    # D5: a token has a role in its project and nothing elsewhere; its text is told once.
    viewer_id, text = token(cast.ben, project, "viewer", description="dashboard")
    viewer = cast.bearer(text, "a viewer's token")
    writer = cast.bearer(token(cast.ben, project, "member", description="writer")[1], "a member's token")
    admin_id, admin_text = token(cast.ben, project, "admin", description="wiper")
    admin = cast.bearer(admin_text, "an admin's token")
    cast.ben.post(tokens, document("authentication-tokens", {"role": "owner"}), expect=403)
    cast.cleo.post(tokens, document("authentication-tokens", {"role": "viewer"}), expect=404)
    listed = cast.ben.raw("GET", tokens)
    assert admin_id in listed.text
    assert admin_text not in listed.text
    assert attributes(viewer.get(f"projects/{project}"))["permissions"]["can-wipe"] is False
    viewer.get(f"projects/{other}", expect=404)
    assert viewer.names(f"organizations/{organization}/projects") == ["Platform"]
    cast.ben.delete(f"authentication-tokens/{viewer_id}")
    viewer.get(f"projects/{project}", expect=401)

    # D6: links to repositories, without credentials.
    links = f"projects/{project}/repository-links"
    link = made(cast.ben.post(links, document("repository-links", {"url": "https://github.com/acme/platform"})))
    leak = document("repository-links", {"url": "https://me:secret@github.com/acme/platform"})
    assert [where for _, where in faults(cast.ben.post(links, leak, expect=422))] == ["/data/attributes/url"]
    gone = made(cast.ben.post(links, document("repository-links", {"url": "git@git.acme.test:web.git"})))
    cast.ben.delete(f"repository-links/{gone}")
    cast.cleo.delete(f"repository-links/{link}", expect=404)

    # D7: whoever is admin or owner there wipes what the project holds, and all that stays is still there.
    staging = made(cast.ada.post(f"projects/{project}/environments", document("environments", {"name": "staging"})))
    network = workspace(writer, project, "network", staging)
    writer.post(f"workspaces/{network}/vars", document("vars", {"key": "a", "value": "b", "category": "env"}))
    spared = workspace(cast.ada, other, "spared")
    wipe = f"projects/{project}/actions/wipe"
    for person in (writer, cast.cleo):
        person.post(wipe, expect=403)
    admin.post(f"projects/{other}/actions/wipe", expect=404)
    counts = attributes(admin.post(wipe, expect=200))["counts"]
    assert (counts["workspaces"], counts["vars"]) == (1, 1)
    again = attributes(admin.post(wipe, expect=200))["counts"]
    assert set(again) == set(counts)
    assert set(again.values()) == {0}
    cast.ada.get(f"workspaces/{network}", expect=404)
    cast.ada.get(f"workspaces/{spared}")
    assert sorted(cast.ada.names(f"projects/{project}/members", "username")) == ["ada", "ben", "cleo"]
    assert sorted(cast.ada.names(f"projects/{project}/environments")) == ["default", "staging"]
    assert [each["id"] for each in cast.ada.get(links)["data"]] == [link]
    assert sorted(cast.ada.names(tokens, "role")) == ["admin", "member"]


def _scope(caller: Caller, member_id: str, cells: list[str] | None) -> None:
    shown = caller.put(f"project-members/{member_id}/cell-scopes", _cells(cells))
    assert attributes(shown)["cell-scopes"] == cells


def _cells(cells: object) -> dict[str, Any]:
    return document("project-members", {"cell-scopes": cells})
