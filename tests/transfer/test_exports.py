"""What an archive of a project has."""

import json
import re
import tarfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.backups.encryption import new_identity
from app.jsonapi.fields import format_timestamp
from app.models import TeamProject, TeamWorkspace
from app.persistence import now
from app.transfer import exporting
from app.transfer.records import Record
from tests.support.api import Api, document
from tests.support.states import md5, state
from tests.support.sweeper import Sweeper
from tests.support.world import World
from tests.transfer.conftest import SECRET, Command, Scene, check_format


def unpack(path: Path, into: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        tar.extractall(into, filter="data")
    return {str(each.relative_to(into)): each.read_bytes() for each in into.rglob("*") if each.is_file()}


def records_of(members: dict[str, bytes]) -> list[Record]:
    return [Record.from_json(json.loads(line)) for line in members["records.jsonl"].splitlines()]


def of_kind(members: dict[str, bytes], kind: str) -> dict[str, Record]:
    return {record.name: record for record in records_of(members) if record.kind == kind}


def test_an_archive_has_everything_by_its_name(archive: Path, tmp_path: Path, scene: Scene) -> None:
    members = unpack(archive, tmp_path / "out")
    head = json.loads(members["groundplan-export.json"])
    assert (head["format"], head["organization"], head["project"]) == (1, "acme", "net")
    kinds = {record.kind for record in records_of(members)}
    assert kinds == {
        *("teams", "projects", "project-tags", "environments", "project-members", "project-teams"),
        *("repository-links", "varsets", "varset-variables", "varset-places", "workspaces", "variables"),
        *("workspace-tags", "workspace-teams", "workspace-access", "workspace-notifications", "states"),
        *("remote-state-consumers", "run-triggers", "left-out"),
    }
    assert set(of_kind(members, "workspaces")) == {"net-dev", "net-prod"}
    assert of_kind(members, "workspaces")["net-dev"].references["project-environment"] == [
        *("environments", "net", "staging")
    ]
    assert of_kind(members, "project-members")["net/bob@example.test/staging"].attributes["role"] == "viewer"
    assert of_kind(members, "workspace-access")["net-prod/bob@example.test"].attributes["level"] == "developer"
    variables = of_kind(members, "variables")
    assert variables["net-prod/terraform/region"].attributes["value"] == 'eu "west" ${x}'
    assert variables["net-prod/env/TOKEN"].attributes["value"] is None
    assert of_kind(members, "varsets")["shared"].is_shared
    tags = of_kind(members, "workspace-tags")["net-prod"].attributes
    assert tags == {"tags": {"stage": "prod"}, "tag-names": ["core"]}
    versions = of_kind(members, "states")["net-prod"].attributes["versions"]
    assert [version["serial"] for version in versions] == [1, 2, 5]
    for version in versions:
        content = state(version["serial"], resources=version["serial"])
        assert members[version["file"]] == content
        assert (version["md5"], version["lineage"]) == (md5(content), json.loads(content)["lineage"])
    # No id of a person, and no secret.
    whole = b"".join(members.values())
    assert SECRET.encode() not in whole
    assert scene.member.id.encode() not in whole


@pytest.mark.needs("terraform")
@pytest.mark.one_database
def test_the_code_is_as_terraform_would_format_it(archive: Path, tmp_path: Path, scene: Scene) -> None:
    code = unpack(archive, tmp_path / "out")["main.tf"].decode()
    assert f'id = "{scene.project.id}"' in code
    assert 'resource "tfe_workspace" "net-prod" {' in code
    assert '= "Networks $${and} more"' in code
    assert '"eu \\"west\\" $${x}"' in code
    assert "value        = var.net-prod_env_TOKEN" in code
    assert "agent_pool_id             = data.tfe_agent_pool.fast.id" in code
    assert 'default_execution_mode = "local"' in code
    assert re.search(r"enabled +\= false", code)
    assert 'id = "acme/net-prod/tws-' in code
    assert 'id = "acme/net-prod/shared"' in code
    check_format(tmp_path / "out" / "main.tf")


@pytest.mark.one_database
def test_sensitive_values_are_only_given_to_a_key(scene: Scene, command: Command, tmp_path: Path) -> None:
    del scene
    refused = command("export", "acme/net", tmp_path / "a", "--with-sensitive-values", fails=True)
    assert "only put into an archive that is encrypted" in refused.output
    assert not list(tmp_path.glob("a*"))
    _, recipient = new_identity()
    command("export", "acme/net", tmp_path / "c", "--with-sensitive-values", "--recipient", recipient)
    assert (tmp_path / "c").read_bytes().startswith(b"age-encryption.org/v1")


@pytest.mark.one_database
def test_what_is_no_project_is_said_in_one_sentence(scene: Scene, command: Command, tmp_path: Path) -> None:
    del scene
    for name, told in (
        ("acme/lost", "There is no project lost in the organization acme."),
        ("lost/net", "There is no organization lost."),
        ("prj-lost", "There is no project prj-lost; name it by its id, or as organization/project."),
    ):
        result = command("export", name, tmp_path / "lost", fails=True)
        assert told in result.output
    (tmp_path / "there").touch()
    assert "exists already" in command("export", "acme/net", tmp_path / "there", fails=True).output
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


@pytest.mark.both_drivers
def test_an_archive_is_of_one_moment(
    scene: Scene, api: Api, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that is changed and something that is deleted meanwhile are as they were at the beginning."""
    own = exporting._write
    workspace = scene.states.workspace.id

    def meanwhile(*arguments: Any) -> Any:
        def write() -> None:
            api.patch(f"/workspaces/{workspace}", scene.owner.token, document("workspaces", {"description": "new"}))
            scene.states.save(state(6))
            listed = api.get(f"/workspaces/{workspace}/vars", scene.owner.token)["data"]
            for each in listed:
                api.delete(f"/workspaces/{workspace}/vars/{each['id']}", scene.owner.token)

        other = threading.Thread(target=write)
        other.start()
        other.join()
        return own(*arguments)

    monkeypatch.setattr(exporting, "_write", meanwhile)
    command("export", scene.project.id, tmp_path / "net.tar.gz")
    members = unpack(tmp_path / "net.tar.gz", tmp_path / "out")
    assert of_kind(members, "workspaces")["net-prod"].attributes["description"] == 'Says "net-prod"'
    assert len(of_kind(members, "variables")) == 3
    assert [each["serial"] for each in of_kind(members, "states")["net-prod"].attributes["versions"]] == [1, 2, 5]
    # The thread reads what is there now, once the export is over.
    assert len(api.get(f"/workspaces/{workspace}/vars", scene.owner.token)["data"]) == 0


@pytest.mark.one_database
def test_a_state_that_was_lost_is_left_out_and_told(scene: Scene, app: Flask, command: Command, tmp_path: Path) -> None:
    del scene
    for path in Sweeper(app).folder.rglob("*"):
        if path.is_file():
            path.unlink()
    result = command("export", "acme/net", tmp_path / "net.tar.gz")
    assert "state of net-prod with serial" in result.output
    assert "state versions: 0," in result.output


@pytest.mark.one_database
def test_access_that_ends_is_no_lasting_access_in_code(
    scene: Scene, command: Command, tmp_path: Path, world: World
) -> None:
    """The provider has no word for the end; the archive has it."""
    ending = now() + timedelta(days=1)
    for model in (TeamProject, TeamWorkspace):
        for access in world.all(model):
            world.change(access, expires_at=ending)
    command("export", "acme/net", tmp_path / "a")
    members = unpack(tmp_path / "a", tmp_path / "out")
    code = members["main.tf"].decode()
    assert "tfe_team_project_access" not in code
    assert 'tfe_team_access"' not in code
    assert "# Left out: the access of the team" in code
    carried = [each for kind in ("project-teams", "workspace-teams") for each in of_kind(members, kind).values()]
    assert carried
    assert {each.attributes["expires-at"] for each in carried} == {format_timestamp(ending)}
    del scene
