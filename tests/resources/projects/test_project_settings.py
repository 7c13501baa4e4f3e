"""The members of a project beyond HCP Terraform's: slug, metadata, how it is displayed, who may read it."""

from typing import Any

import pytest

from app.models import ActivityEvent, Environment, Organization, Project, ProjectMember
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

PROJECTS = "/organizations/acme/projects"
UUID = "0b0c7f8e-4a39-4a5e-9d53-0f7a3c1d2e4f"
METADATA_BYTES = 16 * 1024


def nested(levels: int) -> Any:
    return {} if levels == 1 else {"a": nested(levels - 1)}


GOOD = {
    "display-name": ["P", "The platform \N{ROCKET}", "x" * 128, None],
    "color": ["#3B82F6", "#000000", "#abcdef", None],
    "single-server-mode": [True, False],
    "default-server-id": [UUID, UUID.upper(), None],
    "auto-error-tracking-enabled": [True, False],
    "public-read": [True, False],
    "slug": ["a", "0", "a-b", "a--b", "x" * 63],
    "metadata": [
        {},
        {"a": None, "b": [1, 2.5, {"c": "\N{ROCKET}"}], "": False},
        {"key": "x" * (METADATA_BYTES - len('{"key":""}'))},
        nested(16),
        None,
    ],
}
SLUG = "Slug is invalid"
LONG_METADATA = "Metadata is too long (maximum is 16384 bytes)"
COLOR = "Color must be a color such as #3B82F6"
BAD: dict[str, list[tuple[Any, list[str]]]] = {
    "display-name": [
        ("", ["Display name can't be blank"]),
        ("x" * 129, ["Display name is too long (maximum is 128 characters)"]),
        (1, ["Display name must be a string"]),
    ],
    "color": [
        ("", [COLOR]),
        ("red", [COLOR]),
        ("#3B82F", [COLOR]),
        ("#3B82F6\n", ["Color is too long (maximum is 7 characters)", COLOR]),
        ("#3B82FG", [COLOR]),
        (0, ["Color must be a string"]),
    ],
    "single-server-mode": [
        (None, ["Single server mode can't be blank"]),
        ("true", ["Single server mode must be true or false"]),
    ],
    "default-server-id": [
        ("", ["Default server id must be a UUID"]),
        (UUID[:-1], ["Default server id must be a UUID"]),
        (UUID.replace("-", ""), ["Default server id must be a UUID"]),
        (7, ["Default server id must be a string"]),
    ],
    "auto-error-tracking-enabled": [(1, ["Auto error tracking enabled must be true or false"])],
    "public-read": [(None, ["Public read can't be blank"]), ("yes", ["Public read must be true or false"])],
    "slug": [
        (None, ["Slug can't be blank"]),
        ("", ["Slug can't be blank"]),
        ("A", [SLUG]),
        ("a_b", [SLUG]),
        ("-a", [SLUG]),
        ("a-", [SLUG]),
        ("a\n", [SLUG]),
        ("x" * 64, ["Slug is too long (maximum is 63 characters)"]),
        (1, ["Slug must be a string"]),
    ],
    "metadata": [
        ([], ["Metadata must be an object"]),
        ("{}", ["Metadata must be an object"]),
        (False, ["Metadata must be an object"]),
        ({"key": "x" * (METADATA_BYTES - len('{"key":""}') + 1)}, [LONG_METADATA]),
        ({"key": "\N{ROCKET}" * 4096}, [LONG_METADATA]),
        (nested(17), ["Metadata is nested too deep (maximum is 16 levels)"]),
    ],
}


def cases(table: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(member, value) for member, values in table.items() for value in values]


