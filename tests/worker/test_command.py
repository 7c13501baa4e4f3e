"""The command groundplan-worker, and the workers that gunicorn starts."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from sqlalchemy import QueuePool

from app.doorbells import FOLDER
from app.embedded_workers import EmbeddedWorkers
from app.services import services
from app.variables import InvalidSettingError
from app.worker import main as command
from app.worker.handlers import HANDLERS, PERIODS
from app.worker.worker import Worker

pytestmark = pytest.mark.one_database


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings for a service in the test's folder; the process of the tests stays as it is."""
    for name in [name for name in os.environ if name.startswith(("GROUNDPLAN_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GROUNDPLAN_HOME", str(tmp_path))
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


@pytest.mark.usefixtures("quiet")
def test_it_works_with_the_settings_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Worker] = []

    def run(worker: Worker) -> None:
        begun.append(worker)

    monkeypatch.setattr(Worker, "run", run)
    # Nobody has made tables.
    monkeypatch.setattr(command, "check_database", lambda _: None)
    monkeypatch.setenv("GROUNDPLAN_WORKER_THREADS", "9")
    monkeypatch.setenv("GROUNDPLAN_WORKER_PARENT", "77")
    assert command.main([]) == 0
    [worker] = begun
    assert (worker._threads, worker._parent, worker._handlers, worker._periods) == (9, 77, HANDLERS, PERIODS)
    worker._end([])
    # Each thread has a connection of its own.
    assert cast("QueuePool", worker._engines.writing.pool).size() == 10


@pytest.mark.usefixtures("quiet")
def test_settings_that_make_no_sense_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDPLAN_WORKER_THREADS", "none")
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_WORKER_THREADS must be a positive whole number"):
        command.main([])


def test_one_beside_the_service_is_told_what_the_service_was(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROUNDPLAN_SECRET_KEY", "a key")
    workers = EmbeddedWorkers(replace(services(app).settings, home=tmp_path, workers=0))
    assert workers.environment(0) == {**os.environ, "GROUNDPLAN_WORKER_PARENT": str(os.getpid())}
    workers.start()
    assert (tmp_path / FOLDER).is_dir()
    workers.stop()
