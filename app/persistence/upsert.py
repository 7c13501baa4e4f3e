"""Inserting a row, or else changing the one that is there: ``INSERT … ON CONFLICT``."""

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert


def upsert(table: Table) -> Insert:
    """An insert with ``on_conflict_do_update`` and ``on_conflict_do_nothing``, for both databases.

    SQLAlchemy has one class for each database; SQLite's compiler understands the clauses of PostgreSQL's.
    """
    return Insert(table)
