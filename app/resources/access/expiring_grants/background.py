"""Removing what has ended by itself."""

from typing import Final

from app.models.background_tasks import DueTask
from app.resources.access.expiring_grants.ending import GRANTS, end_expired
from app.web.transaction import transaction

AT_ONCE: Final = 100
ROUNDS: Final = 100


def end_expired_grants(_task: DueTask) -> None:
    """Remove grants that have ended. They have counted nowhere since; until now their rows were left."""
    for model in GRANTS:
        for _ in range(ROUNDS):
            with transaction() as session:
                ended = end_expired(session, model, at_most=AT_ONCE)
            if ended < AT_ONCE:
                break
