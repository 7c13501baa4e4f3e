"""The thread that delivers events of reads: its queue, its end, and its process."""

import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from app.analytics import AnalyticsEvent, Delivery, Sink
from app.analytics.posthog import PosthogSink
from app.variables import Posthog
from tests.support.analytics import EVENT, KEY, Broken, Kept, Stuck, closed_port, until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("sink", [Broken(), Stuck()], ids=["raises", "is stuck"])
def test_a_bad_sink_costs_a_read_nothing(sink: Sink, log: pytest.LogCaptureFixture) -> None:
    delivery = Delivery(sink, 2)
    for _ in range(8):
        delivery.capture([EVENT])
    until(lambda: delivery.lost >= 5)
    lines = [record.getMessage() for record in log.records if record.name.startswith("app.analytics")]
    assert len(lines) == 1, "one line, however many are lost"
    assert "events lost" in lines[0]
    assert "secret" not in log.text
    if isinstance(sink, Stuck):
        sink.go.set()


def test_what_finds_no_room_is_lost_and_the_rest_arrives(log: pytest.LogCaptureFixture) -> None:
    sink = Stuck()
    delivery = Delivery(sink, 3)
    delivery.capture([EVENT])
    until(lambda: not delivery._queue.waiting)
    delivery.capture([EVENT] * 5)
    assert delivery.lost == 2
    sink.go.set()
    delivery.close(5)
    assert len(sink.events) == 4
    assert "1 events lost so far (the queue is full)" in log.text


def test_it_recovers_when_the_sink_does() -> None:
    class Recovering(Kept):
        fails = True

        def capture(self, event: AnalyticsEvent, uuid: str | None = None) -> None:
            if self.fails:
                raise OSError
            super().capture(event, uuid)

    sink = Recovering()
    delivery = Delivery(sink)
    delivery.capture([EVENT])
    until(lambda: delivery.lost)
    sink.fails = False
    delivery.capture([EVENT])
    delivery.close(5)
    assert (sink.events, delivery.lost) == ([EVENT], 1)


# --- processes -----------------------------------------------------------------------------------------------------


def test_the_end_waits_so_long_and_no_longer(log: pytest.LogCaptureFixture) -> None:
    sink = Stuck()
    delivery = Delivery(sink, 2)
    delivery.close(5)  # nothing was ever captured: nothing to wait for
    delivery.capture([EVENT] * 2)
    until(lambda: delivery._queue.waiting == 1)
    began = time.monotonic()
    delivery.close(0.3)
    assert 0.2 < time.monotonic() - began < 2
    assert "1 events lost in all" in log.text
    sink.go.set()


def test_a_worker_that_ends_delivers_what_is_queued(app: Flask, deliver: Callable[..., Delivery]) -> None:
    worker_exit = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["worker_exit"]
    sink = Kept()
    deliver(sink).capture([EVENT] * 50)
    worker_exit(None, SimpleNamespace(wsgi=app))
    assert len(sink.events) == 50
    # A worker that could not even load the application ends as well.
    worker_exit(None, SimpleNamespace(wsgi=None))


def test_nothing_runs_before_the_first_event() -> None:
    before = threading.active_count()
    delivery = Delivery(PosthogSink(Posthog(key=KEY, host=closed_port())))
    assert threading.active_count() == before
    delivery.capture([EVENT])
    assert threading.active_count() == before + 1
    delivery.close(5)
    assert threading.active_count() == before


def test_a_process_that_was_forked_has_a_thread_of_its_own() -> None:
    code = """
import os
from types import SimpleNamespace
from app.analytics import Delivery
events = []
delivery = Delivery(SimpleNamespace(capture=events.append))
delivery.capture(["first"])
child = os.fork()
delivery.capture(["second", "third"])
delivery.close(5)
os.write(1, f"{len(events)}\\n".encode())
if child:
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = sorted(map(int, done.stdout.split()))
    # The parent has all three; the child its own two, and the first if that was delivered before the fork.
    assert counts[1] == 3
    assert counts[0] in (2, 3)
