"""The order of events."""

from datetime import timedelta

from app.models import ActivityEvent, Organization
from tests.support.api import Api, document
from tests.support.world import Person, World


def test_the_clocks_of_hosts_do_not_decide_about_the_order(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    for name in ("first", "second", "third"):
        api.patch(f"/projects/{project.id}", owner.token, document("projects", {"description": name}))
    events = [each for each in world.all(ActivityEvent) if each.action == "projects.update"]
    # As if another host, whose clock is an hour late, had written the last one.
    world.change(events[-1], created_at=events[-1].created_at - timedelta(hours=1))
    listed = api.get(f"/projects/{project.id}/activity-events", owner.token)["data"]
    said = [
        each["attributes"]["changes"]["description"]["after"]
        for each in listed
        if "description" in each["attributes"]["changes"]
    ]
    assert said == ["third", "second", "first"]
