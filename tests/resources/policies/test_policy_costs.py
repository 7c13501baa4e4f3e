"""What requests about policies cost in statements: the same, however many there are."""

import pytest

from app.models import PolicySetParameter, PolicySetWorkspace
from tests.resources.policies.test_policy_evaluations import FAILED, add_set, planned
from tests.support.runs import Runs
from tests.support.statement_costs import Statements, cost


def reads(runs: Runs, run_id: str, set_id: str) -> list[str]:
    (stage,) = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
    (evaluation,) = stage["relationships"]["policy-evaluations"]["data"]
    organization = f"/organizations/{runs.organization.name}"
    return [
        f"{organization}/policies",
        f"{organization}/policy-sets",
        f"{organization}/policy-sets?include=policies,workspaces,projects",
        f"/policy-sets/{set_id}",
        f"/policy-sets/{set_id}/parameters",
        f"/runs/{run_id}/task-stages?include=policy_evaluations",
        f"/task-stages/{stage['id']}?include=policy_evaluations",
        f"/task-stages/{stage['id']}/policy-evaluations",
        f"/policy-evaluations/{evaluation['id']}/policy-set-outcomes",
    ]


def test_reading_costs_the_same_however_many_there_are(runs: Runs, statements: Statements) -> None:
    def add() -> str:
        made = add_set(runs, "advisory", "advisory")
        place = {"organization_id": runs.organization.id, "policy_set_id": made.id}
        runs.world.add(PolicySetParameter(**place, key=f"k{made.id[-6:]}", value="1"))
        runs.world.add(PolicySetWorkspace(policy_set_id=made.id, workspace_id=runs.workspace.id))
        return made.id

    first = add()
    paths = reads(runs, planned(runs, FAILED, FAILED, plan_only=True), first)
    few = [cost(statements, runs.api, runs.owner.token, ("GET", path, None)) for path in paths]
    for _ in range(4):
        add()
    paths = reads(runs, planned(runs, *[FAILED] * 10, plan_only=True), first)
    many = [cost(statements, runs.api, runs.owner.token, ("GET", path, None)) for path in paths]
    assert dict(zip(paths, many, strict=True)) == dict(zip(paths, few, strict=True))


@pytest.mark.one_database
def test_the_agents_requests_cost_the_same_however_many_policies_count(runs: Runs, statements: Statements) -> None:
    def told(sets: int) -> int:
        for _ in range(sets):
            add_set(runs, *["advisory"] * 3)
        runs.new(plan_only=True)
        job = runs.agent.take()
        job.start()
        with statements() as seen:
            job.policies()
        job.finish()
        # Each set has a row of its own for what its policies say.
        return len([each for each in seen if "INSERT INTO policy_set_outcomes" not in each])

    assert told(1) == told(4)
