"""Tags of workspaces: bindings, plain tags, what is inherited from the project."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.models import Organization, Project, TagBinding, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.personas import table
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """Where the workspace is."""
    return world.project(acme)


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    """A workspace without tags."""
    return world.workspace(project, "network")


def bindings(tags: Mapping[str, str | None]) -> list[Any]:
    return [{"type": "tag-bindings", "attributes": {"key": key, "value": value}} for key, value in tags.items()]


def plain(*names: str) -> list[Any]:
    return [{"type": "tags", "attributes": {"name": name}} for name in names]


def own(api: Api, workspace: Workspace, token: str) -> dict[str, str]:
    """The bindings, checked against tag-names, which has those without a value."""
    listed = api.get(f"/workspaces/{workspace.id}/tag-bindings", token)
    assert api.get(f"/workspaces/{workspace.id}/relationships/tag-bindings", token) == listed
    found = {tag["attributes"]["key"]: tag["attributes"]["value"] for tag in listed["data"]}
    assert set(tag_names(api, workspace, token)) == {key for key, value in found.items() if not value}
    return found


def tag_names(api: Api, workspace: Workspace, token: str) -> list[str]:
    names: list[str] = api.get(f"/workspaces/{workspace.id}", token)["data"]["attributes"]["tag-names"]
    return names


def test_bindings_are_added_and_replaced(api: Api, owner: Person, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.id}"
    answer = api.patch(f"{path}/tag-bindings", owner.token, {"data": bindings({"tier": "gold", "env": "prod"})})
    assert [tag["attributes"]["key"] for tag in answer["data"]] == ["tier", "env"]
    assert all(tag["id"].startswith("tb-") for tag in answer["data"])
    assert own(api, workspace, owner.token) == {"env": "prod", "tier": "gold"}
    related = f"{path}/relationships/tag-bindings"
    api.post(related, owner.token, {"data": bindings({"env": "test", "blue": None})}, expect=204)
    assert own(api, workspace, owner.token) == {"env": "test", "tier": "gold", "blue": ""}
    api.send("PATCH", related, owner.token, {"data": bindings({"only": "one"})}, expect=204)
    assert own(api, workspace, owner.token) == {"only": "one"}
    api.send("PATCH", related, owner.token, {"data": []}, expect=204)
    assert own(api, workspace, owner.token) == {}


def test_plain_tags_are_bindings_without_a_value(api: Api, owner: Person, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.id}/relationships/tags"
    api.post(path, owner.token, {"data": plain("Blue", "app", "app")}, expect=204)
    assert own(api, workspace, owner.token) == {"app": "", "blue": ""}
    api.patch(f"/workspaces/{workspace.id}/tag-bindings", owner.token, {"data": bindings({"env": "prod"})})
    assert tag_names(api, workspace, owner.token) == ["blue", "app"]
    listed = api.get(path, owner.token)["data"]
    assert [tag["attributes"]["name"] for tag in listed] == ["app", "blue"]
    api.post(path, owner.token, {"data": plain("env")}, expect=204)
    assert own(api, workspace, owner.token)["env"] == "prod", "a value is not taken away by a plain tag"
    api.delete(path, owner.token, {"data": plain("BLUE", "env", "unknown")})
    assert own(api, workspace, owner.token) == {"app": "", "env": "prod"}


def test_the_plain_tags_of_a_workspace_are_searched(api: Api, owner: Person, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.id}/relationships/tags"
    api.post(path, owner.token, {"data": plain("alpha", "beta", "alphabet")}, expect=204)
    found = api.get(f"{path}?name=LPHA", owner.token)["data"]
    assert [each["attributes"]["name"] for each in found] == ["alpha", "alphabet"]
    assert api.get(f"{path}?name=gamma", owner.token)["data"] == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        (None, "Name can't be blank"),
        ("", "Name can't be blank"),
        (1, "Name must be a string"),
        ("-a", "Name is invalid"),
        ("a-", "Name is invalid"),
        ("a b", "Name is invalid"),
        ("a\n", "Name is invalid"),
        ("\u00e9", "Name is invalid"),
        ("n" * 256, "Name is too long (maximum is 255 characters)"),
    ],
)
def test_a_bad_plain_tag_is_refused(
    api: Api, world: World, owner: Person, workspace: Workspace, *, name: Any, detail: str
) -> None:
    sent = {"data": [*plain("good"), {"type": "tags", "attributes": {"name": name}}]}
    answer = api.post(f"/workspaces/{workspace.id}/relationships/tags", owner.token, sent, expect=422)
    assert faults(answer) == [(detail, "/data/1/attributes/name")]
    assert answer["errors"][0]["title"] == "invalid attribute"
    created = document("workspaces", {"name": "second"}, tags=sent["data"])
    answer = api.post(WORKSPACES, owner.token, created, expect=422)
    assert faults(answer) == [(detail, "/data/relationships/tags/data/1/attributes/name")]
    assert world.all(TagBinding) == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({}, ""),
        ({"data": {}}, "/data"),
        ({"data": None}, "/data"),
        ({"data": ["x"]}, "/data/0"),
        ({"data": [{"type": "teams", "attributes": {"name": "a"}}]}, "/data/0/type"),
        ({"data": [{"type": "tags", "attributes": []}]}, "/data/0/attributes/name"),
        ({"data": plain(*(f"t{index}" for index in range(101)))}, "/data"),
    ],
)
def test_a_malformed_list_of_plain_tags_is_refused(
    api: Api, owner: Person, workspace: Workspace, *, sent: Any, pointer: str
) -> None:
    answer = api.post(f"/workspaces/{workspace.id}/relationships/tags", owner.token, sent, expect=422)
    assert [at for _, at in faults(answer)] == [pointer]


def test_the_limits_of_tags(api: Api, owner: Person, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.id}"
    api.patch(f"{path}/tag-bindings", owner.token, {"data": bindings({f"k{index}": "v" for index in range(10)})})
    answer = api.patch(f"{path}/tag-bindings", owner.token, {"data": bindings({"one-more": "v"})}, expect=422)
    assert "cannot exceed 10 bindings per resource" in faults(answer)[0][0]
    api.post(f"{path}/relationships/tags", owner.token, {"data": plain(*(f"t{n}" for n in range(100)))}, expect=204)
    answer = api.post(f"{path}/relationships/tags", owner.token, {"data": plain("one-more")}, expect=422)
    assert faults(answer) == [("Tags cannot exceed 100 per workspace", "/data")]
    assert len(own(api, workspace, owner.token)) == 110


@pytest.mark.usefixtures("acme")
def test_a_workspace_is_created_with_tags(api: Api, owner: Person) -> None:
    sent = document("workspaces", {"name": "tagged"}, tags=plain("blue", "App"), tag_bindings=bindings({"env": "x"}))
    shown = api.post(WORKSPACES, owner.token, sent)["data"]
    assert sorted(shown["attributes"]["tag-names"]) == ["app", "blue"]
    assert "tags" not in shown["relationships"]
    assert api.get(f"/workspaces/{shown['id']}", owner.token)["data"] == shown


# The tags before, what an update sends, the tags afterwards.
UPDATES: list[tuple[dict[str, str], dict[str, Any], dict[str, str]]] = [
    ({"env": "prod", "blue": ""}, {}, {"env": "prod", "blue": ""}),
    ({"env": "prod", "blue": ""}, {"tag_bindings": []}, {}),
    ({"env": "prod", "blue": ""}, {"tag_bindings": bindings({"tier": "x"})}, {"tier": "x"}),
    ({"env": "prod", "blue": ""}, {"tags": plain("red")}, {"env": "prod", "red": ""}),
    ({"env": "prod", "blue": ""}, {"tags": []}, {"env": "prod"}),
    ({"env": "prod"}, {"tags": plain("red"), "tag_bindings": bindings({"a": "b"})}, {"a": "b", "red": ""}),
]


@pytest.mark.parametrize(
    ("before", "sent", "after"), UPDATES, ids=[f"{list(sent)} {after}" for _, sent, after in UPDATES]
)
def test_an_update_replaces_the_tags_it_names(
    api: Api,
    owner: Person,
    workspace: Workspace,
    *,
    before: dict[str, str],
    sent: dict[str, Any],
    after: dict[str, str],
) -> None:
    path = f"/workspaces/{workspace.id}"
    api.patch(f"{path}/tag-bindings", owner.token, {"data": bindings(before)})
    shown = api.patch(path, owner.token, document("workspaces", {}, **sent))["data"]
    assert set(shown["attributes"]["tag-names"]) == {key for key, value in after.items() if not value}
    assert own(api, workspace, owner.token) == after


def effective(api: Api, workspace: Workspace, token: str) -> dict[str, str]:
    """The tags that count, as the tfe provider reads the argument tags."""
    listed = api.get(f"/workspaces/{workspace.id}/effective-tag-bindings", token)["data"]
    return {each["attributes"]["key"]: each["attributes"]["value"] for each in listed}


def test_plain_tags_and_keys_with_values_are_told_apart(
    api: Api, world: World, owner: Person, project: Project, workspace: Workspace
) -> None:
    path, token = f"/workspaces/{workspace.id}", owner.token
    related = f"{path}/relationships/tag-bindings"
    # What the tfe provider sends for tag_names = ["blue", "team"] and tags = { CostCenter = "42", flag = "" }.
    api.post(f"{path}/relationships/tags", token, {"data": plain("blue", "team")}, expect=204)
    values = {"CostCenter": "42", "flag": ""}
    api.post(related, token, {"data": bindings(values)}, expect=204)
    assert tag_names(api, workspace, token) == ["blue", "team", "flag"]
    assert effective(api, workspace, token) == values
    assert own(api, workspace, token) == {"blue": "", "team": "", **values}, "terraform looks for plain tags here"
    api.send("PATCH", related, token, {"data": bindings({"CostCenter": "43"})}, expect=204)
    assert own(api, workspace, token) == {"blue": "", "team": "", "CostCenter": "43"}
    api.patch(path, token, document("workspaces", {}, tag_bindings=[]))
    assert own(api, workspace, token) == {"blue": "", "team": ""}
    api.patch(f"{path}/tag-bindings", token, {"data": bindings({"CostCenter": "42", "blue": ""})})
    assert effective(api, workspace, token) == {"CostCenter": "42"}, "terraform adds plain tags in this way"
    api.patch(path, token, document("workspaces", {}, tags=plain("red")))
    assert own(api, workspace, token) == {"red": "", "CostCenter": "42"}
    # A plain tag hides what is inherited under its name, and a key takes its place.
    world.tag(project, "red", "of-the-project")
    assert effective(api, workspace, token) == {"CostCenter": "42"}
    tagged = "filter[tagged][0][key]=red&filter[tagged][0][value]"
    assert api.get(f"{WORKSPACES}?{tagged}=of-the-project", token)["data"] == []
    api.send("PATCH", related, token, {"data": bindings({"red": ""})}, expect=204)
    assert effective(api, workspace, token) == {"red": ""}
    api.send("PATCH", related, token, {"data": []}, expect=204)
    assert own(api, workspace, token) == {}


def test_tags_are_inherited_unless_there_is_an_own_one(
    api: Api, world: World, owner: Person, project: Project, workspace: Workspace
) -> None:
    for key in ("env", "cost"):
        world.tag(project, key, "of-the-project")
    path = f"/workspaces/{workspace.id}"
    api.patch(f"{path}/tag-bindings", owner.token, {"data": bindings({"env": "own", "tier": "gold"})})
    counting = api.get(f"{path}/effective-tag-bindings", owner.token)["data"]
    inherited_from = {"inherited-from": f"/api/v2/projects/{project.id}"}
    assert [(tag["attributes"]["key"], tag["attributes"]["value"], tag.get("links")) for tag in counting] == [
        ("env", "own", None),
        ("tier", "gold", None),
        ("cost", "of-the-project", inherited_from),
    ]
    world.workspace(project, "second")
    shown = api.get(f"{path}?include=effective_tag_bindings", owner.token)
    assert shown["included"] == counting
    linkage = [{"id": tag["id"], "type": "effective-tag-bindings"} for tag in counting]
    assert shown["data"]["relationships"]["effective-tag-bindings"]["data"] == linkage
    listed = api.get(f"{WORKSPACES}?include=effective-tag-bindings", owner.token)
    first, second = listed["data"]
    assert first == shown["data"]
    assert len(second["relationships"]["effective-tag-bindings"]["data"]) == 2
    assert len(listed["included"]) == 4, "what both inherit is there once"


RIGHTS = table("""
          | read write
