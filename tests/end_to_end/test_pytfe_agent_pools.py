"""The official Python SDK, unchanged: agent pools, and workspaces that use them."""

import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    AgentPoolAssignToProjectsOptions,
    AgentPoolAssignToWorkspacesOptions,
    AgentPoolCreateOptions,
    AgentPoolListOptions,
    AgentPoolReadOptions,
    AgentPoolRemoveFromWorkspacesOptions,
    AgentPoolUpdateOptions,
    WorkspaceUpdateOptions,
)
from pytfe.models.agent import AgentPoolIncludeOpt

from tests.end_to_end.made import make_project, make_workspace

pytestmark = pytest.mark.one_database("postgresql")


def test_a_pool_is_created_scoped_found_and_deleted(tfe: TFEClient, organization: str) -> None:
    pools = tfe.agent_pools
    made = pools.create(
        organization, AgentPoolCreateOptions.model_validate({"name": "farm", "organization_scoped": False})
    )
    assert (made.name, made.organization_scoped, made.agent_count) == ("farm", False, 0)
    assert made.organization is not None
    assert made.organization.id == organization
    assert pools.read(made.id) == made
    assert list(pools.list(organization)) == [made]

    project = make_project(tfe, organization, "network")
    workspace = make_workspace(tfe, organization, "net", project)
    assert list(pools.list(organization, AgentPoolListOptions.model_validate({"allowed_workspace_name": "net"}))) == []
    allowed = pools.assign_to_workspaces(made.id, AgentPoolAssignToWorkspacesOptions(workspace_ids=[workspace.id]))
    assert [each.id for each in allowed.allowed_workspaces] == [workspace.id]
    allowed = pools.assign_to_projects(made.id, AgentPoolAssignToProjectsOptions(project_ids=[project.id]))
    assert [each.id for each in allowed.allowed_projects] == [project.id]
    for options in (
        AgentPoolListOptions.model_validate({"allowed_workspace_name": "net"}),
        AgentPoolListOptions.model_validate({"allowed_project_name": "network", "sort": "-name"}),
        AgentPoolListOptions.model_validate({"query": "far", "page_size": 1}),
    ):
        assert [pool.id for pool in pools.list(organization, options)] == [made.id]
    excluded = pools.remove_from_workspaces(made.id, AgentPoolRemoveFromWorkspacesOptions(workspace_ids=[workspace.id]))
    assert [each.id for each in excluded.excluded_workspaces] == [workspace.id]

    renamed = pools.update(
        made.id, AgentPoolUpdateOptions.model_validate({"name": "farm-2", "organization_scoped": True})
    )
    assert (renamed.name, renamed.organization_scoped) == ("farm-2", True)
    pools.delete(made.id)
    with pytest.raises(NotFound):
        pools.read(made.id)


def test_a_workspace_uses_a_pool_that_stays_meanwhile(tfe: TFEClient, organization: str) -> None:
    pool = tfe.agent_pools.create(organization, AgentPoolCreateOptions.model_validate({"name": "farm"}))
    workspace = make_workspace(tfe, organization, "net")
    agent = WorkspaceUpdateOptions.model_validate({"name": "net", "execution_mode": "agent", "agent_pool_id": pool.id})
    updated = tfe.workspaces.update_by_id(workspace.id, agent)
    assert updated.execution_mode is not None
    assert updated.execution_mode.value == "agent"
    assert updated.agent_pool is not None
    assert updated.agent_pool.id == pool.id
    options = AgentPoolReadOptions(include=[AgentPoolIncludeOpt.AGENT_POOL_WORKSPACES])
    assert [(each.id, each.name) for each in tfe.agent_pools.read(pool.id, options).workspaces] == [
        (workspace.id, "net")
    ]
    with pytest.raises(TFEError, match="in use"):
        tfe.agent_pools.delete(pool.id)

    local = WorkspaceUpdateOptions.model_validate({"name": "net", "execution_mode": "local"})
    assert tfe.workspaces.update_by_id(workspace.id, local).agent_pool is None
    tfe.agent_pools.delete(pool.id)
