"""The kinds of callers, by name: what each was granted on an organization and on some of its projects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.models import Organization, Project
from tests.support.world import World

Granted = Callable[[World, Organization, Sequence[Project]], str]
"""Makes the caller, with what they have on the projects; returns their token."""


def _flagged(*flags: str) -> Granted:
    return lambda world, organization, _projects: world.member(organization, world.team(organization, *flags)).token


def _on_projects(access: str, **details: Any) -> Granted:
    def make(world: World, organization: Organization, projects: Sequence[Project]) -> str:
        team = world.team(organization)
        given = {name.replace("_", "-"): value for name, value in details.items()}
        for project in projects:
            world.access(team, project, access, given or None)
        return world.member(organization, team).token

    return make


PERSONAS: Mapping[str, Granted] = {
    "site administrator": lambda world, _organization, _projects: world.person(site_role="admin").token,
    "owner": lambda world, organization, _projects: world.owner(organization).token,
    "organization token": lambda world, organization, _projects: world.token(organization),
    "manage-projects": _flagged("manage-projects"),
    "read-projects": _flagged("read-projects"),
    "manage-workspaces": _flagged("manage-workspaces"),
    "read-workspaces": _flagged("read-workspaces"),
    "project admin": _on_projects("admin"),
    "project maintain": _on_projects("maintain"),
    "project write": _on_projects("write"),
    "project read": _on_projects("read"),
    "custom least": _on_projects("custom"),
    "custom settings update": _on_projects("custom", settings="update"),
    "custom settings delete": _on_projects("custom", settings="delete"),
    "custom create": _on_projects("custom", create=True),
    "custom move": _on_projects("custom", move=True),
    "custom delete": _on_projects("custom", delete=True),
    "member": lambda world, organization, _projects: world.member(organization).token,
    "outsider": lambda world, _organization, _projects: world.person().token,
    "agent pool token": lambda world, organization, _projects: world.pool_token(world.pool(organization)),
    "other owner": lambda world, _organization, _projects: world.owner(world.organization()).token,
    "other organization token": lambda world, _organization, _projects: world.token(world.organization()),
}


def table(text: str) -> list[tuple[str, str, str]]:
    """The cells of a table whose first line names the columns and whose first column is as wide as ``|`` says."""
    head, *lines = [line for line in text.strip().splitlines() if line.strip()]
    columns = head.partition("|")[2].split()
    return [
        (name.strip(), column, cell)
        for line in lines
        for name, _, cells in [line.partition("|")]
        for column, cell in zip(columns, cells.split(), strict=True)
    ]
