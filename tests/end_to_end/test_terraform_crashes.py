"""The terraform CLI, unchanged: what is left when the service or the CLI dies in the middle of an apply."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.service import Service
from tests.end_to_end.terraform import Terraform, awaited_thing, cloud, finished, heard, needs_terraform, output, thing

pytestmark = needs_terraform

TIRED = 1.5  # long enough for several attempts of the CLI


@pytest.fixture
def folder(mortal_service: Service, tmp_path: Path) -> Terraform:
    """A folder that knows the mortal service, with an applied configuration that has since grown."""
    folder = Terraform(tmp_path / "app", f"{mortal_service.url}/api/v2/", mortal_service.user_token)
    block = cloud(mortal_service.organization, f'name = "crash-{secrets.token_hex(4)}"')
    folder.write(block, thing("one"), output("workspace", "terraform.workspace"))
    folder.run("init")
    folder.run("apply", "-auto-approve")
    return folder.write(block, thing("one"), awaited_thing("slow"), output("workspace", "terraform.workspace"))


def workspace(service: Service, folder: Terraform) -> dict[str, Any]:
    """The resource object of the folder's workspace."""
    name = folder.outputs()["workspace"]
    with service.client(service.user_token) as http:
        shown = http.get(f"organizations/{service.organization}/workspaces/{name}").json()["data"]
    assert isinstance(shown, dict)
    return shown


def versions(service: Service, folder: Terraform) -> list[dict[str, Any]]:
    """The attributes of all state versions of the folder's workspace, the newest first."""
    filters = {"filter[organization][name]": service.organization}
    filters |= {"filter[workspace][name]": folder.outputs()["workspace"]}
    with service.client(service.user_token) as http:
        return [item["attributes"] for item in http.get("state-versions", params=filters).json()["data"]]


def assert_whole(service: Service, folder: Terraform, serial: int) -> None:
    """Everything that was made is in the state, once, and nobody holds the lock."""
    assert folder.resources() == ["terraform_data.one", "terraform_data.slow"]
    assert folder.attempt("plan", "-detailed-exitcode").status == 0
    assert json.loads(folder.run("state", "pull"))["serial"] == serial
    found = versions(service, folder)
    assert len({version["serial"] for version in found}) == len(found)
    assert {version["status"] for version in found} == {"finalized"}
    assert workspace(service, folder)["attributes"]["locked"] is False


@pytest.mark.one_database
@pytest.mark.parametrize("returns", ["before", "after"])
def test_an_apply_outlives_the_death_of_the_service(mortal_service: Service, folder: Terraform, returns: str) -> None:
    running = folder.start("apply", "-auto-approve")
    heard(running, "Executing")
    mortal_service.kill()
    if returns == "after":
        # The resource is made while nobody is there to be told.
        folder.go()
        heard(running, "Creation complete")
        time.sleep(TIRED)
    mortal_service.start()
    folder.go()

    ended = finished(running)
    assert ended.status == 0, ended.said
    assert not (folder.folder / "errored.tfstate").exists()
    assert_whole(mortal_service, folder, serial=2)


@pytest.mark.one_database
def test_what_an_apply_could_not_save_is_pushed_later(mortal_service: Service, folder: Terraform) -> None:
    running = folder.start("apply", "-auto-approve")
    heard(running, "Executing")
    mortal_service.kill()
    mortal_service.start()
    identifier = workspace(mortal_service, folder)["id"]
    assert workspace(mortal_service, folder)["attributes"]["locked"] is True, "the lock outlives the service"
    with mortal_service.client(mortal_service.user_token) as http:
        assert http.post(f"workspaces/{identifier}/actions/force-unlock").status_code == 200

    folder.go()
    ended = finished(running)
    assert ended.status == 1
    assert "This workspace is not locked and will only accept state uploads when locked" in ended.said
    assert folder.resources() == ["terraform_data.one"]
    folder.run("state", "push", "errored.tfstate")
    # The CLI pushes a state under the serial after the one in the file.
    assert_whole(mortal_service, folder, serial=3)


@pytest.mark.one_database
def test_the_lock_of_a_cli_that_died_is_taken_away_by_force(mortal_service: Service, folder: Terraform) -> None:
    running = folder.start("apply", "-auto-approve")
    heard(running, "Executing")
    running.kill()
    folder.go()
    running.communicate()

    assert "workspace already locked" in folder.refuse("plan")
    name = folder.outputs()["workspace"]
    folder.run("force-unlock", "-force", f"{mortal_service.organization}/{name}")
    folder.run("apply", "-auto-approve")
    assert_whole(mortal_service, folder, serial=2)
