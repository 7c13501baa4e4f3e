"""Auto-destroy after a restore: it is held until somebody says that it may go on."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.models.service_marks import ServiceMark
from app.models.workspaces import Workspace
from app.resources.runs.auto_destroy import hold, timer
from app.services import services
from tests.support.auto_destroy import look, make_due, shown
from tests.support.runs import Runs


class TestAfterARestore:
    """Nothing is destroyed until somebody says so."""

    def restore(self, runs: Runs, number: int = 0, hours: float = 1) -> None:
        hold.note(services(runs.app).settings.home, 1)
        with services(runs.app).engines.writing.begin() as connection:
            connection.execute(update(ServiceMark).values(number=number, at=datetime.now(UTC) - timedelta(hours=hours)))

    def test_an_older_database_is_held(self, filled: Runs) -> None:
        look(filled.app)
        look(filled.app)
        self.restore(filled)
        make_due(filled)
        assert look(filled.app) == 0
        assert shown(filled)["auto-destroy-status"] == "held"
        assert look(filled.app) == 0, "until somebody says so"
        told = filled.app.test_cli_runner().invoke(args=["auto-destroy", "status"])
        assert "held back since" in told.output
        assert "1 workspace" in told.output
        assert filled.app.test_cli_runner().invoke(args=["auto-destroy", "resume"]).exit_code == 0
        assert look(filled.app) == 1

    def test_a_database_on_a_new_host_is_held(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1)
        (services(filled.app).settings.home / hold.FILE).unlink()
        make_due(filled)
        assert look(filled.app) == 0

    def test_a_service_that_was_away_for_long_is_held(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1, hours=25)
        make_due(filled)
        assert look(filled.app) == 0

    def test_a_restart_and_a_second_host_are_not(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1, hours=3)
        make_due(filled)
        assert look(filled.app) == 1
        (services(filled.app).settings.home / hold.FILE).unlink()
        make_due(filled)
        look(filled.app)
        assert shown(filled)["auto-destroy-status"] != "held"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("number", "mark", "minutes", "is_held"),
    [
        (500, 90_000, 12 * 60, True),
        (91_000, 90_001, 0, True),
        (90_000, 90_000, 12 * 60, False),
        (90_002, 90_001, 1, False),
        (89_500, 90_000, 60, False),
        (None, 90_000, 1, False),
        (None, 90_000, 6, True),
        (90_000, 90_000, 25 * 60, True),
    ],
)
def test_what_is_taken_for_a_restore(number: int | None, mark: int, minutes: int, *, is_held: bool) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    assert hold.is_suspicious(ServiceMark(name="x", number=mark, at=at), number) is is_held


def test_every_workspace_that_is_due_is_held(filled: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        filled.add_workspace(resource_count=1)
    look(filled.app)
    TestAfterARestore().restore(filled)
    make_due(filled)
    monkeypatch.setattr(timer, "AT_ONCE", 1)
    look(filled.app)
    assert {each.auto_destroy_status for each in filled.world.all(Workspace)} == {"held"}
