"""An attribute with ``shown_to`` is shown, found and told in events only with that permission."""

from collections.abc import Iterator

import pytest

from app.authz.permissions import P
from app.jsonapi import schema as schemas
from app.models import Organization, Project
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.projects.schema import ProjectSchema
from app.web.filters import Equals
from tests.support.api import Api
from tests.support.world import Person, World

CACHED = ("dump", "protected_columns")


@pytest.fixture
def protected_color(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shows the color of projects only to those who manage their members, and makes it a filter."""
    field = ProjectSchema._declared_fields["color"]
    monkeypatch.setattr(field, "shown_to", P.PROJECT_MANAGE_MEMBERS)
    filters = (*PROJECTS.filters, Equals("filter[color]", Project.color))
    before = PROJECTS.filters
    object.__setattr__(PROJECTS, "filters", filters)
    forget()
    yield
    monkeypatch.undo()
    object.__setattr__(PROJECTS, "filters", before)
    forget()


def forget() -> None:
    for name in CACHED:
        PROJECTS.__dict__.pop(name, None)
    PROJECTS._permissions_by_clause.clear()
    schemas.protected_by_type.cache_clear()


@pytest.fixture
def viewer(world: World, acme: Organization, project: Project) -> Person:
    """Sees the project, and manages nobody."""
    person = world.member(acme)
    world.project_member(project, person, "viewer")
    return person


@pytest.mark.usefixtures("protected_color")
def test_only_those_with_the_permission_see_find_and_read_it(
    api: Api, acme: Organization, project: Project, owner: Person, viewer: Person
) -> None:
    sent = {"data": {"type": "projects", "attributes": {"color": "#AABBCC"}}}
    api.patch(f"/projects/{project.id}", owner.token, sent)
    listed = f"/organizations/{acme.name}/projects?filter[color]=%23AABBCC"
    events = f"/projects/{project.id}/activity-events?filter[action]=projects.update"
    seen = {}
    for name, token in (("owner", owner.token), ("viewer", viewer.token)):
        shown = api.get(f"/projects/{project.id}", token)["data"]["attributes"]["color"]
        found = [each["id"] for each in api.get(listed, token)["data"]]
        (event,) = api.get(events, token)["data"]
        seen[name] = (shown, found, event["attributes"]["changes"]["color"])
    assert seen == {
        "owner": ("#AABBCC", [project.id], {"before": None, "after": "#AABBCC"}),
        "viewer": (None, [], {"before": None, "after": "(hidden)"}),
    }


@pytest.mark.usefixtures("protected_color")
def test_no_list_is_sorted_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROJECTS.sorts, "color", (Project.color,))
    with pytest.raises(AssertionError, match="an order tells"):
        assert PROJECTS.protected_columns
