"""The official Python SDK, unchanged: variables of workspaces, and variable sets."""

import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    VariableCreateOptions,
    VariableSetApplyToProjectsOptions,
    VariableSetApplyToWorkspacesOptions,
    VariableSetCreateOptions,
    VariableSetIncludeOpt,
    VariableSetListOptions,
    VariableSetReadOptions,
    VariableSetRemoveFromProjectsOptions,
    VariableSetRemoveFromWorkspacesOptions,
    VariableSetUpdateOptions,
    VariableSetUpdateWorkspacesOptions,
    VariableSetVariableCreateOptions,
    VariableSetVariableUpdateOptions,
    VariableUpdateOptions,
)
from pytfe.models.variable_set import VariableSet

from tests.end_to_end.made import make_project, make_workspace

pytestmark = pytest.mark.one_database("postgresql")


def make_variable_set(tfe: TFEClient, organization: str, name: str, *, is_global: bool = False) -> VariableSet:
    """A variable set."""
    options = VariableSetCreateOptions.model_validate({"name": name, "description": "shared", "global": is_global})
    return tfe.variable_sets.create(organization, options)


def test_a_variable_is_created_read_listed_updated_and_deleted(tfe: TFEClient, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    options = {"key": "size", "value": "4", "description": "of the disk", "category": "terraform", "hcl": True}
    created = tfe.variables.create(workspace, VariableCreateOptions.model_validate(options))
    assert created.id is not None
    assert created.id.startswith("var-")
    assert created.category is not None
    assert (created.key, created.value, created.category.value) == ("size", "4", "terraform")
    assert (created.hcl, created.sensitive, created.description) == (True, False, "of the disk")
    assert tfe.variables.read(workspace, created.id) == created
    assert list(tfe.variables.list(workspace)) == [created]

    updated = tfe.variables.update(workspace, created.id, VariableUpdateOptions(value="8", hcl=False))
    assert (updated.key, updated.value, updated.hcl, updated.description) == ("size", "8", False, "of the disk")

    tfe.variables.delete(workspace, created.id)
    assert list(tfe.variables.list(workspace)) == []
    with pytest.raises(NotFound):
        tfe.variables.read(workspace, created.id)


def test_a_sensitive_variable_is_never_shown(tfe: TFEClient, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    options = {"key": "TOKEN", "value": "hunter2", "category": "env", "sensitive": True}
    created = tfe.variables.create(workspace, VariableCreateOptions.model_validate(options))
    assert created.id is not None
    assert (created.sensitive, created.value) == (True, None)
    changed = tfe.variables.update(workspace, created.id, VariableUpdateOptions(value="hunter3"))
    assert changed.value is None
    assert [variable.value for variable in tfe.variables.list(workspace)] == [None]
    with pytest.raises(TFEError) as refused:
        tfe.variables.update(workspace, created.id, VariableUpdateOptions(sensitive=False))
    assert refused.value.status == 422


def test_a_key_is_taken_once_in_its_category(tfe: TFEClient, organization: str) -> None:
    workspace = make_workspace(tfe, organization, "app").id
    options = {"key": "size", "value": "4", "category": "terraform"}
    tfe.variables.create(workspace, VariableCreateOptions.model_validate(options))
    tfe.variables.create(workspace, VariableCreateOptions.model_validate(options | {"category": "env"}))
    with pytest.raises(TFEError, match="Key has already been taken") as refused:
        tfe.variables.create(workspace, VariableCreateOptions.model_validate(options))
    assert refused.value.status == 422


def test_a_variable_set_is_created_read_listed_updated_and_deleted(tfe: TFEClient, organization: str) -> None:
    created = make_variable_set(tfe, organization, "credentials")
    assert created.id is not None
    assert created.id.startswith("varset-")
    assert (created.name, created.description, created.global_) == ("credentials", "shared", False)
    assert created.parent is not None
    assert created.parent.organization is not None
    assert created.parent.organization.id == organization
    read = tfe.variable_sets.read(created.id)
    assert (read.id, read.name, read.updated_at) == (created.id, created.name, created.updated_at)

    make_variable_set(tfe, organization, "regions")
    names = [each.name for each in tfe.variable_sets.list(organization, VariableSetListOptions(page_size=1))]
    assert sorted(name or "" for name in names) == ["credentials", "regions"]
    found = tfe.variable_sets.list(organization, VariableSetListOptions(query="CRED"))
    assert [each.id for each in found] == [created.id]

    updated = tfe.variable_sets.update(created.id, VariableSetUpdateOptions(name="keys", priority=True))
    assert (updated.name, updated.priority, updated.description) == ("keys", True, "shared")
    tfe.variable_sets.delete(created.id)
    with pytest.raises(NotFound):
        tfe.variable_sets.read(created.id)


def test_variables_of_a_set(tfe: TFEClient, organization: str) -> None:
    of_set = make_variable_set(tfe, organization, "credentials").id
    assert of_set is not None
    options = {"key": "region", "value": "west", "category": "terraform"}
    created = tfe.variable_set_variables.create(of_set, VariableSetVariableCreateOptions.model_validate(options))
    assert created.id is not None
    assert (created.key, created.value, created.category.value) == ("region", "west", "terraform")
    assert tfe.variable_set_variables.read(of_set, created.id).value == "west"
    secret = {"key": "TOKEN", "value": "hunter2", "category": "env", "sensitive": True}
    tfe.variable_set_variables.create(of_set, VariableSetVariableCreateOptions.model_validate(secret))
    listed = {variable.key: variable.value for variable in tfe.variable_set_variables.list(of_set)}
    assert listed == {"region": "west", "TOKEN": None}

    change = VariableSetVariableUpdateOptions(value="east")
    assert tfe.variable_set_variables.update(of_set, created.id, change).value == "east"
    included = tfe.variable_sets.read(of_set, VariableSetReadOptions(include=[VariableSetIncludeOpt.VARS]))
    assert {variable.key for variable in included.vars} == {"region", "TOKEN"}
    tfe.variable_set_variables.delete(of_set, created.id)
    assert [variable.key for variable in tfe.variable_set_variables.list(of_set)] == ["TOKEN"]


def test_a_set_is_applied_to_workspaces_and_projects(tfe: TFEClient, organization: str) -> None:
    applied = make_variable_set(tfe, organization, "credentials").id
    assert applied is not None
    project = make_project(tfe, organization, "network")
    inside = make_workspace(tfe, organization, "inside", project)
    alone, other = (make_workspace(tfe, organization, name) for name in ("alone", "other"))
    options = {"key": "region", "value": "west", "category": "terraform"}
    tfe.variable_set_variables.create(applied, VariableSetVariableCreateOptions.model_validate(options))

    def reaches(workspace: str) -> bool:
        reached = [each.id for each in tfe.variable_sets.list_for_workspace(workspace)] == [applied]
        # The list of all variables of a workspace tells the same story.
        assert ("region" in [each.key for each in tfe.variables.list_all(workspace)]) is reached
        return reached

    assert not reaches(alone.id)
    tfe.variable_sets.apply_to_workspaces(applied, VariableSetApplyToWorkspacesOptions(workspaces=[alone]))
    assert [reaches(each.id) for each in (alone, other, inside)] == [True, False, False]
    tfe.variable_sets.apply_to_projects(applied, VariableSetApplyToProjectsOptions(projects=[project]))
    assert [reaches(each.id) for each in (alone, other, inside)] == [True, False, True]
    assert [each.id for each in tfe.variable_sets.list_for_project(project.id)] == [applied]

    tfe.variable_sets.update_workspaces(applied, VariableSetUpdateWorkspacesOptions(workspaces=[other]))
    assert [reaches(each.id) for each in (alone, other, inside)] == [False, True, True]
    tfe.variable_sets.remove_from_workspaces(applied, VariableSetRemoveFromWorkspacesOptions(workspaces=[other]))
    tfe.variable_sets.remove_from_projects(applied, VariableSetRemoveFromProjectsOptions(projects=[project]))
    assert not any(reaches(each.id) for each in (alone, other, inside))

    tfe.variable_sets.update(applied, VariableSetUpdateOptions.model_validate({"global": True}))
    assert all(reaches(each.id) for each in (alone, other, inside))
