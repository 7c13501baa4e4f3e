"""Use cases of the agent of a plan: learning which policies count, and telling what they say."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app.models import assessment_results
from app.models.policy_set_outcomes import PolicySetOutcome
from app.models.run_jobs import PLAN
from app.models.runs import FINAL
from app.resources.policies.job_policies.documents import describe_run
from app.resources.policies.job_policies.operations import (
    MOST_CODE,
    NO_CODE,
    TOO_MUCH,
    add_outcome,
    begin_evaluation,
    find_evaluation,
    find_sets,
    parameters_of,
    policies_of,
    settle_evaluation,
    settle_outcome,
)
from app.resources.runs.agent_jobs.operations import JobLost, check_held
from app.resources.runs.agent_jobs.service import lock_with_run
from app.web.transaction import transaction


def describe_policies(job_id: str, fence: int) -> dict[str, Any]:
    """The policies that count for the run of a plan as they are now, and what they are told of the run."""
    with transaction() as session:
        workspace, run, job = lock_with_run(session, job_id)
        check_held(job, fence)
        # An assessment only looks.
        if job.phase != PLAN or run.status in FINAL or run.trigger_reason == assessment_results.REASON:
            return {"sets": []}
        sets = find_sets(session, workspace)
        evaluation = begin_evaluation(session, run, is_needed=bool(sets))
        if evaluation is None or not sets:
            return {"sets": []}
        policies, parameters = policies_of(session, sets), parameters_of(session, sets)
        outcomes = [
            add_outcome(session, evaluation, position, each, policies[each.id]) for position, each in enumerate(sets)
        ]
        if sum(len(policy.code or "") for each in policies.values() for policy in each) > MOST_CODE:
            for outcome in outcomes:
                settle_outcome(outcome, [], TOO_MUCH)
            settle_evaluation(evaluation, outcomes)
            return {"sets": []}
        shown = [
            {
                "id": outcome.id,
                "name": each.name,
                "tool-version": each.policy_tool_version,
                "parameters": parameters[each.id],
                "policies": [
                    {"name": policy.name, "query": policy.query, "code": policy.code, "missing": NO_CODE}
                    for policy in policies[each.id]
                ],
            }
            for each, outcome in zip(sets, outcomes, strict=True)
        ]
        return {"sets": shown, "run": describe_run(session, workspace, run)}


def store_outcomes(job_id: str, fence: int, told: Mapping[str, Sequence[Mapping[str, Any]]], error: str | None) -> None:
    """Keep what the policies say. The stage after the plan decides by it. Saying it again changes nothing."""
    with transaction() as session:
        _, run, job = lock_with_run(session, job_id)
        check_held(job, fence)
        if run.status in FINAL:
            raise JobLost
        evaluation = find_evaluation(session, run)
        if evaluation is None:
            return
        of_evaluation = select(PolicySetOutcome).where(PolicySetOutcome.policy_evaluation_id == evaluation.id)
        outcomes = session.scalars(of_evaluation.order_by(PolicySetOutcome.position)).all()
        for outcome in outcomes:
            settle_outcome(outcome, told.get(outcome.id, ()), error)
        settle_evaluation(evaluation, outcomes)
        session.flush()
