"""Reading finds its rows by index, on both databases."""

import pytest
from flask import Flask

from app.models import Organization
from tests.support.api import Api
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.world import Person, World

TABLES = ("projects", "workspaces", "tag_bindings", "team_projects")

PATHS = [
    "/projects/PROJECT",
    "/projects/PROJECT?include=effective_tag_bindings",
    "/projects/PROJECT/tag-bindings",
    "/organizations/acme/projects",
    "/organizations/acme/projects?sort=-name&page[number]=3",
    "/organizations/acme/projects?include=effective_tag_bindings",
    "/organizations/acme/projects?q=plat",
    "/organizations/acme/projects?filter[names]=platform,network",
    "/organizations/acme/projects?filter[tagged][0][key]=env&filter[tagged][0][value]=prod",
    "/organizations/acme/projects?filter[permissions][update]=true",
]


@pytest.mark.parametrize("who", ["owner", "member"])
@pytest.mark.parametrize("path", PATHS)
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, owner: Person, app: Flask, *, path: str, who: str
) -> None:
    project = world.project(acme, "platform")
    team = world.team(acme)
    world.access(team, project, "write")
    token = owner.token if who == "owner" else world.member(acme, team).token
    lines = plans(app, api, path.replace("PROJECT", project.id), token)
    assert read_from_end_to_end(lines, TABLES) == [], "\n".join(lines)
