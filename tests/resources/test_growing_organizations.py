"""What an answer costs doesn't grow with workspaces that it doesn't show."""

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, text

from app.models import ActivityEvent, Organization, Project, TagBinding, Workspace
from tests.support.api import Api
from tests.support.query_plans import plans
from tests.support.statement_costs import Statements
from tests.support.world import Person, World

MANY = 3_000
EVENT = {
    "action": "projects.update",
    "actor_type": "users",
    "actor_name": "ada",
    "subject_type": "projects",
    "subject_id": "prj-1",
    "changes": {},
}
COUNTING = {"project": "ix_workspaces_project_id", "environment": "ix_workspaces_environment_id_name"}


@pytest.fixture
def project(world: World, engine: Engine, acme: Organization) -> Project:
    """A project with many workspaces, each of which has a tag of its own; the database knows how many there are."""
    project = world.project(acme)
    environment = world.default_environment(project)
    here = {"organization_id": acme.id}
    its = {**here, "project_id": project.id, "environment_id": environment.id}
    with engine.begin() as connection:
        # Not in the order in which they are listed, as in life.
        names = [f"many-{number * 7919 % MANY:04}" for number in range(MANY)]
        connection.execute(insert(Workspace), [{**its, "id": f"ws-{name}", "name": name} for name in names])
        tag = {**here, "value": ""}
        connection.execute(
            insert(TagBinding),
            [{**tag, "id": f"tb-{name}", "workspace_id": f"ws-{name}", "key": f"tag-{name}"} for name in names],
        )
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE) workspaces, tag_bindings"))
    return project


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("path", ["/organizations/acme/workspaces", "/workspaces"])
def test_workspaces_of_projects_that_a_member_does_not_see_are_not_read(
    api: Api, app: Flask, world: World, acme: Organization, *, path: str
) -> None:
    team = world.team(acme)
    world.access(team, world.project(acme), "write")
    lines = plans(app, api, path, world.member(acme, team).token, only_indexes=True)
    # Either of the project's indexes will do.
    assert any("INDEX ix_workspaces_project_id" in line for line in lines), "\n".join(lines)


@pytest.mark.parametrize("place", COUNTING)
def test_workspaces_are_counted_by_the_index_of_their_place_alone(
    api: Api, app: Flask, world: World, project: Project, owner: Person, *, place: str
) -> None:
    identifier = project.id if place == "project" else world.default_environment(project).id
    lines = plans(app, api, f"/{place}s/{identifier}", owner.token, only_indexes=True)
    assert any(f"USING COVERING INDEX {COUNTING[place]}" in line for line in lines), "\n".join(lines)


@pytest.mark.parametrize(
    "path",
    [
        "/projects/{}/tag-bindings",
        "/projects/{}/effective-tag-bindings",
        "/projects/{}/repository-links",
        "/projects/{}/members",
        "/projects/{}/invitations",
        "/projects/{}/varsets",
        "/team-projects?filter[project][id]={}",
    ],
)
@pytest.mark.one_database
def test_what_does_not_show_workspaces_does_not_count_them(
    api: Api, app: Flask, world: World, acme: Organization, owner: Person, *, path: str
) -> None:
    project = world.project(acme)
    lines = plans(app, api, path.format(project.id), owner.token)
    assert not [line for line in lines if f" {COUNTING['project']}" in line], lines


@pytest.mark.usefixtures("project")
def test_tags_are_looked_up_before_workspaces(api: Api, app: Flask, owner: Person, database_kind: str) -> None:
    lines = plans(app, api, "/organizations/acme/workspaces?search[tags]=nobody-has-it", owner.token, only_indexes=True)
    assert any("INDEX ix_tag_bindings_organization_id_lower_key" in line for line in lines), "\n".join(lines)
    if database_kind == "sqlite":
        # By their ids, or by the project that has the tag.
        assert not [line for line in lines if "INDEX ix_workspaces_organization_id" in line], lines


@pytest.mark.usefixtures("project")
def test_a_page_by_cursor_begins_at_its_row(api: Api, app: Flask, owner: Person) -> None:
    page = api.get("/organizations/acme/workspaces?page[after]=&page[size]=5", owner.token)
    path = page["links"]["next"].partition("/api/v2")[2]
    lines = plans(app, api, path, owner.token, only_indexes=True)
    # PostgreSQL also takes that of all organizations, where one has most of the workspaces.
    found = ("INDEX uq_workspaces_organization_id_name", "INDEX ix_workspaces_name_id")
    assert any(name in line for line in lines for name in found), "\n".join(lines)


def test_counts_are_exact_for_whoever_sees_all_or_some(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    one, two, three = (world.project(acme) for _ in range(3))
    for project in (one, two, three):
        for cell in ("eu", "eu", "us", None):
            world.workspace(project, cell=cell)
    member = world.member(acme)
    world.project_member(one, member, "viewer")
    world.project_member(two, member, "viewer", cells=["eu"])
    world.project_member(three, member, "viewer", environment=world.default_environment(three), cells=["us"])
    seen = {owner.token: {one.id: 4, two.id: 4, three.id: 4}, member.token: {one.id: 4, two.id: 2, three.id: 1}}
    for token, expected in seen.items():
        for identifier, count in expected.items():
            shown = api.get(f"/projects/{identifier}", token)["data"]["attributes"]
            assert shown["workspace-count"] == count
            (its,) = api.get(f"/projects/{identifier}/environments", token)["data"]
            assert its["attributes"]["workspace-count"] == count
            assert api.get(f"/environments/{its['id']}", token)["data"]["attributes"]["workspace-count"] == count
        listed = api.get("/projects", token)["data"]
        assert {each["id"]: each["attributes"]["workspace-count"] for each in listed}.items() >= expected.items()


@pytest.mark.parametrize("form", ["few", "many"])
def test_events_of_environments_are_the_same_for_many_roles_as_for_few(
    api: Api,
    world: World,
    acme: Organization,
    monkeypatch: pytest.MonkeyPatch,
    statements: Statements,
    database_kind: str,
    *,
    form: str,
) -> None:
    if form == "many":
        monkeypatch.setattr("app.web.listing.MANY_IDS", 1)
    member, seen = world.member(acme), []
    for cell in ("eu", "us"):
        project = world.project(acme)
        for environment in (world.environment(project), world.environment(project), world.environment(project)):
            place = {"organization_id": acme.id, "project_id": project.id, "environment_id": environment.id}
            seen += [world.add(ActivityEvent(**EVENT, **place, cell=its)).id for its in (cell, "other")][:1]
            world.project_member(project, member, "viewer", environment=environment, cells=[cell])
    with statements() as sent:
        listed = api.get("/organizations/acme/activity-events?filter[action]=projects.update", member.token)["data"]
    assert sorted(each["id"] for each in listed) == sorted(seen)
    if database_kind == "postgresql":
        assert any("IN (SELECT unnest(" in statement for statement in sent) == (form == "many")
