"""The ledger of a service that kept objects before it had one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import StateVersion, StoredObject
from app.services import services
from app.storage.sweeping import sweep
from tests.conftest import NewDatabase
from tests.support.api import Api
from tests.support.states import States, state
from tests.support.world import World

MIGRATIONS = Path(__file__).parents[2] / "migrations"
BEFORE = "e7d2b94c5a18"


def test_the_objects_that_are_there_are_entered(
    new_database: NewDatabase, new_app: Callable[[str], AbstractContextManager[Flask]]
) -> None:
    with new_database() as url, new_app(url) as app:
        with app.app_context():
            upgrade(directory=MIGRATIONS)
        world = World(app)
        owner = world.person()
        workspace = world.workspace(world.project(world.organization("acme", owner=owner)), "net")
        states = States(Api(app), workspace, owner.token)
        states.lock()
        version = states.create(state())
        states.put(version, b"{}", part="json-state")
        states.put(version, state())
        states.unlock()
        with app.app_context():
            downgrade(directory=MIGRATIONS, revision=BEFORE)
            upgrade(directory=MIGRATIONS)
        engines = services(app).engines
        with Session(engines.writing) as session:
            kept = session.scalars(select(StateVersion)).one()
            listed = {each.name: each.created_at for each in session.scalars(select(StoredObject))}
        assert listed == {kept.state_object: kept.created_at, kept.json_state_object: kept.created_at}
        assert sweep(engines, services(app).vault, timedelta(0)) == 0
        states.api.delete(states.path, owner.token)
        with Session(engines.writing) as session:
            assert session.scalars(select(StoredObject)).all() == []
