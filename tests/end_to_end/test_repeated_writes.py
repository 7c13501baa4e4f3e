"""A service that is killed in the middle of a write with a key: the repetition leaves exactly one effect."""

import secrets
import threading
import time
from contextlib import suppress

import httpx
from sqlalchemy import create_engine, func, select, update

from app.models import ActivityEvent, IdempotencyKey, Project
from app.persistence import now
from tests.end_to_end.service import Service, document

# While the write is under way, and about when its answer is sent.
DELAYS = (0.004, 0.015)


def test_a_kill_leaves_one_effect(own_service: Service) -> None:
    for delay in DELAYS:
        kill_and_repeat(own_service, delay)


def kill_and_repeat(own_service: Service, delay: float) -> None:
    """Kill the service that long after the write was sent, start it again, and send the write again."""
    name = f"net-{secrets.token_hex(4)}"
    path = f"organizations/{own_service.organization}/projects"
    headers = {"Idempotency-Key": name}

    def create() -> httpx.Response:
        with own_service.client(own_service.user_token) as client:
            return client.post(path, json=document("projects", {"name": name}), headers=headers)

    def try_to_create() -> None:
        with suppress(httpx.HTTPError):
            create()

    killed = threading.Thread(target=try_to_create)
    killed.start()
    time.sleep(delay)
    own_service.kill()
    killed.join()
    own_service.start()
    engine = create_engine(own_service.database_url)
    answer = create()
    if answer.status_code == 409:
        # The killed process had the key. It is free again after a minute, which the test does not wait for.
        assert answer.headers["Retry-After"] == "1"
        with engine.begin() as connection:
            connection.execute(update(IdempotencyKey).values(claimed_until=now()))
        answer = create()
    assert answer.status_code == 201
    assert create().headers["Idempotent-Replayed"] == "true"
    with engine.connect() as connection:
        projects = select(func.count()).select_from(Project).where(Project.name == name)
        events = select(func.count()).where(ActivityEvent.subject_name == name)
        assert (connection.scalar(projects), connection.scalar(events)) == (1, 1)
    engine.dispose()