def send(api: Api, world: World, acme: Organization, method: str, attributes: dict[str, Any], expect: int) -> Any:
    """The answer to a new project, or to the update of one that has values in every member."""
    owner = world.owner(acme).token
    if method == "POST":
        name = f"platform-{len(world.all(Project))}"
        return api.post(PROJECTS, owner, document("projects", {"name": name, **attributes}), expect=expect)
    members = {"display_name": "Before", "color": "#FFFFFF", "default_server_id": UUID, "custom_metadata": {"b": 1}}
    project = world.project(acme, None, **members, single_server_mode=True, public_read=True)
    expect = 200 if expect == 201 else expect
    answer = api.patch(f"/projects/{project.id}", owner, document("projects", attributes), expect=expect)
    if expect == 422:
        [kept] = [each for each in world.all(Project) if each.id == project.id]
        assert {name: getattr(kept, name) for name in members} == members
    return answer


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_good_value_is_kept_as_it_was_sent(
    api: Api, world: World, acme: Organization, method: str, subtests: pytest.Subtests
) -> None:
    reader = world.owner(acme).token
    for member, value in cases(GOOD):
        with subtests.test(member, value=value):
            shown = send(api, world, acme, method, {member: value}, 201)["data"]
            assert shown["attributes"][member] == value
            again = api.get(f"/projects/{shown['id']}", reader)["data"]
            assert again["attributes"][member] == value


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_bad_value_is_refused(
    api: Api, world: World, acme: Organization, method: str, subtests: pytest.Subtests
) -> None:
    for member, (sent, details) in cases(BAD):
        with subtests.test(member, sent=sent):
            answer = send(api, world, acme, method, {member: sent}, 422)
            assert faults(answer) == [(detail, f"/data/attributes/{member}") for detail in details]


