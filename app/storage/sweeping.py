"""Removing objects that no row names: those of killed processes and lost answers, and those marked for deletion.

A sweep may be stopped at any moment, and any number of sweeps may run at once. While a backup is under way, nothing is
removed (see ``holding``).
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update

from app.persistence import in_values, now
from app.persistence.engine import Engines
from app.storage.holding import are_removals_held
from app.storage.ledger import StoredObject, unreferenced
from app.storage.vault import Vault

logger = logging.getLogger(__name__)

# Longer than the longest upload. An upload that takes even longer is refused at its end, never stored in part.
GRACE: Final = timedelta(hours=24)
BATCH: Final = 200


def sweep(engines: Engines, vault: Vault, grace: timedelta = GRACE) -> int:
    """Remove objects marked for deletion, and unnamed ones older than ``grace``; returns their number."""
    if are_removals_held(engines):
        logger.info("a backup is under way; the next sweep will remove what nothing names")
        return 0
    _mark_orphans(engines, now() - grace)
    count = 0
    last = ""
    to_delete = (
        select(StoredObject.name).where(StoredObject.condemned_at.is_not(None)).order_by(StoredObject.name).limit(BATCH)
    )
    while True:
        with engines.reading.connect() as connection:
            names = connection.scalars(to_delete.where(StoredObject.name > last)).all()
        if not names:
            return count
        removed = remove(engines, vault, names, patience=len(names))
        if not removed:
            if are_removals_held(engines):
                return count
            logger.error("the store removes nothing; the next sweep will go on")
            return count
        count += removed
        last = names[-1]


def sweepable(engines: Engines, grace: timedelta = GRACE) -> int:
    """How many objects a sweep would remove now."""
    orphaned = (StoredObject.created_at < now() - grace) & unreferenced()
    with engines.reading.connect() as connection:
        counted = (
            select(func.count()).select_from(StoredObject).where(or_(StoredObject.condemned_at.is_not(None), orphaned))
        )
        return connection.execute(counted).scalar_one()


def remove(engines: Engines, vault: Vault, names: Sequence[str], *, patience: int = 1) -> int:
    """Remove objects that no column names or will name; returns how many. Ends after ``patience`` failures.

    Objects that the store did not remove keep their rows in the ledger.
    """
    if are_removals_held(engines):
        return 0
    removed: list[str] = []
    failures = 0
    for name in names:
        try:
            vault.delete(name)
        except Exception:
            logger.exception("the object %s could not be removed", name)
            failures += 1
            if failures == patience:
                break
        else:
            removed.append(name)
    if removed:
        # In a fixed order, skipping rows that another sweep has locked, so that two sweeps can't deadlock.
        going = (
            select(StoredObject.name)
            .where(in_values(StoredObject.name, removed))
            .order_by(StoredObject.name)
            .with_for_update(skip_locked=True)
        )
        with engines.writing.begin() as connection:
            connection.execute(delete(StoredObject).where(StoredObject.name.in_(going)))
    return len(removed)


def _mark_orphans(engines: Engines, before: datetime) -> None:
    last = ""
    orphans = select(StoredObject.name).where(
        StoredObject.condemned_at.is_(None), StoredObject.created_at < before, unreferenced()
    )
    while True:
        # Searched without locks, because it may take long.
        with engines.reading.connect() as connection:
            names = connection.scalars(
                orphans.where(StoredObject.name > last).order_by(StoredObject.name).limit(BATCH)
            ).all()
        if not names:
            return
        with engines.writing.begin() as connection:
            # A transaction that is about to refer to an object has locked its row, so check again with the rows locked.
            ours = (
                select(StoredObject.name)
                .where(in_values(StoredObject.name, names))
                .order_by(StoredObject.name)
                .with_for_update(skip_locked=True)
            )
            free = connection.scalars(ours).all()
            connection.execute(
                update(StoredObject)
                .where(in_values(StoredObject.name, free), unreferenced())
                .values(condemned_at=now())
            )
        last = names[-1]
