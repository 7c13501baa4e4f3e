"""The official Python SDK, unchanged: locks, tags and consumers of workspaces, who may enter, who is invited."""

import secrets
from datetime import UTC, datetime

import pytest
from pytfe import TFEClient
from pytfe.errors import AuthError, NotFound, TFEError
from pytfe.models import (
    OrganizationMembershipCreateOptions,
    OrganizationTagsListOptions,
    ReservedTagKeyCreateOptions,
    ReservedTagKeyUpdateOptions,
    Tag,
    TagBinding,
    TeamTokenCreateOptions,
    TeamWorkspaceAccessAddOptions,
    TeamWorkspaceAccessUpdateOptions,
    WorkspaceAddRemoteStateConsumersOptions,
    WorkspaceAddTagBindingsOptions,
    WorkspaceAddTagsOptions,
    WorkspaceListOptions,
    WorkspaceLockOptions,
    WorkspaceRemoveRemoteStateConsumersOptions,
    WorkspaceRemoveTagsOptions,
    WorkspaceUpdateOptions,
    WorkspaceUpdateRemoteStateConsumersOptions,
)

from tests.end_to_end.made import make_project, make_team, make_workspace
from tests.end_to_end.service import Service, sdk

pytestmark = pytest.mark.one_database("postgresql")


