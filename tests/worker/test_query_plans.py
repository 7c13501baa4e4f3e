"""Tasks are found by their indexes, however many wait for later."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, text

from app.models.background_tasks import DEAD, WAITING, BackgroundTask, schedule
from app.persistence import now
from app.services import services
from app.worker.claims import is_anything_due
from app.worker.handlers import HANDLERS
from app.worker.handling import Handler
from tests.support.background import committing, do_due, take
from tests.support.query_plans import plans_of, read_from_end_to_end

KNOWN = {"note": Handler(perform=lambda _task: None)}


def look(app: Flask) -> None:
    with services(app).engines.reading.connect() as connection:
        assert not is_anything_due(connection, KNOWN)


def forget(app: Flask) -> None:
    with committing(app) as session:
        schedule(session, "forget-dead-tasks", {}, key="k")
    assert do_due(app, HANDLERS) == 1


@pytest.mark.parametrize("work", [look, lambda app: take(app, KNOWN), forget], ids=["look", "take", "forget"])
def test_tasks_are_found_by_indexes(app: Flask, engine: Engine, work: Callable[[Flask], object]) -> None:
    later = now() + timedelta(hours=1)
    rows = [
        {"kind": "note", "payload": {}, "lane": f"lane-{number}", "run_at": later, "status": status}
        for number in range(1_000)
        for status in (WAITING, DEAD)
    ]
    with engine.begin() as connection:
        connection.execute(insert(BackgroundTask), rows)
        connection.execute(text("ANALYZE background_tasks"))
    found = plans_of(app, lambda: work(app))
    assert read_from_end_to_end(found, {"background_tasks", "earlier"}) == []
    assert any("ix_background_tasks_status_run_at" in line for line in found)
