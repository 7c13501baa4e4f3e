"""What becomes of a run by what policies say about its plan."""

from typing import Any

import pytest

from app.models import (
    PolicySet,
    PolicySetParameter,
    PolicySetProject,
    PolicySetProjectExclusion,
    PolicySetWorkspace,
    PolicySetWorkspaceExclusion,
    Run,
)
from app.services import services
from tests.support.runs import Job, Runs

PASSED = {"status": "passed", "output": []}
FAILED = {"status": "failed", "output": ["it is open"]}
ERRORED = {"status": "errored", "output": [{"error": "no such function"}]}


def add_set(runs: Runs, *levels: str, **members: Any) -> PolicySet:
    """A set that counts everywhere, with a policy of each level."""
    policies = [
        runs.world.policy(runs.organization, "package terraform\n", enforcement_level=level, description="Closed")
        for level in levels
    ]
    return runs.world.policy_set(runs.organization, *policies, **{"is_global": True, **members})


def planned(runs: Runs, *said: dict[str, Any], **attributes: Any) -> str:
    """A run whose plan is finished; each set's policies say this."""
    run_id = runs.new(**attributes)
    job = runs.agent.take()
    job.start()
    tell(job, *said)
    job.finish(has_changes=True)
    return run_id


def tell(job: Job, *said: dict[str, Any]) -> None:
    told = list(said)
    asked = job.policies()["sets"]
    job.tell(*({"id": each["id"], "policies": [told.pop(0) for _ in each["policies"]]} for each in asked))


def outcomes(runs: Runs, run_id: str) -> tuple[Any, list[Any]]:
    """The evaluation of the run and its outcomes."""
    (stage,) = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
    (evaluation,) = runs.api.get(f"/task-stages/{stage['id']}/policy-evaluations", runs.owner.token)["data"]
    path = f"/policy-evaluations/{evaluation['id']}/policy-set-outcomes"
    return evaluation, [each["attributes"] for each in runs.api.get(path, runs.owner.token)["data"]]


def test_a_mandatory_policy_stops_a_run(runs: Runs) -> None:
    add_set(runs, "mandatory", "advisory", name="network", description="What is open", policy_tool_version="1.9.0")
    run_id = runs.new(auto_apply=True)
    (stage,) = runs.api.get(f"/runs/{run_id}?include=task_stages", runs.owner.token)["included"]
    assert stage["attributes"]["status"] == "pending", "clients read the stages when the run is created"
    job = runs.agent.take()
    job.start()
    tell(job, FAILED, PASSED)
    job.finish(has_changes=True)
    assert runs.status(run_id) == "errored"
    assert not runs.is_locked()
    assert runs.agent.acquire() is None
    evaluation, shown = outcomes(runs, run_id)
    assert evaluation["attributes"]["status"] == "failed"
    assert evaluation["attributes"]["result-count"] == {
        "advisory-failed": 0,
        "errored": 0,
        "mandatory-failed": 1,
        "passed": 1,
    }
    (outcome,) = shown
    assert outcome["policy-set-name"] == "network"
    assert outcome["policy-set-description"] == "What is open"
    assert outcome["policy-tool-version"] == "1.9.0"
    assert outcome["overridable"] is False
    assert [each["status"] for each in outcome["outcomes"]] == ["failed", "passed"]
    assert outcome["outcomes"][0] == {
        "enforcement_level": "mandatory",
        "query": "data.terraform.deny",
        "status": "failed",
        "policy_name": outcome["outcomes"][0]["policy_name"],
        "description": "Closed",
        "output": ["it is open"],
    }
    one = evaluation["relationships"]["policy-set-outcomes"]["data"][0]["id"]
    assert runs.api.get(f"/policy-set-outcomes/{one}", runs.owner.token)["data"]["attributes"] == outcome


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("levels", "said", "status", "evaluation"),
    [
        (("advisory",), (FAILED,), "post_plan_completed", "passed"),
        (("advisory",), (ERRORED,), "post_plan_completed", "passed"),
        (("mandatory",), (ERRORED,), "errored", "errored"),
        (("mandatory", "mandatory"), (ERRORED, FAILED), "errored", "failed"),
        (("mandatory", "advisory"), (PASSED, FAILED), "post_plan_completed", "passed"),
        ((), (), "post_plan_completed", "passed"),
    ],
)
def test_what_the_outcomes_mean(
    runs: Runs, levels: tuple[str, ...], said: tuple[dict[str, Any], ...], status: str, evaluation: str
) -> None:
    add_set(runs, *levels)
    run_id = planned(runs, *said)
    assert runs.status(run_id) == status
    assert outcomes(runs, run_id)[0]["attributes"]["status"] == evaluation


