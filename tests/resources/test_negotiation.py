"""What clients ask of an answer: its media type, fewer fields, several sorts, includes; where a new resource is."""

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

JSONAPI = "application/vnd.api+json"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("asked", "attributes", "relationships"),
    [
        ("fields[workspaces]=name,locked", {"name", "locked"}, None),
        ("fields[workspaces]=name, project", {"name"}, {"project"}),
        (
            "fields[workspaces]=terraform_version,current_state_version",
            {"terraform-version"},
            {"current-state-version"},
        ),
        ("fields[workspaces][]=name&fields[workspaces][]=locked", {"name", "locked"}, None),
        ("fields[workspaces]=nothing-known", None, None),
        ("fields[workspaces]=", None, None),
    ],
)
def test_an_answer_has_the_fields_that_are_asked_for(
    api: Api,
    world: World,
    project: Project,
    owner: Person,
    *,
    asked: str,
    attributes: set[str] | None,
    relationships: set[str] | None,
) -> None:
    workspace = world.workspace(project, "net")
    whole = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]
    for path in (f"/workspaces/{workspace.id}", "/organizations/acme/workspaces", f"/projects/{project.id}/workspaces"):
        answer = api.get(f"{path}?{asked}&include=project", owner.token)
        [shown] = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
        assert {"id", "type", "links"} <= set(shown)
        for group, names in (("attributes", attributes), ("relationships", relationships)):
            assert shown.get(group) == (names and {name: whole[group][name] for name in names})
        assert "slug" in answer["included"][0]["attributes"], "another type is whole"
    created = document("workspaces", {"name": "other"})
    shown = api.post(f"/organizations/acme/workspaces?{asked}", owner.token, created)["data"]
    assert set(shown.get("attributes", ())) == (attributes or set())


@pytest.mark.one_database
def test_included_resources_have_the_fields_of_their_type(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    workspace = world.workspace(project, "net")
    asked = "include=project&fields[projects]=name&fields[tags]=x"
    answer = api.get(f"/workspaces/{workspace.id}?{asked}", owner.token)
    [included] = answer["included"]
    assert (set(included["attributes"]), "relationships" in included) == ({"name"}, False)
    assert "name" in answer["data"]["attributes"]
    providers = api.get("/cloud-providers?fields[cloud-providers]=name", owner.token)["data"]
    assert {name for each in providers for name in each["attributes"]} == {"name"}
    assert len(api.get("/cloud-providers", owner.token)["data"][0]["attributes"]) > 0


@pytest.mark.one_database
@pytest.mark.parametrize("parameter", ["fields", "fields[]", "fields[workspaces][name]", "fields[a b]", "fields[x"])
def test_fields_of_no_type_are_refused_before_anything_is_done(
    api: Api, world: World, owner: Person, acme: Organization, parameter: str
) -> None:
    path = f"/organizations/{acme.name}/projects?{parameter.replace(' ', '%20')}=name"
    for method, sent in (("GET", None), ("POST", document("projects", {"name": "made"}))):
        answer = api.send(method, path, owner.token, sent, expect=400)
        assert [at for _, at in faults(answer)] == [parameter]
    assert [each.is_default for each in world.all(Project)] == [True]
    api.get(f"/organizations/{acme.name}/projects?fieldsets=name", owner.token)


SORTS = [
    ("-status,email", ["i-cleo", "i-dora", "a-ada", "a-bob"]),
    ("-status,-email", ["i-dora", "i-cleo", "a-bob", "a-ada"]),
    ("status, -email", ["a-bob", "a-ada", "i-dora", "i-cleo"]),
    ("email,status", ["a-ada", "a-bob", "i-cleo", "i-dora"]),
    ("-email", ["i-dora", "i-cleo", "a-bob", "a-ada"]),
]


@pytest.mark.parametrize(("sort", "expected"), SORTS)
@pytest.mark.parametrize("filtered", ["", "&q=example.test"], ids=["whole", "filtered"])
def test_a_list_is_sorted_by_several_fields(
    api: Api, world: World, *, sort: str, expected: list[str], filtered: str
) -> None:
    acme = world.organization("acme", owner=world.person("a-ada"))
    reader = world.person(site_role="admin").token
    world.membership(acme, world.person("a-bob"))
    for name in ("i-dora", "i-cleo"):
        world.membership(acme, world.person(name), status="invited")
    path = f"/organizations/acme/organization-memberships?sort={sort}{filtered}"

    def found(page: str = "") -> list[str]:
        return [each["attributes"]["email"].partition("@")[0] for each in api.get(path + page, reader)["data"]]

    assert found() == expected
    assert [found(f"&page[size]=1&page[number]={number}")[0] for number in range(1, 5)] == expected


@pytest.mark.one_database
@pytest.mark.parametrize("sort", ["name,size", "name,-name", "name,", ",", "-", "name;email"])
def test_what_can_not_be_sorted_by_is_refused(api: Api, acme: Organization, owner: Person, sort: str) -> None:
    answer = api.get(f"/organizations/{acme.name}/agent-pools?sort={sort}", owner.token, expect=400)
    [(detail, parameter)] = faults(answer)
    assert (parameter, detail) == (
        "sort",
        "sort must be one of name, created-at, with - before it for descending; commas separate several",
    )


ACCEPTS = [
    (JSONAPI, 200),
    ("*/*", 200),
    ("", 200),
    ("application/json", 200),
    ("application/json, */*", 200),
    ("text/html, application/xhtml+xml, */*;q=0.8", 200),
    ("application/*", 200),
    (f"{JSONAPI}; charset=utf-8", 200),
    (f"text/html, {JSONAPI.upper()}", 200),
    (f'{JSONAPI}; ext="https://example.com/x", {JSONAPI}', 200),
    (f'{JSONAPI}; profile="https://example.com/x"', 200),
    ("text/html", 406),
    ("application/xml, text/*", 406),
    ("application/vnd.api+jsonx", 406),
    (f"{JSONAPI};q=0", 406),
    (f"{JSONAPI};q=0, */*", 406),
    (f'{JSONAPI}; ext="https://example.com/x"', 406),
    (f'{JSONAPI};ext="https://example.com/x", */*', 406),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("accept", "status"), ACCEPTS)
def test_an_answer_that_nobody_could_read_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, accept: str, status: int
) -> None:
    headers = {"Accept": accept}
    answer = api.raw("GET", f"/organizations/{acme.name}", owner.token, headers=headers)
    assert answer.status_int == status
    if status == 406:
        assert answer.content_type == JSONAPI
        assert answer.json["errors"][0]["code"] == "not-acceptable"
    sent = document("projects", {"name": "made"})
    made = api.raw("POST", f"/organizations/{acme.name}/projects", owner.token, sent, headers=headers)
    assert made.status_int == (201 if status == 200 else status)
    assert len(world.all(Project)) == (2 if status == 200 else 1), "nothing was done"


