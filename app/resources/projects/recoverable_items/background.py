"""Deleting for good what can't be recovered any more."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select

from app.models.background_tasks import DueTask
from app.models.recoverable_items import EXPIRED, KEPT, RecoverableItem
from app.models.recovery import give_up
from app.persistence import now
from app.web.transaction import record_events, transaction

# Until then an item says what became of it.
ENDED_KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 20
ROUNDS: Final = 500


def delete_expired_items(_task: DueTask) -> None:
    """Delete what expired items keep, and items that ended long ago."""
    for _ in range(ROUNDS):
        if _give_some_up() < AT_ONCE:
            break
    with transaction() as session:
        old = RecoverableItem.ended_at < now() - ENDED_KEPT
        session.execute(
            delete(RecoverableItem).where(RecoverableItem.status != KEPT, old),
            execution_options={"synchronize_session": False},
        )


def _give_some_up() -> int:
    with transaction() as session:
        expired = session.scalars(
            select(RecoverableItem)
            .where(RecoverableItem.status == KEPT, RecoverableItem.expires_at <= now())
            .order_by(RecoverableItem.expires_at)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        give_up(session, expired, EXPIRED)
        record_events(session, "recoverable-items.expire", [(each, None) for each in expired])
        return len(expired)
