"""Who may read and write variables, of workspaces and of sets; batches and the older addresses."""

from typing import Any

import pytest

from app.models import Organization, Project, Var, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.personas import PERSONAS, table
from tests.support.world import Person, World


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme)


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "network")


# Statuses of reading a workspace's variables, of creating one, of reading and changing a set of the organization, of
# reading and changing one of the project.
ALLOWED = table("""
                         | read write shared change-shared owned change-owned
site administrator       | 200  201   200    200           200   200
owner                    | 200  201   200    200           200   200
organization token       | 200  201   200    200           200   200
manage-projects          | 200  201   200    200           200   200
read-projects            | 200  404   200    404           404   404
manage-workspaces        | 200  201   200    200           200   404
read-workspaces          | 200  404   200    404           404   404
project admin            | 200  201   200    404           200   200
project maintain         | 200  201   200    404           200   200
project write            | 200  201   200    404           200   200
project read             | 200  404   200    404           404   404
custom least             | 404  404   404    404           404   404
custom create            | 404  404   404    404           404   404
member                   | 404  404   404    404           404   404
outsider                 | 404  404   404    404           404   404
other owner              | 404  404   404    404           404   404
other organization token | 404  404   404    404           404   404
""")


@pytest.mark.one_database
@pytest.mark.parametrize("who", sorted({name for name, _, _ in ALLOWED}))
def test_who_may_do_what(
    api: Api, world: World, acme: Organization, project: Project, workspace: Workspace, who: str
) -> None:
    token = PERSONAS[who](world, acme, [project])
    shared, owned = world.varset(acme), world.varset(acme, project=project)
    own = f"/workspaces/{workspace.id}/vars"
    new = document("vars", {"key": "region", "category": "env"})
    change = document("varsets", {"description": "new"})
    requests: dict[str, tuple[str, str, Any]] = {
        "read": ("GET", own, None),
        "write": ("POST", own, new),
        "shared": ("GET", f"/varsets/{shared.id}", None),
        "change-shared": ("PATCH", f"/varsets/{shared.id}", change),
        "owned": ("GET", f"/varsets/{owned.id}", None),
        "change-owned": ("PATCH", f"/varsets/{owned.id}", change),
    }
    expected = {name: int(status) for persona, name, status in ALLOWED if persona == who}
    assert {name: api.raw(method, path, token, sent).status_int for name, (method, path, sent) in requests.items()} == (
        expected
    )
    # What may be changed says so, and its variables may be, too.
    for varset, name in ((shared, "shared"), (owned, "owned")):
        if expected[name] == 200:
            flags = api.get(f"/varsets/{varset.id}", token)["data"]["attributes"]["permissions"]
            assert flags == {"can-update": expected[f"change-{name}"] == 200}
        status = api.raw("POST", f"/varsets/{varset.id}/relationships/vars", token, new).status_int
        assert (status == 201) == (expected[f"change-{name}"] == 200)
    created = api.raw("POST", "/organizations/acme/varsets", token, document("varsets", {"name": "new"}))
    assert (created.status_int == 201) == (expected["change-shared"] == 200)
    of_project = document("varsets", {"name": "new"}, parent=("projects", project.id))
    created = api.raw("POST", "/organizations/acme/varsets", token, of_project)
    assert (created.status_int == 201) == (expected["change-owned"] == 200)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"variables": "read"}, (200, 404)),
        ({"variables": "write"}, (200, 201)),
        ({"variable-sets": "write"}, (404, 404)),
    ],
)
def test_custom_levels(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    workspace: Workspace,
    details: dict[str, Any],
    expected: tuple[int, int],
) -> None:
    team = world.team(acme)
    world.access(team, project, "custom", details)
    token = world.member(acme, team).token
    own = f"/workspaces/{workspace.id}/vars"
    read = api.raw("GET", own, token).status_int
    written = api.raw("POST", own, token, document("vars", {"key": "a", "category": "env"})).status_int
    assert (read, written) == expected


def test_applying_a_set_needs_the_variables_of_the_workspace(
    api: Api, world: World, acme: Organization, project: Project, workspace: Workspace
) -> None:
    team = world.team(acme)
    world.access(team, project, "custom", {"variable-sets": "write", "variables": "read"})
    token = world.member(acme, team).token
    varset = world.varset(acme, project=project)
    own = f"/varsets/{varset.id}/relationships"
    its = {"data": [{"type": "workspaces", "id": workspace.id}]}
    api.post(f"{own}/workspaces", token, its, expect=404)
    api.post(f"{own}/projects", token, {"data": [{"type": "projects", "id": project.id}]}, expect=204)


# --- batches -------------------------------------------------------------------------------------------------------


def item(variable: Var, **attributes: Any) -> dict[str, Any]:
    return {"type": "vars", "id": variable.id, "attributes": attributes}


