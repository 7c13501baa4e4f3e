"""Restoring a backup into an empty home."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from alembic.util import CommandError
from flask_migrate import upgrade
from sqlalchemy import Connection, delete, false, func, insert, inspect, literal_column, select, table, update
from sqlalchemy.exc import SQLAlchemyError

from app.backups.archive import KEYS, BackupError, Reader
from app.backups.creating import VERSION_TABLE, name_of_secret, version_of
from app.backups.encryption import Keys, decrypted
from app.config import Settings
from app.models.activity_events import ActivityEvent
from app.models.background_tasks import BackgroundTask
from app.models.service_marks import ServiceMark
from app.models.sign_in import AuthorizationCode, SignInSession
from app.persistence import Base, now
from app.persistence.copying import Values, filling, is_postgresql, refresh_statistics, write_rows_of
from app.resources.runs.auto_destroy.hold import HELD
from app.services import Services
from app.storage.holding import PREFIX
from app.storage.keyring import Keyring
from app.storage.store import Store, StoreUnavailable, checked

logger = logging.getLogger(__name__)

EVENTS: Final = Base.metadata.tables[ActivityEvent.__tablename__]
SECRET_FILE: Final = "secret.key"  # noqa: S105 - the name of a file
ENCRYPTION_FILE: Final = "encryption.key"
# Which variable has a key that else is in a file of the home.
VARIABLES: Final = {SECRET_FILE: "GROUNDPLAN_SECRET_KEY", ENCRYPTION_FILE: "GROUNDPLAN_ENCRYPTION_KEYS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored; the rest is for the operator."""

    head: Mapping[str, Any]
    manifest: Mapping[str, Any]
    has_keys: bool
    are_tokens_void: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What came with a backup, beside its rows and objects."""

    head: Mapping[str, Any]
    keys: Mapping[str, Any] | None


@contextmanager
def opened(path: Path, keys: Keys) -> Iterator[tuple[Reader, Contents]]:
    """A backup that is read from its beginning."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror}.") from error
    with file, decrypted(file, keys) as inner, tempfile.TemporaryFile() as digests:
        reader = Reader(inner, digests)
        yield reader, Contents(head=reader.head, keys=reader.document(KEYS))


def restore(own: Services, path: Path, keys: Keys, environment: Mapping[str, str] = os.environ) -> Restored:
    """Restore into the database and the store of the application, which must be empty.

    All rows come in one transaction, and no row is kept if the file turns out to be damaged at its end.
    """
    with opened(path, keys) as (reader, contents):
        _check_emptiness(own, contents)
        are_tokens_void = _check_keys(own, contents, environment)
        migrate_to(contents.head["migration"])
        with filling(own.engines) as connection:
            manifest = fill(connection, own.vault.store, reader, contents)
            _settle(connection)
            if is_postgresql(connection) and "position" in contents.head["tables"][EVENTS.name]:
                _go_on_counting(connection)
            if contents.keys is not None:
                _keep_keys(own.settings, contents.keys)
    migrate_to(own.schema_version())
    refresh_statistics(own.engines)
    return Restored(
        head=contents.head, manifest=manifest, has_keys=contents.keys is not None, are_tokens_void=are_tokens_void
    )


def migrate_to(version: str) -> None:
    """Bring the database of the running application to a version, without a line for each migration."""
    log = logging.getLogger("alembic")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        upgrade(revision=version)
    except (CommandError, SystemExit) as error:
        raise BackupError(
            f"The backup has the tables of version {version}, which this version of Groundplan does not know: restore "
            "it with the version that made it, or a newer one."
        ) from error
    finally:
        log.setLevel(level)


def fill(connection: Connection, store: Store, reader: Reader, contents: Contents) -> Mapping[str, Any]:
    """Write all rows and objects; returns the manifest. If that fails, objects that are new are removed again."""
    tables: Mapping[str, Sequence[str]] = contents.head["tables"]
    with tempfile.TemporaryFile("w+", encoding="ascii") as names:
        try:
            # What migrations write into new tables is in the backup, too.
            for name in reversed(list(tables)):
                connection.execute(delete(table(name)))
            for name, columns in tables.items():
                _fill_table(connection, name, columns, reader.rows(name))
            for name, pieces in reader.objects():
                # What a bucket has kept from before is not removed with the rest.
                if not store.exists(checked(name)):
                    names.write(f"{name}\n")
                store.put(name, pieces)
            return reader.close()
        except BaseException:
            _remove(store, names)
            raise


