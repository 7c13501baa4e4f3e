"""The list of an organization's projects: order, filters, pages, what comes along."""

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from app.models import Organization, Project
from tests.support.api import Api, faults
from tests.support.world import Person, World

PROJECTS = "/organizations/acme/projects"
DEFAULT = "Default Project"


@pytest.fixture
def five(world: World, acme: Organization) -> list[Project]:
    """Projects beside the default one, made in no order; another organization has some of the same names."""
    world.project(world.organization("other"), "network")
    return [world.project(acme, name) for name in ("network", "Alpha", "storage_2", "beta", "Network Edge")]


def names(answer: Any) -> list[str]:
    return [project["attributes"]["name"] for project in answer["data"]]


def query(**parameters: str) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())


def test_projects_are_listed_by_name_without_regard_to_case(api: Api, five: list[Project], owner: Person) -> None:
    ordered = ["Alpha", "beta", DEFAULT, "network", "Network Edge", "storage_2"]
    assert len(five) == len(ordered) - 1
    assert names(api.get(PROJECTS, owner.token)) == ordered
    assert names(api.get(f"{PROJECTS}?sort=name", owner.token)) == ordered
    assert names(api.get(f"{PROJECTS}?sort=-name", owner.token)) == ordered[::-1]
    assert names(api.get(f"{PROJECTS}?sort=", owner.token)) == ordered


@pytest.mark.one_database
@pytest.mark.parametrize("sort", ["created-at", "--name", "Name", "name,-name", "-", "id"])
def test_an_unknown_sort_is_refused(api: Api, acme: Organization, owner: Person, sort: str) -> None:
    answer = api.get(f"/organizations/{acme.name}/projects?sort={sort}", owner.token, expect=400)
    assert faults(answer) == [("sort must be one of name, with - before it for descending", "sort")]


@pytest.mark.parametrize("pages", ["page[size]=2", "page[size]=2&sort=name", "page[size]=2&sort=-name", "page[size]=1"])
@pytest.mark.usefixtures("five")
def test_pages_together_are_the_whole_list(api: Api, owner: Person, pages: str) -> None:
    whole = names(api.get(f"{PROJECTS}?{pages.replace('page[size]=', 'page[size]=10')}", owner.token))
    collected: list[str] = []
    number = 1
    while len(page := names(api.get(f"{PROJECTS}?{pages}&page[number]={number}", owner.token))):
        collected += page
        number += 1
    assert collected == whole


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("net", ["network", "Network Edge"]),
        ("NET", ["network", "Network Edge"]),
        ("work e", ["Network Edge"]),
        ("_", ["storage_2"]),
        ("e_2", ["storage_2"]),
        ("%", []),
        ("net%", []),
        ("n_twork", []),
        ("\\", []),
        ("\\_", []),
        ("'", []),
        ("a", ["Alpha", "beta", DEFAULT, "storage_2"]),
        ("", ["Alpha", "beta", DEFAULT, "network", "Network Edge", "storage_2"]),
        ("x" * 1_000, []),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.usefixtures("five")
def test_q_finds_a_part_of_the_name(api: Api, owner: Person, text: str, found: list[str]) -> None:
    answer = api.get(f"{PROJECTS}?{query(q=text)}", owner.token)
    assert names(answer) == found
    assert answer["meta"]["status-counts"] == {"total": 6, "matching": len(found)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("network", ["network"]),
        ("NETWORK,alpha", ["Alpha", "network"]),
        ("net", []),
        ("network edge", ["Network Edge"]),
        ("beta,beta,BETA", ["beta"]),
        ("storage_2,%,missing", ["storage_2"]),
        (",network,", ["network"]),
    ],
)
@pytest.mark.usefixtures("five")
def test_names_are_matched_whole_and_in_any_case(api: Api, owner: Person, given: str, found: list[str]) -> None:
    answer = api.get(f"{PROJECTS}?{query(**{'filter[names]': given})}", owner.token)
    assert names(answer) == found
    assert answer["meta"]["status-counts"] == {"total": 6, "matching": len(found)}
    assert answer["meta"]["pagination"]["total-count"] == len(found)


@pytest.mark.usefixtures("five")
def test_names_win_over_q(api: Api, owner: Person) -> None:
    for text in ("beta", "nothing has this"):
        assert names(api.get(f"{PROJECTS}?{query(**{'filter[names]': 'alpha'}, q=text)}", owner.token)) == ["Alpha"]


@pytest.mark.usefixtures("five")
def test_names_may_be_repeated(api: Api, owner: Person) -> None:
    assert names(api.get(f"{PROJECTS}?filter[names]=alpha&filter[names]=beta", owner.token)) == ["Alpha", "beta"]


