"""How much there may be of what is listed, copied or shown all at once: up to the limit, and not one more."""

from typing import Any

import pytest

from app.jsonapi.errors import TooMuchIncluded
from app.models import (
    Organization,
    Project,
    RemoteStateConsumer,
    TagBinding,
    Var,
    VarsetProject,
    VarsetWorkspace,
    Workspace,
)
from app.resources.accounts.authentication_tokens import operations as tokens
from app.resources.organizations.agent_pools import routes as pools
from app.resources.projects.environments import cloning
from app.resources.workspaces.vars import listing as listed_variables
from app.resources.workspaces.vars import operations as variables
from app.resources.workspaces.varsets import listing as varsets
from tests.support.api import Api, document, faults
from tests.support.world import Person, World


def variable(key: str, value: str = "", **attributes: Any) -> dict[str, Any]:
    return document("vars", {"key": key, "category": "env", "value": value, **attributes})


@pytest.fixture(params=["workspace", "set"])
def path(request: pytest.FixtureRequest, world: World, acme: Organization) -> str:
    """Where the variables of a workspace or of a set are."""
    if request.param == "set":
        return f"/varsets/{world.varset(acme).id}/relationships/vars"
    return f"/workspaces/{world.workspace(world.default_project(acme)).id}/vars"


def test_so_many_variables(api: Api, owner: Person, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "MAXIMUM", 2)
    first = api.post(path, owner.token, variable("one"))["data"]
    api.post(path, owner.token, variable("two"))

    refused = api.post(path, owner.token, variable("three"), expect=422)

    assert faults(refused) == [(variables.TooManyVars.detail, "/data")]
    assert len(api.get(path, owner.token)["data"]) == 2
    api.patch(f"{path}/{first['id']}", owner.token, document("vars", {"value": "new"}))


