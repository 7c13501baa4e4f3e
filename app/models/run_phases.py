"""What plans and applies have in common: the two phases of a run, each with a log."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.models.workspaces import WorkspaceChild
from app.persistence import Timestamp

PENDING = "pending"
QUEUED = "queued"
RUNNING = "running"
FINISHED = "finished"
ERRORED = "errored"
CANCELED = "canceled"
UNREACHABLE = "unreachable"
STATUSES = (PENDING, QUEUED, RUNNING, FINISHED, ERRORED, CANCELED, UNREACHABLE)
OVER = frozenset({FINISHED, ERRORED, CANCELED, UNREACHABLE})


class RunPhase(WorkspaceChild):
    """A phase of a run. Its log is in ``log_chunks``; it is complete once the phase is over."""

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), unique=True)
    status: Mapped[str] = mapped_column(default=PENDING)
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_at: Mapped[datetime | None] = mapped_column(Timestamp)
    finished_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # The agent that worked on it last. It has no foreign key, because agents come and go.
    agent_id: Mapped[str | None]
    agent_name: Mapped[str | None]
    resource_additions: Mapped[int | None]
    resource_changes: Mapped[int | None]
    resource_destructions: Mapped[int | None]
    resource_imports: Mapped[int | None]
    # The bytes that the agent has sent, without the marks at the beginning and the end.
    log_length: Mapped[int] = mapped_column(BigInteger, default=0)
