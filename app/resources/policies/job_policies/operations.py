"""The rules of evaluations: which policies count for a run, and what their outcomes mean for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models.policies import MANDATORY, Policy, PolicySet, PolicySetParameter, PolicySetPolicy, applies_to
from app.models.policy_evaluations import PolicyEvaluation, add_evaluation
from app.models.policy_set_outcomes import PolicySetOutcome
from app.models.run_stages import create_stage, find_stage
from app.models.runs import Run
from app.models.stage_parts import ERRORED, FAILED, PASSED, PENDING, RUNNING
from app.models.task_stages import POST_PLAN
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.services import services

STATUSES: Final = (PASSED, FAILED, ERRORED)
# All code that one run is checked by.
MOST_CODE: Final = 16 << 20
TOO_MUCH: Final = "The policies of all sets that count in the workspace have more than 16 MiB of code"
NO_CODE: Final = "The policy has no code yet; upload it"
NOT_TOLD: Final = "The agent has told nothing of this policy"


def find_sets(session: Session, workspace: Workspace) -> Sequence[PolicySet]:
    """The sets that count in the workspace now."""
    return session.scalars(select(PolicySet).where(applies_to(workspace)).order_by(PolicySet.name, PolicySet.id)).all()


def policies_of(session: Session, sets: Sequence[PolicySet]) -> dict[str, list[Policy]]:
    """The policies of each set, in the order of their names."""
    found: dict[str, list[Policy]] = {each.id: [] for each in sets}
    rows = session.execute(
        select(PolicySetPolicy.policy_set_id, Policy)
        .join(Policy, Policy.__table__.c.id == PolicySetPolicy.policy_id)
        .where(in_values(PolicySetPolicy.policy_set_id, list(found)))
        .order_by(Policy.name, Policy.id)
    )
    for set_id, policy in rows:
        found[set_id].append(policy)
    return found


def parameters_of(session: Session, sets: Sequence[PolicySet]) -> dict[str, list[dict[str, Any]]]:
    """The parameters of each set, with their values."""
    found: dict[str, list[dict[str, Any]]] = {each.id: [] for each in sets}
    rows = session.scalars(
        select(PolicySetParameter)
        .where(in_values(PolicySetParameter.policy_set_id, list(found)))
        .order_by(PolicySetParameter.key)
    )
    for row in rows:
        sealed = row.sealed_value
        value = row.value if sealed is None else services().keyring.unseal(sealed).decode()
        found[row.policy_set_id].append({"key": row.key, "value": value, "sensitive": row.sensitive})
    return found


def begin_evaluation(session: Session, run: Run, *, is_needed: bool) -> PolicyEvaluation | None:
    """The evaluation of the run, without what an earlier agent has told; None if it has none and needs none.

    A set may have been put upon the workspace after the run was created.
    """
    stage = find_stage(session, run, POST_PLAN) if run.has_stage(POST_PLAN) else None
    if stage is None and is_needed:
        stage = create_stage(session, run, POST_PLAN)
    if stage is None:
        return None
    found = select(PolicyEvaluation).where(PolicyEvaluation.task_stage_id == stage.id)
    evaluation = session.scalars(found).one_or_none()
    if evaluation is None and is_needed:
        evaluation = add_evaluation(session, run, stage)
    if evaluation is not None:
        session.execute(delete(PolicySetOutcome).where(PolicySetOutcome.policy_evaluation_id == evaluation.id))
        evaluation.enter(RUNNING if is_needed else PASSED)
    session.flush()
    return evaluation


def find_evaluation(session: Session, run: Run) -> PolicyEvaluation | None:
    """The evaluation of the run that is under way."""
    found = select(PolicyEvaluation).where(PolicyEvaluation.run_id == run.id, PolicyEvaluation.status == RUNNING)
    return session.scalars(found).one_or_none()


def add_outcome(
    session: Session, evaluation: PolicyEvaluation, position: int, policy_set: PolicySet, policies: Sequence[Policy]
) -> PolicySetOutcome:
    """Keep what the set is now: what is changed later does not concern this run."""
    outcome = PolicySetOutcome(
        organization_id=evaluation.organization_id,
        workspace_id=evaluation.workspace_id,
        policy_evaluation_id=evaluation.id,
        position=position,
        policy_set_name=policy_set.name,
        policy_set_description=policy_set.description,
        overridable=policy_set.overridable,
        policy_tool_version=policy_set.policy_tool_version,
        outcomes={
            "policies": [
                {
                    "enforcement_level": policy.enforcement_level,
                    "query": policy.query,
                    "status": PENDING,
                    "policy_name": policy.name,
                    "description": policy.description or "",
                    "output": None,
                }
                for policy in policies
            ]
        },
    )
    session.add(outcome)
    session.flush()
    return outcome


def settle_outcome(outcome: PolicySetOutcome, told: Sequence[Mapping[str, Any]], error: str | None) -> None:
    """Put what the agent tells beside what was asked. What it does not tell is an error."""
    policies = []
    counts = dict.fromkeys(("passed", "advisory_failed", "mandatory_failed", "errored"), 0)
    for index, asked in enumerate(outcome.outcomes["policies"]):
        said = told[index] if index < len(told) else {"status": ERRORED, "output": [{"error": error or NOT_TOLD}]}
        is_mandatory = asked["enforcement_level"] == MANDATORY
        status = str(said["status"])
        failed = "mandatory_failed" if is_mandatory else "advisory_failed"
        counts[failed if status == FAILED else status] += 1
        policies.append({**asked, "status": status, "output": said["output"]})
    outcome.outcomes, outcome.error = {"policies": policies}, error
    for name, count in counts.items():
        setattr(outcome, name, count)


def settle_evaluation(evaluation: PolicyEvaluation, outcomes: Sequence[PolicySetOutcome]) -> None:
    """Count all outcomes. A mandatory policy that fails or can't be evaluated is a no; an advisory one only tells."""
    for name in ("passed", "advisory_failed", "mandatory_failed", "errored"):
        setattr(evaluation, name, sum(getattr(each, name) for each in outcomes))
    noes = [each for each in outcomes if each.mandatory_failed or _has_mandatory_error(each)]
    evaluation.overridable = all(each.overridable for each in noes)
    if any(each.mandatory_failed for each in noes):
        evaluation.enter(FAILED)
    else:
        evaluation.enter(ERRORED if noes else PASSED)


def _has_mandatory_error(outcome: PolicySetOutcome) -> bool:
    return any(
        each["status"] == ERRORED and each["enforcement_level"] == MANDATORY for each in outcome.outcomes["policies"]
    )
