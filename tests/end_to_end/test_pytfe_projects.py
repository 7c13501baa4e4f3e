"""The official Python SDK, unchanged: projects, what teams may do in them, and workspaces."""

import httpx
import pytest
from pytfe import TFEClient
from pytfe.errors import NotFound, TFEError
from pytfe.models import (
    ProjectAddTagBindingsOptions,
    ProjectListOptions,
    ProjectUpdateOptions,
    TagBinding,
    TeamProjectAccessAddOptions,
    TeamProjectAccessListOptions,
    TeamProjectAccessUpdateOptions,
    WorkspaceListOptions,
    WorkspaceUpdateOptions,
)
from pytfe.models.team_project_access import TeamProjectAccess

from tests.end_to_end.made import make_project, make_team, make_workspace

pytestmark = pytest.mark.one_database("postgresql")


def test_a_project_is_created_read_updated_and_deleted(tfe: TFEClient, organization: str) -> None:
    created = make_project(tfe, organization, "network", description="shared", auto_destroy_activity_duration="14d")
    assert created.id.startswith("prj-")
    assert (created.name, created.description, created.workspace_count) == ("network", "shared", 0)
    assert created.auto_destroy_activity_duration == "14d"
    assert created.created_at is not None
    assert created.created_at.endswith("Z")
    assert created.organization is not None
    assert created.organization.id == organization
    assert tfe.projects.read(created.id) == created
    assert created in list(tfe.projects.list(organization)), "a list shows a project as a read does"

    updated = tfe.projects.update(created.id, ProjectUpdateOptions.model_validate({"name": "network-2"}))
    assert (updated.name, updated.description) == ("network-2", "shared")
    updated = tfe.projects.update(created.id, ProjectUpdateOptions.model_validate({"description": "private"}))
    assert (updated.name, updated.description) == ("network-2", "private")

    tfe.projects.delete(created.id)
    with pytest.raises(NotFound):
        tfe.projects.read(created.id)
    with pytest.raises(NotFound):
        tfe.projects.delete(created.id)


def test_a_literal_execution_mode_becomes_the_projects_own(tfe: TFEClient, organization: str) -> None:
    project = make_project(tfe, organization, "runs-at-home", default_execution_mode="local")
    assert project.default_execution_mode == "local"
    assert project.setting_overwrites is not None
    assert project.setting_overwrites.execution_mode is True


def test_projects_are_found_by_name_part_and_tag(tfe: TFEClient, organization: str) -> None:
    make_project(tfe, organization, "Network Core", tag_bindings=[TagBinding(key="env", value="prod")])
    make_project(tfe, organization, "Network Edge", tag_bindings=[TagBinding(key="env", value="test")])
    make_project(tfe, organization, "Storage")

    def found(options: ProjectListOptions) -> list[str]:
        return sorted(project.name or "" for project in tfe.projects.list(organization, options))

    assert found(ProjectListOptions(query="NETWORK")) == ["Network Core", "Network Edge"]
    assert found(ProjectListOptions(name="network core")) == ["Network Core"]
    assert found(ProjectListOptions(name="network")) == []
    assert found(ProjectListOptions(tags={"env": "prod"})) == ["Network Core"]
    assert found(ProjectListOptions(tags={"env": ""})) == ["Network Core", "Network Edge"]
    every = ["Default Project", "Network Core", "Network Edge", "Storage"]
    assert found(ProjectListOptions(page_size=1)) == every


def test_a_refused_project_says_why(tfe: TFEClient, organization: str) -> None:
    make_project(tfe, organization, "network")
    with pytest.raises(TFEError, match="Name has already been taken") as refused:
        make_project(tfe, organization, "Network")
    assert refused.value.status == 422
    with pytest.raises(TFEError, match="Name may only contain"):
        make_project(tfe, organization, "network.core")
    with pytest.raises(NotFound):
        make_project(tfe, "no-such-organization", "network")


