"""Reading finds its rows by index, on both databases."""

from itertools import product

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.models import Organization
from tests.support.api import Api
from tests.support.kept import compared
from tests.support.query_plans import Known, plans, read_from_end_to_end
from tests.support.scenes.activity import Activity
from tests.support.scenes.environments import Environments
from tests.support.scenes.projects import Projects
from tests.support.scenes.runs import Runs
from tests.support.scenes.scene import Scene
from tests.support.scenes.workspaces import Workspaces
from tests.support.world import Person, World


@pytest.mark.both_drivers
@pytest.mark.parametrize("kind", [Projects, Environments, Workspaces, Runs, Activity])
def test_no_table_is_read_from_end_to_end(
    api: Api, app: Flask, world: World, engine: Engine, acme: Organization, owner: Person, *, kind: type[Scene]
) -> None:
    scene = kind(api, world, engine, acme, owner)
    guilty = {}
    known: Known = {}
    # What is kept is executed by SQLAlchemy, too, and must find the same: so both of its plans are looked at.
    with compared() as kept:
        for path, who in product(scene.PATHS, scene.tokens):
            if scene.may_read(path, who):
                lines = plans(app, api, scene.addressed(path), scene.tokens[who], known=known)
                if found := read_from_end_to_end(lines, scene.TABLES):
                    guilty[path, who] = found
    assert guilty == {}
    assert len(kept) > len(scene.PATHS) * len(scene.tokens)


def test_events_are_found_by_the_index_of_their_place(
    api: Api, app: Flask, world: World, engine: Engine, acme: Organization, owner: Person, database_kind: str
) -> None:
    scene = Activity(api, world, engine, acme, owner)
    known: Known = {}
    for path, who in product(scene.PATHS, scene.tokens):
        lines = "\n".join(plans(app, api, scene.addressed(path), scene.tokens[who], known=known))
        place = path.removeprefix("/").partition("s/")[0]
        if place == "organization" and who in scene.OF_ONE_PROJECT:
            # A caller who reads the little that happened in few projects does not go through all of the organization.
            place = "project"
            assert "ix_activity_events_organization_id_" not in lines, f"{path} for {who}:\n{lines}"
        if place != "activity-event" and database_kind == "sqlite":
            # PostgreSQL may combine indexes, and its plan then names them elsewhere.
            assert f"ix_activity_events_{place}_id_" in lines, f"{path} for {who}:\n{lines}"
