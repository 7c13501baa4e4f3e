"""A broken constraint is known by the same name on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.models import (
    AuthenticationToken,
    Organization,
    OrganizationMembership,
    Project,
    Team,
    TeamMember,
    User,
    Workspace,
)
from app.persistence import Base, violated_constraint
from app.persistence.integrity import FOREIGN_KEY
from tests.support.world import World

pytestmark = pytest.mark.both_drivers

Breach = Callable[[Session, Organization], object]


def somebody(session: Session) -> str:
    """The id of the one who owns the organization."""
    return session.scalars(select(User.id).where(User.username == "ada")).one()


def broken(engine: Engine, organization: Organization, breach: Breach) -> str | None:
    with Session(engine) as session:
        try:
            breach(session, organization)
            session.flush()
        except IntegrityError as error:
            return violated_constraint(error)
    pytest.fail("nothing was broken")


BREACHES: dict[str, tuple[Breach, str | None]] = {
    "a unique expression": (
        lambda session, _: session.add(Organization(name="ACME", email="x@example.test")),
        "uq_organizations_name",
    ),
    "a unique expression beside a column": (
        lambda session, own: session.add(Team(organization_id=own.id, name="Builders")),
        "uq_teams_organization_id_name",
    ),
    "a unique expression of another table": (
        lambda session, _: session.add(User(username="Ada", email="other@example.test")),
        "uq_users_username",
    ),
    "the other one of two": (
        lambda session, _: session.add(User(username="other", email="ADA@example.test")),
        "uq_users_email",
    ),
    "a unique index over a part of the rows": (
        lambda session, own: session.add(Team(organization_id=own.id, name="second owners", is_owners=True)),
        "uq_teams_owners",
    ),
    "a unique column": (
        lambda session, _: session.add_all(
            AuthenticationToken(digest="same", kind="user", user_id=somebody(session)) for _ in range(2)
        ),
        "uq_authentication_tokens_digest",
    ),
    "unique columns": (
        lambda session, own: session.add(OrganizationMembership(organization_id=own.id, user_id=somebody(session))),
        "uq_organization_memberships_organization_id_user_id",
    ),
    "a key": (
        lambda session, own: session.execute(
            insert(Organization), [{"id": own.id, "name": "another", "email": "x@example.test"}]
        ),
        "pk_organizations",
    ),
    "a check": (
        lambda session, own: session.execute(
            update(Organization).where(Organization.id == own.id).values(default_execution_mode="nowhere")
        ),
        "ck_organizations_default_execution_mode",
    ),
    "a check of several columns": (
        lambda session, own: session.add(AuthenticationToken(digest="d", kind="user", organization_id=own.id)),
        "ck_authentication_tokens_kind",
    ),
    "a missing row": (
        lambda session, _: session.add(Project(organization_id="org-missing", name="astray")),
        FOREIGN_KEY,
    ),
    "one of two missing rows": (
        lambda session, _: session.add(TeamMember(team_id="team-missing", membership_id="ou-missing")),
        FOREIGN_KEY,
    ),
    "a row that others need": (
        lambda session, own: session.execute(
            delete(Project).where(Project.organization_id == own.id, Project.name == "occupied")
        ),
        FOREIGN_KEY,
    ),
    "a value that must be there": (
        lambda session, own: session.execute(update(Organization).where(Organization.id == own.id).values(email=None)),
        None,
    ),
}


@pytest.mark.parametrize(("breach", "expected"), BREACHES.values(), ids=BREACHES.keys())
def test_a_broken_constraint_is_told_by_name(
    engine: Engine, world: World, breach: Breach, expected: str | None
) -> None:
    organization = world.organization("acme", owner=world.person("ada"))
    world.team(organization, name="builders")
    world.workspace(world.project(organization, "occupied"))
    assert broken(engine, organization, breach) == expected


def test_the_workspaces_hold_their_project() -> None:
    # What "a row that others need" above stands on: no cascade from a project to its workspaces.
    keys = Workspace.__table__.c.project_id.foreign_keys
    assert {key.column.table.name: key.ondelete for key in keys} == {"projects": None, "environments": None}


def test_every_constraint_that_names_a_taken_attribute_exists() -> None:
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        known = {str(each.name) for each in (*table.constraints, *table.indexes)}  # type: ignore[attr-defined]
        assert set(mapper.class_.unique_errors) <= known
