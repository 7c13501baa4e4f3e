"""The terraform CLI, unchanged: several workspaces, projects, tags, and states that come from elsewhere."""

import json
from collections.abc import Callable

import httpx
import pytest

from tests.end_to_end.service import document
from tests.end_to_end.terraform import Terraform, cloud, needs_terraform, output, remote, thing

pytestmark = [needs_terraform, pytest.mark.one_database]

Folders = Callable[..., Terraform]

WHERE = output("where", "terraform.workspace")


def named(http: httpx.Client, organization: str, kind: str, name: str) -> dict[str, object]:
    """The resource object of the project or workspace with this name."""
    (found,) = [
        item
        for item in http.get(f"organizations/{organization}/{kind}").json()["data"]
        if item["attributes"]["name"] == name
    ]
    assert isinstance(found, dict)
    return found


def project_of(http: httpx.Client, organization: str, workspace: str) -> str:
    """The name of the workspace's project."""
    shown = http.get(f"organizations/{organization}/workspaces/{workspace}", params={"include": "project"}).json()
    return str(shown["included"][0]["attributes"]["name"])


def test_init_makes_the_workspace_in_a_project_and_the_project_where_it_is_missing(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    def init(name: str, *lines: str) -> str:
        terraform(name).write(cloud(organization, f'name = "{name}"', *lines)).run("init")
        return project_of(http, organization, name)

    assert init("alone") == "Default Project"
    assert init("first", 'project = "network"') == "network"
    made = named(http, organization, "projects", "network")
    assert init("second", 'project = "network"') == "network"
    assert named(http, organization, "projects", "network")["id"] == made["id"]


def test_a_workspace_that_is_there_stays_in_its_project(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    http.post(f"organizations/{organization}/workspaces", json=document("workspaces", {"name": "app"}))
    terraform().write(cloud(organization, 'name = "app"', 'project = "network"')).run("init")
    assert project_of(http, organization, "app") == "Default Project"


def test_workspaces_of_plain_tags(terraform: Folders, http: httpx.Client, organization: str) -> None:
    block = cloud(organization, 'tags = ["app", "blue"]', 'project = "network"')
    folder = terraform().write(block, thing("one"), WHERE)
    assert "No existing workspaces" in folder.refuse("init", "-input=false")
    folder.run("init", answers=["app-one"])
    folder.run("workspace", "new", "app-two")
    assert folder.workspaces() == ["app-one", "* app-two"]
    assert project_of(http, organization, "app-two") == "network"

    folder.run("workspace", "select", "app-one")
    assert folder.run("workspace", "show").strip() == "app-one"
    folder.run("apply", "-auto-approve")
    assert folder.outputs() == {"where": "app-one"}
    assert folder.resources() == ["terraform_data.one"]
    folder.run("workspace", "select", "app-two")
    assert folder.resources() == [], "each has a state of its own"

    assert "is not empty" in folder.refuse("workspace", "delete", "app-one")
    assert "doesn't exist" in folder.refuse("workspace", "select", "app-three")
    folder.run("workspace", "select", "-or-create", "app-three")
    folder.run("workspace", "delete", "app-two")
    folder.run("workspace", "delete", "-force", "app-one")
    assert folder.workspaces() == ["* app-three"]
    tags = http.get(f"organizations/{organization}/workspaces/app-three").json()["data"]["attributes"]["tag-names"]
    assert sorted(tags) == ["app", "blue"]


def test_workspaces_of_tags_with_values(terraform: Folders, http: httpx.Client, organization: str) -> None:
    for name, tags in (("other", {"env": "test"}), ("more", {"env": "prod", "team": "x", "zone": "9"})):
        bindings = [{"type": "tag-bindings", "attributes": {"key": key, "value": tags[key]}} for key in tags]
        made = document("workspaces", {"name": name}, {"tag-bindings": {"data": bindings}})
        assert http.post(f"organizations/{organization}/workspaces", json=made).status_code == 201

    folder = terraform().write(cloud(organization, 'tags = { env = "prod", team = "x" }'), thing("one"))
    folder.run("init")
    assert folder.workspaces() == ["* more"], "the only one with both tags is selected"
    folder.run("workspace", "new", "new")
    assert folder.workspaces() == ["more", "* new"]
    made = named(http, organization, "workspaces", "new")
    bindings = http.get(f"workspaces/{made['id']}/tag-bindings").json()["data"]
    assert {tag["attributes"]["key"]: tag["attributes"]["value"] for tag in bindings} == {"env": "prod", "team": "x"}

    assert "Invalid workspace selection" in folder.refuse("plan", TF_WORKSPACE="no-such-workspace")
    folder.run("apply", "-auto-approve", TF_WORKSPACE="more")
    assert folder.resources() == []


def test_more_workspaces_than_a_page_holds(terraform: Folders, http: httpx.Client, organization: str) -> None:
    names = [f"page-{number:02}" for number in range(45)]
    for name in names:
        tags = {"tags": {"data": [{"type": "tags", "attributes": {"name": "paged"}}]}}
        http.post(f"organizations/{organization}/workspaces", json=document("workspaces", {"name": name}, tags))
    folder = terraform().write(cloud(organization, 'tags = ["paged"]'))
    folder.run("init", TF_WORKSPACE="page-44")
    assert [name.removeprefix("* ") for name in folder.workspaces()] == names


def test_workspaces_of_a_prefix_in_the_older_backend(terraform: Folders, http: httpx.Client, organization: str) -> None:
    http.post(f"organizations/{organization}/workspaces", json=document("workspaces", {"name": "not-app-here"}))
    folder = terraform().write(remote(organization, 'prefix = "app-"'), thing("one"), WHERE)
    assert "No existing workspaces" in folder.refuse("init")
    folder.run("workspace", "new", "one")
    folder.run("workspace", "new", "two")
    folder.run("init")
    assert folder.workspaces() == ["one", "* two"]
    assert named(http, organization, "workspaces", "app-two")["type"] == "workspaces"

    folder.run("apply", "-auto-approve")
    assert folder.outputs() == {"where": "two"}
    folder.run("workspace", "select", "one")
    assert folder.resources() == []
    assert "is not empty" in folder.refuse("workspace", "delete", "two")
    folder.run("workspace", "delete", "-force", "two")
    assert folder.workspaces() == ["* one"]


def test_a_local_state_moves_into_a_workspace(terraform: Folders, organization: str) -> None:
    folder = terraform().write(thing("one"), thing("two"))
    folder.run("init")
    folder.run("apply", "-auto-approve")
    before = json.loads(folder.run("state", "pull"))

    folder.write(cloud(organization, 'name = "moved"'), file="cloud.tf")
    assert "initialization required" in folder.refuse("plan")
    # The CLI refuses these itself: its questions take their place.
    for flag in ("-migrate-state", "-force-copy"):
        assert "not applicable when using HCP Terraform" in folder.refuse("init", flag)
    folder.run("init", answers=["yes"])

    assert folder.resources() == ["terraform_data.one", "terraform_data.two"]
    assert json.loads(folder.run("state", "pull"))["resources"] == before["resources"]
    assert folder.attempt("plan", "-detailed-exitcode").status == 0
    assert "already unlocked" in folder.refuse("force-unlock", "-force", f"{organization}/moved")


def test_a_local_state_may_stay_behind(terraform: Folders, organization: str) -> None:
    folder = terraform().write(thing("one"))
    folder.run("init")
    folder.run("apply", "-auto-approve")
    folder.write(cloud(organization, 'name = "empty"'), file="cloud.tf")
    folder.run("init", answers=["no"])
    assert folder.resources() == []


def test_several_local_workspaces_move_at_once(terraform: Folders, organization: str) -> None:
    folder = terraform().write(thing("one"), WHERE)
    folder.run("init")
    folder.run("apply", "-auto-approve")
    folder.run("workspace", "new", "stage")
    folder.run("apply", "-auto-approve")

    folder.write(cloud(organization, 'tags = ["many"]'), file="cloud.tf")
    folder.run("init", answers=["main", "1", "many-*"])
    assert sorted(name.removeprefix("* ") for name in folder.workspaces()) == ["many-main", "many-stage"]
    folder.run("workspace", "select", "many-main")
    assert folder.outputs() == {"where": "default"}
    folder.run("workspace", "select", "many-stage")
    assert folder.outputs() == {"where": "stage"}


def test_a_local_state_moves_into_the_older_backend_without_a_question(terraform: Folders, organization: str) -> None:
    folder = terraform().write(thing("one"))
    folder.run("init")
    folder.run("apply", "-auto-approve")
    folder.write(remote(organization, 'name = "moved"'), file="remote.tf")
    folder.run("init", "-migrate-state", "-force-copy")
    assert folder.resources() == ["terraform_data.one"]

    # From there into a cloud block of the same workspace nothing is copied: it is the same state.
    folder.write(cloud(organization, 'name = "moved"'), file="remote.tf")
    folder.run("init", answers=["yes"])
    assert folder.attempt("plan", "-detailed-exitcode").status == 0
