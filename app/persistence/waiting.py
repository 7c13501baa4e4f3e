"""Letting transactions that are about one thing wait for each other, even before they lock its row."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def wait_for_others(session: Session, name: str) -> None:
    """Wait until no other transaction is under way that has called this with the same name.

    On SQLite there is nothing to wait for: transactions that write come one after the other.
    """
    if session.connection().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
