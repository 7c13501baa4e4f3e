"""Policy evaluations: what the policies of one kind say about the plan of a run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, exists, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.authz.permissions import P
from app.models.policies import OPA, PolicySet, applies_to
from app.models.runs import Run
from app.models.stage_parts import ERRORED, OPEN, OVERRIDDEN, PENDING, Need, Part
from app.models.task_stages import POST_PLAN, TaskStage
from app.models.workspaces import Workspace, WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now

STATUSES: Final = (
    "pending",
    "queued",
    "running",
    "passed",
    "failed",
    "overridden",
    "errored",
    "canceled",
    "unreachable",
)


class PolicyEvaluation(WorkspaceChild, Base):
    """What the policies say about a run: a part of its stage after the plan. The agent evaluates them."""

    __tablename__ = "policy_evaluations"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("poleval"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    task_stage_id: Mapped[str] = mapped_column(ForeignKey("task_stages.id", ondelete="CASCADE"))
    policy_kind: Mapped[str] = mapped_column(default=OPA)
    status: Mapped[str] = mapped_column(default=PENDING)
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # How many policies said what.
    passed: Mapped[int] = mapped_column(default=0)
    advisory_failed: Mapped[int] = mapped_column(default=0)
    mandatory_failed: Mapped[int] = mapped_column(default=0)
    errored: Mapped[int] = mapped_column(default=0)
    # Whether a person may let the run go on; false as soon as one set that says no can't be overridden.
    overridable: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_policy_evaluations_task_stage_id_policy_kind", task_stage_id, policy_kind, unique=True),
        CheckConstraint("status IN " + str(STATUSES), name="status"),
    )

    def enter(self, status: str) -> None:
        """Give the evaluation a new status."""
        moment = now()
        self.status, self.updated_at = status, moment
        self.status_timestamps = {**self.status_timestamps, f"{status}-at": f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"}


class PolicyParts:
    """Policy evaluations as parts of the stage after the plan. They are over before it begins."""

    def stages(self, workspace: Workspace) -> Select[str]:
        """The stage after the plan, if a policy set counts in the workspace."""
        return select(literal(POST_PLAN)).where(exists(select(PolicySet.id).where(applies_to(workspace))))

    def add(self, session: Session, run: Run, stage: TaskStage) -> None:
        """An evaluation in the stage after the plan, if a policy set counts in the workspace."""
        workspace = session.get_one(Workspace, run.workspace_id)
        if stage.stage == POST_PLAN and session.scalar(select(PolicySet.id).where(applies_to(workspace)).limit(1)):
            add_evaluation(session, run, stage)

    def begin(self, session: Session, run: Run, stage: TaskStage) -> None:  # noqa: ARG002
        """The agent has evaluated the policies before the plan was finished; what it has not told is an error."""
        for each in _of_stage(session, stage):
            if each.status in OPEN:
                each.enter(ERRORED)

    def parts(self, session: Session, stage: TaskStage) -> Sequence[Part]:
        """The evaluation of the stage. Policies that are only advisory don't make it fail."""
        return [
            Part(each.status, is_mandatory=True, is_overridable=each.overridable) for each in _of_stage(session, stage)
        ]

    def override_needs(self, session: Session, stage: TaskStage) -> Sequence[Need]:  # noqa: ARG002
        """The permission that is there for it."""
        return [(P.RUN_OVERRIDE_POLICIES,)]

    def override(self, session: Session, stage: TaskStage) -> None:
        """Mark the evaluation as overridden, if it says no."""
        for each in _of_stage(session, stage):
            if Part(each.status, is_mandatory=True).stops:
                each.enter(OVERRIDDEN)

    def end(self, session: Session, run: Run, status: str) -> None:
        """End an evaluation that is open."""
        found = select(PolicyEvaluation).where(
            PolicyEvaluation.run_id == run.id, PolicyEvaluation.status.in_(sorted(OPEN))
        )
        for each in session.scalars(found):
            each.enter(status)


def _of_stage(session: Session, stage: TaskStage) -> Sequence[PolicyEvaluation]:
    return session.scalars(select(PolicyEvaluation).where(PolicyEvaluation.task_stage_id == stage.id)).all()


def add_evaluation(session: Session, run: Run, stage: TaskStage) -> PolicyEvaluation:
    """Give the stage an evaluation, pending."""
    evaluation = PolicyEvaluation(
        organization_id=run.organization_id,
        workspace_id=run.workspace_id,
        run_id=run.id,
        task_stage_id=stage.id,
        status_timestamps={},
    )
    evaluation.enter(PENDING)
    session.add(evaluation)
    session.flush()
    return evaluation
