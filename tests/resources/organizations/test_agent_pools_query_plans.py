"""Reading agent pools finds their rows by index, on both databases."""

import pytest
from flask import Flask

from app.models import Organization
from tests.support.api import Api
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.world import Person, World

TABLES = ("agent_pools", "projects", "workspaces", "agent_pool_allowed_workspaces", "agent_pool_excluded_workspaces")

PATHS = [
    "/organizations/acme/agent-pools",
    "/organizations/acme/agent-pools?sort=-created-at",
    "/organizations/acme/agent-pools?include=workspaces",
    "/organizations/acme/agent-pools?filter[allowed_workspaces][name]=network",
    "/organizations/acme/agent-pools?filter[allowed_projects][name]=platform",
    "/organizations/acme/workspaces?include=agent_pool",
    "/agent-pools/POOL",
]


@pytest.mark.parametrize("who", ["owner", "member"])
@pytest.mark.parametrize("path", PATHS)
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, owner: Person, app: Flask, *, path: str, who: str
) -> None:
    project = world.project(acme, "platform")
    pool = world.pool(acme)
    world.workspace(project, "network", own_execution_mode="agent", own_agent_pool_id=pool.id)
    team = world.team(acme)
    world.access(team, project, "write")
    token = owner.token if who == "owner" else world.member(acme, team).token
    lines = plans(app, api, path.replace("POOL", pool.id), token)
    assert read_from_end_to_end(lines, TABLES) == [], "\n".join(lines)
