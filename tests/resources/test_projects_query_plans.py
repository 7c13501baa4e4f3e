"""Reading finds its rows by index, on both databases."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event

from app.resources.models import Organization
from tests.api import Api
from tests.world import Person, World

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
    "/workspaces/WORKSPACE",
    "/organizations/acme/workspaces/network",
    "/organizations/acme/workspaces",
    "/organizations/acme/workspaces?sort=-name",
    "/organizations/acme/workspaces?search[name]=net",
    "/organizations/acme/workspaces?filter[project][id]=PROJECT",
    "/organizations/acme/workspaces?include=project,organization",
]


@pytest.fixture
def token(world: World, acme: Organization, owner: Person, who: str) -> str:
    """The token of an owner, or of a member who was given access to one project."""
    if who == "owner":
        return owner.token
    team = world.team(acme)
    world.access(team, world.project(acme, "platform"), "write")
    return world.member(acme, team).token


def plans(engine: Engine, api: Api, path: str, token: str) -> list[str]:
    """How the database would run each statement of the request, a line for each way it reads a table."""
    found: list[str] = []
    is_postgresql = engine.dialect.name == "postgresql"

    def explain(_connection: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith(("SELECT", "WITH")):
            return
        with cursor.connection.cursor() if is_postgresql else closing(cursor.connection.cursor()) as own:
            if is_postgresql:
                # What an index can't do is then still done by reading the table from end to end, and shown.
                own.execute("SET enable_seqscan = off")
                own.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
                [[plan]] = own.fetchall()
                found.extend(nodes(plan[0]["Plan"] if isinstance(plan, list) else orjson.loads(plan)[0]["Plan"]))
                own.execute("RESET enable_seqscan")
            else:
                own.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found.extend(row[3] for row in own.fetchall())

    event.listen(engine, "before_cursor_execute", explain)
    try:
        api.get(path, token)
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    assert found
    return found


def nodes(plan: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan:
        index = f" USING INDEX {plan['Index Name']}" if "Index Name" in plan else ""
        yield f"{'SCAN' if plan['Node Type'] == 'Seq Scan' else 'SEARCH'} {plan['Relation Name']}{index}"
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("who", ["owner", "member"])
@pytest.mark.parametrize("path", PATHS)
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, engine: Engine, *, token: str, path: str
) -> None:
    project = world.project(acme, "network")
    workspace = world.workspace(project, "network")
    if "network" in path:
        world.access(world.team(acme), project, "read")
    path = path.replace("PROJECT", project.id).replace("WORKSPACE", workspace.id)
    lines = plans(engine, api, path, token)
    guilty = [line for line in lines if line.startswith("SCAN") and line.split()[1] in TABLES]
    assert guilty == [], "\n".join(lines)
