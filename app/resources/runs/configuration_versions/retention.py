"""Gives up configurations that nobody has used: those without a run, unless the next run would be made from them.

A configuration with runs stays with them.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Row, exists, or_, select
from sqlalchemy.orm import aliased

from app.jsonapi.errors import Conflict, NotFound
from app.models.configuration_versions import PENDING, UPLOADED, ConfigurationVersion
from app.models.runs import Run
from app.persistence import now
from app.persistence.database import new_session
from app.resources.runs.configuration_versions.operations import archive_version, lock_version
from app.services import services
from app.web.transaction import record_event, transaction

AT_ONCE: Final = 100


def archive_unused_configurations() -> int:
    """Archive old configurations that were never used, and forget those that never arrived; returns their number."""
    oldest = now() - timedelta(days=services().settings.configuration_days)
    with new_session() as session:
        columns = ConfigurationVersion.__table__.c
        found = session.execute(
            select(columns.id, columns.workspace_id).where(_is_unused(oldest)).order_by(columns.id).limit(AT_ONCE)
        ).all()
    return sum(_give_up(row, oldest) for row in found)


def _give_up(row: Row[str, str], oldest: datetime) -> bool:
    try:
        with transaction() as session:
            _, version = lock_version(session, row.workspace_id, row.id)
            if version.status == PENDING and version.created_at < oldest:
                session.delete(version)
                session.flush()
                record_event(session, "configuration-versions.delete", version)
                return True
            before = version.status
            archive_version(session, version)
            record_event(session, "configuration-versions.archive", version, {"status": [before, version.status]})
    except (Conflict, NotFound):
        # Somebody began to use it, or deleted its workspace.
        return False
    return True


def _is_unused(oldest: datetime) -> ColumnElement[bool]:
    this = ConfigurationVersion.__table__.c
    newer = aliased(ConfigurationVersion.__table__)
    is_followed = exists().where(
        newer.c.workspace_id == this.workspace_id,
        newer.c.status == UPLOADED,
        ~newer.c.speculative,
        ~newer.c.provisional,
        newer.c.created_at > this.created_at,
    )
    has_run = exists().where(Run.configuration_version_id == this.id)
    is_needed_by_nobody = or_(this.status == PENDING, this.speculative, this.provisional, is_followed)
    return this.status.in_((PENDING, UPLOADED)) & (this.created_at < oldest) & ~has_run & is_needed_by_nobody
