"""The encryption of a backup, in the format of age (https://age-encryption.org), as a stream.

To recipients, the file is what ``age --decrypt`` reads. To a passphrase, a key is made for this file alone. It is
encrypted to the passphrase, and stands before the rest, which is encrypted to it: the library encrypts to passphrases
only what is in memory.
"""

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import pyrage

from app.backups.archive import BackupError

AGE: Final = b"age-encryption.org/v1"
PASSPHRASE: Final = b"groundplan backup, encrypted to a passphrase: "
LINE_BYTES: Final = len(PASSPHRASE) + 8
MINIMUM_PASSPHRASE: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a new backup is encrypted to: recipients, or a passphrase, or nothing."""

    recipients: Sequence[str] = ()
    passphrase: str | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it is not encrypted."""
        return not self.recipients and self.passphrase is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What opens a backup: identities of age, or a passphrase."""

    identities: Sequence[str] = field(default=(), repr=False)
    passphrase: str | None = field(default=None, repr=False)


def passphrase_in(path: Path) -> str:
    """The passphrase in the first line of the file."""
    lines = _text_of(path).splitlines()
    if not lines or len(lines[0]) < MINIMUM_PASSPHRASE:
        raise BackupError(
            f"{path} must have a passphrase of at least {MINIMUM_PASSPHRASE} characters in its first line."
        )
    return lines[0]


def identities_in(path: Path) -> list[str]:
    """The identities in a file as ``age-keygen`` writes it."""
    lines = [line.strip() for line in _text_of(path).splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise BackupError(f"{path} has no identity: a line that begins with AGE-SECRET-KEY-1.")
    for each in found:
        _identity(each)
    return found


def new_identity() -> tuple[str, str]:
    """A new identity and its recipient."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def check_recipient(text: str) -> None:
    """Refuse what is no recipient of age."""
    _recipient(text)


@contextmanager
def encrypted(file: BinaryIO, lock: Lock) -> Iterator[BinaryIO]:
    """A file to write the backup to; it is encrypted into ``file``. All of it is there when the block ends."""
    recipients = list(lock.recipients)
    if lock.passphrase is not None:
        identity, recipient = new_identity()
        sealed = pyrage.passphrase.encrypt(identity.encode(), lock.passphrase)
        file.write(PASSPHRASE + f"{len(sealed):07d}\n".encode() + sealed)
        recipients.append(recipient)
    if not recipients:
        yield file
        return
    chosen = [_recipient(each) for each in recipients]
    outlet, inlet = _pipe()
    sink = _Sink(file)
    work = _Work(lambda: pyrage.encrypt_io(outlet, sink, chosen), outlet, sink)
    try:
        with inlet:
            yield inlet
    except BaseException:
        # That the disk is full is a better answer than that the other end of the pipe is closed.
        work.join()
        raise
    work.join()


@contextmanager
def decrypted(file: BinaryIO, keys: Keys) -> Iterator[BinaryIO]:
    """What is in an encrypted backup, or in one that is not."""
    buffered = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
    head = buffered.read(LINE_BYTES)
    texts: list[str] = list(keys.identities)
    if head.startswith(PASSPHRASE):
        texts = [_identity_before(buffered, head, keys.passphrase)]
    else:
        buffered.seek(0)
        if not head.startswith(AGE):
            yield buffered
            return
        if not texts:
            raise BackupError("The file is encrypted to a key: name the file of its identity with --identity-file.")
    identities = [_identity(each) for each in texts]
    outlet, inlet = _pipe()
    sink = _Sink(inlet)
    work = _Work(lambda: _decrypt(buffered, sink, identities), inlet, sink)
    try:
        with outlet:
            yield outlet
    finally:
        # What is wrong with the file is a better answer than what is missing in what came of it.
        work.join()


def _decrypt(source: BinaryIO, target: "_Sink", identities: Sequence[pyrage.x25519.Identity]) -> None:
    try:
        pyrage.decrypt_io(source, target, identities)
    except (pyrage.DecryptError, OSError) as error:
        if target.error is not None:
            # Nobody reads the rest any more.
            return
        if "matching" in str(error).lower():
            raise BackupError("The file is encrypted to another key.") from error
        raise BackupError("The backup is damaged or cut off: it can't be decrypted.") from error


def _identity_before(file: BinaryIO, head: bytes, passphrase: str | None) -> str:
    if passphrase is None:
        raise BackupError("The file is encrypted to a passphrase: name its file with --passphrase-file.")
    try:
        sealed = file.read(int(head[len(PASSPHRASE) :]))
        identity: bytes = pyrage.passphrase.decrypt(sealed, passphrase)
        return identity.decode()
    except (ValueError, pyrage.DecryptError) as error:
        raise BackupError("The passphrase is wrong, or the backup is damaged at its beginning.") from error


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")


class _Sink:
    """Where the library writes to; keeps the error of a write, of which the library keeps the text alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


class _Work:
    """A thread at the other end of a pipe, which closes its end when it is done or has failed."""

    def __init__(self, work: Callable[[], object], end: BinaryIO, sink: _Sink) -> None:
        self._error: BaseException | None = None
        self._sink = sink
        self._thread = threading.Thread(target=self._run, args=(work, end), name="backup", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], object], end: BinaryIO) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by join
            self._error = error
        finally:
            with suppress(OSError):
                end.close()

    def join(self) -> None:
        """Wait, and raise what has failed."""
        self._thread.join()
        if self._error is not None:
            raise self._sink.error or self._error


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise BackupError("A recipient must be a public key of age, which begins with age1.") from error


def _identity(text: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError as error:
        raise BackupError("An identity must be a secret key of age, which begins with AGE-SECRET-KEY-1.") from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} can't be read.") from error
