"""The filters and pages of the record of activity."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, Project
from tests.support.api import Api
from tests.support.world import Person, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def history(world: World, acme: Organization) -> Project:
    """Five events in a row, whose names are their numbers."""
    project = world.project(acme, "platform")
    events: list[dict[str, Any]] = [
        {"action": "projects.create", "actor_id": "user-a", "actor_name": "Ada"},
        {"action": "projects.update", "actor_id": "user-b", "actor_name": "bob", "request_id": "one"},
        {"action": "workspaces.create", "subject_type": "workspaces", "subject_id": "ws-1"},
        {"action": "Workspaces.create", "subject_type": "workspaces", "subject_id": "ws-2", "actor_name": "ADA"},
        {"action": "workspaces.delete", "subject_type": "workspaces", "subject_id": "ws-1", "request_id": "two"},
    ]
    for number, given in enumerate(events):
        members = {
            "actor_type": "users",
            "actor_id": "user-c",
            "actor_name": "cyd",
            "subject_type": "projects",
            "subject_id": project.id,
            "subject_name": str(number),
            "changes": {},
            **given,
        }
        place = {"organization_id": acme.id, "project_id": project.id, "created_at": at(number)}
        world.add(ActivityEvent(**place, **members))
    return project


FILTERED = {
    "": "43210",
    "filter[action]=projects.update": "1",
    "filter[action]=projects": "",
    "filter[action]=workspaces.*": "42",
    "filter[action]=workspace*": "",
    "filter[action]=work_paces.*": "",
    "filter[action]=.*": "",
    "filter[action]=": "43210",
    "filter[actor]=user-b": "1",
    "filter[actor]=ada": "30",
    "filter[actor]=ad": "",
    "filter[subject]=ws-1": "42",
    "filter[subject-type]=workspaces": "432",
    "filter[request-id]=one": "1",
    "filter[from]=2026-03-01T12:03:00Z": "43",
    "filter[to]=2026-03-01T12:03:00Z": "210",
    "filter[from]=2026-03-01T13:01:00.000%2B01:00&filter[to]=2026-03-01T12:03:00": "21",
    "filter[from]=2026-03-01T12:03:00Z&filter[to]=2026-03-01T12:01:00Z": "",
    "filter[to]=9999-12-31T23:59:59Z": "43210",
    "filter[from]=0001-01-01T00:00:00Z": "43210",
    "filter[action]=workspaces.*&filter[actor]=cyd&filter[subject]=ws-1&filter[request-id]=two": "4",
}


@pytest.mark.parametrize("query", FILTERED)
def test_filters_narrow_the_list(api: Api, history: Project, owner: Person, query: str) -> None:
    found = api.get(f"/projects/{history.id}/activity-events?{query}", owner.token)
    assert "".join(each["attributes"]["subject"]["name"] for each in found["data"]) == FILTERED[query]
    assert found["meta"]["pagination"]["total-count"] == len(FILTERED[query])


@pytest.mark.one_database
@pytest.mark.parametrize("parameter", ["filter[from]", "filter[to]"])
@pytest.mark.parametrize(
    "value", ["yesterday", "2026-03-01", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00%2B01:00", "2026-03-01T99:00:00Z"]
)
def test_what_is_no_moment_is_refused(api: Api, owner: Person, acme: Organization, parameter: str, value: str) -> None:
    [error] = api.get(f"/organizations/{acme.name}/activity-events?{parameter}={value}", owner.token, expect=400)[
        "errors"
    ]
    assert error["source"] == {"parameter": parameter}
    assert error["detail"] == f"{parameter} is not a valid ISO 8601 date and time"


@pytest.mark.one_database
@pytest.mark.parametrize("name", ["action", "actor", "subject", "subject-type", "request-id"])
def test_a_filter_has_a_bound(api: Api, owner: Person, acme: Organization, name: str) -> None:
    path = f"/organizations/{acme.name}/activity-events?filter[{name}]="
    assert api.get(path + "x" * 1_000, owner.token)["data"] == []
    [error] = api.get(path + "x" * 1_001, owner.token, expect=400)["errors"]
    assert error["source"] == {"parameter": f"filter[{name}]"}


def test_pages_begin_with_the_newest(api: Api, history: Project, owner: Person) -> None:
    path = f"/projects/{history.id}/activity-events?page[size]=2"
    pages = [api.get(f"{path}&page[number]={number}", owner.token) for number in (1, 2, 3, 4)]
    numbers = ["".join(each["attributes"]["subject"]["name"] for each in page["data"]) for page in pages]
    assert numbers == ["43", "21", "0", ""]
    assert {page["meta"]["pagination"]["total-count"] for page in pages} == {5}