@pytest.mark.one_database
def test_somebody_overrides_only_what_all_sets_allow(runs: Runs) -> None:
    add_set(runs, "mandatory", overridable=True, name="a")
    add_set(runs, "mandatory", name="b")
    run_id = planned(runs, FAILED, PASSED)
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    (stage,) = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
    runs.api.post(f"/task-stages/{stage['id']}/actions/override", runs.owner.token, expect=200)
    assert runs.status(run_id) == "post_plan_completed"
    assert outcomes(runs, run_id)[0]["attributes"]["status"] == "overridden"
    runs.act(run_id, "discard")
    assert runs.status(planned(runs, FAILED, FAILED)) == "errored"
    assert runs.status(planned(runs, PASSED, FAILED)) == "errored"


@pytest.mark.one_database
def test_what_the_agent_does_not_tell_is_an_error(runs: Runs) -> None:
    add_set(runs, "mandatory", "mandatory")
    # It does not even ask.
    silent = runs.new()
    runs.agent.plan()
    assert runs.status(silent) == "errored"
    # It asks, and tells nothing.
    asked = runs.new()
    job = runs.agent.take()
    job.start()
    job.policies()
    job.finish(has_changes=True)
    assert runs.status(asked) == "errored"
    assert outcomes(runs, asked)[0]["attributes"]["status"] == "errored"
    # It tells of one policy only.
    half = runs.new()
    job = runs.agent.take()
    job.start()
    (policy_set,) = job.policies()["sets"]
    job.tell({"id": policy_set["id"], "policies": [PASSED]}, {"id": "psout-none", "policies": [PASSED]})
    job.finish(has_changes=True)
    assert runs.status(half) == "errored"
    statuses = [each["status"] for each in outcomes(runs, half)[1][0]["outcomes"]]
    assert statuses == ["passed", "errored"]


@pytest.mark.one_database
def test_what_the_agent_is_told(runs: Runs) -> None:
    runs.api.post(
        f"/workspaces/{runs.workspace.id}/vars",
        runs.owner.token,
        {
            "data": {
                "type": "vars",
                "attributes": {"key": "region", "value": "hidden", "category": "terraform", "sensitive": True},
            }
        },
        expect=201,
    )
    made = add_set(runs, "mandatory")
    place = {"organization_id": runs.organization.id, "policy_set_id": made.id}
    with runs.app.app_context():
        sealed = services().keyring.seal(b"hunter2")
    runs.world.add(PolicySetParameter(**place, key="open", value="1"))
    runs.world.add(PolicySetParameter(**place, key="secret", sealed_value=sealed, sensitive=True))
    run_id = runs.new(message="Because", plan_only=True)
    job = runs.agent.take()
    job.start()
    asked = job.policies()
    (policy_set,) = asked["sets"]
    assert policy_set["parameters"] == [
        {"key": "open", "value": "1", "sensitive": False},
        {"key": "secret", "value": "hunter2", "sensitive": True},
    ]
    assert [each["code"] for each in policy_set["policies"]] == ["package terraform\n"]
    told = asked["run"]
    assert told["id"] == run_id
    assert told["message"] == "Because"
    assert told["speculative"] is True
    assert told["organization"] == {"name": runs.organization.name}
    assert told["project"] == {"id": runs.project.id, "name": runs.project.name}
    assert told["variables"] == {"region": {"category": "input", "sensitive": True}}
    assert told["workspace"]["name"] == runs.workspace.name
    assert told["workspace"]["execution_mode"] == "agent"
    assert "hidden" not in str(told)
    # Another fence is another agent, whose job this is no more.
    runs.agent.send("POST", f"/jobs/{job.id}/policies?fence=9", expect=409)
    runs.agent.send("POST", f"/jobs/{job.id}/policy-outcomes?fence=9", {"sets": []}, expect=409)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"sets": {}}, "/sets"),
        ({"sets": [1]}, "/sets/0"),
        ({"sets": [{"id": "x"}]}, "/sets/0/policies"),
        ({"sets": [{"id": "x", "policies": [{"status": "fine"}]}]}, "/sets/0/policies/0/status"),
        ({"sets": [{"id": "x", "policies": [{"status": "passed", "output": {}}]}]}, "/sets/0/policies/0/output"),
        ({"sets": [], "error": 1}, "/error"),
    ],
)
def test_outcomes_that_are_none(runs: Runs, sent: dict[str, Any], pointer: str) -> None:
    add_set(runs, "mandatory")
    runs.new()
    job = runs.agent.take()
    job.start()
    path = f"/jobs/{job.id}/policy-outcomes?fence={job.fence}"
    (error,) = runs.agent.send("POST", path, sent, expect=422)["errors"]
    assert error["source"]["pointer"] == pointer


