"""The official Python SDK, unchanged: configuration versions, and the tokens and agents of pools."""

import io
import tarfile
from pathlib import Path

import httpx
import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    AgentListOptions,
    AgentPoolCreateOptions,
    AgentTokenCreateOptions,
    ConfigurationVersionCreateOptions,
    ConfigurationVersionListOptions,
    ConfigurationVersionReadOptions,
)
from pytfe.models.agent import AgentStatus
from pytfe.models.configuration_version import ConfigurationStatus, ConfigVerIncludeOpt

from tests.end_to_end.made import make_workspace
from tests.end_to_end.service import NO_CERTIFICATES, Service

pytestmark = pytest.mark.one_database("postgresql")

QUIET = ConfigurationVersionCreateOptions.model_validate({"auto_queue_runs": False})
REGISTRATION = {
    "protocol": 1,
    "name": "farmer",
    "version": "1.0.0",
    "os": "linux",
    "arch": "amd64",
    "slots": 1,
    "tools": {"terraform": ["1.11.4"], "opentofu": []},
    "sandbox": "none",
}


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return sorted(tar.getnames())


def test_a_folder_is_uploaded_and_downloaded(tfe: TFEClient, organization: str, tmp_path: Path) -> None:
    workspace, versions = make_workspace(tfe, organization, "net"), tfe.configuration_versions
    (tmp_path / "modules").mkdir()
    (tmp_path / "main.tf").write_text('resource "terraform_data" "this" {}\n')
    (tmp_path / "modules" / "vpc.tf").write_text("# empty\n")
    made = versions.create(workspace.id, QUIET)
    assert (made.status, made.auto_queue_runs, made.speculative) == (ConfigurationStatus.PENDING, False, False)
    assert made.upload_url is not None
    versions.upload(made.upload_url, str(tmp_path))
    found = versions.read_with_options(
        made.id, ConfigurationVersionReadOptions(include=[ConfigVerIncludeOpt.INGRESS_ATTRIBUTES])
    )
    assert (found.status, found.upload_url, found.error) == (ConfigurationStatus.UPLOADED, None, None)
    assert list(found.status_timestamps or {}) == ["uploaded-at"]
    assert names_in(versions.download(made.id)) == ["main.tf", "modules/vpc.tf"]
    with pytest.raises(TFEError, match="could not be archived because it is current"):
        versions.archive(made.id)
    assert versions.ingress_attributes(made.id) is None

    later = versions.create(workspace.id, QUIET)
    assert later.upload_url is not None
    versions.upload_tar_gzip(later.upload_url, io.BytesIO(versions.download(made.id)))
    versions.archive(made.id)
    options = ConfigurationVersionListOptions.model_validate({"page_size": 1})
    listed = [(each.id, each.status) for each in versions.list(workspace.id, options)]
    assert listed == [(later.id, ConfigurationStatus.UPLOADED), (made.id, ConfigurationStatus.ARCHIVED)]
    with pytest.raises(NotFound):
        versions.download(made.id)


def test_what_is_no_archive_is_refused(tfe: TFEClient, organization: str) -> None:
    made = tfe.configuration_versions.create(make_workspace(tfe, organization, "net").id, QUIET)
    assert made.upload_url is not None
    with pytest.raises(TFEError, match="tar archive"):
        tfe.configuration_versions.upload_tar_gzip(made.upload_url, io.BytesIO(b"no archive"))


def test_a_pool_has_tokens_and_agents(tfe: TFEClient, service: Service, organization: str) -> None:
    pool = tfe.agent_pools.create(organization, AgentPoolCreateOptions.model_validate({"name": "farm"}))
    made = tfe.agent_tokens.create(pool.id, AgentTokenCreateOptions(description="farm"))
    assert made.token is not None
    assert [(each.id, each.description, each.token) for each in tfe.agent_tokens.list(pool.id)] == [
        (made.id, "farm", None)
    ]
    headers = {"Authorization": f"Bearer {made.token}"}
    with httpx.Client(
        base_url=f"{service.url}/api/agent/v1/", headers=headers, trust_env=False, verify=NO_CERTIFICATES
    ) as agent:
        registered = agent.post("agents", json=REGISTRATION)
        assert registered.status_code == 201, registered.text
        [found] = tfe.agents.list(pool.id)
        assert (found.id, found.name, found.status) == (registered.json()["id"], "farmer", AgentStatus.IDLE)
        assert found.ip_address == "127.0.0.1"
        assert found.last_ping_at is not None
        assert tfe.agents.read(found.id) == found
        assert tfe.agent_pools.read(pool.id).agent_count == 1
        assert list(tfe.agents.list(pool.id, AgentListOptions.model_validate({"status": "busy"}))) == []
        with pytest.raises(TFEError, match="idle or busy"):
            tfe.agents.delete(found.id)
        assert agent.delete(f"agents/{found.id}").status_code == 204
        tfe.agents.delete(found.id)
        assert list(tfe.agents.list(pool.id)) == []
        assert tfe.agent_tokens.read(made.id).last_used_at is not None
        tfe.agent_tokens.delete(made.id)
        assert agent.post("agents", json=REGISTRATION).status_code == 401
    tfe.agent_pools.delete(pool.id)
