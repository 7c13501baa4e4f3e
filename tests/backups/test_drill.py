"""Backups that are made and verified by themselves."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from webtest import TestApp

from app.application import create_app
from app.backups import drill
from app.backups.drill import BACK_UP, SCRATCH
from app.backups.encryption import Keys, new_identity
from app.backups.verifying import verify
from app.config import Settings
from app.services import services
from app.variables import ScheduledBackups
from app.worker.claims import ensure_periodic
from app.worker.handlers import HANDLERS, PERIODS, periods_of
from tests.support.background import do_due, make_due, tasks
from tests.support.services import replace_services
from tests.support.states import States, state
from tests.support.sweeper import Sweeper

METRICS_TOKEN = "metrics-token-of-the-test-suite-0123456789"


@pytest.fixture
def wanted(tmp_path: Path) -> tuple[ScheduledBackups, Keys]:
    """What is wanted, and what opens it; the service does not have that."""
    identity, recipient = new_identity()
    folder = tmp_path / "backups"
    return ScheduledBackups(folder=folder, hours=6, keep=2, recipient=recipient), Keys(identities=[identity])


@pytest.fixture
def scheduled(app: Flask, wanted: tuple[ScheduledBackups, Keys], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The application with scheduled backups."""
    settings = replace(services(app).settings, backups=wanted[0])
    replace_services(monkeypatch, app, settings=settings)
    with services(app).engines.writing.begin() as connection:
        ensure_periodic(connection, {BACK_UP: periods_of(settings)[BACK_UP]})
    return settings


@pytest.fixture
def metrics(app: Flask, tmp_path: Path) -> Iterator[TestApp]:
    """Another process of the service, with metrics."""
    logger = logging.getLogger("app")
    handlers, level = logger.handlers, logger.level
    counting = create_app(replace(services(app).settings, home=tmp_path, metrics_token=METRICS_TOKEN))
    yield TestApp(counting, extra_environ={"HTTP_AUTHORIZATION": f"Bearer {METRICS_TOKEN}"})
    services(counting).engines.dispose()
    logger.handlers, logger.level = handlers, level


@pytest.mark.one_database
def test_there_is_none_without_settings(app: Flask) -> None:
    assert periods_of(services(app).settings) is PERIODS
    with services(app).engines.writing.begin() as connection:
        # One that was scheduled with other settings.
        ensure_periodic(connection, {BACK_UP: 60})
    assert do_due(app) == 1
    assert [row.last_error for row in tasks(app)] == [None]


def test_one_is_made_and_verified_and_the_oldest_goes(
    states: States, app: Flask, scheduled: Settings, wanted: tuple[ScheduledBackups, Keys], metrics: TestApp
) -> None:
    assert periods_of(scheduled) == {**PERIODS, BACK_UP: 6 * 60 * 60}
    assert scheduled.backups is not None
    folder = scheduled.backups.folder
    states.save(state())
    folder.mkdir()
    # What a killed worker has left.
    (folder / "groundplan-1.backup-unverified.part").write_bytes(b"half")
    (folder / "of-somebody-else").write_bytes(b"")
    seen: list[Path] = []
    for _ in range(3):
        assert do_due(app, {BACK_UP: HANDLERS[BACK_UP]}) == 1
        seen.append(max(folder.glob("*.backup")))
        make_due(app)
    assert sorted(folder.iterdir()) == [*seen[1:], folder / "of-somebody-else"]
    with app.app_context():
        assert verify(seen[-1], wanted[1], services().keyring).differences == []
    assert not (scheduled.home / SCRATCH).exists()
    shown = metrics.get("/metrics").text
    assert f"groundplan_backup_bytes {-(-seen[-1].stat().st_size // 1024) * 1024:.1f}\n" in shown
    assert "groundplan_backup_failures 0.0\n" in shown
    assert "groundplan_backup_last_success_timestamp_seconds 1." in shown
    assert "groundplan_backup_seconds " in shown


@pytest.mark.one_database
def test_a_bad_one_is_told(
    states: States,
    sweeper: Sweeper,
    app: Flask,
    scheduled: Settings,
    metrics: TestApp,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert scheduled.backups is not None
    folder = scheduled.backups.folder
    states.save(state())
    [name] = sweeper.files()
    (sweeper.folder / name).unlink()
    monkeypatch.setattr(logging.getLogger("app"), "propagate", True)
    for _ in range(2):
        do_due(app, {BACK_UP: HANDLERS[BACK_UP]})
        make_due(app)
    [kept] = folder.iterdir()
    assert kept.name.endswith(".backup-with-differences")
    [task] = tasks(app, kind=BACK_UP)
    assert f"the object {name} is missing" in task.last_error
    assert "the scheduled backup failed: " in caplog.text
    shown = metrics.get("/metrics").text
    assert "groundplan_backup_failures 2.0\n" in shown
    assert "groundplan_backup_bytes" not in shown


@pytest.mark.one_database
def test_a_folder_that_can_not_be_used_is_told(app: Flask, scheduled: Settings) -> None:
    assert scheduled.backups is not None
    scheduled.backups.folder.write_text("a file")
    do_due(app, {BACK_UP: HANDLERS[BACK_UP]})
    [task] = tasks(app, kind=BACK_UP)
    assert task.last_error == f"{scheduled.backups.folder} can't be used: File exists."


@pytest.mark.one_database
def test_whatever_fails_is_counted(
    app: Flask, scheduled: Settings, metrics: TestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    assert scheduled.backups is not None
    monkeypatch.setattr(drill, "verify", fail)
    do_due(app, {BACK_UP: HANDLERS[BACK_UP]})
    [task] = tasks(app, kind=BACK_UP)
    assert task.last_error.startswith("RuntimeError in test_drill.py")
    assert "groundplan_backup_failures 1.0\n" in metrics.get("/metrics").text