@pytest.mark.one_database
def test_a_policy_of_another_time_does_not_count(runs: Runs) -> None:
    # Put upon the workspace after the run was created: it counts.
    late = runs.new()
    made = add_set(runs, "mandatory")
    job = runs.agent.take()
    job.start()
    tell(job, FAILED)
    # Changed after the agent has asked: what it was then counts.
    runs.world.remove(made)
    job.finish(has_changes=True)
    assert runs.status(late) == "errored"
    assert len(outcomes(runs, late)[1]) == 1
    # Gone before the plan is finished: nothing counts.
    gone = add_set(runs, "mandatory")
    freed = runs.new()
    runs.world.remove(gone)
    job = runs.agent.take()
    job.start()
    assert job.policies() == {"sets": []}
    job.finish(has_changes=True)
    assert runs.status(freed) == "post_plan_completed"


@pytest.mark.one_database
def test_there_are_no_checks_by_sentinel(runs: Runs) -> None:
    run_id = runs.new()
    assert runs.api.get(f"/runs/{run_id}/policy-checks", runs.owner.token)["data"] == []
    runs.api.get(f"/runs/{run_id}/policy-checks", runs.world.person().token, expect=404)


@pytest.mark.one_database
def test_an_assessment_only_looks(runs: Runs) -> None:
    run_id = runs.new(plan_only=True)
    (run,) = [each for each in runs.world.all(Run) if each.id == run_id]
    runs.world.change(run, trigger_reason="assessment")
    add_set(runs, "mandatory")
    job = runs.agent.take()
    job.start()
    assert job.policies() == {"sets": []}
    job.finish(has_changes=True)
    assert runs.status(run_id) == "planned_and_finished"


@pytest.mark.one_database
def test_an_agent_that_asks_again_begins_anew(runs: Runs) -> None:
    add_set(runs, "mandatory")
    run_id = runs.new()
    job = runs.agent.take()
    job.start()
    tell(job, FAILED)
    tell(job, PASSED)
    job.finish(has_changes=True)
    assert runs.status(run_id) == "post_plan_completed"
    assert len(outcomes(runs, run_id)[1]) == 1


def test_where_a_set_counts(runs: Runs) -> None:
    def counts() -> bool:
        run_id = runs.new(plan_only=True)
        found = runs.api.get(f"/runs/{run_id}/task-stages", runs.owner.token)["data"]
        job = runs.agent.take()
        job.start()
        sets = job.policies()["sets"]
        assert bool(sets) == bool(found)
        runs.act(run_id, "cancel")
        job.finish("canceled")
        return bool(sets)

    world, made = runs.world, add_set(runs, is_global=False)
    of_set = {"policy_set_id": made.id}
    assert not counts()
    by_project = world.add(PolicySetProject(**of_set, project_id=runs.project.id))
    assert counts()
    excluded = world.add(PolicySetProjectExclusion(**of_set, project_id=runs.project.id))
    assert not counts()
    by_workspace = world.add(PolicySetWorkspace(**of_set, workspace_id=runs.workspace.id))
    assert counts(), "what is said of the workspace is stronger"
    not_here = world.add(PolicySetWorkspaceExclusion(**of_set, workspace_id=runs.workspace.id))
    assert not counts()
    for each in (not_here, by_workspace, by_project):
        world.remove(each)
    world.change(made, is_global=True)
    assert not counts(), "the project is excluded"
    world.remove(excluded)
    assert counts()
    other = world.organization()
    world.change(made, organization_id=other.id)
    assert not counts()
