"""Documents as clients of HCP Terraform write them, where the address leaves no doubt about what is meant."""

from base64 import b64encode, encodebytes
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.models import Organization, Project, Workspace
from tests.support.api import Api, document, faults
from tests.support.pictures import avatar, picture
from tests.support.states import States, announcement, put, state
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

LEFT_OUT = ("missing", None, "")


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project, "net")


def typed(type_: Any, **members: Any) -> dict[str, Any]:
    """A resource object with this type, or without one."""
    return members if type_ == "missing" else {"type": type_, **members}


@pytest.mark.parametrize("sent", [*LEFT_OUT, "workspaces", "workspace"])
def test_the_type_of_a_resource(api: Api, workspace: Workspace, owner: Person, sent: Any) -> None:
    path, change = f"/workspaces/{workspace.id}", {"attributes": {"description": "x"}}
    assert api.patch(path, owner.token, {"data": typed(sent, **change)})["data"]["attributes"]["description"] == "x"
    # Some write it beside the resource object.
    assert api.patch(path, owner.token, {"type": "workspaces", "data": change})
    answer = api.patch(path, owner.token, {"data": {"type": "projects", **change}}, expect=422)
    assert faults(answer) == [("type must be workspaces", "/data/type")]


@pytest.mark.parametrize("kind", ["team-projects", "team-workspaces"])
@pytest.mark.parametrize("sent", [*LEFT_OUT, "team-project", "team-workspace", "team_projects", "team_workspaces"])
def test_the_type_of_the_access_of_a_team(
    api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person, kind: str, sent: Any
) -> None:
    team = world.team(acme)
    access = (
        world.access(team, world.project(acme), "read")
        if kind == "team-projects"
        else world.workspace_access(team, workspace, "read")
    )
    own = sent in LEFT_OUT or sent.replace("_", "-").rstrip("s") == kind.rstrip("s")
    change = {"data": typed(sent, attributes={"access": "admin"})}
    api.patch(f"/{kind}/{access.id}", owner.token, change, expect=200 if own else 422)


def test_a_team_as_a_sample_of_the_documentation_writes_it(api: Api, acme: Organization, owner: Person) -> None:
    made = api.post(
        f"/organizations/{acme.name}/teams", owner.token, document("organizations", {"name": "a"}), expect=200
    )
    assert made["data"]["type"] == "teams"


@pytest.mark.parametrize("sent", [*LEFT_OUT, "workspaces", "workspace"])
def test_the_type_in_a_list_of_identifiers(
    api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person, sent: Any
) -> None:
    wanted = {"data": [typed(sent, id=workspace.id)]}
    api.post(f"/varsets/{world.varset(acme).id}/relationships/workspaces", owner.token, wanted, expect=204)
    api.post(f"/projects/{world.project(acme).id}/relationships/workspaces", owner.token, wanted, expect=204)


@pytest.mark.parametrize("sent", [*LEFT_OUT, "projects", "project"])
def test_the_type_in_a_relationship(
    api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person, sent: Any
) -> None:
    other = world.project(acme)
    change = {"data": {"type": "workspaces", "relationships": {"project": {"data": typed(sent, id=other.id)}}}}
    moved = api.patch(f"/workspaces/{workspace.id}", owner.token, change)["data"]
    assert moved["relationships"]["project"]["data"] == {"type": "projects", "id": other.id}


def with_filter(organization: Any = "acme", workspace: Any = "net") -> dict[str, Any]:
    sent = document("vars", {"key": "region", "category": "env", "value": "x"})
    return {**sent, "filter": {"organization": {"name": organization}, "workspace": {"name": workspace}}}


def test_a_variable_for_the_workspace_in_a_filter(api: Api, workspace: Workspace, owner: Person) -> None:
    made = api.post("/vars", owner.token, with_filter("ACME", "Net"))["data"]
    assert made["relationships"]["configurable"]["data"]["id"] == workspace.id


@pytest.mark.parametrize(
    ("filter_", "status", "pointers"),
    [
        ({"organization": {"name": "acme"}}, 422, ["/filter/workspace/name"]),
        ({"workspace": {"name": "net"}}, 422, ["/filter/organization/name"]),
        ({"organization": {"name": 1}, "workspace": {"name": "net"}}, 422, ["/filter/organization/name"]),
        ("acme/net", 422, ["/filter/organization/name"]),
        (None, 422, ["/data/relationships/workspace"]),
        ({"organization": {"name": "acme"}, "workspace": {"name": "none"}}, 404, [""]),
        ({"organization": {"name": "none"}, "workspace": {"name": "net"}}, 404, [""]),
    ],
)
def test_a_filter_that_names_no_workspace(
    api: Api, workspace: Workspace, owner: Person, filter_: Any, status: int, pointers: list[str]
) -> None:
    assert workspace.name == "net"
    answer = api.post("/vars", owner.token, {**with_filter(), "filter": filter_}, expect=status)
    assert [pointer for _, pointer in faults(answer)] == pointers


def test_a_filter_reaches_what_the_caller_may_write(
    api: Api, world: World, acme: Organization, workspace: Workspace
) -> None:
    stranger, reader = world.person(), world.team(acme)
    world.workspace_access(reader, workspace, "read")
    api.post("/vars", stranger.token, with_filter(), expect=404)
    api.post("/vars", world.member(acme, reader).token, with_filter(), expect=404)


# --- bytes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [b"", b"\r\n"])
@pytest.mark.parametrize("encode", [encodebytes, b64encode])
def test_base64_may_have_line_ends(states: States, encode: Callable[[bytes], bytes], ending: bytes) -> None:
    states.lock()
    sent = announcement(state(), state=(encode(state()) + ending).decode())
    sent["data"]["attributes"]["json-state"] = (encode(b'{"a": 1}') + ending).decode()
    version = states.api.post(f"{states.path}/state-versions", states.token, sent)
    assert states.fetched(version) == state()
    assert states.fetched(version, "json-state") == b'{"a": 1}'


@pytest.mark.parametrize("text", ["e30=\x0b", "e30=\u2028", "e3*0=", "e30"])
def test_what_is_no_base64_is_refused(states: States, text: str) -> None:
    states.lock()
    sent = announcement(state(), state=text)
    answer = states.api.post(f"{states.path}/state-versions", states.token, sent, expect=422)
    assert faults(answer) == [("State is not valid base64", "/data/attributes/state")]


def test_an_image_may_have_line_ends(api: Api, workspace: Workspace, owner: Person) -> None:
    sent = avatar(picture())
    (name,) = (name for name, value in sent["data"]["attributes"].items() if len(value) > 100)
    sent["data"]["attributes"][name] = encodebytes(picture()).decode()
    api.post(f"/workspaces/{workspace.id}/avatar", owner.token, sent)


def test_the_head_of_a_download_tells_its_length(states: States) -> None:
    states.lock()
    version = states.create(state())
    states.put(version, state())
    put(states.api, version["data"]["attributes"]["hosted-json-state-upload-url"], b'{"a": 1}')
    shown = states.show(version)
    for part, content in (("state", state()), ("json-state", b'{"a": 1}')):
        path = urlsplit(shown["data"]["attributes"][f"hosted-{part}-download-url"]).path
        for method in ("HEAD", "GET"):
            answer = states.api.raw(method, path)
            assert (answer.status_int, answer.headers["Content-Length"]) == (200, str(len(content)))
