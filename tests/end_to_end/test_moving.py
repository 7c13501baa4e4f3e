"""An organization is brought from a running service into another one, which is killed meanwhile."""

import json
import signal
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from tests.conftest import NewDatabase
from tests.end_to_end.service import REPOSITORY, Service, document, poll_until
from tests.support.states import md5, state

WORKSPACES = 4
STATES = 4


def fill(http: httpx.Client, organization: str) -> None:
    """A project with workspaces that have variables and states."""

    def post(path: str, sent: Any) -> Any:
        answer = http.post(path, json=sent)
        assert answer.is_success, answer.text
        return answer.json()["data"]["id"] if answer.content else None

    post("organizations", document("organizations", {"name": organization, "email": "ops@example.test"}))
    project = post(f"organizations/{organization}/projects", document("projects", {"name": "network"}))
    in_project = {"project": {"data": {"type": "projects", "id": project}}}
    for number in range(WORKSPACES):
        attributes = {"name": f"net-{number}", "auto-apply": number % 2 == 0}
        sent = document("workspaces", attributes, in_project)
        path = f"workspaces/{post(f'organizations/{organization}/workspaces', sent)}"
        post(f"{path}/vars", document("vars", {"key": "region", "value": "eu", "category": "terraform"}))
        post(f"{path}/actions/lock", {})
        for serial in range(1, STATES + 1):
            content = state(serial, lineage=f"lineage-{number}")
            members = {"serial": serial, "md5": md5(content), "state": b64encode(content).decode()}
            post(f"{path}/state-versions", document("state-versions", members))
        post(f"{path}/actions/unlock", {})


def carried(path: Path) -> dict[tuple[str, ...], Any]:
    """What an archive has, without what differs from place to place."""
    with tarfile.open(path) as tar:
        file = tar.extractfile("records.jsonl")
        assert file is not None
        lines = [json.loads(line) for line in file]
    found = {}
    for each in lines:
        attributes = each["attributes"]
        for version in attributes.get("versions", ()):
            del version["id"], version["created-at"]
        found[each["kind"], *each["key"]] = attributes, each["references"]
    return found


def states_in(service: Service) -> int:
    """How many states it has."""
    with service.connected() as connection:
        return int(connection.scalar(select(func.count()).select_from(text("state_versions"))) or 0)


@pytest.mark.one_database
def test_an_import_that_is_killed_goes_on(
    service: Service, installed: Service, new_database: NewDatabase, http: httpx.Client, tmp_path: Path
) -> None:
    fill(http, "leaving")
    (tmp_path / "token").write_text(service.user_token)
    with new_database(installed.database_url) as url:
        there = Service(tmp_path, url).install_as(installed)
        command = ["import-from", service.url, "--organization", "leaving", "--token-file", str(tmp_path / "token")]
        command += ["--owner", there.username, "--apply"]
        with subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=REPOSITORY,
            env=there._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            # The plan ends, then the work begins.
            assert any(line.startswith(b"Plan:") for line in process.stdout)
            poll_until(lambda: states_in(there) > 0, 30, "a state has come")
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert 0 < states_in(there) < WORKSPACES * STATES
        assert "Done:" in there.run_flask(*command)
        there.run_flask("export", "leaving/network", str(tmp_path / "there.tar.gz"))
        service.run_flask("export", "leaving/network", str(tmp_path / "here.tar.gz"))
        here, elsewhere = carried(tmp_path / "here.tar.gz"), carried(tmp_path / "there.tar.gz")
        assert len([key for key in here if key[0] == "states"]) == WORKSPACES
        assert elsewhere == here
