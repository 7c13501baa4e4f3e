"""The story of HCP Terraform projects: everything that the reference of its projects API describes, in its order.

Ada owns the organization, Ben is on a team that manages projects, Cleo on one that may nothing yet.
"""

from typing import Any

import pytest

from tests.end_to_end.story import Caller, Cast, attributes, join, made, owners_of
from tests.support.api import document, faults

pytestmark = pytest.mark.one_database("postgresql")


@pytest.fixture
def organization(cast: Cast, organization: str) -> str:
    """Ada's organization."""
    join(cast.root, organization, cast.ada, team_id=owners_of(cast.root, organization))
    return organization


def team(owner: Caller, organization: str, name: str, member: Caller, **access: bool) -> str:
    """A team with organization access, and its one member."""
    flags = {flag.replace("_", "-"): given for flag, given in access.items()}
    sent = document("teams", {"name": name, "organization-access": flags})
    team_id = made(owner.post(f"organizations/{organization}/teams", sent, expect=200))
    join(owner, organization, member, team_id=team_id)
    return team_id


def project(caller: Caller, organization: str, name: str, **members: object) -> str:
    """A project, with attributes by their names in Python."""
    named = {attribute.replace("_", "-"): value for attribute, value in members.items()}
    return made(caller.post(f"organizations/{organization}/projects", document("projects", {"name": name, **named})))


def workspace(caller: Caller, organization: str, name: str, project_id: str, **members: object) -> str:
    """A workspace in the project."""
    sent = document("workspaces", {"name": name, **members}, project=("projects", project_id))
    return made(caller.post(f"organizations/{organization}/workspaces", sent))


def test_projects_are_made_and_changed(cast: Cast, organization: str) -> None:
    projects = f"organizations/{organization}/projects"
    team(cast.ada, organization, "managers", cast.ben, manage_projects=True, manage_workspaces=True)
    readers = team(cast.ada, organization, "readers", cast.cleo)

    # A7: an organization token is shown once, works, and ends when it is made anew or revoked.
    token_path = f"organizations/{organization}/authentication-token"
    first = attributes(cast.ada.post(token_path))["token"]
    assert attributes(cast.ada.get(token_path))["token"] is None
    machine = cast.bearer(attributes(cast.ada.post(token_path))["token"], "the organization")
    cast.bearer(first, "the first token").get(projects, expect=401)

    # A1: the owners team, teams that manage projects and the organization token create projects; nobody else does.
    web = project(cast.ada, organization, "Web shop", description="What customers see")
    data = project(cast.ben, organization, "Data", auto_destroy_activity_duration="14d")
    project(machine, organization, "machines_01")
    cast.cleo.post(projects, document("projects", {"name": "Lab"}), expect=404)
    cast.passer_by.post(projects, document("projects", {"name": "Lab"}), expect=401)
    for name in ("ab", "a" * 41, " edge", "Cleo's", "WEB SHOP"):
        refused = cast.ada.post(projects, document("projects", {"name": name}), expect=422)
        assert [pointer for _, pointer in faults(refused)] == ["/data/attributes/name"], name
    both = document("projects", {"name": "Good", "description": "d" * 257, "auto-destroy-activity-duration": "0d"})
    assert {pointer for _, pointer in faults(cast.ada.post(projects, both, expect=422))} == {
        "/data/attributes/description",
        "/data/attributes/auto-destroy-activity-duration",
    }

    # A2: an update is partial, and its duration reaches every workspace that has none of its own.
    lake = workspace(cast.ben, organization, "lake", data)
    pool = workspace(cast.ben, organization, "pool", data, **{"auto-destroy-activity-duration": "2h"})
    updated = cast.ben.patch(
        f"projects/{data}", document("projects", {"description": "Lakes", "auto-destroy-activity-duration": "7d"})
    )
    assert (attributes(updated)["name"], attributes(updated)["description"]) == ("Data", "Lakes")
    assert attributes(cast.ben.get(f"workspaces/{lake}"))["auto-destroy-activity-duration"] == "7d"
    assert attributes(cast.ben.get(f"workspaces/{pool}"))["auto-destroy-activity-duration"] == "2h"
    cast.ada.post("team-projects", _access("read", web, readers))
    cast.cleo.patch(f"projects/{web}", document("projects", {"name": "Mine"}), expect=404)

    # A7: revoked, the token is dead.
    cast.ada.delete(token_path)
    machine.get(projects, expect=401)


