"""An attribute with ``shown_to`` is shown, found and told in events only with that permission."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.authz.permissions import P
from app.jsonapi import schema as schemas
from app.jsonapi.fields import Computed
from app.models import Organization, Project
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.filters import Equals
from app.web.listing import Listing
from app.web.statements import columns_in
from tests.support.api import Api, document
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


def forget(listing: Listing = PROJECTS) -> None:
    for name in CACHED:
        listing.__dict__.pop(name, None)
    listing._permissions_by_clause.clear()
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
def test_no_list_is_sorted_by_it() -> None:
    with pytest.raises(ValueError, match="can't be sorted"):
        replace(PROJECTS, sorts={"color": (Project.color,)})


def test_a_computed_attribute_names_what_it_reveals() -> None:
    with pytest.raises(ValueError, match="must name the columns"):
        Computed(lambda row, _held: row.color, schema={}, shown_to=P.PROJECT_MANAGE_MEMBERS)


def test_what_a_computed_attribute_reads_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    shade = Computed(lambda row, _held: row.color, schema={}, shown_to=P.PROJECT_MANAGE_MEMBERS, reads=("color",))
    monkeypatch.setitem(ProjectSchema._declared_fields, "shade", shade)
    assert (columns_in(Project.color), P.PROJECT_MANAGE_MEMBERS) in replace(PROJECTS).protected_columns


@pytest.mark.one_database
def test_whoever_sees_it_through_a_cell_reads_it_in_events(
    api: Api, world: World, acme: Organization, project: Project, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkspaceSchema._declared_fields["description"], "shown_to", P.VARIABLE_READ)
    forget(WORKSPACES)
    workspace = world.workspace(project, cell="a")
    api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", {"description": "secret"}))
    person = world.member(acme)
    world.project_member(project, person, "admin", cells=["a"])
    shown = api.get(f"/workspaces/{workspace.id}", person.token)["data"]["attributes"]["description"]
    (event,) = api.get(f"/workspaces/{workspace.id}/activity-events", person.token)["data"]
    monkeypatch.undo()
    forget(WORKSPACES)
    assert shown == event["attributes"]["changes"]["description"]["after"] == "secret"