PERMITTED = [
    ("owner", 6, 6),
    ("manage-projects", 6, 6),
    ("read-projects", 0, 0),
    ("manage-workspaces", 1, 0),
    ("read", 0, 0),
    ("write", 0, 0),
    ("maintain", 1, 0),
    ("admin", 1, 1),
    ("custom", 1, 0),
]


@pytest.mark.parametrize(("who", "creating", "updating"), PERMITTED, ids=[each[0] for each in PERMITTED])
def test_projects_are_found_by_what_the_caller_may_do(
    api: Api,
    world: World,
    acme: Organization,
    five: list[Project],
    *,
    who: str,
    creating: int,
    updating: int,
) -> None:
    if who == "owner":
        token = world.owner(acme).token
    else:
        team = world.team(acme, *([who] if "-" in who else []))
        if "-" not in who:
            world.access(team, five[0], who, {"create": True} if who == "custom" else None)
        token = world.member(acme, team).token
    visible = len(api.get(PROJECTS, token)["data"])
    for name, flag, expected in (
        ("create-workspace", "can-create-workspace", creating),
        ("update", "can-update", updating),
    ):
        answer = api.get(f"{PROJECTS}?filter[permissions][{name}]=true", token)
        assert len(answer["data"]) == expected
        assert all(project["attributes"]["permissions"][flag] for project in answer["data"])
        assert answer["meta"]["status-counts"] == {"total": visible, "matching": expected}
        assert len(api.get(f"{PROJECTS}?filter[permissions][{name}]", token)["data"]) == expected
    both = api.get(f"{PROJECTS}?filter[permissions][update]=true&filter[permissions][create-workspace]=true", token)
    assert len(both["data"]) == min(creating, updating)


TAGGED = [
    ([("env", "prod")], ["Alpha", "network"]),
    ([("env", "")], ["Alpha", "beta", "network"]),
    ([("env", None)], ["Alpha", "beta", "network"]),
    ([("env", "prod"), ("tier", "gold")], ["network"]),
    ([("env", "prod"), ("tier", "")], ["network"]),
    ([("env", ""), ("tier", "")], ["beta", "network"]),
    ([("env", "prod"), ("env", "test")], []),
    ([("env", "PROD")], []),
    ([("ENV", "prod")], []),
    ([("owner", "prod")], []),
    ([("flag", "")], ["Network Edge"]),
]


def tagged(tags: list[tuple[str, str | None]]) -> str:
    return query(
        **{
            f"filter[tagged][{index}][{part}]": text
            for index, tag in enumerate(tags)
            for part, text in zip(("key", "value"), tag, strict=True)
            if text is not None
        }
    )


@pytest.mark.parametrize(("tags", "found"), TAGGED, ids=[str(each[0]) for each in TAGGED])
def test_projects_are_found_by_all_of_their_tags(
    api: Api, world: World, owner: Person, five: list[Project], *, tags: list[tuple[str, str | None]], found: list[str]
) -> None:
    network, alpha, _, beta, edge = five
    world.tag(network, "env", "prod")
    world.tag(network, "tier", "gold")
    world.tag(alpha, "env", "prod")
    world.tag(beta, "env", "test")
    world.tag(beta, "tier", "silver")
    world.tag(edge, "flag")
    assert names(api.get(f"{PROJECTS}?{tagged(tags)}", owner.token)) == found


def test_ten_tags_can_be_asked_for_and_eleven_not(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, "platform")
    for index in range(10):
        world.tag(project, f"key-{index}")
    keys: list[tuple[str, str | None]] = [(f"key-{index}", "") for index in range(11)]
    assert names(api.get(f"{PROJECTS}?{tagged(keys[:10])}", owner.token)) == ["platform"]
    answer = api.get(f"{PROJECTS}?{tagged(keys)}", owner.token, expect=400)
    assert faults(answer) == [("filter[tagged] takes at most 10 tags", "filter[tagged][10][key]")]


def test_filters_go_together(api: Api, world: World, owner: Person, five: list[Project]) -> None:
    world.tag(five[0], "env", "prod")
    world.tag(five[1], "env", "prod")
    path = f"{PROJECTS}?q=a&filter[tagged][0][key]=env&filter[permissions][update]=true&sort=-name"
    assert names(api.get(path, owner.token)) == ["Alpha"]


@pytest.mark.parametrize("include", ["effective_tag_bindings", "effective-tag-bindings"])
def test_the_list_brings_the_effective_tags_of_its_page(
    api: Api, world: World, five: list[Project], owner: Person, include: str
) -> None:
    first = world.tag(five[1], "env", "prod")
    second = world.tag(five[3], "env", "test")
    world.tag(five[0], "beyond", "the page")
    answer = api.get(f"{PROJECTS}?include={include}&page[size]=2", owner.token)
    assert names(answer) == ["Alpha", "beta"]
    bare = [tag.id.removeprefix("tb-") for tag in (first, second)]
    assert answer["included"] == [
        {"id": bare[0], "type": "effective-tag-bindings", "attributes": {"key": "env", "value": "prod"}},
        {"id": bare[1], "type": "effective-tag-bindings", "attributes": {"key": "env", "value": "test"}},
    ]
    assert [project["relationships"]["effective-tag-bindings"]["data"] for project in answer["data"]] == [
        [{"id": identifier, "type": "effective-tag-bindings"}] for identifier in bare
    ]
    assert "included" not in api.get(PROJECTS, owner.token)


