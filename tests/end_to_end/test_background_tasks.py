"""Work that outlives the processes that wanted it done and those that did it."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import NewDatabase
from tests.end_to_end.service import Service, document, poll_until
from tests.support.mail import Inbox, listening

SECONDS = 60
THREADS = 4  # of a worker, unless it is told otherwise
KILLS = 2
PEOPLE = 30


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mailing_service(installed: Service, new_database: NewDatabase, tmp_path: Path, inbox: Inbox) -> Iterator[Service]:
    """A service with a mail server, and no worker."""
    with new_database(installed.database_url) as url, listening(inbox) as port:
        settings = {
            "GROUNDPLAN_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "GROUNDPLAN_URL": "https://plan.example.test",
            "GROUNDPLAN_WORKER_LEASE_SECONDS": "2",
            "GROUNDPLAN_WORKERS": "0",
        }
        running = Service(tmp_path, url, workers=1, settings=settings).install_as(installed).start()
        yield running
        if running.is_running():
            assert running.stop() == 0, running.last_log_lines()


def invite(service: Service, count: int) -> None:
    with service.client(service.user_token) as client:
        project = client.get(f"organizations/{service.organization}/projects").json()["data"][0]["id"]
        for number in range(count):
            sent = document("invitations", {"email": f"{number}@example.test", "role": "viewer"})
            answer = client.post(f"projects/{project}/invitations", json=sent)
            assert answer.status_code == 201, answer.text


def test_mail_survives_the_service_and_every_worker(mailing_service: Service, inbox: Inbox) -> None:
    service = mailing_service
    invite(service, PEOPLE)
    service.kill()
    assert inbox.envelopes == []
    # Each message takes a while, so that a kill hits some of them.
    inbox.meanwhile = lambda: time.sleep(0.02)
    service.set(GROUNDPLAN_WORKERS="1").start()
    for number in range(KILLS):
        wait_for_mail(inbox, (number + 1) * PEOPLE // (KILLS + 2))
        [worker] = service.children("app.worker.main")
        os.kill(worker, signal.SIGKILL)
        wait_for_end(service, worker)
    poll_until(lambda: count(service, "background_tasks WHERE kind = 'send-invitation'") == 0, SECONDS, "nothing to do")
    got = Counter(str(message["To"]) for message in inbox.messages)
    assert got.keys() == {f"{number}@example.test" for number in range(PEOPLE)}
    # A kill repeats nothing but what the worker was doing, and a second kill can hit what is repeated.
    assert max(got.values()) <= 1 + KILLS
    assert sum(got.values()) - PEOPLE <= KILLS * THREADS
    # Whoever gets a message again can tell.
    assert len({message["Message-ID"] for message in inbox.messages}) == PEOPLE
    assert count(service, "invitations WHERE sent_at IS NULL") == 0


@pytest.mark.only_postgresql
def test_another_host_does_what_this_one_has_scheduled(mailing_service: Service, tmp_path: Path, inbox: Inbox) -> None:
    here = mailing_service
    folder = tmp_path / "there"
    folder.mkdir()
    # The same database and keys, and a home of its own.
    there = Service(folder, here.database_url, workers=1, settings=here.own_settings).install_as(here)
    there.set(GROUNDPLAN_WORKERS="1").start()
    try:
        invite(here, 3)
        wait_for_mail(inbox, 3)
        poll_until(lambda: count(here, "invitations WHERE sent_at IS NULL") == 0, SECONDS, "that they are sent")
        assert here.children("app.worker.main") == []
        with here.client(here.user_token) as one, there.client(there.user_token) as other:
            tasks = [client.get("admin/background-tasks").json()["meta"]["counts"]["dead"] for client in (one, other)]
        assert tasks == [0, 0]
    finally:
        assert there.stop() == 0, there.last_log_lines()


def wait_for_mail(inbox: Inbox, messages: int) -> None:
    poll_until(lambda: len(inbox.envelopes) >= messages, SECONDS, f"{messages} messages")


def wait_for_end(service: Service, worker: int) -> None:
    poll_until(lambda: worker not in service.children("app.worker.main"), SECONDS, "the end of the worker")


def count(service: Service, rows: str) -> int:
    with service.connected() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {rows}")).scalar_one())  # noqa: S608 - our own text
