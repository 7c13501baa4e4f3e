"""Creating or updating a workspace by its full name."""

from typing import Any

import pytest

from app.models import ActivityEvent, Organization, TagBinding, Workspace
from tests.support.api import Api, document, faults
from tests.support.personas import PERSONAS, table
from tests.support.world import Person, World

NETWORK = "/organizations/acme/workspaces/network"
EXISTS = [("The organization has a workspace with this name already", "")]

# A workspace that is not there yet, in the project on which the persona was granted something; one that is there.
STATUSES = table("""
                         | create update
site administrator       |    201    200
owner                    |    201    200
organization token       |    201    200
manage-projects          |    201    200
read-projects            |    422    404
manage-workspaces        |    422    200
read-workspaces          |    422    404
project admin            |    201    200
project maintain         |    201    200
project write            |    422    404
project read             |    422    404
custom create            |    201    404
member                   |    422    422
outsider                 |    404    404
other owner              |    404    404
other organization token |    404    404
""")


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "action", "status"), STATUSES, ids=[f"{who}: {action}" for who, action, _ in STATUSES])
def test_each_kind_of_caller_is_answered_as_the_table_says(
    api: Api, world: World, acme: Organization, *, who: str, action: str, status: str
) -> None:
    project = world.project(acme)
    token = PERSONAS[who](world, acme, (project,))
    if action == "update":
        world.workspace(project, "network")
    if (who, action) == ("member", "update"):
        # He can create in another project, and does not see that the name is taken.
        world.access(world.team(acme), project, "read")
        mine = world.project(acme)
        person = world.person()
        world.project_member(mine, person, "member")
        token, project = person.token, mine
    sent = document(
        "workspaces",
        {"auto-apply": True},
        project=("projects", project.id) if action == "create" or status == "422" else None,
    )
    api.put(NETWORK, token, sent, expect=int(status))
    made = [(each.name, each.auto_apply) for each in world.all(Workspace)]
    expected = {"201": [("network", True)], "200": [("network", True)]}
    assert made == expected.get(status, [("network", False)] if action == "update" else [])


def test_a_workspace_is_created_and_then_updated(api: Api, world: World, acme: Organization, owner: Person) -> None:
    created = api.put(
        NETWORK, owner.token, document("workspaces", {"title": "The network", "cell": "east"}), expect=201
    )
    attributes = created["data"]["attributes"]
    assert (attributes["name"], attributes["title"], attributes["cell"]) == ("network", "The network", "east")
    assert created["data"]["relationships"]["project"]["data"]["id"] == world.default_project(acme).id
    assert api.get(NETWORK, owner.token) == created
    again = api.put("/organizations/ACME/workspaces/NETWORK", owner.token, document("workspaces", {"title": None}))
    assert again["data"]["id"] == created["data"]["id"]
    kept = again["data"]["attributes"]
    assert (kept["name"], kept["title"], kept["cell"]) == ("network", None, "east")
    nothing = api.put(NETWORK, owner.token, document("workspaces"))
    assert nothing == again
    events = [(each.action, each.changes) for each in world.all(ActivityEvent) if each.subject_type == "workspaces"]
    assert [action for action, _ in events] == ["workspaces.create", "workspaces.update"]
    assert events[1][1] == {"title": ["The network", None]}