def test_projects_are_listed_shown_filled_and_deleted(cast: Cast, organization: str) -> None:
    projects = f"organizations/{organization}/projects"
    team(cast.ada, organization, "managers", cast.ben, manage_projects=True, manage_workspaces=True)
    readers = team(cast.ada, organization, "readers", cast.cleo)
    web, data, _ = (project(cast.ada, organization, name) for name in ("Web shop", "Data", "machines_01"))
    lake, pool = (workspace(cast.ben, organization, name, data) for name in ("lake", "pool"))
    cast.ada.post("team-projects", _access("read", web, readers))

    # A3: lists are paged, searched, filtered by names and by what the caller may do, and sorted.
    everything = ["Data", "Default Project", "machines_01", "Web shop"]
    assert cast.ada.names(f"{projects}?sort=name") == everything
    assert cast.ada.names(f"{projects}?sort=-name") == everything[::-1]
    page = cast.ada.get(f"{projects}?sort=name&page[number]=2&page[size]=3")
    assert [each["attributes"]["name"] for each in page["data"]] == ["Web shop"]
    assert page["meta"]["pagination"]["total-count"] == len(everything)
    assert cast.ada.get(projects)["meta"]["pagination"]["page-size"] == 20
    assert cast.ada.names(f"{projects}?q=SHOP") == ["Web shop"]
    assert cast.ada.names(f"{projects}?filter[names]=data,WEB shop&q=machines&sort=name") == ["Data", "Web shop"]
    assert cast.cleo.names(projects) == ["Web shop"]
    assert cast.cleo.names(f"{projects}?filter[permissions][update]=true") == []
    assert cast.cleo.names(f"{projects}?filter[permissions][create-workspace]=true") == []
    assert cast.ben.names(f"{projects}?filter[permissions][update]=true&sort=name") == everything

    # A4: who may not see a project gets the answer for one that is not there.
    assert attributes(cast.cleo.get(f"projects/{web}"))["permissions"]["can-update"] is False
    assert cast.cleo.get(f"projects/{data}", expect=404) == cast.cleo.get("projects/prj-none", expect=404)

    # A6: workspaces move all together or not at all.
    move = f"projects/{web}/relationships/workspaces"
    cast.ada.post(move, _workspaces(lake, "ws-none"), expect=403)
    cast.cleo.post(move, _workspaces(lake), expect=404)
    assert cast.ada.get(f"workspaces/{lake}")["data"]["relationships"]["project"]["data"]["id"] == data
    cast.ada.post(move, _workspaces(lake, pool), expect=204)
    assert cast.ada.get(f"workspaces/{lake}")["data"]["relationships"]["project"]["data"]["id"] == web

    # A5: a project goes when it is empty, or by force of those who may use it.
    cast.ada.delete(f"projects/{web}", expect=403)
    cast.ben.delete(f"projects/{web}?force=true", expect=403)
    cast.cleo.delete(f"projects/{web}", expect=404)
    cast.ben.delete(f"projects/{data}")
    cast.ada.delete(f"projects/{web}?force=true")
    cast.ada.get(f"workspaces/{lake}", expect=404)
    assert cast.ada.names(f"{projects}?sort=name") == ["Default Project", "machines_01"]


def _access(level: str, project_id: str, team_id: str) -> dict[str, Any]:
    sides: dict[str, Any] = {"project": ("projects", project_id), "team": ("teams", team_id)}
    return document("team-projects", {"access": level}, **sides)


def _workspaces(*identifiers: str) -> dict[str, Any]:
    return {"data": [{"type": "workspaces", "id": identifier} for identifier in identifiers]}
