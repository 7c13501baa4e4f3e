"""The terraform CLI, unchanged: changing states by hand, reading those of others, and who may write at once."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.end_to_end.service import document
from tests.end_to_end.terraform import (
    HOST,
    Terraform,
    awaited_thing,
    cloud,
    finished,
    heard,
    needs_terraform,
    output,
    remote,
    thing,
)

pytestmark = [needs_terraform, pytest.mark.one_database]

Folders = Callable[..., Terraform]


def applied(folder: Terraform, *parts: str) -> Terraform:
    """The folder, with the configuration written and applied."""
    folder.write(*parts)
    folder.run("init")
    folder.run("apply", "-auto-approve")
    return folder


def is_locked(http: httpx.Client, organization: str, workspace: str = "app") -> bool:
    """Whether the workspace is locked."""
    shown = http.get(f"organizations/{organization}/workspaces/{workspace}").json()
    return bool(shown["data"]["attributes"]["locked"])


def serial(folder: Terraform) -> int:
    """The serial of the state."""
    return int(json.loads(folder.run("state", "pull"))["serial"])


@pytest.mark.parametrize("block", [cloud, remote])
def test_resources_are_renamed_and_forgotten(
    terraform: Folders, http: httpx.Client, organization: str, block: Callable[..., str]
) -> None:
    folder = applied(terraform(), block(organization, 'name = "app"'), thing("one"), thing("two"))
    assert serial(folder) == 1
    folder.run("state", "mv", "terraform_data.two", "terraform_data.three")
    assert folder.resources() == ["terraform_data.one", "terraform_data.three"]
    folder.run("state", "rm", "terraform_data.three")
    assert folder.resources() == ["terraform_data.one"]
    folder.run("taint", "terraform_data.one")
    assert "must be replaced" in folder.run("plan")
    folder.run("untaint", "terraform_data.one")
    assert serial(folder) == 5
    assert not is_locked(http, organization)


def test_an_old_state_is_pushed_only_with_a_new_serial(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    folder = applied(terraform(), cloud(organization, 'name = "app"'), thing("one"), thing("two"))
    old = json.loads(folder.run("state", "pull"))
    folder.run("state", "rm", "terraform_data.two")

    folder.write(json.dumps(old), file="old.json")
    said = folder.refuse("state", "push", "old.json")
    assert "cannot import state with serial 1 over newer state with serial 2" in said
    folder.write(json.dumps(old | {"lineage": "of-another-house", "serial": 9}), file="foreign.json")
    assert "lineage" in folder.refuse("state", "push", "foreign.json")
    assert not is_locked(http, organization)

    folder.write(json.dumps(old | {"serial": 2}), file="same.json")
    assert "a different state that has the same serial" in folder.refuse("state", "push", "same.json")

    folder.write(json.dumps(old | {"serial": 3}), file="new.json")
    folder.run("state", "push", "new.json")
    assert folder.resources() == ["terraform_data.one", "terraform_data.two"]
    assert serial(folder) > 2
    assert not is_locked(http, organization)


def test_force_pushes_an_old_state_in_the_older_backend(terraform: Folders, organization: str) -> None:
    folder = applied(terraform(), remote(organization, 'name = "app"'), thing("one"), thing("two"))
    folder.write(folder.run("state", "pull"), file="old.json")
    folder.run("state", "rm", "terraform_data.two")
    assert "over newer state" in folder.refuse("state", "push", "old.json")
    folder.run("state", "push", "-force", "old.json")
    assert folder.resources() == ["terraform_data.one", "terraform_data.two"]


def test_force_does_not_reach_the_service_with_a_cloud_block(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    # This version of the CLI skips its own check and then does not say "force": the service refuses, and the CLI
    # leaves the lock behind.
    folder = applied(terraform(), cloud(organization, 'name = "app"'), thing("one"), thing("two"))
    folder.write(folder.run("state", "pull"), file="old.json")
    folder.run("state", "rm", "terraform_data.two")
    folder.run("taint", "terraform_data.one")

    said = folder.refuse("state", "push", "-force", "old.json")
    assert "The serial provided in the state file is not greater than the serial currently known remotely" in said
    assert is_locked(http, organization)
    assert "workspace already locked" in folder.refuse("apply", "-auto-approve")
    assert "does not match" in folder.refuse("force-unlock", "-force", f"{organization}/other")
    folder.run("force-unlock", "-force", f"{organization}/app")
    assert "already unlocked" in folder.refuse("force-unlock", "-force", f"{organization}/app")
    assert folder.resources() == ["terraform_data.one"]


def test_of_two_applies_at_once_one_waits_or_is_refused(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    configuration = cloud(organization, 'name = "app"') + awaited_thing("slow")
    first, second = (terraform(name).write(configuration) for name in ("first", "second"))
    first.run("init")
    second.run("init")
    running = first.start("apply", "-auto-approve")
    heard(running, "Executing")
    assert is_locked(http, organization)

    said = second.refuse("apply", "-auto-approve")
    assert "Error acquiring the state lock" in said
    assert f'workspace already locked (lock ID: "{organization}/app")' in said
    patient = second.start("apply", "-auto-approve", "-lock-timeout=30s")
    heard(patient, "Acquiring state lock")
    first.go()
    assert finished(running).status == 0
    waited = finished(patient)
    assert waited.status == 0, waited.said
    assert "0 added, 0 changed" in waited.said
    assert not is_locked(http, organization)


def test_a_lock_of_somebody_else_is_named(terraform: Folders, http: httpx.Client, organization: str) -> None:
    folder = applied(terraform(), cloud(organization, 'name = "app"'), thing("one"))
    workspace = http.get(f"organizations/{organization}/workspaces/app").json()["data"]["id"]
    assert http.post(f"workspaces/{workspace}/actions/lock", json={"reason": "holidays"}).status_code == 200
    assert "workspace already locked" in folder.refuse("apply", "-auto-approve")
    assert folder.attempt("plan", "-lock=false", "-detailed-exitcode").status == 0
    assert "terraform_data.one" in folder.resources(), "reading needs no lock"


def test_without_a_lock_no_state_is_taken(terraform: Folders, organization: str) -> None:
    folder = terraform().write(cloud(organization, 'name = "app"'), thing("one"))
    folder.run("init")
    said = folder.refuse("apply", "-auto-approve", "-lock=false")
    assert "This workspace is not locked and will only accept state uploads when locked" in said
    assert (folder.folder / "errored.tfstate").exists()
    folder.run("state", "push", "errored.tfstate")
    assert folder.resources() == ["terraform_data.one"]


def test_a_state_of_many_megabytes(terraform: Folders, http: httpx.Client, organization: str) -> None:
    # It stands in the state twice, as input and as output, and in the form for machines as well.
    large = 'join("", [for number in range(1000) : format("%05000d", number)])'
    folder = applied(terraform(), cloud(organization, 'name = "app"'), thing("large", large))
    workspace = http.get(f"organizations/{organization}/workspaces/app").json()["data"]["id"]
    version = http.get(f"workspaces/{workspace}/current-state-version").json()["data"]["attributes"]
    assert version["size"] > 10_000_000
    pulled = json.loads(folder.run("state", "pull"))
    assert len(pulled["resources"][0]["instances"][0]["attributes"]["input"]["value"]) == 5_000_000
    assert folder.attempt("plan", "-detailed-exitcode").status == 0


def reader_of(organization: str, backend: str) -> str:
    """A configuration that reads the state of the workspace ``source``."""
    return f"""
    data "terraform_remote_state" "source" {{
      backend = "{backend}"
      config = {{
        hostname     = "{HOST}"
        organization = "{organization}"
        workspaces   = {{ name = "source" }}
      }}
    }}
    output "copy" {{
      value     = data.terraform_remote_state.source.outputs
      sensitive = true
    }}
    """


def team_with(http: httpx.Client, organization: str, workspace: str, states: str) -> tuple[str, str]:
    """The id of what a new team may do in the workspace (with its states: that much), and the team's token."""
    team = http.post(f"organizations/{organization}/teams", json=document("teams", {"name": "readers"})).json()["data"]
    parties: dict[str, Any] = {
        "team": {"data": {"type": "teams", "id": team["id"]}},
        "workspace": {"data": {"type": "workspaces", "id": workspace}},
    }
    granted = http.post("team-workspaces", json=document("team-workspaces", custom(states), parties))
    assert granted.status_code == 201, granted.text
    token = http.post(f"teams/{team['id']}/authentication-token").json()["data"]["attributes"]["token"]
    return granted.json()["data"]["id"], token


