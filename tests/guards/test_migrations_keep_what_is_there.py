"""Migrations of a database that is in use: each step, down to the first and up again, has rows in its tables."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, func, inspect, select, table

from app.models import ActivityEvent, RemoteStateConsumer
from app.services import services
from tests.conftest import NewDatabase
from tests.support.api import Api, document
from tests.support.states import OUTPUTS, States, state
from tests.support.world import Person, World

MIGRATIONS = Path(__file__).parents[2] / "migrations"
VERSIONS = "alembic_version"
# Of these the older tables can't take everything.
CUT = {"authentication_tokens", "tag_bindings"}


def test_migrations_keep_what_is_there(
    new_database: NewDatabase, new_app: Callable[[str], AbstractContextManager[Flask]]
) -> None:
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    with new_database() as url, new_app(url) as app:
        engine: Engine = services(app).engines.writing
        with app.app_context():
            upgrade(directory=MIGRATIONS)
        world = World(app)
        owner = in_use(app, world)
        filled = {name for name, count in counts(engine).items() if count}
        # Those that are referred to from most sides: a table that is copied must not take along what refers to it.
        assert filled >= {"users", "organizations", "teams", "projects", "workspaces", "state_versions", "varsets"}
        with app.app_context():
            for _ in revisions[1:]:
                before = counts(engine)
                downgrade(directory=MIGRATIONS, revision="-1")
                after = counts(engine)
                assert {name for name in after if after[name] != before[name]} <= CUT
                assert all(after[name] for name in CUT)
            for revision in reversed(revisions[:-1]):
                before = counts(engine)
                upgrade(directory=MIGRATIONS, revision=revision)
                after = counts(engine)
                assert {name: after[name] for name in before} == before
        api = Api(app)
        projects = api.get("/organizations/acme/projects", owner.token, q="net")["data"]
        assert {project["attributes"]["slug"] for project in projects} == {"net-work", "net-work-2"}
        [event] = [event for event in world.all(ActivityEvent) if event.action == "organizations.update"]
        assert event.organization_id


def in_use(app: Flask, world: World) -> Person:
    """Something in every table that tells whether its rows stay; its owner."""
    api, owner, other = Api(app), world.person(), world.person()
    acme = world.organization("acme", owner=owner)
    api.patch("/organizations/acme", owner.token, document("organizations", {"cost-estimation-enabled": True}))
    project = world.project(acme, "Net Work")
    world.project(acme, "net-work", slug="other")
    world.tag(project, "env", "test")
    workspace, reader = world.workspace(project, "net"), world.workspace(project, "reader")
    team = world.team(acme, "manage_workspaces")
    world.member(acme, team)
    world.access(team, project, "read")
    world.workspace_access(team, workspace, "read")
    world.token(acme)
    world.team_token(team)
    world.project_member(project, other, "viewer")
    world.acl_entry(workspace, other, "developer")
    world.add(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=reader.id))
    world.varset(acme, project=project)
    States(api, workspace, owner.token).save(state(outputs=OUTPUTS))
    return owner


def counts(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in inspect(connection).get_table_names()
            if name != VERSIONS
        }
