"""The record of activity, with a great many events."""

from typing import Any, ClassVar

from sqlalchemy import insert, text

from app.models import ActivityEvent
from app.persistence import now
from tests.support.personas import table
from tests.support.scenes.scene import Scene

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


class Activity(Scene):
    """A great many events of one project, and as many each of others beside it."""

    TABLES: ClassVar = ("activity_events", "workspaces", "environments")
    PATHS: ClassVar = PATHS
    READS: ClassVar = COSTS
    OF_ONE_PROJECT = frozenset({"member", "viewer"})

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, acme = self.world, self.organization
        project = world.project(acme, "platform")
        workspace = world.workspace(project)
        team, viewer = world.team(acme), world.person()
        world.access(team, project, "read")
        world.project_member(project, viewer, "viewer")
        self.tokens |= {
            "token": world.token(acme),
            "member": world.member(acme, team).token,
            "viewer": viewer.token,
        }
        self.places: list[dict[str, Any]] = [
            {**self.here, "project_id": project.id, "workspace_id": workspace.id},
            *(
                {**self.here, "project_id": f"prj-{number:016}", "workspace_id": f"ws-{number:016}"}
                for number in range(OTHER_PROJECTS)
            ),
            *({"organization_id": f"org-{number:016}", "project_id": "prj-x"} for number in range(OTHERS)),
        ]
        event = world.add(ActivityEvent(**_members("evt-1"), **self.places[0]))
        self.ids = {"PROJECT": project.id, "WORKSPACE": workspace.id, "EVENT": event.id}
        self.count = 0
        self.fill(EVENTS)

    def fill(self, count: int) -> None:
        """Add so many events, some of each place."""
        rows = [
            {**_members(f"evt-{number:016}"), "workspace_id": None, **self.places[number % len(self.places)]}
            for number in range(self.count, self.count + count)
        ]
        self.count += count
        with self.engine.begin() as connection:
            if rows:
                connection.execute(insert(ActivityEvent), rows)
            connection.execute(text("ANALYZE activity_events"))


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
