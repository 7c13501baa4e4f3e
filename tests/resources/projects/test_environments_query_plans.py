"""Reading environments finds their rows by index, on both databases."""

import pytest
from flask import Flask

from app.models import Organization
from tests.support.api import Api
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.world import Person, World

TABLES = ("environments", "projects", "workspaces")
PATHS = [
    "/projects/PROJECT/environments",
    "/projects/PROJECT/environments?sort=-name&q=pro",
    "/projects/PROJECT/environments?filter[type]=production",
    "/environments/ENVIRONMENT",
]


@pytest.mark.parametrize("who", ["owner", "team", "everywhere", "in one", "in a cell", "token"])
@pytest.mark.parametrize("path", PATHS)
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, owner: Person, app: Flask, *, path: str, who: str
) -> None:
    project = world.project(acme)
    environment = world.environment(project, "prod", type="production")
    world.workspace(project, environment_id=environment.id, cell="eu")
    person, team = world.member(acme), world.team(acme)
    world.access(team, project, "write")
    token = {
        "owner": owner.token,
        "team": world.member(acme, team).token,
        "token": world.project_token(project, "viewer"),
    }.get(who, person.token)
    if who in {"everywhere", "in one", "in a cell"}:
        there, cells = (environment if who == "in one" else None), (["eu"] if who == "in a cell" else None)
        world.project_member(project, person, "viewer", environment=there, cells=cells)
    path = path.replace("PROJECT", project.id).replace("ENVIRONMENT", environment.id)
    lines = plans(app, api, path, token)
    assert read_from_end_to_end(lines, TABLES) == [], "\n".join(lines)
