"""What keeps a command from starting is one sentence and the status 1."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import start_faults
from app.application import create_app
from app.models import SshKey
from app.services import services
from app.start_faults import (
    CannotStart,
    check_addresses,
    check_database,
    check_keys,
    check_keys_if_there_are_tables,
    sentence_about,
)
from app.storage.keyring import Keyring
from tests.conftest import NewDatabase
from tests.support.world import World

NewApp = Callable[[str], AbstractContextManager[Flask]]
ROOT = Path(__file__).parents[1]
OTHER_KEY = "another key of more than thirty-two characters"
COMMANDS = (("app.main", "serve"), ("flask", "--app", "wsgi", "list-users"))


@pytest.mark.one_database
def test_a_sentence_and_a_status(tmp_path: Path, subtests: pytest.Subtests) -> None:
    (tmp_path / "file").touch()
    environment = os.environ | {"GROUNDPLAN_HOME": str(tmp_path / "file" / "home"), "DATABASE_URL": "sqlite:////x"}
    for command in COMMANDS:
        with subtests.test(command[0]):
            ended = subprocess.run(  # noqa: S603 - our own commands
                [sys.executable, "-m", *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert ended.returncode == 1
            assert ended.stderr == (
                f"Error: GROUNDPLAN_HOME must be a folder that can be written, and {tmp_path}/file/home can't: "
                "Not a directory\n"
            )


def told(error: BaseException) -> str:
    sentence = sentence_about(error)
    assert sentence is not None
    assert "\n" not in sentence
    return sentence


@pytest.mark.one_database
@pytest.mark.parametrize("driver", ["postgresql+psycopg2", "postgresql+psycopg", "sqlite"])
def test_no_database(new_app: NewApp, tmp_path: Path, driver: str) -> None:
    address = f"sqlite:///{tmp_path}/database" if driver == "sqlite" else f"{driver}://me:secret@127.0.0.1:9/none"
    with new_app(address) as app, app.app_context():
        if driver == "sqlite":
            (tmp_path / "database").unlink()
            (tmp_path / "database").mkdir()
        with pytest.raises(OperationalError) as caught:
            upgrade()
    sentence = told(caught.value)
    assert sentence.startswith("The database can't be used: ")
    assert ("unable to open" if driver == "sqlite" else "refused") in sentence
    assert "secret" not in sentence


def test_no_tables(new_database: NewDatabase, new_app: NewApp) -> None:
    with new_database() as url, new_app(url) as app:
        with pytest.raises(Exception, match="alembic_version") as caught:
            check_database(app)
        check_keys_if_there_are_tables(app)
        services(app).engines.dispose()
    assert "groundplan admin db upgrade" in told(caught.value)


@pytest.mark.one_database
def test_tables_of_another_version(
    new_database: NewDatabase, new_app: NewApp, caplog: pytest.LogCaptureFixture
) -> None:
    with new_database() as url, new_app(url) as app, app.app_context():
        upgrade(revision="+1")
        with pytest.raises(CannotStart, match="older version") as caught:
            check_database(app)
        assert "groundplan admin db upgrade" in told(caught.value)
        with services(app).engines.writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0123456789ab'"))
        with pytest.raises(CannotStart, match="newer version") as caught:
            check_database(app)
        assert "0123456789ab" in told(caught.value)
        caplog.clear()
        with pytest.raises(SystemExit) as ended:
            upgrade()
        assert ended.value.code == 1
        assert "The tables are of a newer version (0123456789ab)" in caplog.messages[-1]


@pytest.mark.one_database
def test_keys_of_another_home(app: Flask, world: World) -> None:
    own = services(app).keyring
    with services(app).engines.writing.connect() as connection:
        check_keys(connection, Keyring([OTHER_KEY]))
    acme = world.organization("acme")
    world.add(SshKey(organization_id=acme.id, name="git", sealed_value=own.seal(b"key")))
    check_database(app)
    with services(app).engines.writing.connect() as connection:
        with pytest.raises(CannotStart, match="GROUNDPLAN_ENCRYPTION_KEYS") as caught:
            check_keys(connection, Keyring([OTHER_KEY]))
        # The one that seals may be new.
        check_keys(connection, Keyring([OTHER_KEY, *services(app).settings.encryption_keys]))
    assert "encryption.key" in told(caught.value)
    check_keys_if_there_are_tables(app)
    elsewhere = create_app(replace(services(app).settings, encryption_keys=(OTHER_KEY,)))
    with pytest.raises(CannotStart, match="GROUNDPLAN_ENCRYPTION_KEYS"):
        check_keys_if_there_are_tables(elsewhere)
    services(elsewhere).engines.dispose()


@pytest.mark.one_database
def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_faults, "PORT_SECONDS", 0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} of 127\.0\.0\.1 .*Address already in use") as caught:
            check_addresses(["/run/a.sock", 7, ("127.0.0.1", port)])
        assert "PORT" in told(caught.value)
    check_addresses([("127.0.0.1", port)])


@pytest.mark.one_database
def test_errors_of_the_program_keep_their_traceback() -> None:
    assert sentence_about(RuntimeError("a mistake")) is None
    assert sentence_about(FileNotFoundError(2, "No such file", "x")) is None
    assert told(PermissionError(13, "Permission denied", "/x")).startswith("/x can't be written (Permission denied)")
