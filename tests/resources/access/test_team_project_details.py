"""The levels of a team's access to a project and their details: shown, sent, merged, and what they grant."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from app.authz import custom_access, roles
from app.models import ActivityEvent, Organization, Project, TeamProject
from app.models.team_projects import ACCESS_LEVELS
from app.resources.access.levels import details_in_force
from app.resources.access.team_projects.details import DETAILS, PROJECT_DETAILS
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

FIXED = ("read", "write", "maintain", "admin")

# The table of the specification, cell by cell.
LEVELS = """
                    read    write   maintain  admin   custom
settings          | read    read    read      delete  read
teams             | none    none    none      manage  none
variable-sets     | none    write   write     write   none
runs              | read    apply   apply     apply   read
variables         | read    write   write     write   none
state-versions    | read    write   write     write   none
sentinel-mocks    | none    read    read      read    none
create            | no      no      yes       yes     no
locking           | no      yes     yes       yes     no
delete            | no      no      yes       yes     no
move              | no      no      no        yes     no
run-tasks         | no      no      yes       yes     no
policy-overrides  | no      no      no        no      no
"""
FLAGS = {"yes": True, "no": False}


def details_of(level: str) -> dict[str, Any]:
    head, *lines = LEVELS.strip().splitlines()
    at = head.split().index(level)
    cells = {line.split("|")[0].strip(): line.split("|")[1].split()[at] for line in lines}
    return {name: FLAGS.get(cell, cell) for name, cell in cells.items()}


def shown_details(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {**attributes["project-access"], **attributes["workspace-access"]}


def grant(team_id: str, project_id: str, access: Any = "read", **objects: Any) -> dict[str, Any]:
    attributes = {"access": access, **{name.replace("_", "-"): given for name, given in objects.items()}}
    return document("team-projects", attributes, team=("teams", team_id), project=("projects", project_id))


def change(access: str | None = None, **objects: Any) -> dict[str, Any]:
    attributes = {name.replace("_", "-"): given for name, given in objects.items()}
    return document("team-projects", attributes | ({"access": access} if access else {}))


def grouped(details: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The details in the two objects that a client sends."""
    return {
        "project_access": {name: value for name, value in details.items() if name in PROJECT_DETAILS},
        "workspace_access": {name: value for name, value in details.items() if name not in PROJECT_DETAILS},
    }


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "plans")


@pytest.mark.one_database
@pytest.mark.parametrize("access", ACCESS_LEVELS)
@pytest.mark.parametrize("type_", ["team-projects", "team-project-access"])
def test_every_level_is_shown_with_all_its_details(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, *, access: str, type_: str
) -> None:
    team = world.team(acme, name="platform")
    sent = grant(team.id, project.id, access)
    sent["data"]["type"] = type_
    created = api.post("/team-projects", owner.token, sent)["data"]
    details = grouped(details_of(access))
    address = f"/team-projects/{created['id']}"
    assert created["id"].startswith("tprj-")
    assert created == {
        "id": created["id"],
        "type": "team-projects",
        "attributes": {
            "access": access,
            "project-access": details["project_access"],
            "workspace-access": details["workspace_access"],
            "expires-at": None,
        },
        "relationships": {
            "team": {"data": {"id": team.id, "type": "teams"}, "links": {"related": f"/api/v2/teams/{team.id}"}},
            "project": {
                "data": {"id": project.id, "type": "projects"},
                "links": {"related": f"/api/v2/projects/{project.id}"},
            },
        },
        "links": {"self": f"/api/v2{address}"},
    }
    assert api.get(address, owner.token)["data"] == created
    assert api.get(f"/team-projects?filter[project][id]={project.id}", owner.token)["data"] == [created]
    api.delete(address, owner.token)
    api.delete(address, owner.token, expect=404)
    api.get(address, owner.token, expect=404)
    events = {event.action: event for event in world.all(ActivityEvent)}
    made, gone = events["team-projects.create"], events["team-projects.delete"]
    assert (made.project_id, made.changes["team"]) == (project.id, [None, "platform"])
    assert gone.changes == {"team": ["platform", None], "access": [access, None]}


@pytest.mark.parametrize("value", [None, {}, {"settings": None, "runs": None, "no-such-detail": 1}])
def test_objects_that_mention_no_detail(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, *, value: Any
) -> None:
    sent = grant(world.team(acme).id, project.id, "write", project_access=value, workspace_access=value)
    assert api.post("/team-projects", owner.token, sent)["data"]["attributes"]["access"] == "write"


CHOICES = [(name, value) for name, detail in DETAILS.items() for value in detail.values]


@pytest.mark.one_database
def test_a_custom_access_has_every_value(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, subtests: pytest.Subtests
) -> None:
    for name, value in CHOICES:
        with subtests.test(name, value=value):
            team = world.team(acme)
            member = world.member(acme, team)
            sent = grant(team.id, project.id, "custom", **grouped({name: value}))
            attributes = api.post("/team-projects", owner.token, sent)["data"]["attributes"]
            assert shown_details(attributes) == details_of("custom") | {name: value}
            api.get(f"/projects/{project.id}", member.token)


