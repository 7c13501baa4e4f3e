"""A service with projects, workspaces, tokens and events from before there were environments."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from app.models import ActivityEvent, Environment, Project, User, Workspace
from app.services import services
from tests.conftest import NewDatabase
from tests.support.api import Api, document
from tests.support.world import Person, World

MIGRATIONS = Path(__file__).parents[2] / "migrations"
BEFORE = "d94c1e7a60b3"
# Names that are different, and the same as part of an address.
NAMES = ("net-2", "net_2", "net 2", "---", "x" * 40)
NEWER = ("sqlite_sequence", "alembic_version")

Rows = dict[str, list[tuple[Any, ...]]]


def test_old_rows_get_their_places_and_are_as_before_when_it_is_taken_back(
    new_database: NewDatabase, new_app: Callable[[str], AbstractContextManager[Flask]]
) -> None:
    with new_database() as url, new_app(url) as app:
        engine: Engine = services(app).engines.writing
        with app.app_context():
            upgrade(directory=MIGRATIONS)
        owner, token = populate(World(app), Api(app))
        with app.app_context():
            downgrade(directory=MIGRATIONS, revision=BEFORE)
            old = everything(engine)
            upgrade(directory=MIGRATIONS)
        check_places(engine)
        for known in (owner.token, token):
            assert len(Api(app).get("/organizations/acme/workspaces", known)["data"]) == len(NAMES) + 1
        with app.app_context():
            downgrade(directory=MIGRATIONS, revision=BEFORE)
        assert everything(engine) == old


def test_what_the_older_tables_have_no_place_for_is_left_out(
    new_database: NewDatabase, new_app: Callable[[str], AbstractContextManager[Flask]]
) -> None:
    with new_database() as url, new_app(url) as app:
        with app.app_context():
            upgrade(directory=MIGRATIONS)
        world = World(app)
        project = world.project(world.organization("acme"), "net")
        workspace = world.workspace(project, environment_id=world.environment(project).id, cell="eu")
        world.project_member(project, world.person(), "admin", cells=["eu"])
        world.acl_entry(workspace, world.person(site_role="super_user"), "owner")
        gone = world.project_token(project, "owner")
        with app.app_context():
            downgrade(directory=MIGRATIONS, revision=BEFORE)
            upgrade(directory=MIGRATIONS)
        kept = next(each for each in world.all(Workspace) if each.id == workspace.id)
        assert (kept.environment_id, kept.cell) == (world.default_environment(project).id, None)
        Api(app).get("/organizations/acme/workspaces", gone, expect=401)


def populate(world: World, api: Api) -> tuple[Person, str]:
    owner = world.person()
    world.person(site_role="super_user")
    organization = world.organization("acme", owner=owner)
    team = world.team(organization, "manage-workspaces")
    world.team_token(team, "described")
    for index, name in enumerate(NAMES):
        project = world.project(organization, name, slug=f"slug-{index}")
        world.tag(project, "env", "prod")
        world.varset(organization, project=project)
        access = world.access(team, project, "read")
        api.patch(f"/team-projects/{access.id}", owner.token, document("team-projects", {"access": "write"}))
        workspace = world.workspace(project)
        world.workspace_access(team, workspace, "read")
        world.state_version(workspace, "address")
    api.post("/organizations/acme/workspaces", owner.token, document("workspaces", {"name": "net"}))
    token = world.token(organization)
    # A token notes when it was used, once in a while.
    api.get("/organizations/acme/workspaces", token)
    return owner, token


def check_places(engine: Engine) -> None:
    with Session(engine) as session:
        projects = {each.id: each for each in session.query(Project)}
        defaults = {each.project_id: each.id for each in session.query(Environment) if each.is_default}
        assert session.query(Environment).count() == len(projects)
        assert {each.environment_id == defaults[each.project_id] for each in session.query(Workspace)} == {True}
        slugs = {each.name: each.slug for each in projects.values()}
        assert {slugs["net-2"], slugs["net_2"], slugs["net 2"]} == {"net-2", "net-2-2", "net-2-3"}
        assert slugs["---"] == "project"
        # Who could do everything can give others the role that now can.
        assert {each.site_role for each in session.query(User)} == {"user", "super_user"}
        told = {each.subject_type: each.is_about_access for each in session.query(ActivityEvent)}
        assert told["team-projects"]
        assert not told["workspaces"]


def everything(engine: Engine) -> Rows:
    with engine.connect() as connection:
        return {
            table: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}"))), key=repr)  # noqa: S608
            for table in inspect(engine).get_table_names()
            if table not in NEWER
        }