def test_a_workspace_is_locked_and_unlocked(tfe: TFEClient, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    locked = tfe.workspaces.lock(workspace, WorkspaceLockOptions(reason="holidays"))
    assert (locked.locked, locked.locked_reason) == (True, "holidays")
    assert locked.related("locked-by")[0]["type"] == "users"
    with pytest.raises(TFEError, match="already locked") as refused:
        tfe.workspaces.lock(workspace, WorkspaceLockOptions(reason=None))
    assert refused.value.status == 409

    assert tfe.workspaces.unlock(workspace).locked is False
    with pytest.raises(TFEError, match="not locked"):
        tfe.workspaces.unlock(workspace)
    tfe.workspaces.lock(workspace, WorkspaceLockOptions(reason=None))
    assert tfe.workspaces.force_unlock(workspace).locked is False


def test_plain_tags_come_and_go(tfe: TFEClient, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    make_workspace(tfe, organization, "other")
    tfe.workspaces.add_tags(workspace, WorkspaceAddTagsOptions(tags=[Tag(name="blue"), Tag(name="app")]))
    assert sorted(tag.name for tag in tfe.workspaces.list_tags(workspace)) == ["app", "blue"]
    assert sorted(tfe.workspaces.read_by_id(workspace).tag_names) == ["app", "blue"]
    options = WorkspaceListOptions.model_validate({"search[tags]": "app,blue"})
    assert [each.name for each in tfe.workspaces.list(organization, options)] == ["app"]

    used = {tag.name: tag.instance_count for tag in tfe.organization_tags.list(organization)}
    assert used == {"app": 1, "blue": 1}
    found = tfe.organization_tags.list(organization, OrganizationTagsListOptions.model_validate({"q": "blu"}))
    assert [tag.name for tag in found] == ["blue"]

    tfe.workspaces.remove_tags(workspace, WorkspaceRemoveTagsOptions(tags=[Tag(name="blue")]))
    assert [tag.name for tag in tfe.workspaces.list_tags(workspace)] == ["app"]


def test_tags_with_values_add_up_with_those_of_the_project(tfe: TFEClient, organization: str) -> None:
    project = make_project(tfe, organization, "network", tag_bindings=[TagBinding(key="team", value="net")])
    workspace = make_workspace(tfe, organization, "app", project).id
    options = WorkspaceAddTagBindingsOptions(tag_bindings=[TagBinding(key="env", value="test")])
    added = tfe.workspaces.add_tag_bindings(workspace, options)
    assert {tag.key: tag.value for tag in added} == {"env": "test"}
    options = WorkspaceAddTagBindingsOptions(tag_bindings=[TagBinding(key="env", value="prod")])
    list(tfe.workspaces.add_tag_bindings(workspace, options))
    assert {tag.key: tag.value for tag in tfe.workspaces.list_tag_bindings(workspace)} == {"env": "prod"}
    effective = {tag.key: tag.value for tag in tfe.workspaces.list_effective_tag_bindings(workspace)}
    assert effective == {"env": "prod", "team": "net"}

    tfe.workspaces.delete_all_tag_bindings(workspace)
    assert list(tfe.workspaces.list_tag_bindings(workspace)) == []


def test_a_tag_key_is_reserved(tfe: TFEClient, organization: str) -> None:
    options = ReservedTagKeyCreateOptions.model_validate({"key": "cost-center", "disable-overrides": False})
    created = tfe.reserved_tag_key.create(organization, options)
    assert (created.key, created.disable_overrides) == ("cost-center", False)
    assert [key.id for key in tfe.reserved_tag_key.list(organization)] == [created.id]
    change = ReservedTagKeyUpdateOptions.model_validate({"disable-overrides": True})
    assert tfe.reserved_tag_key.update(created.id, change).disable_overrides is True
    tfe.reserved_tag_key.delete(created.id)
    assert list(tfe.reserved_tag_key.list(organization)) == []


def test_remote_state_consumers_come_and_go(tfe: TFEClient, organization: str) -> None:
    source, first, second = (make_workspace(tfe, organization, name) for name in ("source", "first", "second"))
    alone = WorkspaceUpdateOptions.model_validate({"global-remote-state": False})
    assert tfe.workspaces.update_by_id(source.id, alone).global_remote_state is False

    def consumers() -> list[str]:
        return sorted(each.name or "" for each in tfe.workspaces.list_remote_state_consumers(source.id))

    assert consumers() == []
    both = [first, second]
    tfe.workspaces.add_remote_state_consumers(source.id, WorkspaceAddRemoteStateConsumersOptions(workspaces=both))
    assert consumers() == ["first", "second"]
    gone = WorkspaceRemoveRemoteStateConsumersOptions(workspaces=[first])
    tfe.workspaces.remove_remote_state_consumers(source.id, gone)
    assert consumers() == ["second"]
    tfe.workspaces.update_remote_state_consumers(
        source.id, WorkspaceUpdateRemoteStateConsumersOptions(workspaces=[first])
    )
    assert consumers() == ["first"]


def test_a_team_enters_a_workspace(tfe: TFEClient, service: Service, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    make_workspace(tfe, organization, "hidden")
    team = make_team(tfe, organization).id
    token = tfe.team_tokens.create(team).token
    assert token is not None

    options = {"team_id": team, "workspace_id": workspace, "access": "write"}
    granted = tfe.team_workspace_accesses.add(TeamWorkspaceAccessAddOptions.model_validate(options))
    assert granted.access is not None
    assert (granted.access.value, granted.team_id, granted.workspace_id) == ("write", team, workspace)
    assert tfe.team_workspace_accesses.read(granted.id) == granted
    assert [each.id for each in tfe.team_workspace_accesses.list(workspace)] == [granted.id]
    with sdk(service, token) as member:
        assert [each.name for each in member.workspaces.list(organization)] == ["app"]
        member.workspaces.lock(workspace, WorkspaceLockOptions(reason=None))
        member.workspaces.unlock(workspace)

    custom: dict[str, object] = {
        "access": "custom",
        "runs": "read",
        "variables": "read",
        "state_versions": "read-outputs",
    }
    custom |= {"workspace_locking": False}
    changed = tfe.team_workspace_accesses.update(granted.id, TeamWorkspaceAccessUpdateOptions.model_validate(custom))
    assert changed.variables is not None
    assert changed.state_versions is not None
    assert (changed.variables.value, changed.state_versions.value) == ("read", "read-outputs")
    assert changed.workspace_locking is False
    with sdk(service, token) as member, pytest.raises((AuthError, NotFound)):
        member.workspaces.lock(workspace, WorkspaceLockOptions(reason=None))

    tfe.team_workspace_accesses.remove(granted.id)
    with pytest.raises(NotFound):
        tfe.team_workspace_accesses.read(granted.id)
    with sdk(service, token) as member:
        assert list(member.workspaces.list(organization)) == []


def test_tokens_of_a_team(tfe: TFEClient, service: Service, organization: str) -> None:
    team = make_team(tfe, organization).id
    only = tfe.team_tokens.create(team)
    assert only.token is not None
    assert tfe.team_tokens.read(team).id == only.id
    end = datetime(2091, 1, 2, 3, 4, 5, tzinfo=UTC)
    options = TeamTokenCreateOptions.model_validate({"description": "for the pipeline", "expired-at": end})
    named = tfe.team_tokens.create_with_options(team, options)
    assert (named.description, named.expired_at) == ("for the pipeline", end)
    assert named.token is not None
    read = tfe.team_tokens.read_by_id(named.id)
    assert (read.description, read.token) == ("for the pipeline", None)
    assert {token.id for token in tfe.team_tokens.list(organization)} == {only.id, named.id}

    with sdk(service, named.token) as machine:
        assert machine.users.read_current().is_service_account is True
        tfe.team_tokens.delete_by_id(named.id)
        with pytest.raises(AuthError):
            machine.users.read_current()
    tfe.team_tokens.delete(team)
    assert list(tfe.team_tokens.list(organization)) == []


def test_an_address_is_invited_into_a_team_and_out_again(tfe: TFEClient, organization: str) -> None:
    team = make_team(tfe, organization)
    email = f"{secrets.token_hex(4)}@acme.test"
    options = OrganizationMembershipCreateOptions(email=email, teams=[team])
    invited = tfe.organization_memberships.create(organization, options)
    assert invited.status is not None
    assert (invited.status.value, invited.email) == ("invited", email)
    assert tfe.organization_memberships.read(invited.id).email == email
    with pytest.raises(TFEError) as refused:
        tfe.organization_memberships.create(organization, options)
    assert refused.value.status == 422

    tfe.organization_memberships.delete(invited.id)
    with pytest.raises(NotFound):
        tfe.organization_memberships.read(invited.id)