def test_tag_bindings_are_added_changed_listed_and_removed(tfe: TFEClient, organization: str) -> None:
    project = make_project(tfe, organization, "network", tag_bindings=[TagBinding(key="env", value="prod")])
    more = [TagBinding(key="team", value="core"), TagBinding(key="env", value="test")]
    added = tfe.projects.add_tag_bindings(project.id, ProjectAddTagBindingsOptions(tag_bindings=more))
    assert [(tag.key, tag.value) for tag in added] == [("team", "core"), ("env", "test")], "in the order sent"

    expected = {"env": "test", "team": "core"}
    assert {tag.key: tag.value for tag in tfe.projects.list_tag_bindings(project.id)} == expected
    assert {tag.key: tag.value for tag in tfe.projects.list_effective_tag_bindings(project.id)} == expected

    tfe.projects.delete_tag_bindings(project.id)
    assert tfe.projects.list_tag_bindings(project.id) == []
    assert tfe.projects.read(project.id).name == "network"


def test_workspaces_move_between_projects(tfe: TFEClient, organization: str) -> None:
    source, destination = make_project(tfe, organization, "source"), make_project(tfe, organization, "destination")
    workspaces = [make_workspace(tfe, organization, name, source).id for name in ("one", "two")]

    tfe.projects.move_workspaces(destination.id, workspaces)

    assert tfe.projects.read(source.id).workspace_count == 0
    assert tfe.projects.read(destination.id).workspace_count == 2
    with pytest.raises(TFEError) as refused:
        tfe.projects.move_workspaces(source.id, [workspaces[0], "ws-0000000000000000"])
    assert refused.value.status == 403
    assert tfe.projects.read(source.id).workspace_count == 0, "all or nothing"


def test_a_project_with_workspaces_goes_only_by_force(tfe: TFEClient, http: httpx.Client, organization: str) -> None:
    project = make_project(tfe, organization, "full")
    workspace = make_workspace(tfe, organization, "inhabitant", project)
    with pytest.raises(TFEError) as refused:
        tfe.projects.delete(project.id)
    # A client takes 404 for "already gone" and forgets the project.
    assert not isinstance(refused.value, NotFound)
    assert tfe.projects.read(project.id).workspace_count == 1

    assert http.delete(f"projects/{project.id}", params={"force": "true"}).status_code == 204
    for read in (lambda: tfe.projects.read(project.id), lambda: tfe.workspaces.read_by_id(workspace.id)):
        with pytest.raises(NotFound):
            read()


def test_a_team_gets_a_level_of_access_and_loses_it(tfe: TFEClient, organization: str) -> None:
    project, team = make_project(tfe, organization, "network"), make_team(tfe, organization)
    added = tfe.team_project_accesses.add(
        TeamProjectAccessAddOptions.model_validate({"access": "read", "team": team, "project": project})
    )
    assert added.id.startswith("tprj-")
    assert effective(added) == ("read", "read", "none", "read", "read", False)
    assert added.team is not None
    assert added.project is not None
    assert (added.team.id, added.project.id) == (team.id, project.id)
    assert tfe.team_project_accesses.read(added.id) == added
    of_project = TeamProjectAccessListOptions.model_validate({"filter[project][id]": project.id})
    assert list(tfe.team_project_accesses.list(of_project)) == [added]

    updated = tfe.team_project_accesses.update(
        added.id, TeamProjectAccessUpdateOptions.model_validate({"access": "admin"})
    )
    assert effective(updated) == ("admin", "delete", "manage", "apply", "write", True)

    tfe.team_project_accesses.remove(added.id)
    assert list(tfe.team_project_accesses.list(of_project)) == []
    with pytest.raises(NotFound):
        tfe.team_project_accesses.read(added.id)


def test_a_team_gets_custom_access_detail_by_detail(tfe: TFEClient, organization: str) -> None:
    project, team = make_project(tfe, organization, "network"), make_team(tfe, organization)
    added = tfe.team_project_accesses.add(
        TeamProjectAccessAddOptions.model_validate(
            {
                "access": "custom",
                "team": team,
                "project": project,
                "project-access": {"settings": "update"},
                "workspace-access": {"runs": "plan", "create": True},
            }
        )
    )
    assert effective(added) == ("custom", "update", "none", "plan", "none", True)

    more = {"project-access": {"teams": "read"}, "workspace-access": {"variables": "read", "create": False}}
    updated = tfe.team_project_accesses.update(added.id, TeamProjectAccessUpdateOptions.model_validate(more))
    assert effective(updated) == ("custom", "update", "read", "plan", "read", False)
    assert tfe.team_project_accesses.read(added.id) == updated