@pytest.mark.one_database
def test_details_of_a_fixed_level_are_read_only(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, subtests: pytest.Subtests
) -> None:
    for access, name in product(FIXED, DETAILS):
        with subtests.test(name, access=access):
            detail = DETAILS[name]
            objects = grouped({name: detail.values[0]})
            group = "project-access" if name in PROJECT_DETAILS else "workspace-access"
            words = name.replace("-", " ").capitalize()
            fixed = f"{words} is read-only when access level is '{access}'"
            remedy = "use the 'custom' access level to set this attribute."
            expected = (f"{fixed}; {remedy}", f"/data/attributes/{group}/{name}")
            team = world.team(acme)
            sent = grant(team.id, project.id, access, **objects)
            assert faults(api.post("/team-projects", owner.token, sent, expect=422)) == [expected]
            kept = world.access(team, project, access)
            answer = api.patch(f"/team-projects/{kept.id}", owner.token, change(None, **objects), expect=422)
            assert faults(answer) == [expected]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("group", "given", "detail", "at"),
    [
        ("project-access", {"settings": "none"}, "Settings is not included in the list", "/settings"),
        ("project-access", {"teams": "write"}, "Teams is not included in the list", "/teams"),
        ("project-access", {"variable-sets": 1}, "Variable sets is not included in the list", "/variable-sets"),
        ("project-access", {"settings": ["read"]}, "Settings is not included in the list", "/settings"),
        ("workspace-access", {"runs": "none"}, "Runs is not included in the list", "/runs"),
        ("workspace-access", {"runs": True}, "Runs is not included in the list", "/runs"),
        (
            "workspace-access",
            {"state-versions": "all"},
            "State versions is not included in the list",
            "/state-versions",
        ),
        ("workspace-access", {"create": "yes"}, "Create must be true or false", "/create"),
        ("workspace-access", {"run-tasks": 1}, "Run tasks must be true or false", "/run-tasks"),
        ("workspace-access", {"move": 0}, "Move must be true or false", "/move"),
        ("project-access", [], "Project access must be an object", ""),
        ("workspace-access", "all", "Workspace access must be an object", ""),
    ],
)
def test_details_that_are_refused(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    project: Project,
    *,
    group: str,
    given: Any,
    detail: str,
    at: str,
) -> None:
    sent = grant(world.team(acme).id, project.id, "custom", **{group: given})
    answer = api.post("/team-projects", owner.token, sent, expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{group}{at}")]
    assert world.all(TeamProject) == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("access", "detail"),
    [
        ("owner", "Access is not included in the list"),
        ("", "Access is not included in the list"),
        (7, "Access is not included in the list"),
        (None, "Access can't be blank"),
    ],
)
def test_levels_that_there_are_not(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, *, access: Any, detail: str
) -> None:
    team = world.team(acme)
    expected = [(detail, "/data/attributes/access")]
    sent = grant(team.id, project.id, access)
    assert faults(api.post("/team-projects", owner.token, sent, expect=422)) == expected
    kept = world.access(team, project, "read")
    sent = document("team-projects", {"access": access})
    assert faults(api.patch(f"/team-projects/{kept.id}", owner.token, sent, expect=422)) == expected


def test_an_update_of_a_custom_access_merges(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    access = world.access(world.team(acme, name="platform"), project, "write")

    def update(level: str | None = None, **details: Any) -> dict[str, Any]:
        given = {name.replace("_", "-"): value for name, value in details.items()}
        shown = api.patch(f"/team-projects/{access.id}", owner.token, change(level, **grouped(given)))["data"]
        assert api.get(f"/team-projects/{access.id}", owner.token)["data"] == shown
        return shown_details(shown["attributes"])

    written = details_of("write")
    assert update("custom", teams="read") == written | {"teams": "read"}, "it keeps what it had"
    assert update(runs="plan", move=True) == written | {"teams": "read", "runs": "plan", "move": True}
    assert update("custom", move=False) == written | {"teams": "read", "runs": "plan"}
    assert update("admin") == details_of("admin")
    assert update("read") == details_of("read")
    assert update() == details_of("read")
    assert update("custom") == details_of("read")
    events = [event.changes for event in world.all(ActivityEvent) if event.action == "team-projects.update"]
    assert len(events) == 6, "an update that changes nothing leaves no event"
    assert ["custom", "admin"] in [changes.get("access") for changes in events]
    assert {tuple(changes["team"]) for changes in events} == {("platform", "platform")}


# --- what details grant --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", FIXED)
def test_a_level_grants_at_least_what_its_details_do(level: str) -> None:
    granted = custom_access.custom_project_level(frozenset(details_in_force(DETAILS, level, None).items()))
    assert granted <= roles.PROJECT_LEVELS[level]


@pytest.mark.parametrize("detail", [("runs", "everything"), ("no-such-detail", "admin"), ("no-such-flag", True)])
def test_what_nobody_defined_grants_nothing(detail: tuple[str, str | bool]) -> None:
    assert custom_access.custom_project_level(frozenset({detail})) == custom_access.custom_project_level(frozenset())
