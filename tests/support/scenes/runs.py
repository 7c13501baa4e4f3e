"""Runs of one workspace, and many of others beside it."""

from typing import Any, ClassVar

from sqlalchemy import insert, text

from app.models import Apply, ConfigurationVersion, Plan, Run, RunEvent
from app.models.workspaces import Workspace
from app.persistence import now
from tests.support.personas import table
from tests.support.scenes.scene import Scene

TABLES = ("runs", "plans", "applies", "run_events", "comments", "configuration_versions", "workspaces")
RUNS = 1_000
OTHERS = 20
PATHS = [
    "/workspaces/WORKSPACE/runs",
    "/workspaces/WORKSPACE/runs?filter[operation]=plan_only,destroy&filter[status]=applied",
    "/workspaces/WORKSPACE/configuration-versions",
    "/organizations/acme/runs",
    "/organizations/acme/runs?filter[status]=pending",
    "/organizations/acme/runs/queue",
    "/organizations/acme/capacity",
    "/runs/RUN",
    "/runs/RUN/plan",
    "/runs/RUN/apply",
    "/runs/RUN/run-events",
    "/runs/RUN/comments",
    "/runs/RUN/task-stages",
    "/plans/PLAN",
    "/applies/APPLY",
    "/configuration-versions/CONFIGURATION",
]
# The caller, and what they were granted if they are in a team; who may read the runs of a workspace; the page.
COSTS = table("""
                                               | owner member
/workspaces/WORKSPACE/runs                     | 3     4
/workspaces/WORKSPACE/runs?include=plan,apply,created_by,workspace,configuration_version | 8 9
/workspaces/WORKSPACE/configuration-versions   | 3     4
/organizations/acme/runs                       | 2     3
/organizations/acme/runs/queue                 | 2     3
/organizations/acme/capacity                   | 2     3
/runs/RUN                                      | 2     3
/runs/RUN?include=plan,apply,workspace         | 5     6
/runs/RUN/plan                                 | 2     3
/runs/RUN/run-events                           | 3     4
/runs/RUN/comments                             | 3     4
""")


class Runs(Scene):
    """Runs of a workspace, each with its plan, its apply and an event, and as many of other workspaces."""

    TABLES: ClassVar = TABLES
    PATHS: ClassVar = PATHS
    READS: ClassVar = COSTS

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, acme = self.world, self.organization
        project = world.project(acme, "platform")
        elsewhere = [world.project(world.organization()) for _ in range(OTHERS)]
        self.workspaces: list[Workspace] = [world.workspace(each) for each in (project, *elsewhere)]
        team = world.team(acme)
        world.access(team, project, "read")
        self.tokens |= {"member": world.member(acme, team).token}
        self.configurations = [
            world.add(
                ConfigurationVersion(organization_id=each.organization_id, workspace_id=each.id, status="uploaded")
            )
            for each in self.workspaces
        ]
        self.count = 0
        self.fill(1)
        self.ids = {
            "WORKSPACE": self.workspaces[0].id,
            "CONFIGURATION": self.configurations[0].id,
            "RUN": "run-0000000000000000",
            "PLAN": "plan-0000000000000000",
            "APPLY": "apply-0000000000000000",
        }
        self.fill(RUNS)

    def fill(self, count: int) -> None:
        """Add so many runs of the first workspace, and as many of the others together."""
        numbers = range(self.count, self.count + 2 * count)
        self.count += 2 * count
        runs: list[dict[str, Any]] = []
        phases: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        for number in numbers:
            place = 0 if number % 2 == 0 else 1 + number % OTHERS
            of = {
                "organization_id": self.workspaces[place].organization_id,
                "workspace_id": self.workspaces[place].id,
            }
            run_id = f"run-{number:016}"
            runs.append(
                {
                    "id": run_id,
                    **of,
                    "configuration_version_id": self.configurations[place].id,
                    "number": number + 1,
                    "status": "applied" if number % 50 else "canceled",
                    "status_timestamps": {},
                    "message": "Queued",
                    "pool": "built-in",
                    "created_by_id": self.owner.id,
                    "created_at": now(),
                }
            )
            phases.append({**of, "run_id": run_id, "status": "finished", "status_timestamps": {}})
            events.append({"id": f"re-{number:016}", **of, "run_id": run_id, "number": 1, "action": "created"})
        if not runs:
            return
        with self.engine.begin() as connection:
            connection.execute(insert(Run), runs)
            for model, prefix in ((Plan, "plan"), (Apply, "apply")):
                rows = [{**each, "id": f"{prefix}-{number:016}"} for number, each in zip(numbers, phases, strict=True)]
                connection.execute(insert(model), rows)
            connection.execute(insert(RunEvent), events)
            for name in TABLES:
                connection.execute(text(f"ANALYZE {name}"))
        # An open connection of SQLite goes on with what it knew of the tables before.
        self.engine.dispose()
