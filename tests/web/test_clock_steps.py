"""A host whose clock is set while the service runs: nothing is done twice, lost, or in the wrong order."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.models import ActivityEvent, BackgroundTask, Project
from app.models.background_tasks import schedule
from app.persistence import now
from app.worker.handling import Handler
from tests.support.api import Api, document
from tests.support.background import committing, take
from tests.support.world import World

STEPS = [timedelta(hours=-1), timedelta(hours=1)]


@pytest.mark.parametrize("step", STEPS)
def test_a_write_that_is_sent_again_is_done_once(api: Api, world: World, step: timedelta) -> None:
    owner = world.person()
    world.organization("acme", owner=owner)
    sent = document("projects", {"name": "network"})
    path, key = "/organizations/acme/projects", {"Idempotency-Key": "the-same"}
    first = api.raw("POST", path, owner.token, sent, headers=key)
    with time_machine.travel(now() + step):
        again = api.raw("POST", path, owner.token, sent, headers=key)
    assert (first.status_int, again.status_int) == (201, 201)
    assert again.body == first.body
    assert [each.name for each in world.all(Project) if not each.is_default] == ["network"]


@pytest.mark.parametrize("step", STEPS)
def test_events_stay_in_order(api: Api, world: World, step: timedelta) -> None:
    owner = world.person()
    project = world.project(world.organization("acme", owner=owner))
    path = f"/projects/{project.id}"
    api.patch(path, owner.token, document("projects", {"description": "before"}))
    with time_machine.travel(now() + step):
        api.patch(path, owner.token, document("projects", {"description": "at another time"}))
    api.patch(path, owner.token, document("projects", {"description": "after"}))
    told = api.get(f"{path}/activity-events?filter[action]=projects.update", owner.token)["data"]
    assert [each["attributes"]["changes"]["description"]["after"] for each in told] == [
        "after",
        "at another time",
        "before",
    ]
    assert len([each for each in world.all(ActivityEvent) if each.action == "projects.update"]) == 3


@pytest.mark.parametrize("step", STEPS)
def test_a_task_is_taken_by_one_worker(app: Flask, world: World, step: timedelta) -> None:
    handlers = {"anything": Handler(perform=lambda _task: None)}
    with committing(app) as session:
        schedule(session, "anything", {})
    assert len(take(app, handlers)) == 1
    with time_machine.travel(now() + step):
        assert take(app, handlers, owner="another") == []
    assert len(world.all(BackgroundTask)) == 1


def test_a_token_ends_by_the_clock_that_is_right_again(api: Api, world: World) -> None:
    owner = world.person()
    ends = (now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = document("authentication-tokens", {"description": "short", "expired-at": ends})
    token = api.post(f"/users/{owner.id}/authentication-tokens", owner.token, sent)["data"]["attributes"]["token"]
    with time_machine.travel(now() + timedelta(hours=1)):
        api.get("/account/details", token, expect=401)
    api.get("/account/details", token)
