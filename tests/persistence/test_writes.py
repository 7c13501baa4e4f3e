"""Several rows at once: what is written, and what a violated constraint becomes."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError

from app.models import Environment, Organization, Project, TagBinding, Workspace
from app.persistence import Base, ChangedRow, NewRow, new_row, violated_constraint, write_rows
from tests.support.world import World

pytestmark = pytest.mark.both_drivers


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


WORKSPACES = Base.metadata.tables["workspaces"]


def rows_of(project: Project) -> list[NewRow]:
    row = new_row(project)
    return [row, new_row(Environment(organization_id=project.organization_id, project_id=project.id, is_default=True))]


def test_rows_and_changes_are_written_together(world: World, acme: Organization, engine: Engine) -> None:
    before = world.workspace(world.project(acme), "network")
    project = Project(organization_id=acme.id, name="new", slug="new", custom_metadata={"a": [1, None, "ü"]})
    moment = before.created_at + timedelta(days=1)
    changed = ChangedRow(
        WORKSPACES, {"updated_at": moment, "locked": True, "trigger_prefixes": ["a"], "description": None}, before.id
    )
    sent: list[str] = []
    with engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *seen: sent.append(seen[2]))
        write_rows(connection, *rows_of(project), changed)
    assert len(sent) == (1 if engine.dialect.name == "postgresql" else 3)
    (written,) = [each for each in world.all(Project) if each.name == "new"]
    assert (written.id, written.created_at) == (project.id, project.created_at)
    assert (written.custom_metadata, written.public_read, written.is_default) == ({"a": [1, None, "ü"]}, False, False)
    assert (written.updated_at, written.description) == (None, None)
    (environment,) = [each for each in world.all(Environment) if each.project_id == project.id]
    assert (environment.name, environment.is_default) == ("default", True)
    (after,) = world.all(Workspace)
    assert (after.updated_at, after.locked, after.trigger_prefixes) == (moment, True, ["a"])
    assert (after.name, after.created_at) == (before.name, before.created_at)


def test_a_violated_constraint_has_its_name_and_nothing_is_written(
    world: World, acme: Organization, engine: Engine
) -> None:
    world.project(acme, "taken")
    count = len(world.all(Project))
    project = Project(organization_id=acme.id, name="TAKEN", slug="other")
    with pytest.raises(IntegrityError) as refused, engine.begin() as connection:
        write_rows(connection, *rows_of(project))
    assert violated_constraint(refused.value) == "uq_projects_organization_id_name"
    assert len(world.all(Project)) == count


@pytest.mark.one_database
def test_a_default_that_needs_other_values_is_refused() -> None:
    with pytest.raises(AttributeError):
        new_row(TagBinding(key="env", value="prod"))
