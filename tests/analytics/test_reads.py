"""Analytics of reads, where an operator asks for them."""

from dataclasses import replace

import pytest
from flask import Flask

from app.analytics import Delivery
from app.services import services
from app.variables import Posthog
from tests.support.analytics import KEY, Kept
from tests.support.api import Api
from tests.support.services import replace_services
from tests.support.world import World


@pytest.mark.parametrize("reads", [True, False])
def test_reading_a_project_is_captured_where_that_is_asked_for(
    app: Flask,
    api: Api,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    *,
    reads: bool,
) -> None:
    sink = Kept()
    delivery = Delivery(sink)
    posthog = Posthog(key=KEY, host="https://posthog.test", reads=reads)
    settings = replace(services(app).settings, posthog=posthog)
    replace_services(monkeypatch, app, analytics=delivery, settings=settings)
    owner = world.person()
    acme = world.organization("acme", owner=owner)
    project = world.project(acme, "net")
    api.get(f"/projects/{project.id}", owner.token)
    api.get("/organizations/acme/projects/net", owner.token)
    api.get(f"/projects/{project.id}", world.person().token, expect=404)
    api.get("/organizations/acme/projects", owner.token)
    delivery.close(5)
    told = [(each.action, each.actor_id, each.subject_id, each.organization_id) for each in sink.events]
    assert told == [("projects.read", owner.id, project.id, acme.id)] * (2 if reads else 0)
