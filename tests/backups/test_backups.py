"""What a backup has, while others write, and what comes of it again."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from app.application import create_app
from app.backups import creating
from app.backups.archive import BackupError, Writer
from app.backups.creating import create
from app.backups.encryption import Keys, Lock, new_identity
from app.backups.restoring import restore
from app.backups.verifying import verify
from app.models import ActivityEvent, StateVersion
from app.models.background_tasks import BackgroundTask
from app.models.service_marks import ServiceMark
from app.models.sign_in import SignInSession
from app.persistence import Base, now
from app.persistence.copying import rows_of, snapshot
from app.resources.runs.auto_destroy.hold import HELD
from app.services import services
from app.storage import holding
from app.storage.holding import PREFIX, SECONDS, are_removals_held
from tests.backups.conftest import Backup, on
from tests.support import databases
from tests.support.api import Api
from tests.support.services import replace_services
from tests.support.states import States, md5, state
from tests.support.sweeper import Sweeper
from tests.support.world import World

OPEN = Lock()
AnotherApp = Callable[[], AbstractContextManager[Flask]]


def table(model: Any) -> Any:
    return Base.metadata.tables[model.__tablename__]


def contents(app: Flask) -> dict[str, list[str]]:
    """All rows of the database, but what a restore settles."""
    left_out = {ServiceMark.__tablename__, SignInSession.__tablename__, BackgroundTask.__tablename__}
    with app.app_context(), snapshot(services().engines) as connection:
        return {
            each.name: sorted(json.dumps(row) for some in rows_of(connection, each.name) for row in some)
            for each in Base.metadata.sorted_tables
            if each.name not in left_out
        }


@pytest.mark.both_drivers
def test_what_is_restored_is_of_one_moment_while_others_write(
    states: States, world: World, api: Api, app: Flask, another_app: AnotherApp, tmp_path: Path
) -> None:
    others = []
    for number in range(2):
        owner = world.person()
        place = world.project(world.organization(f"other-{number}", owner=owner))
        others.append(States(api, world.workspace(place, "net"), owner.token))
    for each in (states, *others):
        each.save(state(1))
    done, saved = threading.Event(), [0, 0]

    def write(number: int) -> None:
        while not done.is_set():
            others[number].save(state(saved[number] + 2))
            saved[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    identity, recipient = new_identity()
    try:
        with app.app_context():
            for number in range(2):
                create(services(), tmp_path / str(number), Lock(recipients=[recipient]))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert min(saved) > 0
    keys = tmp_path / "identity"
    keys.write_text(f"# of the tests\n{identity}\n")
    with app.app_context():
        found = [verify(tmp_path / str(n), Keys(identities=[identity]), services().keyring) for n in range(2)]
    assert [each.differences for each in found] == [[], []]
    assert all(each.states == each.objects >= 3 for each in found)
    with another_app() as other:
        result = on(other)("restore", tmp_path / "1", "--identity-file", keys)
        assert result.exit_code == 0, result.output
        there = Api(other)
        assert States(there, states.workspace, states.token).fetched(
            States(there, states.workspace, states.token).current()
        ) == state(1)
        known = table(StateVersion).c
        with services(other).engines.reading.connect() as connection:
            versions = connection.execute(
                select(known.md5, known.state_object, known.state_key).where(known.state_object.is_not(None))
            ).all()
        vault = services(other).vault
        assert len(versions) == found[1].states
        assert all(md5(b"".join(vault.open(name, key))) == digest for digest, name, key in versions)
        # The one that is restored is a service that goes on.
        States(there, states.workspace, states.token).save(state(2))


@pytest.mark.only_postgresql
@pytest.mark.both_drivers
def test_rows_move_from_one_kind_of_database_to_the_other_and_back(
    states: States, app: Flask, another_app: AnotherApp, new_app: Callable[[str], Any], tmp_path: Path
) -> None:
    for serial in (1, 2):
        states.save(state(serial, outputs={"odd": {"value": "tab\t, back\\slash,\nline \\N é", "type": "string"}}))
    states.api.patch(
        f"/workspaces/{states.workspace.id}",
        states.token,
        {
            "data": {
                "type": "workspaces",
                "attributes": {"description": "tab\t, \\N back\\slash,\r\nnew line, é, 'quotes\""},
            }
        },
    )
    first, second = tmp_path / "first", tmp_path / "second"
    with app.app_context():
        create(services(), first, OPEN)
    before = contents(app)
    with databases.new_sqlite(tmp_path) as url, new_app(url) as small:
        assert on(small)("restore", first).exit_code == 0
        assert contents(small) == before
        with small.app_context():
            create(services(), second, OPEN)
    with another_app() as large:
        assert on(large)("restore", second).exit_code == 0
        assert contents(large) == before
        assert States(Api(large), states.workspace, states.token).current()["data"]["attributes"]["serial"] == 2


@pytest.mark.usefixtures("sweeper")
def test_a_restored_service_waits_with_what_it_had_begun(
    world: World, app: Flask, backup: Backup, another_app: AnotherApp, tmp_path: Path
) -> None:
    person = world.person()
    with services(app).engines.writing.begin() as connection:
        connection.execute(
            insert(table(SignInSession)).values(digest="d", user_id=person.id, expires_at=now() + timedelta(hours=1))
        )
        connection.execute(
            insert(table(BackgroundTask)).values(
                kind="k", payload={}, run_at=now(), lease_until=now() + timedelta(hours=1), owner="a worker"
            )
        )
    assert backup("create", tmp_path / "b", "--unencrypted").exit_code == 0
    with another_app() as other:
        result = on(other)("restore", tmp_path / "b")
        assert "Auto-destroy is held back" in result.output
        with services(other).engines.reading.connect() as connection:
            assert connection.execute(select(table(SignInSession))).all() == []
            assert connection.scalars(select(table(BackgroundTask).c.lease_until)).all() == [None]
            names = connection.scalars(select(table(ServiceMark).c.name)).all()
        assert HELD in names
        assert not [name for name in names if name.startswith(PREFIX)]
        # Once only.
        again = on(other)("restore", tmp_path / "b")
        assert again.exit_code == 1
        assert re.fullmatch("Error: A backup is only restored into an empty database, .*\n", again.output)


@pytest.mark.one_database
def test_keys_come_with_it_if_asked_for(
    states: States, app: Flask, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.save(state())
    assert (
        "only put into a backup that is encrypted"
        in backup("create", tmp_path / "b", "--unencrypted", "--with-keys").output
    )
    assert not (tmp_path / "b").exists()
    identity, recipient = new_identity()
    (tmp_path / "identity").write_text(identity)
    opening = ("--identity-file", tmp_path / "identity")
    assert backup("create", tmp_path / "with", "--recipient", recipient, "--with-keys").exit_code == 0
    assert backup("create", tmp_path / "without", "--recipient", recipient).exit_code == 0
    monkeypatch.setenv("GROUNDPLAN_HOME", str(tmp_path / "home"))
    for name in ("DATABASE_URL", "GROUNDPLAN_SECRET_KEY", "GROUNDPLAN_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
    other = create_app()
    refused = on(other)("restore", tmp_path / "without", *opening)
    assert refused.exit_code == 1
    assert "put it into GROUNDPLAN_ENCRYPTION_KEYS" in refused.output
    assert on(other)("verify", tmp_path / "with", *opening).exit_code == 0
    assert "sealed with a key" in on(other)("verify", tmp_path / "without", *opening).output
    assert on(other)("restore", tmp_path / "with", *opening).exit_code == 0
    services(other).engines.dispose()
    started = create_app()
    assert services(started).settings.secret_key == services(app).settings.secret_key
    there = States(Api(started), states.workspace, states.token)
    assert there.fetched(there.current()) == state()
    services(started).engines.dispose()


def test_nothing_that_it_names_is_removed_meanwhile(
    states: States, sweeper: Sweeper, app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for serial in (1, 2):
        states.save(state(serial))
    note = creating._note_objects

    def delete_then(*arguments: Any) -> None:
        note(*arguments)
        # The moment of the backup has passed, and not one object is copied yet.
        states.api.delete(f"/workspaces/{states.workspace.id}", states.token)
        assert sweeper.sweep() == 0
        assert len(sweeper.files()) == 2

    monkeypatch.setattr(creating, "_note_objects", delete_then)
    with app.app_context():
        assert create(services(), tmp_path / "b", OPEN).objects == 2
        assert verify(tmp_path / "b", Keys(), services().keyring).differences == []
    assert not are_removals_held(services(app).engines)
    assert sweeper.sweep() == 2
    assert sweeper.files() == set()


def test_the_hold_of_a_killed_backup_ends_by_itself(sweeper: Sweeper, app: Flask) -> None:
    engines = services(app).engines
    sweeper.orphan("a/b")
    for end, is_held in ((now() + timedelta(seconds=SECONDS), True), (now() - timedelta(seconds=1), False)):
        with engines.writing.begin() as connection:
            connection.execute(table(ServiceMark).delete())
            connection.execute(insert(table(ServiceMark)).values(name=f"{PREFIX}killed", number=0, at=end))
        assert are_removals_held(engines) is is_held
        assert sweeper.sweep() == (0 if is_held else 1)


@pytest.mark.one_database
def test_lost_and_wrong_objects_are_told(
    states: States, sweeper: Sweeper, app: Flask, backup: Backup, tmp_path: Path
) -> None:
    for serial in (1, 2, 3):
        states.save(state(serial))
    lost, changed, _ = (sweeper.folder / name for name in sorted(sweeper.files()))
    lost.unlink()
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    made = backup("create", tmp_path / "b", "--unencrypted")
    assert made.exit_code == 0
    assert "1 objects that rows name are not in the store" in made.output
    with services(app).engines.writing.begin() as connection:
        wrong = table(StateVersion)
        is_good = wrong.c.state_object.not_in([each.relative_to(sweeper.folder).as_posix() for each in (lost, changed)])
        connection.execute(update(wrong).where(is_good).values(md5="0" * 32))
    assert backup("create", tmp_path / "c", "--unencrypted").exit_code == 0
    for file, count in (("b", 2), ("c", 3)):
        result = backup("verify", tmp_path / file)
        assert result.exit_code == 1
        assert f"the object {lost.relative_to(sweeper.folder)} is missing" in result.output
        assert f"the object {changed.relative_to(sweeper.folder)} can't be read" in result.output
        told = [line for line in result.output.splitlines() if line.startswith("- ")]
        assert len(told) == count
        assert "Error: The backup is not good." in result.output


@pytest.mark.one_database
def test_memory_is_bounded(app: Flask, states: States, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    states.save(state())
    with services(app).engines.writing.begin() as connection:
        event = connection.execute(select(table(ActivityEvent)).limit(1)).mappings().one()
        connection.execute(
            insert(table(ActivityEvent)),
            [{**event, "id": f"event-{n}", "changes": {"text": f"{n:020d}" * 500}} for n in range(4_000)],
        )

    class Large:
        def open(self, _name: str) -> Iterator[bytes]:
            return (bytes(256 * 1024) for _ in range(800))

    vault = services(app).vault
    replace_services(monkeypatch, app, vault=type(vault)(Large(), vault.keyring))  # type: ignore[arg-type]
    _, recipient = new_identity()
    # From now on the highest that it has.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = memory()
    with app.app_context():
        made = create(services(), tmp_path / "b", Lock(recipients=[recipient]))
    assert made.object_bytes == 800 * 256 * 1024
    # The rows have 40 MB, and the object 210.
    assert memory() - before < 50 * 1024


def memory() -> int:
    """The highest that this process has had, in kilobytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


