"""What keeps a command from starting, told in one sentence instead of a traceback."""

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final

from flask import Flask
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.migrate import NEWER, UPGRADE, is_known_version
from app.services import services
from app.storage.keyring import DecryptionError, Keyring
from app.storage.rotation import sealed_columns
from app.variables import InvalidSettingError

# The service that is stopped just now lets go of its port within that time.
PORT_SECONDS: Final = 5.0
NOT_WRITABLE: Final = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT}
# Of PostgreSQL: a table or a column that is not there.
UNDEFINED: Final = {"42P01", "42703"}

_VERSION: Final = text("SELECT version_num FROM alembic_version")


class CannotStart(Exception):
    """Something is not as it must be; the text is for the operator."""


def tell_in_one_sentence() -> None:
    """From now on, end with a sentence and the status 1 if something is wrong that only an operator can put right."""
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    found = sentence_about(error)
    if found is None:
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(f"Error: {found}\n")


def sentence_about(error: BaseException) -> str | None:
    """What an operator has to know about it; None for an error of the program."""
    if isinstance(error, CannotStart | InvalidSettingError):
        return str(error)
    if isinstance(error, DBAPIError):
        return _about_database(error)
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE and error.filename:
        return f"{error.filename} can't be written ({error.strerror}). It is named by GROUNDPLAN_HOME or DATABASE_URL."
    return None


def _about_database(error: DBAPIError) -> str | None:
    # Drivers write several lines, of which the first has the reason. None of them has a password.
    reason = str(error.orig).partition("\n")[0].strip().rstrip(".")
    code = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None)
    if code in UNDEFINED or reason.startswith(("no such table", "no such column")):
        return f"The database does not have the tables of this version ({reason}). {UPGRADE}"
    if isinstance(error, OperationalError):
        return f"The database can't be used: {reason}. Is DATABASE_URL right, and does the database run?"
    return None


def check_database(app: Flask) -> None:
    """Refuse a database with tables of another version, or with texts that the keys don't open."""
    own = services(app)
    with own.engines.reading.connect() as connection:
        for version in connection.scalars(_VERSION):
            if not is_known_version(version):
                raise CannotStart(NEWER.format(version=version))
            if version != own.schema_version():
                raise CannotStart(f"The tables are of an older version ({version}). {UPGRADE}")
        check_keys(connection, own.keyring)


def check_keys_if_there_are_tables(app: Flask) -> None:
    """Refuse wrong keys before anything is changed. Without tables, or with older ones, a later look finds them."""
    own = services(app)
    with contextlib.suppress(DBAPIError), own.engines.reading.connect() as connection:
        check_keys(connection, own.keyring)


def check_keys(connection: Connection, keyring: Keyring) -> None:
    """Refuse keys that don't open the first sealed text that is there."""
    # What is never null is looked at first: others may be null in all rows of a long table.
    for _table, column in sorted(sealed_columns(), key=lambda each: bool(each[1].nullable)):
        sealed = connection.scalar(select(column).where(column.is_not(None)).limit(1))
        if sealed is None:
            continue
        try:
            keyring.unseal(sealed)
        except DecryptionError as error:
            raise CannotStart(
                f"The encryption keys don't open what is stored in the database ({error}). Set "
                "GROUNDPLAN_ENCRYPTION_KEYS to the keys it was made with, or put their encryption.key into "
                "GROUNDPLAN_HOME."
            ) from error
        return


def check_addresses(addresses: Iterable[object]) -> None:
    """Refuse addresses on which another program listens, before anything is changed."""
    due = time.monotonic() + PORT_SECONDS
    for address in addresses:
        # The others are sockets that are open already, and paths.
        if not isinstance(address, tuple):
            continue
        while (fault := _why_not_bound(address)) is not None:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > due:
                host, port = address[:2]
                raise CannotStart(
                    f"Port {port} of {host} can't be listened on ({fault.strerror}). Stop the program that has it, or "
                    "set HOST and PORT."
                )
            time.sleep(0.2)


def _why_not_bound(address: tuple[str, int]) -> OSError | None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address)
            # Two may be bound to one port, but only one listens.
            tried.listen(1)
        except OSError as error:
            return error
    return None
