"""The record of every change."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp, identifier, now


class ActivityEvent(Base):
    """Who did what on what, written in the transaction of the change.

    Ids are plain text without references, for an event outlives its subject and its actor.
    """

    __tablename__ = "activity_events"

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("evt"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    action: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    actor_name: Mapped[str]
    token_id: Mapped[str | None]
    request_id: Mapped[str | None]
    organization_id: Mapped[str | None]
    project_id: Mapped[str | None]
    workspace_id: Mapped[str | None]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    subject_name: Mapped[str | None]
    changes: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_activity_events_organization_id_created_at", "organization_id", "created_at", "id"),)
