"""An outage fills no log: one traceback, then a count now and then."""

import logging

import pytest

from app.web.seldom import SeldomLog


def test_the_first_is_told_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moment = 1000.0
    monkeypatch.setattr("app.web.seldom.time.monotonic", lambda: moment)
    log = SeldomLog(logging.getLogger("tests"), "it failed", 60)

    for _ in range(130):
        log.note(OSError("no route"))
        moment += 1

    said = [(record.getMessage(), record.exc_info is not None) for record in caplog.records]
    assert said == [
        ("it failed", True),
        ("it failed 61 times more, at last by OSError", False),
        ("it failed 61 times more, at last by OSError", False),
    ]
    moment += 61
    log.note(ValueError("something else"))
    assert caplog.records[-1].exc_info is not None
