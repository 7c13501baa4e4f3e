"""Environments of a project: making, reading, changing."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models import Environment, Organization, Project
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

MISSING = "env-1111111111111111"
FULL = {
    "name": "staging",
    "display-name": "Staging",
    "type": "staging",
    "description": "Pre-production environment",
    "color": "#F59E0B",
    "git-branch": "develop",
}
PATTERN = (
    "Name may only contain letters, numbers, hyphens, and underscores, "
    "and may only begin and end with a letter or a number"
)


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with its default environment."""
    return world.project(acme, "platform")


def names(answer: Any) -> list[str]:
    return [item["attributes"]["name"] for item in answer["data"]]


def test_an_environment_has_all_that_it_was_given(api: Api, project: Project, owner: Person) -> None:
    made = api.post(f"/projects/{project.id}/environments", owner.token, document("environments", FULL))["data"]
    shown = api.get(f"/environments/{made['id']}", owner.token)["data"]
    assert shown == made
    assert made["id"].startswith("env-")
    assert made["attributes"] | FULL == made["attributes"]
    assert set(made["attributes"]) - set(FULL) == {
        "is-default",
        "workspace-count",
        "created-at",
        "updated-at",
        "permissions",
    }
    assert (made["attributes"]["is-default"], made["attributes"]["workspace-count"]) == (False, 0)
    assert made["attributes"]["permissions"] == {
        "can-update": True,
        "can-destroy": True,
        "can-set-default": True,
        "can-clone": True,
        "can-create-workspace": True,
    }
    assert made["relationships"] == {
        "project": {
            "data": {"id": project.id, "type": "projects"},
            "links": {"related": f"/api/v2/projects/{project.id}"},
        },
    }
    assert made["links"] == {"self": f"/api/v2/environments/{made['id']}"}


def test_an_environment_needs_nothing_but_a_name(api: Api, project: Project, owner: Person) -> None:
    path = f"/projects/{project.id}/environments"
    made = api.post(path, owner.token, document("environments", {"name": "a"}))["data"]["attributes"]
    assert {made[name] for name in FULL if name != "name"} == {None}


def test_what_is_left_out_stays_and_null_empties(api: Api, project: Project, owner: Person) -> None:
    path = f"/projects/{project.id}/environments"
    made = api.post(path, owner.token, document("environments", FULL))["data"]
    sent = document("environments", {"description": None, "color": "#000000"})
    changed = api.patch(f"/environments/{made['id']}", owner.token, sent)["data"]["attributes"]
    assert {name: changed[name] for name in FULL} == {**FULL, "description": None, "color": "#000000"}
    assert changed["updated-at"] >= made["attributes"]["updated-at"]


def test_what_a_client_may_not_set_is_ignored(api: Api, world: World, project: Project, owner: Person) -> None:
    other = world.project(world.organization(owner=owner))
    sent = document("environments", {"name": "new", "is-default": True, "workspace-count": 7})
    sent["data"]["relationships"] = {"project": {"data": {"type": "projects", "id": other.id}}}
    made = api.post(f"/projects/{project.id}/environments", owner.token, sent)["data"]
    assert (made["attributes"]["is-default"], made["attributes"]["workspace-count"]) == (False, 0)
    assert made["relationships"]["project"]["data"]["id"] == project.id