def effective(grant: TeamProjectAccess) -> tuple[str, str, str, str, str, bool]:
    """The level, and of its details: settings, teams, runs, variables, create."""
    assert grant.access is not None
    assert grant.project_access is not None
    assert grant.workspace_access is not None
    assert grant.workspace_access.runs is not None
    assert grant.workspace_access.variables is not None
    return (
        grant.access.value,
        grant.project_access.project_settings_permission.value,
        grant.project_access.project_teams_permission.value,
        grant.workspace_access.runs.value,
        grant.workspace_access.variables.value,
        grant.workspace_access.create,
    )


def test_a_workspace_is_created_in_a_project_read_and_updated(tfe: TFEClient, organization: str) -> None:
    project, other = make_project(tfe, organization, "network"), make_project(tfe, organization, "storage")
    created = make_workspace(tfe, organization, "routers", project)
    assert created.id.startswith("ws-")
    assert created.project is not None
    assert created.project.id == project.id
    assert created.organization is not None
    assert created.organization.id == organization
    assert created.permissions is not None
    assert created.permissions.can_destroy is True
    assert created.vcs_repo is None, "the SDK always sends an empty repository"
    for read in (tfe.workspaces.read("routers", organization=organization), tfe.workspaces.read_by_id(created.id)):
        assert (read.id, read.name, read.created_at) == (created.id, "routers", created.created_at)

    text = WorkspaceUpdateOptions.model_validate({"description": "all of them"})
    assert tfe.workspaces.update("routers", text, organization=organization).description == "all of them"
    move = WorkspaceUpdateOptions.model_validate({"name": "routers-2", "project": other})
    moved = tfe.workspaces.update_by_id(created.id, move)
    assert (moved.name, moved.description) == ("routers-2", "all of them")
    assert moved.project is not None
    assert moved.project.id == other.id
    with pytest.raises(NotFound):
        tfe.workspaces.read("routers", organization=organization)


def test_workspaces_are_found_by_name_and_project(tfe: TFEClient, organization: str) -> None:
    project = make_project(tfe, organization, "network")
    make_workspace(tfe, organization, "routers-prod", project)
    make_workspace(tfe, organization, "routers-test")
    make_workspace(tfe, organization, "disks-prod")

    def found(**filters: object) -> list[str]:
        options = WorkspaceListOptions.model_validate(filters)
        return sorted(workspace.name or "" for workspace in tfe.workspaces.list(organization, options))

    assert found(**{"search[name]": "routers"}) == ["routers-prod", "routers-test"]
    assert found(**{"filter[project][id]": project.id}) == ["routers-prod"]
    assert found(**{"search[name]": "prod", "filter[project][id]": project.id}) == ["routers-prod"]
    assert found(**{"page[size]": 1}) == ["disks-prod", "routers-prod", "routers-test"]


def test_a_workspace_without_a_project_is_in_the_default_one(tfe: TFEClient, organization: str) -> None:
    (default,) = tfe.projects.list(organization)
    workspace = make_workspace(tfe, organization, "homeless")
    assert workspace.project is not None
    assert workspace.project.id == default.id
    with pytest.raises(TFEError, match="Name has already been taken"):
        make_workspace(tfe, organization, "homeless")


def test_workspaces_are_deleted_safely_and_by_force_by_name_and_by_id(tfe: TFEClient, organization: str) -> None:
    ids = {name: make_workspace(tfe, organization, name).id for name in ("one", "two", "three", "four")}
    tfe.workspaces.safe_delete("one", organization=organization)
    tfe.workspaces.safe_delete_by_id(ids["two"])
    tfe.workspaces.delete("three", organization=organization)
    tfe.workspaces.delete_by_id(ids["four"])

    assert list(tfe.workspaces.list(organization)) == []
    for name, identifier in ids.items():
        with pytest.raises(NotFound):
            tfe.workspaces.read(name, organization=organization)
        with pytest.raises(NotFound):
            tfe.workspaces.delete_by_id(identifier)