@pytest.mark.parametrize(
    ("attributes", "headers"),
    [({"create-only": True}, {}), ({}, {"If-None-Match": "*"}), ({}, {"If-None-Match": " * "})],
    ids=["attribute", "header", "header with blanks"],
)
def test_what_is_only_to_be_created_is_a_conflict_when_it_is_there(
    api: Api, world: World, acme: Organization, owner: Person, *, attributes: Any, headers: dict[str, str]
) -> None:
    sent = document("workspaces", {**attributes, "title": "new"})
    first, second = (api.raw("PUT", NETWORK, owner.token, sent, headers=headers) for _ in range(2))
    assert (first.status_int, second.status_int) == (201, 409)
    assert faults(second.json) == EXISTS
    assert second.json["errors"][0]["code"] == "workspace-exists"
    assert [each.organization_id for each in world.all(Workspace)] == [acme.id]


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"tag"'}, {"If-None-Match": ""}], ids=str)
@pytest.mark.parametrize("attributes", [{}, {"create-only": False}], ids=str)
def test_otherwise_it_is_updated(
    api: Api, world: World, acme: Organization, owner: Person, *, attributes: Any, headers: dict[str, str]
) -> None:
    world.workspace(world.project(acme), "network")
    response = api.raw("PUT", NETWORK, owner.token, document("workspaces", attributes), headers=headers)
    assert response.status_int == 200


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("name", "attributes", "fault"),
    [
        ("network", {"name": "other"}, ("Name must be the one in the address", "/data/attributes/name")),
        ("a.b", {}, ("Name is invalid", "/data/attributes/name")),
        ("x" * 261, {}, ("Name is too long (maximum is 260 characters)", "/data/attributes/name")),
        ("network", {"name": None}, ("Name can't be blank", "/data/attributes/name")),
        ("network", {"name": 1}, ("Name must be a string", "/data/attributes/name")),
        ("network", {"create-only": "yes"}, ("Create only must be true or false", "/data/attributes/create-only")),
        ("network", {"create-only": None}, ("Create only can't be blank", "/data/attributes/create-only")),
        ("network", {"title": "x" * 257}, ("Title is too long (maximum is 256 characters)", "/data/attributes/title")),
        ("network", {"avatar-url": "http://a.example/"}, ("Avatar url is invalid", "/data/attributes/avatar-url")),
        ("network", {"avatar-url": "javascript:x"}, ("Avatar url is invalid", "/data/attributes/avatar-url")),
        (
            "network",
            {"avatar-url": "https://a.example/" + "x" * 1983},
            ("Avatar url is too long (maximum is 2000 characters)", "/data/attributes/avatar-url"),
        ),
        ("network", {"tag-names": "a"}, ("Tag names must be an array of strings", "/data/attributes/tag-names")),
        ("network", {"tag-names": [1]}, ("Tag names must be an array of strings", "/data/attributes/tag-names")),
        (
            "network",
            {"tag-names": ["a b"]},
            ("Tag names must be names of tags: Name is invalid", "/data/attributes/tag-names"),
        ),
        (
            "network",
            {"tag-names": [f"tag-{number}" for number in range(101)]},
            ("Tag names must have at most 100 strings", "/data/attributes/tag-names"),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("exists", [False, True], ids=["new", "there"])
def test_a_bad_member_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, name: str, attributes: Any, fault: Any, exists: bool
) -> None:
    if exists and name == "network":
        world.workspace(world.project(acme), "network")
    path = f"/organizations/acme/workspaces/{name}"
    answer = api.put(path, owner.token, document("workspaces", attributes), expect=422)
    assert faults(answer) == [fault]
    assert len(world.all(Workspace)) == (1 if exists and name == "network" else 0)


def test_the_name_in_the_document_says_how_it_is_written(api: Api, acme: Organization, owner: Person) -> None:
    path = f"/organizations/{acme.name}/workspaces/network"
    for name, status in (("Network", 201), ("NETWORK", 200)):
        shown = api.put(path, owner.token, document("workspaces", {"name": name}), expect=status)
        assert shown["data"]["attributes"]["name"] == name
    assert api.put(path, owner.token, document("workspaces"))["data"]["attributes"]["name"] == "NETWORK"


def test_tags_labels_title_and_avatar_are_set_and_kept(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    attributes = {"tag-names": ["Blue", "green", "blue"], "title": "T", "avatar-url": "https://a.example/x.png"}
    labels = [{"type": "tag-bindings", "attributes": {"key": "env", "value": "prod"}}]
    path = f"/organizations/{acme.name}/workspaces/network"
    shown = api.put(path, owner.token, document("workspaces", attributes, tag_bindings=labels), expect=201)["data"]
    assert shown["attributes"]["tag-names"] == ["blue", "green"]
    assert shown["attributes"]["avatar-url"] == "https://a.example/x.png"

    def tags(attributes: dict[str, Any], **relationships: Any) -> dict[str, str]:
        api.put(path, owner.token, document("workspaces", attributes, **relationships))
        return {each.key: each.value for each in world.all(TagBinding)}

    assert tags({}) == {"env": "prod", "blue": "", "green": ""}
    assert tags({"tag-names": ["env", "red"]}) == {"env": "prod", "red": ""}
    assert tags({"tag-names": []}) == {"env": "prod"}
    assert tags({}, tag_bindings=[]) == {}
    twice = document("workspaces", {"tag-names": ["a"]}, tags=[{"type": "tags", "attributes": {"name": "b"}}])
    answer = api.put(path, owner.token, twice, expect=422)
    assert faults(answer) == [
        ("Tag names can't be set together with the relationship tags", "/data/attributes/tag-names")
    ]
    null = document("workspaces", {"tag-names": None})
    assert faults(api.put(path, owner.token, null, expect=422))[0][1] == "/data/attributes/tag-names"


def test_a_workspace_moves_with_the_project_it_names(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme)
    world.workspace(world.project(acme), "network")
    moved = api.put(NETWORK, owner.token, document("workspaces", project=("projects", project.id)))
    assert moved["data"]["relationships"]["project"]["data"]["id"] == project.id


@pytest.mark.parametrize("only", [False, True])
def test_a_name_that_somebody_else_hides_is_taken(api: Api, world: World, acme: Organization, *, only: bool) -> None:
    world.workspace(world.project(acme), "network")
    project, person = world.project(acme), world.person()
    world.project_member(project, person, "member")
    sent = document("workspaces", {"create-only": only}, project=("projects", project.id))
    answer = api.put(NETWORK, person.token, sent, expect=409 if only else 422)
    assert faults(answer) == (EXISTS if only else [("Name has already been taken", "/data/attributes/name")])


def test_without_a_token_there_is_no_answer(api: Api, acme: Organization) -> None:
    for token in (None, "nonsense"):
        api.put(f"/organizations/{acme.name}/workspaces/network", token, document("workspaces"), expect=401)