def _fill_table(connection: Connection, name: str, columns: Sequence[str], rows: Iterator[list[Values]]) -> None:
    try:
        write_rows_of(connection, name, columns, rows)
    except BackupError:
        raise
    except (SQLAlchemyError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The rows of {name} in the backup can't be written into the database.") from error
    except Exception as error:
        # Drivers raise errors of their own where SQLAlchemy is not between.
        if isinstance(error.__cause__ or error.__context__, BackupError):
            raise (error.__cause__ or error.__context__) from None  # type: ignore[misc]
        raise BackupError(f"The rows of {name} in the backup can't be written into the database.") from error


def _remove(store: Store, names: IO[str]) -> None:
    names.seek(0)
    for name in names:
        try:
            store.delete(name.rstrip("\n"))
        except StoreUnavailable:
            logger.exception("the object %s could not be removed", name.rstrip("\n"))
            return


def _check_emptiness(own: Services, contents: Contents) -> None:
    with own.engines.reading.connect() as connection:
        version = version_of(connection)
        filled = [name for name in _filled_tables(connection) if name not in OWN_ROWS]
    if filled:
        raise BackupError(f"A backup is only restored into an empty database, and this one has rows of {filled[0]}.")
    if version not in {None, contents.head["migration"]}:
        raise BackupError(
            "The database has tables of another version than the backup: restore into a database without tables."
        )
    blobs = own.settings.home / "blobs"
    if own.settings.bucket is None and any(each.is_file() for each in blobs.rglob("*")):
        raise BackupError(f"A backup is only restored into an empty home, and {blobs} has objects.")


# What an empty service notes about itself.
OWN_ROWS: Final = frozenset({VERSION_TABLE, ServiceMark.__tablename__, BackgroundTask.__tablename__})


def _filled_tables(connection: Connection) -> Iterator[str]:
    known = {each.name for each in Base.metadata.sorted_tables}
    for name in sorted(known & set(inspect(connection).get_table_names())):
        if connection.execute(select(literal_column("1")).select_from(table(name)).limit(1)).first() is not None:
            yield name


def _check_keys(own: Services, contents: Contents, environment: Mapping[str, str]) -> bool:
    """Refuse if states would be unreadable; returns whether tokens will be."""
    settings = own.settings
    secret, encryption = settings.secret_key, Keyring(settings.encryption_keys).names
    if contents.keys is not None:
        # A key in the environment stays; one in a file of the home gives way to that of the backup.
        if not environment.get(VARIABLES[SECRET_FILE]):
            secret = contents.keys["secret_key"]
        if not environment.get(VARIABLES[ENCRYPTION_FILE]):
            encryption = Keyring(contents.keys["encryption_keys"]).names
    if missing := set(contents.head["encryption_keys"]) - set(encryption):
        raise BackupError(
            f"The backup needs the encryption key that is named {min(missing)}, and the service does not have it: "
            f"put it into {VARIABLES[ENCRYPTION_FILE]} or {settings.home / ENCRYPTION_FILE}."
        )
    return bool(name_of_secret(replace(settings, secret_key=secret)) != contents.head["secret_key"])


def _keep_keys(settings: Settings, keys: Mapping[str, Any]) -> None:
    for name, content in (
        (SECRET_FILE, keys["secret_key"]),
        (ENCRYPTION_FILE, ",".join(keys["encryption_keys"])),
    ):
        path = settings.home / name
        before = path.with_name(f"{name}.before-restore")
        # An earlier attempt may have failed: what was there before it is the one to keep.
        if path.exists() and path.read_text(encoding="utf-8").strip() != content and not before.exists():
            path.rename(before)
        draft = path.with_name(f"{name}.new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)


def _go_on_counting(connection: Connection) -> None:
    """Number new events after those of the backup; on SQLite a trigger looks for the last one each time."""
    following = func.coalesce(func.max(EVENTS.c.position), 0) + 1
    connection.execute(select(func.setval("activity_events_position", following, false())))


def _settle(connection: Connection) -> None:
    """What was true at the moment of the backup, and is no more: nothing is under way, and nobody is signed in.

    Leases of jobs and agents' signs of life are times that have passed, or soon will have.
    """
    marks, tasks = Base.metadata.tables[ServiceMark.__tablename__], Base.metadata.tables[BackgroundTask.__tablename__]
    connection.execute(delete(marks).where(marks.c.name.startswith(PREFIX)))
    connection.execute(update(tasks).values(lease_until=None, owner=None))
    for model in (SignInSession, AuthorizationCode):
        connection.execute(delete(Base.metadata.tables[model.__tablename__]))
    # Times of auto-destroy have passed, and people may have changed what they are about: somebody must look first.
    connection.execute(delete(marks).where(marks.c.name == HELD))
    connection.execute(insert(marks).values(name=HELD, number=0, at=now()))