@pytest.mark.both_drivers
def test_a_number_with_a_fraction_is_restored(app: Flask, another_app: AnotherApp, tmp_path: Path) -> None:
    counts = Base.metadata.tables["request_counts"]
    with app.app_context():
        with services().engines.writing.begin() as connection:
            connection.execute(insert(counts).values(key="at-1", process="p", per_second=1.5, counted_at=now()))
        create(services(), tmp_path / "backup", OPEN)
    with another_app() as other, other.app_context():
        restore(services(), tmp_path / "backup", Keys())
        with services().engines.reading.connect() as connection:
            assert connection.execute(select(counts.c.per_second)).scalar_one() == 1.5


def test_a_backup_whose_hold_has_ended_is_given_up(
    app: Flask, states: States, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was stopped, by a suspended machine say, until removals went on."""
    states.save(state())
    monkeypatch.setattr(holding, "RENEW_SECONDS", 0)
    create_object = Writer.object

    def sleep(writer: Writer, name: str, pieces: Iterator[bytes]) -> None:
        with services(app).engines.writing.begin() as connection:
            connection.execute(
                update(table(ServiceMark)).where(table(ServiceMark).c.name.startswith(PREFIX)).values(at=now())
            )
        create_object(writer, name, pieces)

    monkeypatch.setattr(Writer, "object", sleep)
    with app.app_context(), pytest.raises(BackupError, match="given up"):
        create(services(), tmp_path / "backup", OPEN)
    assert list(tmp_path.glob("backup*")) == []