@pytest.mark.one_database
def test_what_is_no_json_api_is_answered_whatever_is_accepted(api: Api, project: Project, owner: Person) -> None:
    html = {"Accept": "text/html"}
    assert api.raw("GET", "/docs", headers=html).status_int == 200
    assert api.raw("GET", "/openapi.json", headers=html).status_int == 200
    # There is no picture, which is said in JSON:API.
    assert api.raw("GET", f"/projects/{project.id}/icon", owner.token, headers={"Accept": "image/*"}).status_int == 404


@pytest.mark.one_database
def test_a_new_resource_says_where_it_is(api: Api, world: World, project: Project, owner: Person) -> None:
    acme = "/organizations/acme"
    grace = world.member(next(each for each in world.all(Organization) if each.name == "acme"))
    made = [
        (f"{acme}/projects", document("projects", {"name": "made"})),
        (f"{acme}/workspaces", document("workspaces", {"name": "net"})),
        (f"/projects/{project.id}/environments", document("environments", {"name": "prod"})),
        (f"/projects/{project.id}/members", document("project-members", {"role": "viewer"}, user=("users", grace.id))),
        (f"/users/{owner.id}/authentication-tokens", document("authentication-tokens", {"description": "x"})),
        (f"{acme}/varsets", document("varsets", {"name": "set", "global": False})),
    ]
    for path, sent in made:
        answer = api.raw("POST", path, owner.token, sent)
        assert answer.status_int == 201
        location = answer.headers["Location"]
        assert location == f"http://localhost:80{answer.json['data']['links']['self']}".replace(":80", "")
        shown = api.get(location.removeprefix("http://localhost/api/v2"), owner.token)["data"]
        assert shown["id"] == answer.json["data"]["id"]
    put = api.raw("PUT", f"{acme}/workspaces/other", owner.token, document("workspaces"))
    assert put.headers["Location"].endswith("/organizations/acme/workspaces/other")
    again = api.raw("PUT", f"{acme}/workspaces/other", owner.token, document("workspaces"))
    assert (again.status_int, "Location" in again.headers) == (200, False)


@pytest.mark.one_database
def test_an_address_that_includes_nothing_refuses_to_be_asked(
    api: Api, world: World, project: Project, owner: Person
) -> None:
    environment = world.environment(project)
    for path in (
        f"/environments/{environment.id}",
        f"/projects/{project.id}/environments",
        f"/projects/{project.id}/repository-links",
        f"/projects/{project.id}/tag-bindings",
        f"/users/{owner.id}/authentication-tokens",
        "/account/details",
        "/cloud-providers",
    ):
        api.get(f"{path}?include=", owner.token)
        answer = api.get(f"{path}?include=project", owner.token, expect=400)
        # Clients look for these words, and repeat the request without it.
        assert faults(answer) == [("Invalid include parameter", "include")]
        api.get(f"{path}?include=project", None, expect=401)