def test_a_list_shows_a_project_as_it_is_shown_alone(
    api: Api, world: World, acme: Organization, five: list[Project]
) -> None:
    team = world.team(acme)
    for project, access in zip(five, ("read", "write", "maintain", "admin", "custom"), strict=True):
        world.access(team, project, access)
        world.workspace(project)
        world.tag(project, "env", "prod")
    for token in (world.owner(acme).token, world.token(acme), world.member(acme, team).token):
        for include in ("", "?include=effective_tag_bindings"):
            listed = api.get(f"{PROJECTS}{include}", token)["data"]
            assert {project.id for project in five} <= {each["id"] for each in listed}
            for each in listed:
                assert api.get(f"/projects/{each['id']}{include}", token)["data"] == each


@pytest.mark.usefixtures("five")
def test_a_page_says_where_it_is(api: Api, owner: Person) -> None:
    answer = api.get(f"{PROJECTS}?page[number]=2&page[size]=2&q=e&sort=name", owner.token)
    assert answer["meta"] == {
        "status-counts": {"total": 6, "matching": 5},
        "pagination": {
            "current-page": 2,
            "page-size": 2,
            "prev-page": 1,
            "next-page": 3,
            "total-pages": 3,
            "total-count": 5,
        },
    }
    links = {name: urlsplit(link) for name, link in answer["links"].items()}
    for name, number in {"self": 2, "first": 1, "prev": 1, "next": 3, "last": 3}.items():
        assert links[name].netloc
        assert links[name].path == f"/api/v2{PROJECTS}"
        assert parse_qs(links[name].query) == {
            "page[number]": [str(number)],
            "page[size]": ["2"],
            "q": ["e"],
            "sort": ["name"],
        }


@pytest.mark.usefixtures("five")
def test_a_page_past_the_end_is_empty_and_counts_all_the_same(api: Api, owner: Person) -> None:
    answer = api.get(f"{PROJECTS}?page[number]=9&page[size]=4", owner.token)
    assert answer["data"] == []
    assert answer["meta"]["status-counts"] == {"total": 6, "matching": 6}
    pagination = answer["meta"]["pagination"]
    assert (pagination["current-page"], pagination["total-count"], pagination["total-pages"]) == (9, 6, 2)
    assert (pagination["prev-page"], pagination["next-page"], answer["links"]["next"]) == (2, None, None)


def test_a_page_has_twenty_rows_and_at_most_a_hundred(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    for index in range(104):
        world.project(acme, f"project {index:03}")
    for size, shown in ((None, 20), ("100", 100), ("101", 100), ("9999999", 100), ("1", 1), ("", 20)):
        parameters = "" if size is None else f"?page[size]={size}"
        answer = api.get(f"{PROJECTS}{parameters}", owner.token)
        assert len(answer["data"]) == shown
        assert answer["meta"]["pagination"]["page-size"] == shown
        assert answer["meta"]["pagination"]["total-count"] == 105


@pytest.mark.one_database
@pytest.mark.parametrize("name", ["page[number]", "page[size]"])
@pytest.mark.parametrize("number", ["-1", "1.5", "x", "1_0", "%201", "\u0661", "1e1"], ids=ascii)
def test_a_page_that_is_no_number_is_refused(
    api: Api, acme: Organization, owner: Person, name: str, number: str
) -> None:
    answer = api.get(f"/organizations/{acme.name}/projects?{name}={quote(number, safe='%')}", owner.token, expect=400)
    assert faults(answer) == [(f"{name} must be a positive integer", name)]


@pytest.mark.one_database
@pytest.mark.parametrize("parameter", ["q", "filter[names]", "filter[tagged][0][key]", "filter[tagged][0][value]"])
@pytest.mark.parametrize("text", ["x" * 1_001, "a%00b"], ids=["long", "nul"])
def test_a_text_that_no_project_can_have_is_refused(
    api: Api, acme: Organization, owner: Person, parameter: str, text: str
) -> None:
    key = "&filter[tagged][0][key]=env" if parameter.endswith("[value]") else ""
    path = f"/organizations/{acme.name}/projects?{parameter}={text}{key}"
    [(_, parameter_at_fault)] = faults(api.get(path, owner.token, expect=400))
    assert parameter_at_fault == parameter