def test_metadata_is_replaced_as_a_whole(api: Api, world: World, acme: Organization, owner: Person) -> None:
    path = f"/projects/{world.project(acme, custom_metadata={'a': 1, 'b': {'c': 2}}).id}"
    for sent, expected in (
        ({"description": "x"}, {"a": 1, "b": {"c": 2}}),
        ({"metadata": {"b": {"d": 3}}}, {"b": {"d": 3}}),
        ({"metadata": {}}, {}),
        ({"metadata": None}, None),
    ):
        assert api.patch(path, owner.token, document("projects", sent))["data"]["attributes"]["metadata"] == expected
    changes = [event.changes["metadata"] for event in world.all(ActivityEvent) if "metadata" in event.changes]
    assert changes == [[{"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}], [{"b": {"d": 3}}, {}], [{}, None]]


# --- slugs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Shop Front", "shop-front"), ("a_b  C", "a-b-c"), ("___", "project"), ("x" * 40, "x" * 40)],
)
def test_a_slug_is_made_from_the_name(api: Api, acme: Organization, owner: Person, *, name: str, slug: str) -> None:
    shown = api.post(f"/organizations/{acme.name}/projects", owner.token, document("projects", {"name": name}))
    assert shown["data"]["attributes"]["slug"] == slug


def test_a_name_whose_slug_is_taken_gets_another_one(api: Api, world: World, acme: Organization, owner: Person) -> None:
    world.project(world.organization("other"), "shop front")
    slugs = [
        api.post(f"/organizations/{acme.name}/projects", owner.token, document("projects", {"name": name}))["data"][
            "attributes"
        ]["slug"]
        for name in ("shop front", "shop-front", "Shop_Front", "shop  front", "shop", "shop front 2")
    ]
    assert slugs == ["shop-front", "shop-front-2", "shop-front-3", "shop-front-4", "shop", "shop-front-2-2"]


def test_a_slug_is_found_even_where_a_hundred_are_taken(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    for number in range(100):
        world.project(acme, slug=f"shop-{number}" if number else "shop")
    world.project(acme, slug="shop-1-2")
    sent = document("projects", {"name": "Shop"})
    slug = api.post(PROJECTS, owner.token, sent)["data"]["attributes"]["slug"]
    assert slug.startswith("shop-")
    assert len(slug) == len("shop-12345678")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_slug_in_use_is_refused(api: Api, world: World, acme: Organization, *, method: str) -> None:
    world.project(world.organization("other"), slug="free")
    world.project(acme, slug="taken")
    answer = send(api, world, acme, method, {"slug": "taken"}, 422)
    assert faults(answer) == [("Slug has already been taken", "/data/attributes/slug")]
    assert {error["code"] for error in answer["errors"]} == {"taken"}
    world.project(acme, "another")
    path = f"/projects/{world.project(acme, 'renamed').id}"
    changed = api.patch(path, world.owner(acme).token, document("projects", {"slug": "free"}))
    assert changed["data"]["attributes"]["slug"] == "free"


def test_a_new_name_leaves_the_slug(api: Api, world: World, acme: Organization, owner: Person) -> None:
    path = f"/projects/{world.project(acme, 'before').id}"
    shown = api.patch(path, owner.token, document("projects", {"name": "after"}))["data"]["attributes"]
    assert (shown["name"], shown["slug"]) == ("after", "before")


def test_a_name_in_use_is_told_as_such_whatever_its_slug(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    world.project(acme, "Shop Front")
    for name in ("Shop Front", "shop front"):
        answer = api.post(PROJECTS, owner.token, document("projects", {"name": name}), expect=422)
        assert faults(answer) == [("Name has already been taken", "/data/attributes/name")]


# --- what comes with a project -------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", ["owner", "manage-projects", "team token", "organization token", "administrator"])
def test_a_project_comes_with_an_environment_and_its_maker_owns_it(
    api: Api, world: World, acme: Organization, *, maker: str
) -> None:
    team = world.team(acme, "manage-projects")
    person = {"owner": lambda: world.owner(acme), "manage-projects": lambda: world.member(acme, team)}.get(maker)
    someone = person() if person else None
    token = (
        someone.token
        if someone
        else {
            "team token": lambda: world.team_token(team),
            "organization token": lambda: world.token(acme),
            "administrator": lambda: world.person(site_role="admin").token,
        }[maker]()
    )
    shown = api.post(PROJECTS, token, document("projects", {"name": "platform"}))["data"]
    made = [each for each in world.all(Environment) if each.project_id == shown["id"]]
    assert [(each.name, each.is_default, each.organization_id) for each in made] == [("default", True, acme.id)]
    owners = [(each.project_id, each.membership_id, each.role) for each in world.all(ProjectMember)]
    expected = [(shown["id"], world.membership(acme, someone), "owner")] if someone else []
    assert owners == expected


# --- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 404), ("member", 404), ("admin", 200), ("owner", 200), ("outsider", 404)]
)
def test_who_manages_the_members_of_a_project_may_show_it_to_everybody(
    api: Api, world: World, acme: Organization, *, role: str, status: int
) -> None:
    project, person = world.project(acme), world.person()
    if role != "outsider":
        world.project_member(project, person, role)
    sent = document("projects", {"public-read": True})
    api.patch(f"/projects/{project.id}", person.token, sent, expect=status)
    [kept] = [each for each in world.all(Project) if each.id == project.id]
    assert kept.public_read is (status == 200)


def test_the_right_to_change_settings_is_none_to_give_everybody_access(
    api: Api, world: World, acme: Organization
) -> None:
    project, team = world.project(acme), world.team(acme)
    world.access(team, project, "custom", {"settings": "update"})
    path, token = f"/projects/{project.id}", world.member(acme, team).token

    refused = api.patch(path, token, document("projects", {"public-read": True, "name": "other"}), expect=403)

    assert refused["errors"][0]["source"] == {"pointer": "/data/attributes/public-read"}
    # What clients send back as it is changes nothing.
    shown = api.patch(path, token, document("projects", {"public-read": False, "name": "new"}))["data"]["attributes"]
    assert (shown["name"], shown["public-read"]) == ("new", False)


@pytest.mark.parametrize(
    ("role", "flags"),
    [
        ("viewer", {"can-read-members"}),
        ("member", {"can-read-members"}),
        (
            "admin",
            {"can-read-members", "can-manage-members", "can-manage-environments", "can-manage-tokens", "can-wipe"},
        ),
        (
            "owner",
            {
                "can-read-members",
                "can-manage-members",
                "can-manage-environments",
                "can-manage-tokens",
                "can-wipe",
                "can-manage-owners",
                "can-force-destroy",
            },
        ),
    ],
)
def test_the_flags_tell_what_a_role_may_do(
    api: Api, world: World, acme: Organization, *, role: str, flags: set[str]
) -> None:
    project, person = world.project(acme), world.person()
    world.project_member(project, person, role)
    shown = api.get(f"/projects/{project.id}", person.token)["data"]["attributes"]["permissions"]
    own = {
        "can-force-destroy",
        "can-wipe",
        "can-read-members",
        "can-manage-members",
        "can-manage-owners",
        "can-manage-environments",
        "can-manage-tokens",
    }
    assert {flag for flag in own if shown[flag]} == flags