@pytest.fixture
def variables(world: World, workspace: Workspace) -> list[Var]:
    place = {"organization_id": workspace.organization_id, "workspace_id": workspace.id, "category": "env"}
    return [world.add(Var(**place, key=f"key_{number}", value="old")) for number in range(3)]


def test_many_variables_are_updated_at_once(
    api: Api, world: World, owner: Person, workspace: Workspace, variables: list[Var]
) -> None:
    path = f"/workspaces/{workspace.id}/relationships/vars"
    sent = {"data": [item(variables[0], value="new"), item(variables[1], sensitive=True)]}
    api.patch(path, owner.token, sent, expect=204)
    shown = api.get(f"/workspaces/{workspace.id}/vars", owner.token)["data"]
    assert [each["attributes"]["value"] for each in shown] == ["new", None, "old"]
    assert [event.subject_name for event in left_by_requests(world)] == ["key_0", "key_1"]
    api.patch(path, owner.token, {"data": []}, expect=204)


def test_a_batch_is_all_or_nothing(
    api: Api, world: World, owner: Person, workspace: Workspace, variables: list[Var]
) -> None:
    path = f"/workspaces/{workspace.id}/relationships/vars"
    first, second, _ = variables
    answer = api.patch(path, owner.token, {"data": [item(first, value="new"), item(second, key="")]}, expect=422)
    assert faults(answer) == [("Key can't be blank", "/data/1/attributes/key")]
    api.patch(path, owner.token, {"data": [item(first, value="new"), item(second, key="key_2")]}, expect=422)
    elsewhere = world.add(
        Var(
            organization_id=workspace.organization_id,
            varset_id=world.varset(world.organization()).id,
            key="x",
            category="env",
            value="",
        )
    )
    api.patch(path, owner.token, {"data": [item(first, value="new"), item(elsewhere)]}, expect=404)
    assert {each.value for each in world.all(Var)} == {"old", ""}
    assert left_by_requests(world) == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    "sent",
    [
        {"data": {}},
        {"data": [{"type": "vars"}]},
        {"data": [{"type": "vars", "id": 7}]},
        {"data": [{"type": "workspaces", "id": "var-1"}]},
        {"data": [{"type": "vars", "id": "var-1", "attributes": []}]},
        {"data": [{"type": "vars", "id": "var-1"}, {"type": "vars", "id": "var-1"}]},
        {"data": [{"type": "vars", "id": f"var-{number}"} for number in range(1_001)]},
    ],
)
def test_what_is_no_batch_is_a_bad_request(api: Api, owner: Person, workspace: Workspace, sent: Any) -> None:
    api.patch(f"/workspaces/{workspace.id}/relationships/vars", owner.token, sent, expect=400)


# --- the older addresses -------------------------------------------------------------------------------------------


def test_the_older_addresses_do_the_same(api: Api, owner: Person, workspace: Workspace) -> None:
    new = document("vars", {"key": "a", "category": "env", "value": "1"}, workspace=("workspaces", workspace.id))
    created = api.post("/vars", owner.token, new)["data"]
    listed = "/vars?filter[organization][name]=ACME&filter[workspace][name]=Network"
    assert api.get(listed, owner.token)["data"] == [created]
    updated = api.patch(f"/vars/{created['id']}", owner.token, document("vars", {"value": "2"}))["data"]
    assert api.get(f"/workspaces/{workspace.id}/vars/{created['id']}", owner.token)["data"] == updated
    api.delete(f"/vars/{created['id']}", owner.token)
    api.delete(f"/vars/{created['id']}", owner.token, expect=404)


def test_the_older_addresses_let_nobody_else_in(
    api: Api, world: World, acme: Organization, owner: Person, variables: list[Var]
) -> None:
    member = world.member(acme).token
    path = f"/vars/{variables[0].id}"
    api.patch(path, member, document("vars", {"value": "mine"}), expect=404)
    api.delete(path, member, expect=404)
    api.get("/vars?filter[organization][name]=acme&filter[workspace][name]=network", member, expect=404)
    api.get("/vars?filter[organization][name]=acme", owner.token, expect=404)
    api.post("/vars", owner.token, document("vars", {"key": "a", "category": "env"}), expect=422)
    assert {each.value for each in world.all(Var)} == {"old"}


def test_an_id_never_stands_for_several(api: Api, owner: Person, workspace: Workspace, variables: list[Var]) -> None:
    both = "\x1f".join(variable.id for variable in variables[:2])
    batch = {"data": [{"type": "vars", "id": both, "attributes": {"value": "new"}}]}
    api.patch(f"/workspaces/{workspace.id}/relationships/vars", owner.token, batch, expect=404)
    one = f"/workspaces/{workspace.id}/vars/{both.replace(chr(31), '%1f')}"
    api.patch(one, owner.token, document("vars", {"value": "new"}), expect=404)
    api.delete(one, owner.token, expect=404)
