"""Reading the record of activity costs the same few statements for any number of events, each found by index."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, text

from app.models import ActivityEvent, Organization
from app.persistence import now
from tests.support.api import Api
from tests.support.personas import table
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.statement_costs import Statements, cost
from tests.support.world import World

EVENTS = 3_000
OTHERS = 30
OTHER_PROJECTS = 150
FROM_TO = "?filter[from]=2026-01-01T00:00:00Z&filter[to]=2027-01-01T00:00:00Z"
PATHS = [
    "/organizations/acme/activity-events",
    f"/organizations/acme/activity-events{FROM_TO}",
    "/organizations/acme/activity-events?filter[action]=projects.*",
    "/projects/PROJECT/activity-events",
    f"/projects/PROJECT/activity-events{FROM_TO}",
    "/workspaces/WORKSPACE/activity-events",
    f"/workspaces/WORKSPACE/activity-events{FROM_TO}",
    "/activity-events/EVENT",
]
# The caller; what he was granted, if he is in a team; the project or workspace; the events; which places he sees.
COSTS = table("""
                                      | owner token member viewer
/organizations/acme/activity-events   | 2     2     4      4
/projects/PROJECT/activity-events     | 3     3     5      5
/workspaces/WORKSPACE/activity-events | 3     3     5      5
/activity-events/EVENT                | 2     2     4      4
""")


class Scene:
    """A great many events of one project, and as many each of others beside it."""

    def __init__(self, world: World, acme: Organization, engine: Engine) -> None:
        self.project = world.project(acme, "platform")
        self.workspace = world.workspace(self.project)
        self.tokens = self._tokens(world, acme)
        places = [
            {"organization_id": acme.id, "project_id": self.project.id, "workspace_id": self.workspace.id},
            *(
                {"organization_id": acme.id, "project_id": f"prj-{number:016}", "workspace_id": f"ws-{number:016}"}
                for number in range(OTHER_PROJECTS)
            ),
            *({"organization_id": f"org-{number:016}", "project_id": "prj-x"} for number in range(OTHERS)),
        ]
        self.event = world.add(ActivityEvent(**_members("evt-1"), **places[0]))
        with engine.begin() as connection:
            connection.execute(
                insert(ActivityEvent),
                [
                    {**_members(f"evt-{number:016}"), "workspace_id": None, **places[number % len(places)]}
                    for number in range(EVENTS)
                ],
            )
            connection.execute(text("ANALYZE activity_events"))

    def _tokens(self, world: World, acme: Organization) -> Mapping[str, str]:
        team, viewer = world.team(acme), world.person()
        world.access(team, self.project, "read")
        world.project_member(self.project, viewer, "viewer")
        return {
            "owner": world.owner(acme).token,
            "token": world.token(acme),
            "member": world.member(acme, team).token,
            "viewer": viewer.token,
        }

    def path(self, path: str) -> str:
        names = {"PROJECT": self.project.id, "WORKSPACE": self.workspace.id, "EVENT": self.event.id}
        for name, identifier in names.items():
            path = path.replace(name, identifier)
        return path


def _members(identifier: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "created_at": now(),
        "action": "projects.update",
        "actor_type": "users",
        "actor_id": "user-1",
        "actor_name": "ada",
        "subject_type": "projects",
        "subject_id": "prj-1",
        "changes": {"environment-id": ["env-1111111111111111", "env-1111111111111112"]},
    }


@pytest.fixture
def scene(world: World, acme: Organization, engine: Engine) -> Scene:
    """See ``Scene``."""
    return Scene(world, acme, engine)


@pytest.mark.parametrize("who", ["owner", "token", "member", "viewer"])
@pytest.mark.parametrize("path", PATHS)
def test_events_are_found_by_index(
    api: Api, app: Flask, scene: Scene, database_kind: str, *, path: str, who: str
) -> None:
    lines = plans(app, api, scene.path(path), scene.tokens[who])
    assert read_from_end_to_end(lines, ("activity_events", "workspaces", "environments")) == [], "\n".join(lines)
    wanted = path.removeprefix("/").partition("s/")[0]
    if wanted == "organization" and who in ("member", "viewer"):
        # Who reads the little that happened in few projects does not go through all of the organization for it.
        wanted = "project"
        assert "ix_activity_events_organization_id_created_at" not in "".join(lines), "\n".join(lines)
    if wanted != "activity-event" and database_kind == "sqlite":
        # PostgreSQL may combine indexes, and its plan then names them elsewhere.
        assert f"ix_activity_events_{wanted}_id_created_at" in "".join(lines), "\n".join(lines)


@pytest.mark.parametrize(("path", "who", "expected"), COSTS)
def test_reading_costs_few_statements(
    api: Api, scene: Scene, statements: Statements, *, path: str, who: str, expected: str
) -> None:
    api.get(scene.path(path), scene.tokens[who])  # notes that the token was used
    for page in ("", "?page[size]=100", "?page[size]=1&page[number]=2"):
        assert cost(statements, api, scene.tokens[who], ("GET", scene.path(path) + page, None)) == int(expected)
