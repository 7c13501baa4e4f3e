"""``groundplan serve``: from nothing to a service in one process."""

import sys
from pathlib import Path

import pytest

from tests.end_to_end.service import BOOTSTRAP_TOKEN, WORKERS, Service

COMMAND = [sys.executable, "-m", "app.main", "serve"]


@pytest.fixture
def empty(tmp_path: Path) -> Service:
    """A service without tables, on SQLite."""
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'home' / 'groundplan.sqlite3'}")
    service.command = COMMAND
    return service


def test_one_command_makes_the_tables_and_the_first_organization(empty: Service) -> None:
    empty.start()
    try:
        with empty.client(BOOTSTRAP_TOKEN) as client:
            [organization] = client.get("organizations").json()["data"]
            assert organization["id"] == "groundplan"
        assert "Groundplan is ready: organization groundplan" in empty.log.read_text()
    finally:
        assert empty.stop() == 0
    # A second start finds all of it there, and listens to gunicorn's own variable.
    empty.set(GUNICORN_CMD_ARGS="--workers 1")
    empty.start()
    try:
        assert empty.log.read_text().count("Booting worker") == WORKERS + 1
        assert "shown once" not in empty.log.read_text().rpartition("Starting gunicorn")[2]
    finally:
        assert empty.stop() == 0
