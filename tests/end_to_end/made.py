"""What the tests of the official SDK make again and again."""

from pytfe import TFEClient
from pytfe.models import Project, ProjectCreateOptions, Team, TeamCreateOptions, Workspace, WorkspaceCreateOptions


def make_project(tfe: TFEClient, organization: str, name: str, **attributes: object) -> Project:
    """A project; attributes are given as the names on the wire, with underscores."""
    given = {attribute.replace("_", "-"): value for attribute, value in attributes.items()}
    return tfe.projects.create(organization, ProjectCreateOptions.model_validate({"name": name, **given}))


def make_workspace(tfe: TFEClient, organization: str, name: str, project: Project | None = None) -> Workspace:
    """A workspace in the project, or in the default one."""
    options = WorkspaceCreateOptions.model_validate({"name": name, "project": project})
    return tfe.workspaces.create(organization, options)


def make_team(tfe: TFEClient, organization: str) -> Team:
    """A team."""
    return tfe.teams.create(organization, TeamCreateOptions.model_validate({"name": "builders"}))