FAULTS: list[tuple[str, Any, str]] = [
    ("name", None, "Name can't be blank"),
    ("name", "", "Name can't be blank"),
    ("name", 7, "Name must be a string"),
    ("name", "a" * 64, "Name is too long (maximum is 63 characters)"),
    *(("name", name, PATTERN) for name in ("-a", "a-", "_a", "a b", "a.b", "ä", "a/b", "a\n")),
    ("display-name", "", "Display name can't be blank"),
    ("display-name", "a" * 257, "Display name is too long (maximum is 256 characters)"),
    ("type", "a" * 64, "Type is too long (maximum is 63 characters)"),
    ("type", " ", "Type can't be blank"),
    ("description", "a" * 2_001, "Description is too long (maximum is 2000 characters)"),
    ("description", ["a"], "Description must be a string"),
    *(
        ("color", color, "Color must be a color such as #F59E0B")
        for color in ("red", "#12345", "#12345g", "123456", "#123", "", "#12345\n")
    ),
    *(("git-branch", branch, "Git branch is invalid") for branch in ("a b", "a~1", "a:b", "a\\b", "a?", "a\x01")),
    ("git-branch", "a" * 256, "Git branch is too long (maximum is 255 characters)"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("member", "value", "fault"), FAULTS, ids=[f"{name}={value!r:.20}" for name, value, _ in FAULTS]
)
def test_each_fault_names_its_member(
    api: Api, world: World, project: Project, owner: Person, *, member: str, value: Any, fault: str
) -> None:
    expected = (fault, f"/data/attributes/{member}")
    sent = document("environments", {"name": "fine", member: value})
    assert expected in faults(api.post(f"/projects/{project.id}/environments", owner.token, sent, expect=422))
    sent = document("environments", {member: value})
    path = f"/environments/{world.default_environment(project).id}"
    assert expected in faults(api.patch(path, owner.token, sent, expect=422))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "a" * 63),
        ("name", "A_b-9"),
        ("display-name", "ä" * 256),
        ("type", "a" * 63),
        ("description", "a" * 2_000),
        ("description", ""),
        ("color", "#abCDef"),
        ("git-branch", "feature/" + "a" * 247),
    ],
    ids=str,
)
def test_at_the_limit_all_is_well(api: Api, project: Project, owner: Person, *, member: str, value: str) -> None:
    sent = document("environments", {"name": "fine", member: value})
    made = api.post(f"/projects/{project.id}/environments", owner.token, sent)["data"]
    assert made["attributes"][member] == value


