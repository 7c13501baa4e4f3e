"""A file that is not as it was made is found out, and told in one sentence; one that is half made has no name."""

import errno
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.backups.archive import BackupError, Writer
from app.backups.creating import create
from app.backups.encryption import Keys, Lock, new_identity
from app.backups.restoring import fill, migrate_to, opened
from app.backups.verifying import verify
from app.persistence.copying import filling
from app.services import services
from app.storage.files import FileStore
from app.storage.store import StoreUnavailable
from tests.backups.conftest import Backup, on
from tests.backups.test_backups import AnotherApp
from tests.support.states import States, state
from tests.support.sweeper import Sweeper

pytestmark = pytest.mark.one_database
SLOWLY = """
import sys, time
from pathlib import Path
from app.application import create_app
from app.backups import archive, creating
from app.backups.encryption import Lock
from app.services import services

def close(_writer):
    print("begun", flush=True)
    time.sleep(60)

archive.Writer.close = close
app = create_app()
with app.app_context():
    creating.create(services(), Path(sys.argv[1]), Lock())
"""


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return target.getvalue()


def without(name: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        files = members(data)
        del files[next(each for each in files if each.startswith(name))]
        return packed(files)

    return change


def flipped(within: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        files = members(data)
        name = next(each for each in files if each.startswith(within))
        middle = len(files[name]) // 2
        files[name] = files[name][:middle] + bytes([files[name][middle] ^ 1]) + files[name][middle + 1 :]
        return packed(files)

    return change


OF_PLAIN_ONES = {
    "a flipped byte in rows": (flipped("rows/workspaces/"), "The backup is damaged or cut off"),
    "a flipped byte in an object": (flipped("objects/"), "The backup is damaged: the object states/"),
    "a flipped byte in the digests": (flipped("objects.sha256"), "The backup is damaged"),
    "rows are missing": (without("rows/workspaces/"), "The backup is damaged: it has 0 rows of workspaces"),
    "an object is missing": (without("objects/"), "The backup is damaged: the object states/"),
    "the digests are missing": (without("objects.sha256"), "manifest.json is not where it belongs"),
    "no manifest": (without("manifest.json"), "The backup is cut off: it has no manifest"),
    "no beginning": (without("groundplan-backup.json"), "The file is no backup"),
    "the second half is missing": (lambda data: data[: len(data) // 2], "The backup is"),
    "something else": (lambda _: b"something else" * 1000, "The backup is damaged or cut off"),
    "nothing": (lambda _: b"", "The backup is damaged or cut off"),
}
OF_ENCRYPTED_ONES = {
    "a flipped byte": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "the last byte is missing": lambda data: data[:-1],
    "the second half is missing": lambda data: data[: len(data) // 2],
    "only its beginning": lambda data: data[:150],
}


def fail(_writer: Writer, _name: str, pieces: Iterable[bytes]) -> None:
    assert b"".join(pieces)
    raise OSError(errno.ENOSPC, "No space left on device")


def refuse(_store: FileStore, _name: str) -> None:
    raise StoreUnavailable(is_transient=False) from OSError("Permission denied")


@pytest.fixture
def filled(states: States) -> States:
    for serial in (1, 2):
        states.save(state(serial, resources=400))
    return states


@pytest.mark.usefixtures("filled")
def test_damage_is_told_and_nothing_of_it_is_kept(
    app: Flask, another_app: AnotherApp, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    identity, recipient = new_identity()
    with app.app_context():
        create(services(), plain, Lock())
        create(services(), sealed, Lock(recipients=[recipient]))
    (tmp_path / "identity").write_text(identity)
    cases = [(name, plain, change, told) for name, (change, told) in OF_PLAIN_ONES.items()]
    cases += [(name, sealed, change, "The backup is damaged or cut off") for name, change in OF_ENCRYPTED_ONES.items()]
    with another_app() as other:
        run, sweeper = on(other), Sweeper(other)
        for name, path, change, told in cases:
            with subtests.test(f"{name} of {path.name}"):
                damaged = tmp_path / "damaged"
                damaged.write_bytes(change(path.read_bytes()))
                result = run("restore", damaged, "--identity-file", tmp_path / "identity")
                assert result.exit_code == 1
                assert result.output.startswith(f"Error: {told}") or told in result.output
                assert result.output.count("\n") == 1
                assert sweeper.files() == set()
        # So it is as empty as it was.
        assert run("restore", plain).exit_code == 0


@pytest.mark.usefixtures("filled")
def test_what_a_store_has_kept_from_before_stays(app: Flask, another_app: AnotherApp, tmp_path: Path) -> None:
    """A bucket may outlive the database, and the backup may turn out to be bad."""
    whole, damaged, store = tmp_path / "whole", tmp_path / "damaged", FileStore(tmp_path / "store")
    with app.app_context():
        create(services(), whole, Lock())
    damaged.write_bytes(without("manifest.json")(whole.read_bytes()))
    objects = {
        name.removeprefix("objects/"): data
        for name, data in members(whole.read_bytes()).items()
        if name.startswith("objects/")
    }
    first, *others = objects
    assert others
    store.put(first, [objects[first]])
    with another_app() as other, other.app_context(), opened(damaged, Keys()) as (reader, contents):
        migrate_to(contents.head["migration"])
        with pytest.raises(BackupError), filling(services().engines) as connection:
            fill(connection, store, reader, contents)
    assert b"".join(store.open(first)) == objects[first]
    assert not any(map(store.exists, others))


@pytest.mark.usefixtures("filled")
def test_the_wrong_key_is_told(app: Flask, backup: Backup, passphrase: Path, tmp_path: Path) -> None:
    identity, recipient = new_identity()
    with app.app_context():
        create(services(), tmp_path / "to-key", Lock(recipients=[recipient]))
        create(services(), tmp_path / "to-passphrase", Lock(passphrase="something else than that"))
        assert verify(tmp_path / "to-key", Keys(identities=[identity]), services().keyring).differences == []
    (tmp_path / "other").write_text(new_identity()[0])
    (tmp_path / "short").write_text("short\n")
    for arguments, told in (
        (("to-key",), "name the file of its identity"),
        (("to-key", "--passphrase-file", passphrase), "name the file of its identity"),
        (("to-key", "--identity-file", tmp_path / "other"), "encrypted to another key"),
        (("to-key", "--identity-file", passphrase), "An identity must be"),
        (("to-key", "--identity-file", tmp_path / "none"), "can't be read"),
        (("to-passphrase",), "name its file with --passphrase-file"),
        (("to-passphrase", "--passphrase-file", passphrase), "The passphrase is wrong"),
        (("to-passphrase", "--passphrase-file", tmp_path / "short"), "at least 12 characters"),
        (("none",), "can't be read"),
    ):
        file, *rest = arguments
        result = backup("verify", tmp_path / str(file), *rest)
        assert result.exit_code == 1
        assert told in result.output
        assert result.output.count("\n") == 1


@pytest.mark.usefixtures("filled")
def test_what_can_not_be_made_has_no_name(
    app: Flask, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b"
    assert backup("create", file).exit_code == 2
    assert "begins with age1" in backup("create", file, "--recipient", "age-no-key").output
    assert "can't be written" in backup("create", tmp_path / "none" / "b", "--unencrypted").output
    with monkeypatch.context() as patch, app.app_context():
        patch.setattr(Writer, "object", fail)
        for lock in (Lock(), Lock(recipients=[new_identity()[1]])):
            with pytest.raises(BackupError, match="No space left on device"):
                create(services(), file, lock)
    assert [each.name for each in tmp_path.iterdir()] == []
    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "open", refuse)
        assert (
            backup("create", file, "--unencrypted").output == "Error: The store of objects failed: Permission denied.\n"
        )
    file.write_text("something of value")
    assert "exists already" in backup("create", file, "--unencrypted").output
    assert file.read_text() == "something of value"
    with services(app).engines.writing.begin() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    try:
        assert "tables of another version" in backup("create", tmp_path / "c", "--unencrypted").output
    finally:
        with services(app).engines.writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@pytest.mark.usefixtures("filled")
def test_a_kill_leaves_no_backup(app: Flask, backup: Backup, tmp_path: Path) -> None:
    file, settings = tmp_path / "b", services(app).settings
    environment = os.environ | {
        "GROUNDPLAN_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url,
        "GROUNDPLAN_SECRET_KEY": settings.secret_key,
        "GROUNDPLAN_ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }
    with subprocess.Popen(  # noqa: S603 - what stands above
        [sys.executable, "-c", SLOWLY, file], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        assert "Another backup is just writing" in backup("create", file, "--unencrypted").output
        process.send_signal(signal.SIGKILL)
    assert not file.exists()
    assert backup("create", file, "--unencrypted").exit_code == 0
    assert [each.name for each in tmp_path.iterdir()] == ["b"]
    assert backup("verify", file).exit_code == 0