admin     | 200  204
maintain  | 200  204
write     | 200  204
read      | 200  404
custom    | 200  404
none      | 404  404
""")


@pytest.mark.one_database
@pytest.mark.parametrize(("access", "what", "status"), RIGHTS)
def test_tagging_needs_the_right(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    workspace: Workspace,
    *,
    access: str,
    what: str,
    status: str,
) -> None:
    team = world.team(acme)
    if access != "none":
        world.access(team, project, access)
    token = world.member(acme, team).token
    path = f"/workspaces/{workspace.id}"
    if what == "read":
        for name in ("tag-bindings", "effective-tag-bindings", "relationships/tags", "relationships/tag-bindings"):
            api.get(f"{path}/{name}", token, expect=int(status))
        return
    sent = {"data": plain("blue")}
    for method in ("POST", "DELETE"):
        api.send(method, f"{path}/relationships/tags", token, sent, expect=int(status))
    for method in ("POST", "PATCH"):
        given = {"data": bindings({"env": "prod"})}
        api.send(method, f"{path}/relationships/tag-bindings", token, given, expect=int(status))


def test_tagging_leaves_events(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.id}/relationships"
    api.post(f"{path}/tag-bindings", owner.token, {"data": bindings({"env": "prod"})}, expect=204)
    api.post(f"{path}/tag-bindings", owner.token, {"data": bindings({"env": "prod"})}, expect=204)
    api.post(f"{path}/tags", owner.token, {"data": plain("blue")}, expect=204)
    api.delete(f"{path}/tags", owner.token, {"data": plain("blue", "green")})
    api.post(WORKSPACES, owner.token, document("workspaces", {"name": "second"}, tags=plain("red")))
    found = [(event.action, event.changes.get("tag-bindings")) for event in left_by_requests(world)]
    assert found == [
        ("workspaces.tag", {"env": [None, "prod"]}),
        ("workspaces.tag", {"blue": [None, ""]}),
        ("workspaces.tag", {"blue": ["", None]}),
        ("workspaces.create", {"red": [None, ""]}),
        ("workspace-acl-entries.create", None),
    ]
