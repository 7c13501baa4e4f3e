"""The terraform CLI, unchanged: what everybody does with one workspace, from init to destroy."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.service import Service, document
from tests.end_to_end.terraform import Terraform, cloud, needs_terraform, output, remote, thing

pytestmark = [needs_terraform, pytest.mark.one_database]

Folders = Callable[..., Terraform]

OUTPUTS = (
    output("name", '"ada"')
    + output("secret", '"hush"', sensitive=True)
    + output("mixed", '["a", 1, true, null, { deep = ["b"] }]')
)
VALUES = {"name": "ada", "secret": "hush", "mixed": ["a", 1, True, None, {"deep": ["b"]}]}


@pytest.mark.parametrize(("block", "name"), [(cloud, "app"), (remote, "default")])
def test_from_init_to_destroy(terraform: Folders, organization: str, block: Callable[..., str], name: str) -> None:
    folder = terraform().write(block(organization, 'name = "app"'), thing("one"), OUTPUTS)

    folder.run("init")
    assert folder.run("workspace", "show").strip() == name
    assert folder.attempt("plan", "-detailed-exitcode").status == 2
    assert "1 added" in folder.run("apply", "-auto-approve")

    assert folder.outputs() == VALUES
    assert folder.run("output", "-raw", "secret") == "hush"
    shown = folder.run("output")
    assert 'name = "ada"' in shown
    assert "hush" not in shown
    assert folder.resources() == ["terraform_data.one"]
    assert 'input  = "one"' in folder.run("state", "show", "terraform_data.one")
    assert folder.attempt("plan", "-detailed-exitcode").status == 0

    folder.write(block(organization, 'name = "app"'), thing("one", '"other"'), OUTPUTS)
    assert "1 changed" in folder.run("apply", "-auto-approve")
    assert '"other"' in folder.run("state", "show", "terraform_data.one")
    assert "1 destroyed" in folder.run("destroy", "-auto-approve")
    assert folder.resources() == []
    assert folder.outputs() == {}


def test_another_folder_sees_what_this_one_made(terraform: Folders, organization: str) -> None:
    configuration = cloud(organization, 'name = "shared"') + thing("one") + output("name", '"ada"')
    mine, theirs = (terraform(name).write(configuration) for name in ("mine", "theirs"))
    mine.run("init")
    mine.run("apply", "-auto-approve")

    theirs.run("init")
    assert theirs.outputs() == {"name": "ada"}
    assert theirs.attempt("plan", "-detailed-exitcode").status == 0
    assert json.loads(theirs.run("state", "pull")) == json.loads(mine.run("state", "pull"))


def test_the_versions_say_what_was_applied(terraform: Folders, http: httpx.Client, organization: str) -> None:
    folder = terraform().write(cloud(organization, 'name = "app"'), thing("one"), OUTPUTS)
    folder.run("init")
    folder.run("apply", "-auto-approve")

    workspace = http.get(f"organizations/{organization}/workspaces/app").json()["data"]
    assert workspace["attributes"]["locked"] is False
    assert workspace["attributes"]["source"] == "terraform"
    assert workspace["attributes"]["terraform-version"].startswith("1.")
    assert workspace["attributes"]["resource-count"] == 1
    version = http.get(f"workspaces/{workspace['id']}/current-state-version", params={"include": "outputs"}).json()
    attributes = version["data"]["attributes"]
    pulled = json.loads(folder.run("state", "pull"))
    assert (attributes["serial"], attributes["status"]) == (pulled["serial"], "finalized")
    assert (attributes["resources-processed"], attributes["intermediate"]) == (True, False)
    assert attributes["terraform-version"] == pulled["terraform_version"]
    assert attributes["resources"][0]["type"] == "terraform_data"
    assert {item["attributes"]["name"] for item in version["included"]} == VALUES.keys()
    # What the CLI sent beside the raw state: the form for machines.
    form = http.get(attributes["hosted-json-state-download-url"])
    assert form.json()["values"]["root_module"]["resources"][0]["address"] == "terraform_data.one"


def test_an_import_is_kept(terraform: Folders, organization: str) -> None:
    folder = terraform().write(cloud(organization, 'name = "app"'), thing("found"))
    folder.run("init")
    folder.run("import", "terraform_data.found", "an-id-of-old")
    assert folder.resources() == ["terraform_data.found"]
    assert "an-id-of-old" in folder.run("state", "show", "terraform_data.found")


def test_a_variable_is_asked_for_or_given(terraform: Folders, organization: str) -> None:
    variable = 'variable "size" {}'
    folder = terraform().write(cloud(organization, 'name = "app"'), variable, output("size", "var.size"))
    folder.run("init")

    assert "No value for required variable" in folder.refuse("apply", "-auto-approve", "-input=false")
    folder.run("apply", "-auto-approve", "-var", "size=4")
    assert folder.outputs() == {"size": "4"}
    folder.run("apply", answers=["5", "yes"])
    assert folder.outputs() == {"size": "5"}
    assert "cancelled" in folder.refuse("apply", answers=["6", "no"]).lower()
    assert folder.outputs() == {"size": "5"}
    folder.run("apply", "-auto-approve", TF_VAR_size="7")
    assert folder.outputs() == {"size": "7"}


def test_a_saved_plan_is_applied_once(terraform: Folders, organization: str) -> None:
    folder = terraform().write(cloud(organization, 'name = "app"'), thing("one"))
    folder.run("init")
    folder.run("plan", "-out", "saved")
    folder.run("apply", "saved")
    assert folder.resources() == ["terraform_data.one"]
    assert "Saved plan is stale" in folder.refuse("apply", "saved")


@pytest.mark.parametrize("block", [cloud, remote])
def test_a_wrong_token_is_a_readable_error(terraform: Folders, organization: str, block: Callable[..., str]) -> None:
    stranger = terraform("stranger", "no-such-token").write(block(organization, 'name = "app"'))
    assert "reading the organization settings: unauthorized" in stranger.refuse("init")


def test_a_missing_organization_is_a_readable_error(terraform: Folders) -> None:
    said = terraform().write(cloud("no-such-organization", 'name = "app"')).refuse("init")
    assert 'organization "no-such-organization" at host groundplan.test not found' in said


def test_without_the_right_to_create_nothing_is_made(
    terraform: Folders, service: Service, http: httpx.Client, organization: str
) -> None:
    team = http.post(f"organizations/{organization}/teams", json=document("teams", {"name": "guests"})).json()["data"]
    token = http.post(f"teams/{team['id']}/authentication-token").json()["data"]["attributes"]["token"]
    assert token != service.user_token

    guest = terraform("guest", token).write(cloud(organization, 'name = "app"'))
    assert "resource not found" in guest.refuse("init")
    assert http.get(f"organizations/{organization}/workspaces").json()["data"] == []


def test_nothing_is_fetched_from_elsewhere(terraform: Folders, organization: str) -> None:
    folder = terraform().write(cloud(organization, 'name = "app"'), thing("one"))
    assert "is built in to Terraform" in folder.run("init")
    assert not (folder.folder / ".terraform/providers").exists()
    assert not list(Path(folder.home).glob(".terraform.d/*"))


def test_a_token_of_a_project_is_enough_and_good_for_nothing_else(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    projects = f"organizations/{organization}/projects"
    ids = {
        name: http.post(projects, json=document("projects", {"name": name})).json()["data"]["id"]
        for name in ("shop", "hidden")
    }
    made = http.post(
        f"projects/{ids['shop']}/authentication-tokens",
        json=document("authentication-tokens", {"role": "member"}),
    ).json()["data"]
    token = made["attributes"]["token"]
    folder = terraform("shop", token).write(
        cloud(organization, 'name = "shop-live"', 'project = "shop"'), thing("one"), OUTPUTS
    )
    folder.run("init")
    assert folder.attempt("plan", "-detailed-exitcode").status == 2
    assert "1 added" in folder.run("apply", "-auto-approve")
    assert folder.outputs() == VALUES
    assert "1 destroyed" in folder.run("destroy", "-auto-approve")

    beside = terraform("hidden", token).write(cloud(organization, 'name = "beside"', 'project = "hidden"'))
    assert "resource not found" in beside.refuse("init")
    assert http.delete(f"authentication-tokens/{made['id']}").status_code == 204
    assert "nauthorized" in folder.refuse("plan")
