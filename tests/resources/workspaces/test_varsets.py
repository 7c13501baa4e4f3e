"""Variable sets: the sets themselves and their variables."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import Organization, Var, Varset
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

PATH = "/organizations/acme/varsets"
NAME = "/data/attributes/name"
SECRET = "correct horse battery staple"


def sent(name: str = "aws", **attributes: Any) -> dict[str, Any]:
    return document("varsets", {"name": name, **attributes})


def variable(key: str = "region", category: str = "terraform", **attributes: Any) -> dict[str, Any]:
    return {"type": "vars", "attributes": {"key": key, "category": category, **attributes}}


def related(answer: Any, relationship: str) -> list[str]:
    return [item["id"] for item in answer["relationships"][relationship]["data"]]


def test_a_set_is_created_shown_and_listed(api: Api, owner: Person, acme: Organization) -> None:
    created = api.post(PATH, owner.token, sent(description="keys"))["data"]
    attributes = dict(created["attributes"])
    begun, changed = (datetime.fromisoformat(attributes.pop(name)) for name in ("created-at", "updated-at"))
    assert abs(changed - begun) < timedelta(minutes=1)
    assert attributes == {
        "name": "aws",
        "description": "keys",
        "global": False,
        "priority": False,
        "var-count": 0,
        "workspace-count": 0,
        "project-count": 0,
        "stack-count": 0,
        "permissions": {"can-update": True},
    }
    home = {"data": {"id": acme.name, "type": "organizations"}}
    nothing: dict[str, list[Any]] = {"data": []}
    assert created["relationships"] == {
        "organization": home,
        "parent": home,
        "vars": nothing,
        "workspaces": nothing,
        "projects": nothing,
        "stacks": nothing,
    }
    assert created["links"] == {"self": f"/api/v2/varsets/{created['id']}"}
    assert api.get(f"/varsets/{created['id']}", owner.token)["data"] == created
    assert api.get(PATH, owner.token)["data"] == [created]


def test_a_set_of_a_project_says_so(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    parent = ("projects", project.id)
    created = api.post(PATH, owner.token, document("varsets", {"name": "aws"}, parent=parent))["data"]
    assert created["relationships"]["parent"]["data"] == {"type": "projects", "id": project.id}
    assert [each.project_id for each in world.all(Varset)] == [project.id]


def test_a_set_comes_with_variables_and_places(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    workspaces = [world.workspace(project, f"ws-{number}") for number in range(2)]
    created = api.post(
        PATH,
        owner.token,
        document(
            "varsets",
            {"name": "aws"},
            vars=[variable("b", value=SECRET, sensitive=True), variable("a", category="env", value="1")],
            workspaces=[("workspaces", workspace.id) for workspace in workspaces],
            projects=[("projects", project.id)],
        ),
    )["data"]
    assert related(created, "workspaces") == [workspace.id for workspace in workspaces]
    assert related(created, "projects") == [project.id]
    counts = [created["attributes"][f"{kind}-count"] for kind in ("var", "workspace", "project")]
    assert counts == [2, 2, 1]
    own = f"/varsets/{created['id']}"
    shown = api.get(f"{own}?include=vars,workspaces,projects", owner.token)
    assert {(item["type"], item["id"]) for item in shown["included"]} == {
        *(("workspaces", workspace.id) for workspace in workspaces),
        ("projects", project.id),
        *(("vars", identifier) for identifier in related(created, "vars")),
    }
    listed = api.get(f"{own}/relationships/vars", owner.token)["data"]
    assert [(item["attributes"]["key"], item["attributes"]["value"]) for item in listed] == [("a", "1"), ("b", None)]
    assert SECRET not in repr([event.changes for event in left_by_requests(world)])


@pytest.mark.parametrize(
    ("include", "of_organization", "of_project"),
    [
        ("parent", ["organizations"], ["projects"]),
        ("organization", ["organizations"], ["organizations"]),
        ("projects,parent,organization", ["organizations"], ["projects", "organizations"]),
        ("stacks", [], []),
    ],
)
def test_owners_come_along(
    api: Api,
    world: World,
    owner: Person,
    acme: Organization,
    *,
    include: str,
    of_organization: list[str],
    of_project: list[str],
) -> None:
    project = world.project(acme)
    sets = world.varset(acme), world.varset(acme, project=project)
    own = {"projects": project.id, "organizations": "acme"}
    for varset, expected in zip(sets, (of_organization, of_project), strict=True):
        included = api.get(f"/varsets/{varset.id}?include={include}", owner.token)["included"]
        assert [(each["type"], each["id"]) for each in included] == [(type_, own[type_]) for type_ in expected]
    listed = api.get(f"{PATH}?include={include}", owner.token)["included"]
    assert {each["type"] for each in listed} == {*of_organization, *of_project}


def test_the_variables_of_a_set(api: Api, world: World, owner: Person, acme: Organization) -> None:
    varset = world.varset(acme)
    path = f"/varsets/{varset.id}/relationships/vars"
    created = api.post(path, owner.token, {"data": variable(value="x")})["data"]
    assert created["relationships"] == {
        "varset": {"data": {"id": varset.id, "type": "varsets"}, "links": {"related": f"/api/v2/varsets/{varset.id}"}}
    }
    own = f"{path}/{created['id']}"
    assert created["links"]["self"] == f"/api/v2{own}"
    assert api.get(own, owner.token)["data"] == created
    answer = api.post(path, owner.token, {"data": variable()}, expect=422)
    assert faults(answer) == [("Key has already been taken", "/data/attributes/key")]
    updated = api.patch(own, owner.token, document("vars", {"value": SECRET, "sensitive": True}))["data"]
    assert updated["attributes"]["value"] is None
    assert updated["attributes"]["version-id"] != created["attributes"]["version-id"]
    api.patch(own, owner.token, document("vars", {"sensitive": False}), expect=422)
    # The set shows when it was changed, whatever of it.
    assert api.get(f"/varsets/{varset.id}", owner.token)["data"]["attributes"]["updated-at"] > "2026"
    for address in (f"/vars/{created['id']}",):
        api.delete(address, owner.token, expect=404)
    api.delete(own, owner.token)
    api.get(own, owner.token, expect=404)
    assert [event.action for event in left_by_requests(world)] == ["vars.create", "vars.update", "vars.delete"]
    assert SECRET not in repr([event.changes for event in left_by_requests(world)])


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_an_update_replaces_places_and_adds_variables(
    api: Api, world: World, owner: Person, acme: Organization, method: str
) -> None:
    project = world.project(acme)
    first, second = world.workspace(project), world.workspace(project)
    varset = world.varset(acme)
    own = f"/varsets/{varset.id}"
    api.post(
        f"{own}/relationships/workspaces", owner.token, {"data": [{"type": "workspaces", "id": first.id}]}, expect=204
    )
    api.post(f"{own}/relationships/vars", owner.token, {"data": variable("old")})
    change = document(
        "varsets",
        {"name": "other", "priority": True},
        workspaces=[("workspaces", second.id)],
        vars=[variable("new")],
    )
    updated = api.send(method, own, owner.token, change, expect=200)["data"]
    assert (updated["attributes"]["name"], updated["attributes"]["priority"]) == ("other", True)
    assert related(updated, "workspaces") == [second.id]
    assert updated["attributes"]["var-count"] == 2
    emptied = api.send(method, own, owner.token, document("varsets", {}, workspaces=[]), expect=200)["data"]
    assert related(emptied, "workspaces") == []
    # What a client read it sends back: variables with their ids are there already.
    again = api.send(method, own, owner.token, {"data": emptied}, expect=200)["data"]
    assert again == emptied


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"name": ""}, [("Name can't be blank", NAME)]),
        ({"name": None}, [("Name can't be blank", NAME)]),
        ({"name": "n" * 91}, [("Name is too long (maximum is 90 characters)", NAME)]),
        ({"global": "yes"}, [("Global must be true or false", "/data/attributes/global")]),
        ({"priority": None}, [("Priority can't be blank", "/data/attributes/priority")]),
        (
            {"description": "d" * 2_001},
            [("Description is too long (maximum is 2000 characters)", "/data/attributes/description")],
        ),
    ],
)
def test_what_is_not_valid_is_refused(
    api: Api,
    world: World,
    owner: Person,
    acme: Organization,
    attributes: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    varset = world.varset(acme)
    assert faults(api.post(PATH, owner.token, sent(**attributes), expect=422)) == expected
    change = document("varsets", attributes)
    assert faults(api.patch(f"/varsets/{varset.id}", owner.token, change, expect=422)) == expected


@pytest.mark.usefixtures("acme")
def test_faults_of_variables_point_into_the_relationship(api: Api, world: World, owner: Person) -> None:
    wrong = document("varsets", {"name": "aws"}, vars=[variable(), variable("", value=7)])
    at = "/data/relationships/vars/data/1/attributes"
    assert sorted(faults(api.post(PATH, owner.token, wrong, expect=422))) == [
        ("Key can't be blank", f"{at}/key"),
        ("Value must be a string", f"{at}/value"),
    ]
    assert world.all(Varset) == []


def test_names_are_unique_among_the_sets_of_an_owner(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    for parent in (("organizations", "ACME"), ("projects", project.id)):
        api.post(PATH, owner.token, document("varsets", {"name": "any / chars"}, parent=parent))
        again = api.post(PATH, owner.token, document("varsets", {"name": "any / chars"}, parent=parent), expect=422)
        assert faults(again) == [("Name has already been taken", NAME)]


def test_the_owner_of_a_set_stays(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    of_organization, of_project = world.varset(acme), world.varset(acme, project=project)
    organization = ("organizations", "acme")
    for varset, same, other in (
        (of_organization, organization, ("projects", project.id)),
        (of_project, ("projects", project.id), organization),
    ):
        own = f"/varsets/{varset.id}"
        api.patch(own, owner.token, document("varsets", {}, parent=same))
        answer = api.patch(own, owner.token, document("varsets", {}, parent=other), expect=422)
        assert faults(answer) == [("Parent can't be changed", "/data/relationships/parent")]


def test_a_parent_is_of_the_organization(api: Api, world: World, owner: Person, acme: Organization) -> None:
    elsewhere = world.project(world.organization("other", owner=owner))
    assert acme.name == "acme"
    for parent in (("organizations", "other"), ("projects", elsewhere.id)):
        api.post(PATH, owner.token, document("varsets", {"name": "aws"}, parent=parent), expect=422)
    api.post(PATH, owner.token, document("varsets", {"name": "aws"}, parent=("projects", "prj-none")), expect=404)


def test_a_deleted_set_takes_its_variables_along(api: Api, world: World, owner: Person, acme: Organization) -> None:
    varset = world.varset(acme)
    api.post(f"/varsets/{varset.id}/relationships/vars", owner.token, {"data": variable()})
    api.delete(f"/varsets/{varset.id}", owner.token)
    api.get(f"/varsets/{varset.id}", owner.token, expect=404)
    assert world.all(Var) == []


def test_a_list_is_filtered(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    world.varset(acme, name="aws-keys")
    world.varset(acme, name="everywhere", is_global=True)
    world.varset(acme, project=project, name="aws-project")

    def names(parameters: str) -> list[str]:
        return [item["attributes"]["name"] for item in api.get(f"{PATH}?{parameters}", owner.token)["data"]]

    assert names("") == ["aws-keys", "aws-project", "everywhere"]
    assert names("q=AWS") == ["aws-keys", "aws-project"]
    assert names("filter[global]=true") == ["everywhere"]
    assert names("filter[global]=false&scope=owned") == ["aws-keys"]
    assert names("page[size]=1&page[number]=3") == ["everywhere"]
    api.get(f"{PATH}?filter[global]=1", owner.token, expect=400)


# --- global sets ---------------------------------------------------------------------------------------------------


def test_a_set_that_becomes_global_leaves_its_places(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    workspace = world.workspace(project)
    varset = world.varset(acme)
    own = f"/varsets/{varset.id}"
    change = document("varsets", {}, workspaces=[("workspaces", workspace.id)], projects=[("projects", project.id)])
    assert api.patch(own, owner.token, change)["data"]["attributes"]["project-count"] == 1
    updated = api.patch(own, owner.token, document("varsets", {"global": True}))["data"]
    assert (related(updated, "workspaces"), related(updated, "projects")) == ([], [])
    linkage = {"data": [{"type": "workspaces", "id": workspace.id}]}
    refused = api.post(f"{own}/relationships/workspaces", owner.token, linkage, expect=422)
    assert refused["errors"][0]["code"] == "global-varset"
    assert api.patch(own, owner.token, document("varsets", {"global": False}))["data"]["attributes"]["global"] is False


def test_a_set_of_a_project_is_never_global(api: Api, world: World, owner: Person, acme: Organization) -> None:
    project = world.project(acme)
    parent = ("projects", project.id)
    new = document("varsets", {"name": "aws", "global": True}, parent=parent)
    expected = [("Global must be false for a set of a project", "/data/attributes/global")]
    assert faults(api.post(PATH, owner.token, new, expect=422)) == expected
    varset = world.varset(acme, project=project)
    change = document("varsets", {"global": True})
    assert faults(api.patch(f"/varsets/{varset.id}", owner.token, change, expect=422)) == expected


@pytest.mark.usefixtures("acme")
def test_two_global_sets_never_share_a_variable(api: Api, world: World, owner: Person) -> None:
    everywhere = document("varsets", {"name": "first", "global": True}, vars=[variable("a"), variable("b")])
    first = api.post(PATH, owner.token, everywhere)["data"]
    clash = document("varsets", {"name": "second", "global": True}, vars=[variable("a")])
    assert faults(api.post(PATH, owner.token, clash, expect=422)) == [
        ("Key has already been taken", "/data/attributes/key")
    ]
    assert [each.name for each in world.all(Varset)] == ["first"]
    second = api.post(PATH, owner.token, document("varsets", {"name": "second"}, vars=[variable("a")]))["data"]
    own = f"/varsets/{second['id']}"
    answer = api.patch(own, owner.token, document("varsets", {"global": True}), expect=422)
    assert faults(answer) == [("Global sets can't share a variable: a is in another one", "/data/attributes/global")]
    (its,) = related(second, "vars")
    api.patch(f"{own}/relationships/vars/{its}", owner.token, document("vars", {"key": "c"}))
    api.patch(own, owner.token, document("varsets", {"global": True}))
    api.patch(f"{own}/relationships/vars/{its}", owner.token, document("vars", {"key": "b"}), expect=422)
    api.post(f"{own}/relationships/vars", owner.token, {"data": variable("a")}, expect=422)
    api.post(f"{own}/relationships/vars", owner.token, {"data": variable("a", category="env")})
    api.patch(f"/varsets/{first['id']}", owner.token, document("varsets", {"global": False}))
    api.post(f"{own}/relationships/vars", owner.token, {"data": variable("a")})
