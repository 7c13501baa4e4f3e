"""The drill: a backup is made and verified again and again, so that a bad one is noticed before it is needed."""

import fcntl
import logging
import shutil
import time
from pathlib import Path
from typing import Final

from sqlalchemy import insert, update

from app.backups.archive import BackupError
from app.backups.creating import Created, create
from app.backups.encryption import Keys, Lock, new_identity, passphrase_in
from app.backups.verifying import verify
from app.models.background_tasks import DueTask, RetryLaterError
from app.models.service_marks import BACKUP_BYTES, BACKUP_FAILURES, BACKUP_SECONDS, KIBIBYTE, ServiceMark
from app.persistence import Base, now, upsert
from app.services import Services, services
from app.storage.store import StoreUnavailable
from app.variables import ScheduledBackups

logger = logging.getLogger(__name__)

BACK_UP: Final = "back-up"
"""The kind of the periodic task."""

ENDING: Final = ".backup"
# One that was made and found wrong: the newest is kept, to be looked at.
UNVERIFIED: Final = ".backup-unverified"
WRONG: Final = ".backup-with-differences"
SCRATCH: Final = "backup-drill"
MARKS: Final = Base.metadata.tables[ServiceMark.__tablename__]


def back_up(_task: DueTask) -> None:
    """Make a backup, verify it, and remove the oldest ones; the result is told by the log and by ``/metrics``."""
    own = services()
    if own.settings.backups is None:
        return
    started = time.monotonic()
    try:
        made = _drill(own, own.settings.backups)
    except Exception as error:
        # Whatever it is, such as a disk that is full: whoever watches the metrics is to see it.
        _note_failure(own)
        logger.error("the scheduled backup failed: %s", error)  # noqa: TRY400 - it is a sentence for the operator
        if isinstance(error, BackupError | StoreUnavailable):
            raise RetryLaterError(str(error)) from error
        raise
    seconds = time.monotonic() - started
    _note(own, {BACKUP_SECONDS: round(seconds), BACKUP_BYTES: -(-made.bytes // KIBIBYTE)})
    logger.info("made and verified a backup of %d bytes in %.0f seconds", made.bytes, seconds)


def _drill(own: Services, wanted: ScheduledBackups) -> Created:
    scratch = own.settings.home / SCRATCH
    try:
        wanted.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What a killed one has left.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        _remove_parts(wanted.folder)
    except OSError as error:
        raise BackupError(f"{error.filename} can't be used: {error.strerror}.") from error
    if wanted.passphrase_file is not None:
        passphrase = passphrase_in(wanted.passphrase_file)
        lock, keys = Lock(passphrase=passphrase), Keys(passphrase=passphrase)
    else:
        assert wanted.recipient is not None
        # The host does not have the key that opens the backup. So it is also encrypted to one that is forgotten now.
        identity, recipient = new_identity()
        lock, keys = Lock(recipients=[wanted.recipient, recipient]), Keys(identities=[identity])
    path = wanted.folder / f"groundplan-{now():%Y-%m-%dT%H-%M-%S-%f}Z{ENDING}"
    # Until it is verified it counts as none: the process may die before.
    unverified = path.with_suffix(UNVERIFIED)
    try:
        made = create(own, unverified, lock)
        _verify(own, unverified, keys, scratch)
        unverified.rename(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for old in sorted(wanted.folder.glob(f"groundplan-*{ENDING}"))[: -wanted.keep]:
        old.unlink(missing_ok=True)
    return made


def _verify(own: Services, path: Path, keys: Keys, scratch: Path) -> None:
    try:
        differences = verify(path, keys, own.keyring, scratch).differences
    except BackupError:
        path.unlink(missing_ok=True)
        raise
    if differences:
        for old in path.parent.glob(f"groundplan-*{WRONG}"):
            old.unlink(missing_ok=True)
        kept = path.rename(path.with_suffix(WRONG))
        raise BackupError(f"{kept} differs from what it should have: {'; '.join(differences)}.")


def _remove_parts(folder: Path) -> None:
    for old in folder.glob(f"groundplan-*{UNVERIFIED}"):
        old.unlink(missing_ok=True)
    for part in folder.glob(f"groundplan-*{UNVERIFIED}.part"):
        with part.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            part.unlink(missing_ok=True)


def _note(own: Services, numbers: dict[str, int]) -> None:
    with own.engines.writing.begin() as connection:
        for name, number in numbers.items():
            mark = upsert(MARKS).values(name=name, number=number, at=now())
            connection.execute(
                mark.on_conflict_do_update(
                    index_elements=[MARKS.c.name], set_={"number": mark.excluded.number, "at": mark.excluded.at}
                )
            )


def _note_failure(own: Services) -> None:
    with own.engines.writing.begin() as connection:
        changed = update(MARKS).where(MARKS.c.name == BACKUP_FAILURES).values(number=MARKS.c.number + 1, at=now())
        if not connection.execute(changed).rowcount:
            connection.execute(insert(MARKS).values(name=BACKUP_FAILURES, number=1, at=now()))
