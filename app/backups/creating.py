"""Making a backup while the service runs."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, inspect, select, text

from app.backups.archive import FORMAT, HEAD, KEYS, BackupError, Writer
from app.backups.encryption import Lock, encrypted
from app.config import Settings
from app.migrate import UPGRADE
from app.persistence import Base, now
from app.persistence.copying import ROWS_AT_ONCE, columns_of, rows_of, snapshot
from app.services import Services
from app.storage.holding import Hold, HoldLost, removals_held
from app.storage.ledger import object_columns
from app.storage.store import ObjectNotFound

Item = TypeVar("Item")
VERSION_TABLE: Final = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What a backup has."""

    rows: int
    tables: int
    objects: int
    object_bytes: int
    missing: int
    bytes: int
    seconds: float


def create(own: Services, path: Path, lock: Lock, *, with_keys: bool = False) -> Created:
    """Write a backup into a new file: what the database was at one moment, and all objects that it named then."""
    if with_keys and lock.is_open:
        raise BackupError("The keys of the service are only put into a backup that is encrypted.")
    started = time.monotonic()
    with new_file(path) as file:
        with encrypted(file, lock) as inner, tempfile.TemporaryFile() as digests:
            writer = Writer(inner, digests)
            try:
                manifest = _write(own, writer, with_keys=with_keys)
            except BaseException:
                writer.abandon()
                raise
        size = file.tell()
    return Created(
        rows=sum(each["rows"] for each in manifest["tables"].values()),
        tables=len(manifest["tables"]),
        objects=manifest["objects"],
        object_bytes=manifest["bytes"],
        missing=manifest["missing"],
        bytes=size,
        seconds=time.monotonic() - started,
    )


def _write(own: Services, writer: Writer, *, with_keys: bool) -> dict[str, Any]:
    # Held before the database is looked at, so that none of the objects that it names then is removed.
    with removals_held(own.engines) as hold, tempfile.TemporaryFile("w+", encoding="ascii") as names:
        with snapshot(own.engines) as connection:
            tables = columns_of(connection, _tables(own, connection))
            writer.document(HEAD, _head(own, connection, tables))
            if with_keys:
                keys = {"secret_key": own.settings.secret_key, "encryption_keys": own.settings.encryption_keys}
                writer.document(KEYS, keys)
            for name in tables:
                writer.table(name, _renewing(hold, rows_of(connection, name)))
            # The database is not looked at while objects are copied: the view would keep it from tidying up.
            _note_objects(connection, names)
        names.seek(0)
        for line in names:
            _copy_object(own, writer, hold, line.rstrip("\n"))
        return writer.close()


def _tables(own: Services, connection: Connection) -> list[str]:
    if version_of(connection) != own.schema_version():
        raise BackupError(f"The database has the tables of another version. {UPGRADE}")
    return [str(table.name) for table in Base.metadata.sorted_tables]


def version_of(connection: Connection) -> str | None:
    """The newest migration that the database has; None if it has no tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _head(own: Services, connection: Connection, tables: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created_at": now().isoformat(),
        "database": connection.dialect.name,
        "migration": own.schema_version(),
        "encryption_keys": own.keyring.names,
        "secret_key": name_of_secret(own.settings),
        "tables": tables,
    }


def name_of_secret(settings: Settings) -> str:
    """A name of the secret key, which tells it apart and reveals nothing about it."""
    return (
        HKDF(SHA256(), 8, salt=None, info=b"groundplan name of the secret key")
        .derive(settings.secret_key.encode())
        .hex()
    )


def _note_objects(connection: Connection, names: IO[str]) -> None:
    for _, column in object_columns():
        found = select(column).where(column.is_not(None))
        for name in connection.scalars(found, execution_options={"yield_per": ROWS_AT_ONCE}):
            names.write(f"{name}\n")


def _copy_object(own: Services, writer: Writer, hold: Hold, name: str) -> None:
    try:
        pieces = own.vault.store.open(name)
    except ObjectNotFound:
        # It was lost before. The rest is worth keeping all the same, and verifying tells.
        writer.missing(name)
    else:
        writer.object(name, _renewing(hold, pieces))


def _renewing(hold: Hold, items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        try:
            hold.renew()
        except HoldLost as error:
            raise BackupError(f"The backup is given up: {error}.") from error
        yield item


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name when all is in it and on the disk, and else is not there."""
    if path.exists():
        raise BackupError(f"{path} exists already.")
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"Another backup is just writing {part}.") from None
            try:
                # What a killed one has left.
                file.truncate()
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.rename(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise BackupError(f"{path} can't be written: {error.strerror or error}.") from error
