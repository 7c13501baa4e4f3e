"""Changing the master key while the service runs."""

from collections.abc import Iterator

from sqlalchemy import Column, Engine, Table, literal, select, tuple_, update

from app.persistence import Base
from app.storage.keyring import Keyring

BATCH = 200


def reseal(engine: Engine, keyring: Keyring) -> int:
    """Seal all texts of older master keys with the newest one; returns their number.

    A text that is changed concurrently keeps the change. If the command is stopped, the next run continues.
    """
    return sum(_reseal_column(engine, keyring, table, column) for table, column in sealed_columns())


def sealed_columns() -> Iterator[tuple[Table, Column[str]]]:
    """The columns that hold sealed text, as declared in their models."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("sealed"):
                yield table, column


def _reseal_column(engine: Engine, keyring: Keyring, table: Table, column: Column[str]) -> int:
    count = 0
    key = tuple(table.primary_key)
    is_old = (column.is_not(None), column.not_like(f"{keyring.newest}%"))
    batch = select(*key, column).where(*is_old).order_by(*key).limit(BATCH)
    following = batch
    while True:
        # In batches by primary key, each in a transaction: no row is locked for long, and none is read twice.
        with engine.begin() as connection:
            rows = connection.execute(following).all()
            for *values, sealed in rows:
                written = connection.execute(
                    update(table)
                    .where(*(part == value for part, value in zip(key, values, strict=True)), column == sealed)
                    .values({column: keyring.seal(keyring.unseal(sealed))}),
                )
                count += written.rowcount
        if not rows:
            return count
        following = batch.where(tuple_(*key) > tuple_(*map(literal, rows[-1][: len(key)])))
