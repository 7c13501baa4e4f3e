"""The tags of projects: reading, adding, replacing, and what a tag may be."""

from typing import Any

import pytest

from app.models import Organization, Project, TagBinding
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

LIMIT = "Tag bindings cannot exceed 10 bindings per resource"


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project with the tags ``env=prod`` and ``tier=gold``."""
    project = world.project(acme, "platform")
    world.tag(project, "tier", "gold")
    world.tag(project, "env", "prod")
    return project


def listed(**tags: Any) -> Any:
    return {"data": items(**tags)}


def items(**tags: Any) -> list[Any]:
    return [{"type": "tag-bindings", "attributes": {"key": key, "value": value}} for key, value in tags.items()]


def bound(world: World, project: Project) -> dict[str, str]:
    return {tag.key: tag.value for tag in world.all(TagBinding) if tag.project_id == project.id}


def numbered(count: int, first: int = 0) -> dict[str, str]:
    return {f"key-{index:02}": str(index) for index in range(first, first + count)}


@pytest.mark.parametrize("path", ["tag-bindings", "relationships/tag-bindings"])
def test_tags_are_listed_by_key(api: Api, project: Project, owner: Person, path: str) -> None:
    answer = api.get(f"/projects/{project.id}/{path}", owner.token)
    assert set(answer) == {"data", "links"}
    assert answer["links"] == {"target": f"/api/v2/projects/{project.id}"}
    assert [(tag["type"], tag["attributes"]["key"], tag["attributes"]["value"]) for tag in answer["data"]] == [
        ("tag-bindings", "env", "prod"),
        ("tag-bindings", "tier", "gold"),
    ]
    for tag in answer["data"]:
        assert tag["id"].startswith("tb-")
        assert tag["attributes"]["created-at"].endswith("Z")


def test_effective_tags_are_the_projects_own(api: Api, project: Project, owner: Person) -> None:
    own = api.get(f"/projects/{project.id}/tag-bindings", owner.token)["data"]
    effective = api.get(f"/projects/{project.id}/effective-tag-bindings", owner.token)["data"]
    assert effective == [
        {
            "id": tag["id"].removeprefix("tb-"),
            "type": "effective-tag-bindings",
            "attributes": {"key": tag["attributes"]["key"], "value": tag["attributes"]["value"]},
        }
        for tag in own
    ]
    assert all(len(tag["id"]) == 16 for tag in effective)


def test_a_project_without_tags_has_an_empty_list(api: Api, world: World, acme: Organization, owner: Person) -> None:
    bare = world.project(acme)
    for path in ("tag-bindings", "relationships/tag-bindings", "effective-tag-bindings"):
        assert api.get(f"/projects/{bare.id}/{path}", owner.token)["data"] == []


def test_an_update_adds_and_changes_and_answers_in_the_order_sent(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    answer = api.patch(f"/projects/{project.id}/tag-bindings", owner.token, listed(zone="a", env="test", app="shop"))
    assert [(tag["attributes"]["key"], tag["attributes"]["value"]) for tag in answer["data"]] == [
        ("zone", "a"),
        ("env", "test"),
        ("app", "shop"),
    ]
    assert bound(world, project) == {"tier": "gold", "env": "test", "zone": "a", "app": "shop"}


def test_adding_through_the_relationship_answers_nothing(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    path = f"/projects/{project.id}/relationships/tag-bindings"
    api.post(path, owner.token, listed(env="test", app="shop"), expect=204)
    assert bound(world, project) == {"tier": "gold", "env": "test", "app": "shop"}


@pytest.mark.parametrize("tags", [{}, {"app": "shop"}, {"env": "test"}, {"env": "prod", "tier": "gold"}], ids=str)
def test_replacing_leaves_exactly_the_tags_sent(
    api: Api, world: World, project: Project, owner: Person, tags: dict[str, str]
) -> None:
    path = f"/projects/{project.id}/relationships/tag-bindings"
    api.patch(path, owner.token, listed(**tags), expect=204)
    assert bound(world, project) == tags


def test_a_tag_whose_value_changes_keeps_its_id(api: Api, world: World, project: Project, owner: Person) -> None:
    before = {tag.key: tag.id for tag in world.all(TagBinding)}
    api.patch(f"/projects/{project.id}/tag-bindings", owner.token, listed(env="test"))
    path = f"/projects/{project.id}/relationships/tag-bindings"
    api.patch(path, owner.token, listed(env="stage", tier="gold"), expect=204)
    assert {tag.key: tag.id for tag in world.all(TagBinding)} == before


@pytest.mark.parametrize(
    ("relationships", "left"),
    [
        ({}, {"env": "prod", "tier": "gold"}),
        ({"tag_bindings": []}, {}),
        ({"tag_bindings": items(env="test")}, {"env": "test"}),
        ({"tag_bindings": items(app="shop", env="prod")}, {"app": "shop", "env": "prod"}),
    ],
    ids=str,
)
def test_an_update_of_the_project_replaces_the_tags_it_sends(
    api: Api, world: World, project: Project, owner: Person, *, relationships: dict[str, Any], left: dict[str, str]
) -> None:
    sent = document("projects", {"description": "new"}, **relationships)
    api.patch(f"/projects/{project.id}", owner.token, sent)
    assert bound(world, project) == left


def test_links_of_tags_that_were_shown_and_sent_back_leave_the_tags(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    shown = {"links": {"related": f"/api/v2/projects/{project.id}/tag-bindings"}}
    sent = {"data": {"type": "projects", "relationships": {"tag-bindings": shown}}}
    api.patch(f"/projects/{project.id}", owner.token, sent)
    assert len(bound(world, project)) == 2


def test_tags_alone_are_an_update(api: Api, world: World, project: Project, owner: Person) -> None:
    sent = {"data": {"type": "projects", "relationships": {"tag-bindings": {"data": []}}}}
    api.patch(f"/projects/{project.id}", owner.token, sent)
    assert bound(world, project) == {}


@pytest.mark.one_database
@pytest.mark.parametrize("value", [None, [], "env", {}, {"data": None}, {"data": {}}], ids=str)
def test_a_tag_relationship_without_a_list_is_refused(
    api: Api, world: World, project: Project, owner: Person, value: Any
) -> None:
    sent = {"data": {"type": "projects", "relationships": {"tag-bindings": value}}}
    [(_, pointer)] = faults(api.patch(f"/projects/{project.id}", owner.token, sent, expect=422))
    assert pointer == "/data/relationships/tag-bindings"
    assert len(bound(world, project)) == 2


WAYS = {
    "update": ("PATCH", "/projects/{id}/tag-bindings"),
    "add": ("POST", "/projects/{id}/relationships/tag-bindings"),
    "replace": ("PATCH", "/projects/{id}/relationships/tag-bindings"),
    "project": ("PATCH", "/projects/{id}"),
    "create": ("POST", "/organizations/acme/projects"),
}


def send(api: Api, way: str, project: Project, token: str, data: Any, *, expect: int) -> tuple[Any, str]:
    """The answer, and where in the document the list of tags stands."""
    method, path = WAYS[way]
    sent: Any = {"data": data}
    pointer = "/data"
    if way in ("project", "create"):
        sent = document("projects", {"name": "created"} if way == "create" else {})
        sent["data"]["relationships"] = {"tag-bindings": {"data": data}}
        pointer = "/data/relationships/tag-bindings/data"
    return api.send(method, path.format(id=project.id), token, sent, expect=expect), pointer


FAULTY: dict[str, tuple[list[Any], list[tuple[str, str]]]] = {
    "no key": (
        [{"type": "tag-bindings", "attributes": {"value": "prod"}}],
        [("Key can't be blank", "/0/attributes/key")],
    ),
    "null key": (
        [{"type": "tag-bindings", "attributes": {"key": None, "value": ""}}],
        [("Key can't be blank", "/0/attributes/key")],
    ),
    "empty key": (items(**{"": "prod"}), [("Key can't be blank", "/0/attributes/key")]),
    "blank key": (items(**{" ": "prod"}), [("Key can't be blank", "/0/attributes/key")]),
    "number": (
        [{"type": "tag-bindings", "attributes": {"key": 1, "value": 2}}],
        [("Key must be a string", "/0/attributes/key"), ("Value must be a string", "/0/attributes/value")],
    ),
    "129 characters": (
        items(**{"k" * 129: "prod"}),
        [("Key is too long (maximum is 128 characters)", "/0/attributes/key")],
    ),
    "257 characters": (
        items(env="v" * 257),
        [("Value is too long (maximum is 256 characters)", "/0/attributes/value")],
    ),
    "space in key": (items(**{"my env": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "slash in value": (items(env="a/b"), [("Value is invalid", "/0/attributes/value")]),
    "line feed": (
        items(**{"env\n": "prod\n"}),
        [("Key is invalid", "/0/attributes/key"), ("Value is invalid", "/0/attributes/value")],
    ),
    "other script": (items(**{"\u0161-": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "hc:": (items(**{"hc:env": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "hcp:": (items(**{"hcp:env": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "HCP:": (items(**{"HCP:env": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "reserved and bad": (items(**{"hc:my env": "prod"}), [("Key is invalid", "/0/attributes/key")]),
    "twice": (
        [*items(env="prod"), *items(env="test")],
        [("Key has already been taken", "/1/attributes/key")],
    ),
    "several": (
        [*items(env="prod"), *items(**{"my env": "a b"}), {"type": "tag-bindings"}],
        [
            ("Key is invalid", "/1/attributes/key"),
            ("Value is invalid", "/1/attributes/value"),
            ("Attributes must be an object", "/2/attributes"),
        ],
    ),
    "no object": (["env"], [("data must contain objects", "/0")]),
    "other type": ([{"type": "tags", "attributes": {"key": "env"}}], [("type must be tag-bindings", "/0/type")]),
    "eleven": (items(**numbered(11)), [(LIMIT, "")]),
}


@pytest.mark.one_database
@pytest.mark.parametrize("way", WAYS)
def test_a_bad_tag_is_refused_and_none_is_set(
    api: Api, world: World, project: Project, owner: Person, way: str, subtests: pytest.Subtests
) -> None:
    for name, (data, expected) in FAULTY.items():
        with subtests.test(name):
            answer, pointer = send(api, way, project, owner.token, data, expect=422)
            assert faults(answer) == [(detail, pointer + below) for detail, below in expected]
            assert bound(world, project) == {"env": "prod", "tier": "gold"}
            assert len(world.all(TagBinding)) == 2
            assert left_by_requests(world) == []


GOOD = [
    {"k" * 128: "v" * 256},
    {"env": ""},
    {"a_b.c=d+e-f@g:1": "x_y.z=1+2-3@4:5"},
    {"hcx:env": "prod", "hc": "hc:", "h": "hcp:x"},
    {"Env": "a", "ENV": "b"},
    numbered(8),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tags", GOOD, ids=lambda tags: str(tags)[:30])
def test_a_good_tag_is_set(
    api: Api, world: World, project: Project, owner: Person, *, way: str, tags: dict[str, str]
) -> None:
    status = {"update": 200, "project": 200, "create": 201}.get(way, 204)
    answer, _ = send(api, way, project, owner.token, items(**tags), expect=status)
    kept = {"env": "prod", "tier": "gold"} if way in ("update", "add") else {}
    if way == "create":
        found = {tag.key: tag.value for tag in world.all(TagBinding) if tag.project_id == answer["data"]["id"]}
        assert found == tags
    else:
        assert bound(world, project) == kept | tags


def test_a_tag_without_a_value_has_an_empty_one(api: Api, world: World, project: Project, owner: Person) -> None:
    data = [{"type": "tag-bindings", "attributes": {"key": "flag"}}, *items(null=None)]
    answer = api.patch(f"/projects/{project.id}/tag-bindings", owner.token, {"data": data})
    assert [tag["attributes"]["value"] for tag in answer["data"]] == ["", ""]
    assert bound(world, project) == {"env": "prod", "tier": "gold", "flag": "", "null": ""}


@pytest.mark.parametrize("way", ["update", "add"])
def test_a_project_has_at_most_ten_tags(api: Api, world: World, project: Project, owner: Person, way: str) -> None:
    status = 200 if way == "update" else 204
    send(api, way, project, owner.token, items(**numbered(8)), expect=status)
    answer, _ = send(api, way, project, owner.token, items(eleventh="x"), expect=422)
    assert faults(answer) == [(LIMIT, "/data")]
    assert len(bound(world, project)) == 10
    send(api, way, project, owner.token, items(env="test", **numbered(8)), expect=status)
    assert bound(world, project)["env"] == "test"
    answer, _ = send(api, way, project, owner.token, items(env="stage", eleventh="x"), expect=422)
    assert bound(world, project)["env"] == "test", "a refused request changes none of its tags"


def test_ten_tags_can_be_replaced_by_ten_others(api: Api, world: World, project: Project, owner: Person) -> None:
    path = f"/projects/{project.id}/relationships/tag-bindings"
    for first in (0, 10, 5):
        api.patch(path, owner.token, listed(**numbered(10, first)), expect=204)
        assert bound(world, project) == numbered(10, first)


@pytest.mark.one_database
@pytest.mark.parametrize("data", [None, {}, "env", 1], ids=str)
@pytest.mark.parametrize("way", ["update", "add", "replace"])
def test_a_list_is_wanted(api: Api, project: Project, owner: Person, way: str, data: Any) -> None:
    answer, _ = send(api, way, project, owner.token, data, expect=422)
    assert faults(answer) == [("data must be an array", "/data")]


@pytest.mark.parametrize("way", ["update", "add", "replace"])
def test_writing_needs_more_to_remove_than_to_add(
    api: Api, world: World, acme: Organization, project: Project, way: str
) -> None:
    statuses = {
        "read": 404,
        "write": 404 if way == "replace" else 200,
        "maintain": 404 if way == "replace" else 200,
        "admin": 200,
    }
    for access, status in statuses.items():
        team = world.team(acme)
        world.access(team, project, access)
        token = world.member(acme, team).token
        expect = 204 if status == 200 and way != "update" else status
        send(api, way, project, token, items(**{f"by-{access}": "x"}), expect=expect)
        assert (f"by-{access}" in bound(world, project)) == (status == 200)
