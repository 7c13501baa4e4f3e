"""Verifying a backup: it is restored into a scratch folder, and compared with what it says of itself."""

import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask import Flask
from sqlalchemy import Column, Connection, Table, inspect, select

from app.backups.archive import tallied
from app.backups.creating import VERSION_TABLE
from app.backups.encryption import Keys
from app.backups.restoring import Contents, fill, migrate_to, opened
from app.migrate import migrate, schema_version
from app.models.state_versions import StateVersion
from app.persistence import Base
from app.persistence.copying import ROWS_AT_ONCE, dangling_rows, filling, rows_of
from app.persistence.database import connect_engines
from app.persistence.engine import Engines
from app.storage.files import FileStore
from app.storage.keyring import DecryptionError, Keyring
from app.storage.ledger import object_columns
from app.storage.store import ObjectNotFound
from app.storage.vault import Vault

# So many differences are told; of a bucket that was lost there are as many as objects.
TOLD: Final = 20
STATES: Final = Base.metadata.tables[StateVersion.__tablename__]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was compared, and what differs: the first of that, and how much it is."""

    head: Mapping[str, Any]
    rows: int
    tables: int
    objects: int
    states: int
    differences: list[str]
    seconds: float


def verify(path: Path, keys: Keys, keyring: Keyring, scratch: Path | None = None) -> Verified:
    """Restore the backup below the folder ``scratch``, compare, and remove what was made there.

    States are opened with the keys in the backup, if it has any, or else with the key ring. ``BackupError`` says that
    the file can't even be restored.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="groundplan-verify-", dir=scratch) as name:
        folder = Path(name)
        with opened(path, keys) as (reader, contents), _scratch(folder) as engines:
            migrate_to(contents.head["migration"])
            vault = Vault(FileStore(folder / "blobs"), _keyring_of(contents) or keyring)
            with filling(engines) as connection:
                manifest = fill(connection, vault.store, reader, contents)
            comparison = Comparison(vault)
            with engines.reading.connect() as connection:
                comparison.compare(connection, manifest["tables"])
            migrate_to(schema_version())
        told = comparison.differences
        return Verified(
            head=contents.head,
            rows=sum(each["rows"] for each in manifest["tables"].values()),
            tables=len(manifest["tables"]),
            objects=comparison.objects,
            states=comparison.states,
            differences=told[:TOLD] + ([f"… and {len(told) - TOLD} more"] if len(told) > TOLD else []),
            seconds=time.monotonic() - started,
        )


def _keyring_of(contents: Contents) -> Keyring | None:
    return None if contents.keys is None else Keyring(contents.keys["encryption_keys"])


@contextmanager
def _scratch(folder: Path) -> Iterator[Engines]:
    """An application with nothing but an empty database in the folder, as the current one."""
    app = Flask("scratch")
    engines = connect_engines(app, f"sqlite:///{folder / 'scratch.sqlite3'}", 1)
    migrate(app)
    try:
        with app.app_context():
            yield engines
    finally:
        engines.dispose()


class Comparison:
    """Compares a restored database and its objects with the manifest and with each other."""

    def __init__(self, vault: Vault) -> None:
        """Nothing is compared yet."""
        self._vault = vault
        self.differences: list[str] = []
        self.objects = 0
        self.states = 0

    def compare(self, connection: Connection, tables: Mapping[str, Any]) -> None:
        """Look at all of it."""
        for name, told in tables.items():
            if tallied(rows_of(connection, name)).as_json() != told:
                self.differences.append(f"the rows of {name} are not those that were written")
        self.differences += [f"rows of {name} refer to rows that are not there" for name in dangling_rows(connection)]
        there = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
        for table, column in object_columns():
            if table.name in there:
                self._compare_objects(connection, table, column)

    def _compare_objects(self, connection: Connection, table: Table, column: Column[str]) -> None:
        has_hash = column is STATES.c.state_object
        sealed_key = table.c[column.name.removesuffix("_object") + "_key"]
        known = [STATES.c.md5, STATES.c.size] if has_hash else []
        found = select(column, sealed_key, *known).where(column.is_not(None))
        for name, key, *expected in connection.execute(found, execution_options={"yield_per": ROWS_AT_ONCE}):
            self.objects += 1
            try:
                digest, size = hashlib.md5(usedforsecurity=False), 0
                for piece in self._vault.open(name, key):
                    digest.update(piece)
                    size += len(piece)
            except ObjectNotFound:
                self.differences.append(f"the object {name} is missing")
            except DecryptionError as error:
                self.differences.append(f"the object {name} can't be read: {error}")
            else:
                self.states += has_hash
                if has_hash and expected != [digest.hexdigest(), size]:
                    self.differences.append(f"the state {name} has not the hash in its row")
