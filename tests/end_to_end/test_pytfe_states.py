"""The official Python SDK, unchanged: state versions and their outputs."""

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    StateVersionCreateOptions,
    StateVersionCurrentOptions,
    StateVersionIncludeOpt,
    StateVersionListOptions,
    StateVersionReadOptions,
    Workspace,
    WorkspaceLockOptions,
)
from pytfe.models.state_version import StateVersion

from tests.end_to_end.made import make_workspace
from tests.support.states import OUTPUTS, md5, state

pytestmark = pytest.mark.one_database("postgresql")

LOCK = WorkspaceLockOptions(reason="uploading")


@pytest.fixture
def workspace(tfe: TFEClient, organization: str) -> Workspace:
    """A workspace, locked."""
    made = make_workspace(tfe, organization, "app")
    return tfe.workspaces.lock(made.id, LOCK)


def announced(content: bytes, **members: Any) -> StateVersionCreateOptions:
    """The options that announce the state."""
    said = json.loads(content)
    return StateVersionCreateOptions.model_validate(
        {"serial": said["serial"], "md5": md5(content), "lineage": said["lineage"], **members}
    )


def uploaded(tfe: TFEClient, workspace: Workspace, content: bytes) -> StateVersion:
    """The version of a state that was uploaded."""
    return tfe.state_versions.upload(workspace.id, raw_state=content, options=announced(content))


def test_a_state_is_uploaded_read_and_downloaded(tfe: TFEClient, workspace: Workspace) -> None:
    content = state(3, resources=2)
    form = b'{"format_version": "1.0"}'
    version = tfe.state_versions.upload(
        workspace.id, raw_state=content, raw_json_state=form, options=announced(content)
    )
    assert version.id.startswith("sv-")
    assert version.status is not None
    assert (version.serial, version.status.value, version.size) == (3, "finalized", len(content))
    assert (version.terraform_version, version.state_version) == ("1.11.4", 4)
    assert version.resources_processed is True
    assert version.resources is not None
    assert len(version.resources) == 2
    assert hashlib.sha256(tfe.state_versions.download(version.id)).digest() == hashlib.sha256(content).digest()

    tfe.workspaces.unlock(workspace.id)
    current = tfe.state_versions.read_current(workspace.id)
    assert (current.id, current.serial) == (version.id, 3)
    assert tfe.state_versions.download_current(workspace.id) == content
    with_author = StateVersionReadOptions(include=[StateVersionIncludeOpt.CREATED_BY])
    assert tfe.state_versions.read_with_options(version.id, with_author).id == version.id


def test_a_state_is_sent_within_the_document(tfe: TFEClient, workspace: Workspace, organization: str) -> None:
    content = state(1)
    options = announced(content, state=b64encode(content).decode())
    # By the name of the workspace, which the SDK looks up.
    version = tfe.state_versions.create("app", options, organization=organization)
    assert version.serial == 1
    assert tfe.state_versions.download(version.id) == content
    assert tfe.workspaces.unlock(workspace.id).locked is False


def test_states_are_listed_page_after_page(tfe: TFEClient, workspace: Workspace, organization: str) -> None:
    versions = [uploaded(tfe, workspace, state(serial)) for serial in (1, 2, 3)]
    filters = {"organization": organization, "workspace": "app"}
    for size in (1, 100):
        options = StateVersionListOptions.model_validate(filters | {"page_size": size})
        listed = [version.id for version in tfe.state_versions.list(options)]
        assert listed == [version.id for version in reversed(versions)]


def test_outputs_are_listed_and_read(tfe: TFEClient, workspace: Workspace) -> None:
    version = uploaded(tfe, workspace, state(1, outputs=OUTPUTS))
    tfe.workspaces.unlock(workspace.id)
    listed = {output.name: output for output in tfe.state_versions.list_outputs(version.id)}
    assert {name: output.sensitive for name, output in listed.items()} == {
        "address": False,
        "password": True,
        "ports": False,
    }
    assert (listed["address"].value, listed["address"].type) == ("10.0.0.1", "string")
    assert (listed["ports"].value, listed["ports"].type) == ([80, 443.5], "array")
    assert listed["ports"].detailed_type == ["tuple", ["number", "number"]]
    # Those of a version are for callers who may read the whole state.
    assert listed["password"].value == "hunter2"
    assert tfe.state_version_outputs.read(listed["password"].id).value == "hunter2"

    current = {output.name: output for output in tfe.state_version_outputs.read_current(workspace.id)}
    assert {name: output.id for name, output in current.items()} == {name: output.id for name, output in listed.items()}
    assert current["password"].value is None
    including = StateVersionCurrentOptions(include=[StateVersionIncludeOpt.OUTPUTS])
    assert tfe.state_versions.read_current_with_options(workspace.id, including).id == version.id


def test_an_earlier_state_comes_back(tfe: TFEClient, workspace: Workspace) -> None:
    first = uploaded(tfe, workspace, state(1, resources=1))
    uploaded(tfe, workspace, state(2, resources=2))
    copy = tfe.state_versions.rollback(workspace.id, first.id)
    assert copy.serial == 3
    assert copy.id != first.id
    tfe.workspaces.unlock(workspace.id)
    assert tfe.state_versions.download_current(workspace.id) == state(3, resources=1)


def test_what_is_refused(tfe: TFEClient, workspace: Workspace) -> None:
    uploaded(tfe, workspace, state(2))
    with pytest.raises(TFEError, match="not greater than the serial"):
        uploaded(tfe, workspace, state(1))
    with pytest.raises(TFEError, match="lineage provided in the state file does not match"):
        uploaded(tfe, workspace, state(3, lineage="another"))
    with pytest.raises(TFEError, match="does not match the MD5"):
        tfe.state_versions.upload(workspace.id, raw_state=state(3), options=announced(state(3), md5="0" * 32))
    tfe.workspaces.force_unlock(workspace.id)
    with pytest.raises(TFEError, match="not locked and will only accept state uploads when locked") as refused:
        uploaded(tfe, workspace, state(3))
    assert refused.value.status == 409
    with pytest.raises(NotFound):
        tfe.state_versions.read("sv-0000000000000000")


def test_a_workspace_without_a_state(tfe: TFEClient, workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        tfe.state_versions.read_current(workspace.id)
    with pytest.raises(NotFound):
        list(tfe.state_version_outputs.read_current(workspace.id))
