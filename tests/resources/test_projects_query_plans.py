"""Reading finds its rows by index, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.persistence.engine import Engines
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


def plans(app: Flask, api: Api, path: str, token: str) -> list[str]:
    """How the database would run each statement of the request, a line for each way it reads a table."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        sent.append((statement, parameters))

    engines: Engines = app.extensions["groundplan.engines"]
    event.listen(engines.reading, "before_cursor_execute", note)
    try:
        api.get(path, token)
    finally:
        event.remove(engines.reading, "before_cursor_execute", note)
    with engines.writing.connect() as connection:
        read = [each for each in sent if each[0].startswith(("SELECT", "WITH"))]
        assert len(read) > 1, "the caller and what he asks for"
        if connection.dialect.name == "sqlite":
            return [
                row[3]
                for statement, parameters in read
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
        # What no index can do is then still done by reading the table from end to end, and shown.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [
            line
            for statement, parameters in read
            for line in nodes(
                connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()[0]["Plan"]
            )
        ]


def nodes(plan: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan:
        index = f" USING INDEX {plan['Index Name']}" if "Index Name" in plan else ""
        yield f"{'SCAN' if plan['Node Type'] == 'Seq Scan' else 'SEARCH'} {plan['Relation Name']}{index}"
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("who", ["owner", "member"])
@pytest.mark.parametrize("path", PATHS)
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, owner: Person, app: Flask, *, path: str, who: str
) -> None:
    project = world.project(acme, "platform")
    workspace = world.workspace(project, "network")
    team = world.team(acme)
    world.access(team, project, "write")
    token = owner.token if who == "owner" else world.member(acme, team).token
    lines = plans(app, api, path.replace("PROJECT", project.id).replace("WORKSPACE", workspace.id), token)
    guilty = [line for line in lines if line.startswith("SCAN") and line.split()[1] in TABLES]
    assert guilty == [], "\n".join(lines)