def custom(states: str) -> dict[str, str]:
    """The attributes of custom access."""
    return {"access": "custom", "runs": "read", "variables": "none", "state-versions": states}


def test_the_outputs_of_another_workspace_are_read_with_the_right_to_its_state(
    terraform: Folders, http: httpx.Client, organization: str
) -> None:
    source = (output("name", '"ada"'), output("ports", "[80, 443]"), output("secret", '"hush"', sensitive=True))
    applied(terraform("source"), cloud(organization, 'name = "source"'), *source)
    expected = {"copy": {"name": "ada", "ports": [80, 443], "secret": "hush"}}
    mine = applied(terraform("mine"), cloud(organization, 'name = "mine"'), reader_of(organization, "remote"))
    assert mine.outputs() == expected

    workspace = http.get(f"organizations/{organization}/workspaces/source").json()["data"]["id"]
    access, token = team_with(http, organization, workspace, "read-outputs")
    outputs = terraform("outputs", token).write(cloud(organization, 'name = "source"'))
    outputs.run("init")
    assert outputs.outputs() == expected["copy"], "a cloud block reads the outputs alone"
    # Only the source is somewhere else: the reader keeps its own state on its own disk.
    theirs = terraform("theirs", token).write(reader_of(organization, "remote"))
    theirs.run("init")
    assert "No stored state was found" in theirs.refuse("apply", "-auto-approve"), "it reads more than the outputs"

    assert http.patch(f"team-workspaces/{access}", json=document("team-workspaces", custom("read"))).status_code == 200
    theirs.run("apply", "-auto-approve")
    assert theirs.outputs() == expected

    assert http.delete(f"team-workspaces/{access}").status_code == 204
    assert "resource not found" in theirs.refuse("apply", "-auto-approve"), "it can't even see the workspace"


def test_who_only_reads_states_changes_none(terraform: Folders, http: httpx.Client, organization: str) -> None:
    applied(terraform("source"), cloud(organization, 'name = "source"'), thing("theirs"))
    workspace = http.get(f"organizations/{organization}/workspaces/source").json()["data"]["id"]
    _, token = team_with(http, organization, workspace, "read")
    reader = terraform("reader", token).write(cloud(organization, 'name = "source"'), thing("mine"))
    reader.run("init")
    assert reader.resources() == ["terraform_data.theirs"]
    assert "Error acquiring the state lock" in reader.refuse("apply", "-auto-approve")
    assert "1 to add" in reader.run("plan", "-lock=false")