def test_more_variables_than_there_may_be_can_still_be_changed(
    api: Api, owner: Person, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = api.post(path, owner.token, variable("one"))["data"]
    api.post(path, owner.token, variable("two"))
    monkeypatch.setattr(variables, "MAXIMUM", 1)

    api.patch(f"{path}/{first['id']}", owner.token, document("vars", {"value": "new"}))


def test_values_so_long(api: Api, owner: Person, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "MAXIMUM_LENGTH", 10)
    made = api.post(path, owner.token, variable("one", "x" * 4))["data"]
    api.post(path, owner.token, variable("two", "x" * 5))
    one = f"{path}/{made['id']}"

    api.patch(one, owner.token, document("vars", {"value": "x" * 5}))
    refused = [
        api.patch(one, owner.token, document("vars", {"value": "x" * 6}), expect=422),
        api.post(path, owner.token, variable("three", "x"), expect=422),
        api.post(path, owner.token, variable("secret", sensitive=True), expect=422),
    ]

    assert [faults(each) for each in refused] == [[(variables.ValuesTooLong.detail, "/data")]] * 3
    assert [each["attributes"]["value"] for each in api.get(path, owner.token)["data"]] == ["x" * 5, "x" * 5]


def test_the_values_of_a_batch_count_together(
    api: Api, world: World, acme: Organization, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variables, "MAXIMUM_LENGTH", 10)
    path = f"/workspaces/{world.workspace(world.default_project(acme)).id}"
    made = [api.post(f"{path}/vars", owner.token, variable(key))["data"]["id"] for key in ("one", "two")]

    def batch(length: int) -> dict[str, Any]:
        items = [{"type": "vars", "id": each, "attributes": {"value": "x" * length}} for each in made]
        return {"data": items}

    api.patch(f"{path}/relationships/vars", owner.token, batch(5), expect=204)
    api.patch(f"{path}/relationships/vars", owner.token, batch(6), expect=422)


def test_a_set_comes_with_so_many_variables(
    api: Api, world: World, acme: Organization, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variables, "MAXIMUM", 2)

    def brought(*keys: str) -> dict[str, Any]:
        return document("varsets", {"name": f"of-{len(keys)}"}, vars=[variable(key)["data"] for key in keys])

    path = f"/organizations/{acme.name}/varsets"
    api.post(path, owner.token, brought("one", "two"))
    api.post(path, owner.token, brought("one", "two", "three"), expect=422)
    assert len(world.all(Var)) == 2


def test_the_variables_of_so_many_sets_are_included(
    api: Api, acme: Organization, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        whole = document("varsets", {"name": name}, vars=[variable("one", "x" * 5)["data"]])
        api.post(f"/organizations/{acme.name}/varsets", owner.token, whole)
    path = f"/organizations/{acme.name}/varsets?include=vars"

    monkeypatch.setattr(listed_variables, "INCLUDED_LENGTH", 10)
    assert len(api.get(path, owner.token)["included"]) == 2
    monkeypatch.setattr(listed_variables, "INCLUDED_LENGTH", 9)
    refused = api.get(path, owner.token, expect=400)
    assert faults(refused) == [(TooMuchIncluded.detail, "include")]
    assert len(api.get(f"{path}&page[size]=1", owner.token)["included"]) == 1


def test_the_variables_of_so_many_workspaces_are_included(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        api.post(f"/workspaces/{world.workspace(project).id}/vars", owner.token, variable("one", "x" * 5))
    path = f"/organizations/{acme.name}/workspaces?include=vars"

    monkeypatch.setattr(listed_variables, "INCLUDED_LENGTH", 10)
    assert len(api.get(path, owner.token)["included"]) == 2
    monkeypatch.setattr(listed_variables, "INCLUDED_LENGTH", 9)
    assert faults(api.get(path, owner.token, expect=400)) == [(TooMuchIncluded.detail, "include")]


def test_so_many_workspaces_of_sets_and_pools_are_included(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    varset, pool = world.varset(acme), world.pool(acme)
    for _ in range(2):
        workspace = world.workspace(project, own_execution_mode="agent", own_agent_pool_id=pool.id)
        world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
    world.add(VarsetProject(varset_id=varset.id, project_id=project.id))
    of_sets, of_pools = (
        f"/varsets/{varset.id}?include=workspaces,projects",
        f"/agent-pools/{pool.id}?include=workspaces",
    )

    for limit, status in ((2, 200), (1, 400)):
        monkeypatch.setattr(varsets, "INCLUDED_PLACES", limit)
        monkeypatch.setattr(pools, "INCLUDED", limit)
        for path in (of_sets, of_pools):
            answer = api.get(path, owner.token, expect=status)
            assert status == 200 or faults(answer) == [(TooMuchIncluded.detail, "include")]


def test_so_many_tokens_of_a_user(api: Api, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAXIMUM", 2)  # the one that he is known by, and another one
    path = f"/users/{owner.id}/authentication-tokens"
    named = document("authentication-tokens", {"description": "more"})
    made = api.post(path, owner.token, named)["data"]

    refused = api.post(path, owner.token, named, expect=422)

    assert faults(refused) == [(tokens.TooManyTokens.detail, "/data")]
    api.delete(f"/authentication-tokens/{made['id']}", owner.token)
    api.post(path, owner.token, named)


@pytest.mark.parametrize("kind", ["variables", "tags", "consumers"])
def test_an_environment_with_so_many_belongings_is_cloned(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    place = {"organization_id": project.organization_id, "workspace_id": world.workspace(project).id}
    for key in ("one", "two"):
        if kind == "variables":
            world.add(Var(**place, key=key, category="env", value=""))
        elif kind == "tags":
            world.add(TagBinding(**place, key=key, value=""))
        else:
            consumer = world.workspace(world.default_project(acme))
            world.add(RemoteStateConsumer(workspace_id=place["workspace_id"], consumer_id=consumer.id))
    before = len(world.all(Workspace))
    path = f"/environments/{world.default_environment(project).id}/actions/clone"

    monkeypatch.setattr(cloning, "BELONGINGS_AT_ONCE", 1)
    refused = api.post(path, owner.token, document("environments", {"name": "copy"}), expect=422)
    assert faults(refused) == [(cloning.TooManyBelongings.detail, "/data")]
    assert len(world.all(Workspace)) == before
    monkeypatch.setattr(cloning, "BELONGINGS_AT_ONCE", 2)
    api.post(path, owner.token, document("environments", {"name": "copy"}))
