"""The rows that tests begin with are those that the service itself would write."""

import re
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session

from app.authentication.tokens import new_token
from app.bootstrap import add_token
from app.models import AgentPool, Organization, OrganizationMembership, Project, TagBinding, Team, User
from app.persistence import Base
from app.resources.organizations.organizations.operations import create_organization_with_owner, make_owner
from app.services import services
from tests.support.rows import can_insert
from tests.support.world import World

ID = re.compile(r"^([a-z]+)-[1-9A-HJ-NP-Za-km-z]{16}$")


def plain(value: object) -> object:
    """The value, or the kind of a value that is another one each time."""
    if isinstance(value, datetime):
        return "a moment"
    if isinstance(value, str):
        return "a digest" if len(value) == 64 else ID.sub(r"\1", value)
    return value


# Events are numbered by the database.
NUMBERED = "position"


def written(engine: Engine) -> dict[str, list[Any]]:
    """Every row of the database, without what is another each time."""
    with engine.connect() as connection:
        rows = {
            table.name: connection.execute(select(*table.c)).mappings().all() for table in Base.metadata.sorted_tables
        }
    return {
        name: sorted(({key: plain(value) for key, value in row.items() if key != NUMBERED} for row in found), key=str)
        for name, found in rows.items()
        if found
    }


@pytest.fixture
def by_service(app: Flask, engine: Engine) -> dict[str, list[Any]]:
    """What the service writes for a user, for an organization of theirs, and for another owner of it."""
    with Session(engine) as session, session.begin():
        people = [User(username=name, email=f"{name}@example.test") for name in ("ada", "bob")]
        session.add_all(people)
        session.flush()
        for user in people:
            add_token(session, services(app).settings, new_token(), user_id=user.id)
        place = {"name": "acme", "email": "acme@example.test"}
        organization = create_organization_with_owner(session, place, people[0].id)
        membership = OrganizationMembership(organization_id=organization.id, user_id=people[1].id)
        session.add(membership)
        session.flush()
        make_owner(session, membership)
    rows = written(engine)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    return rows


def test_people_and_places_are_like_those_of_the_service(
    by_service: dict[str, list[Any]], engine: Engine, world: World
) -> None:
    ada = world.person("ada")
    acme = world.organization("acme", owner=ada)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "_name", lambda _kind: "bob")
        world.owner(acme)
    assert written(engine) == by_service


def test_an_entity_knows_the_whole_row(engine: Engine, world: World) -> None:
    acme = world.organization("acme")
    project = world.project(acme, "billing", description="of acme")
    made: list[Any] = [
        acme,
        project,
        world.team(acme, "manage-teams"),
        world.tag(project, "key"),
        world.pool(acme, "pool"),
    ]
    for entity in made:
        assert can_insert(type(entity)())
        assert inspect(entity).detached
        with Session(engine) as session:
            there = session.get_one(type(entity), entity.id)
            for attribute in inspect(type(entity)).column_attrs:
                if attribute.columns[0].table is not None:
                    assert getattr(entity, attribute.key) == getattr(there, attribute.key), attribute
    assert {type(entity) for entity in made} == {Organization, Project, Team, TagBinding, AgentPool}


def test_an_entity_can_be_removed(engine: Engine, world: World) -> None:
    project = world.project(world.organization("acme"))
    world.remove(world.tag(project, "key"))
    assert "tag_bindings" not in written(engine)
