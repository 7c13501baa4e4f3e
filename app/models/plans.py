"""Plans: the first phase of a run."""

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.run_phases import STATUSES, RunPhase
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, identifier
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED


class Plan(RunPhase, Base):
    """The plan of a run, with the files that the agent has made: the plan, its JSON forms, and the lock file."""

    __tablename__ = "plans"
    visible_by: ClassVar[P] = P.RUN_READ
    grant_columns: ClassVar[Mapping[str, str]] = {**WorkspaceChild.grant_columns, Level.RUN_TASK: "run_id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("plan"))
    has_changes: Mapped[bool] = mapped_column(default=False)
    generated_configuration: Mapped[bool] = mapped_column(default=False)
    terraform_version: Mapped[str | None]
    plan_object: Mapped[str | None] = mapped_column(info=OBJECT)
    plan_key: Mapped[str | None] = mapped_column(info=SEALED)
    json_object: Mapped[str | None] = mapped_column(info=OBJECT)
    json_key: Mapped[str | None] = mapped_column(info=SEALED)
    redacted_object: Mapped[str | None] = mapped_column(info=OBJECT)
    redacted_key: Mapped[str | None] = mapped_column(info=SEALED)
    lock_file_object: Mapped[str | None] = mapped_column(info=OBJECT)
    lock_file_key: Mapped[str | None] = mapped_column(info=SEALED)

    __table_args__ = (
        # The sweep checks whether any row names an object.
        Index("uq_plans_plan_object", plan_object, unique=True),
        Index("uq_plans_json_object", json_object, unique=True),
        Index("uq_plans_redacted_object", redacted_object, unique=True),
        Index("uq_plans_lock_file_object", lock_file_object, unique=True),
        # For removing the files of old plans.
        Index("ix_plans_finished_at", "finished_at"),
        CheckConstraint("status IN " + str(STATUSES), name="status"),
    )
