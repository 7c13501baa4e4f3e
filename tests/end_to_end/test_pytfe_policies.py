"""The official Python SDK, unchanged: policies, their sets, and what they say about runs."""

import secrets

import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    PolicyCreateOptions,
    PolicyKind,
    PolicySetAddPoliciesOptions,
    PolicySetAddWorkspacesOptions,
    PolicySetCreateOptions,
    PolicySetParameterCreateOptions,
    PolicySetParameterUpdateOptions,
    PolicySetRemoveWorkspacesOptions,
    PolicySetUpdateOptions,
    PolicyUpdateOptions,
    WorkspaceCreateOptions,
)

pytestmark = pytest.mark.one_database("postgresql")
CODE = b"package terraform\nimport rego.v1\n"


def test_policies_and_their_sets(tfe: TFEClient, organization: str) -> None:
    policy = tfe.policies.create(
        organization,
        PolicyCreateOptions.model_validate(
            {"name": "closed", "kind": "opa", "query": "data.terraform.deny", "enforcement-level": "mandatory"}
        ),
    )
    assert (policy.name, policy.kind, policy.query) == ("closed", PolicyKind.OPA, "data.terraform.deny")
    tfe.policies.upload(policy.id, CODE)
    assert tfe.policies.download(policy.id) == CODE
    updated = tfe.policies.update(policy.id, PolicyUpdateOptions.model_validate({"description": "Everything"}))
    assert updated.description == "Everything"
    assert [each.id for each in tfe.policies.list(organization)] == [policy.id]

    workspace = tfe.workspaces.create(
        organization, WorkspaceCreateOptions.model_validate({"name": f"net-{secrets.token_hex(4)}"})
    )
    made = tfe.policy_sets.create(
        organization, PolicySetCreateOptions.model_validate({"name": "network", "kind": "opa"})
    )
    tfe.policy_sets.add_policies(made.id, PolicySetAddPoliciesOptions(policies=[policy]))
    tfe.policy_sets.add_workspaces(made.id, PolicySetAddWorkspacesOptions(workspaces=[workspace]))
    shown = tfe.policy_sets.read(made.id)
    assert (shown.policy_count, shown.workspace_count) == (1, 1)
    tfe.policy_sets.remove_workspaces(made.id, PolicySetRemoveWorkspacesOptions(workspaces=[workspace]))
    changed = tfe.policy_sets.update(made.id, PolicySetUpdateOptions.model_validate({"overridable": True}))
    assert (changed.overridable, changed.workspace_count) == (True, 0)
    assert [each.id for each in tfe.policy_sets.list(organization)] == [made.id]

    options = PolicySetParameterCreateOptions.model_validate(
        {"key": "region", "value": "here", "category": "policy-set"}
    )
    parameter = tfe.policy_set_parameters.create(made.id, options)
    hidden = PolicySetParameterUpdateOptions.model_validate({"value": "there", "sensitive": True})
    assert tfe.policy_set_parameters.update(made.id, parameter.id, hidden).sensitive is True
    assert [each.key for each in tfe.policy_set_parameters.list(made.id)] == ["region"]
    tfe.policy_set_parameters.delete(made.id, parameter.id)

    tfe.policy_sets.delete(made.id)
    tfe.policies.delete(policy.id)
    with pytest.raises(NotFound):
        tfe.policies.read(policy.id)


def test_sentinel_is_refused_with_a_sentence(tfe: TFEClient, organization: str) -> None:
    with pytest.raises(TFEError, match="Sentinel is not here"):
        tfe.policies.create(
            organization,
            PolicyCreateOptions.model_validate({"name": "old", "kind": "sentinel", "enforcement-level": "advisory"}),
        )