def test_a_name_is_taken_once_in_a_project_without_regard_to_case(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    path = f"/projects/{project.id}/environments"
    other = world.environment(project, "Staging")
    taken = [("Name has already been taken", "/data/attributes/name")]
    for name in ("staging", "DEFAULT"):
        sent = document("environments", {"name": name})
        assert faults(api.post(path, owner.token, sent, expect=422)) == taken
    sent = document("environments", {"name": "Default"})
    assert faults(api.patch(f"/environments/{other.id}", owner.token, sent, expect=422)) == taken
    # Its own name in another spelling is none that is taken, and another project has names of its own.
    api.patch(f"/environments/{other.id}", owner.token, document("environments", {"name": "STAGING"}))
    elsewhere = world.project(acme)
    api.post(f"/projects/{elsewhere.id}/environments", owner.token, document("environments", {"name": "staging"}))


def test_a_project_has_at_most_a_hundred(
    api: Api, world: World, project: Project, owner: Person, engine: Engine
) -> None:
    with Session(engine) as session, session.begin():
        place = {"organization_id": project.organization_id, "project_id": project.id}
        session.add_all(Environment(**place, name=f"env-{index}") for index in range(98))
    path = f"/projects/{project.id}/environments"
    last = api.post(path, owner.token, document("environments", {"name": "last"}))["data"]["id"]
    sent = document("environments", {"name": "more"})
    expected = [("A project can't have more than 100 environments", "/data")]
    assert faults(api.post(path, owner.token, sent, expect=422)) == expected
    assert faults(api.post(f"/environments/{last}/actions/clone", owner.token, sent, expect=422)) == expected
    assert len([each for each in world.all(Environment) if each.project_id == project.id]) == 100


def test_a_list_is_sorted_searched_filtered_and_paged(api: Api, world: World, project: Project, owner: Person) -> None:
    world.environment(project, "Prod", type="production", display_name="The real\\one")
    world.environment(project, "stage", type="staging")
    world.environment(world.project(world.organization()), "elsewhere")
    path = f"/projects/{project.id}/environments"
    for query, expected in {
        "": ["default", "Prod", "stage"],
        "?sort=-name": ["stage", "Prod", "default"],
        "?q=RO": ["Prod"],
        "?q=real": ["Prod"],
        "?q=%5C": ["Prod"],
        "?q=L%5CO": ["Prod"],
        "?q=nowhere": [],
        "?filter[type]=staging": ["stage"],
        "?filter[type]=other": [],
        "?page[size]=2": ["default", "Prod"],
        "?page[size]=2&page[number]=2": ["stage"],
    }.items():
        assert names(api.get(path + query, owner.token)) == expected, query
    assert api.get(path, owner.token)["meta"]["pagination"]["total-count"] == 3
    assert faults(api.get(f"{path}?sort=type", owner.token, expect=400))[0][1] == "sort"


def test_the_count_is_of_the_workspaces_that_the_caller_sees(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    environment = world.environment(project, "prod")
    seen, _ = (world.workspace(project, environment_id=environment.id, cell=cell) for cell in ("eu", "us"))
    world.workspace(project)
    member = world.member(acme)
    world.project_member(project, member, "viewer", cells=["eu"])
    for token, count in ((owner.token, 2), (member.token, 1)):
        shown = api.get(f"/environments/{environment.id}", token)["data"]["attributes"]
        assert shown["workspace-count"] == count
        listed = api.get(f"/projects/{project.id}/environments?q=prod", token)["data"]
        assert [item["attributes"]["workspace-count"] for item in listed] == [count]
    assert seen.cell == "eu"


def test_each_change_leaves_one_event(api: Api, world: World, project: Project, owner: Person) -> None:
    made = api.post(f"/projects/{project.id}/environments", owner.token, document("environments", FULL))["data"]
    path = f"/environments/{made['id']}"
    api.patch(path, owner.token, document("environments", {"name": "stage", "type": "staging"}))
    api.patch(path, owner.token, document("environments", {"name": "stage"}))
    api.delete(path, owner.token)
    events = left_by_requests(world)
    assert [event.action for event in events] == ["environments.create", "environments.update", "environments.delete"]
    assert {(event.project_id, event.environment_id, event.subject_id) for event in events} == {
        (project.id, made["id"], made["id"])
    }
    assert events[0].changes == {name: [None, value] for name, value in FULL.items()}
    assert [event.changes for event in events[1:]] == [{"name": ["staging", "stage"]}, {}]


@pytest.mark.parametrize("more", [0, 60])
def test_statements_do_not_depend_on_how_many_there_are(
    api: Api, world: World, project: Project, owner: Person, statements: Statements, more: int
) -> None:
    for _ in range(more):
        world.environment(project)
    one = world.environment(project, "one")
    path = f"/projects/{project.id}/environments"
    api.get(path, owner.token)  # the token notes its first use
    costs = [
        cost(statements, api, owner.token, request)
        for request in (
            ("GET", path, None),
            ("GET", f"/environments/{one.id}", None),
            ("POST", path, document("environments", {"name": "new"})),
            ("PATCH", f"/environments/{one.id}", document("environments", {"type": "test"})),
            ("POST", f"/environments/{one.id}/actions/set-default", None),
        )
    ]
    # The caller is one; for a list the project, for a change a lock, the row, the event, what is shown.
    assert costs == [3, 2, 6, 5, 8]


def test_unknown_ones_are_not_found(api: Api, owner: Person, project: Project) -> None:
    sent = document("environments", {"name": "new"})
    api.get(f"/environments/{MISSING}", owner.token, expect=404)
    api.patch(f"/environments/{MISSING}", owner.token, sent, expect=404)
    api.delete(f"/environments/{MISSING}", owner.token, expect=404)
    api.post(f"/environments/{MISSING}/actions/set-default", owner.token, expect=404)
    api.post(f"/environments/{MISSING}/actions/clone", owner.token, sent, expect=404)
    api.get("/projects/prj-1111111111111111/environments", owner.token, expect=404)
    api.post("/projects/prj-1111111111111111/environments", owner.token, sent, expect=404)
    api.post(f"/projects/{project.id}/environments", owner.token, document("projects", {"name": "new"}), expect=422)
