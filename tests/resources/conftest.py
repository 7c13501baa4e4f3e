"""The place where most tests of resources happen: an organization and the person who owns it."""

import pytest

from app.resources.models import Organization, Project
from tests.api import Api
from tests.states import States
from tests.world import Person, World


@pytest.fixture
def owner(world: World) -> Person:
    """Owns ``acme``."""
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    """An organization named acme with nothing in it but its default project."""
    return world.organization("acme", owner=owner)


@pytest.fixture
def states(api: Api, world: World, acme: Organization, owner: Person) -> States:
    """The states of the workspace net of acme, for its owner."""
    return States(api, world.workspace(world.project(acme), "net"), owner.token)


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """A project of acme named billing."""
    return world.project(acme, "billing")


@pytest.fixture
def bob(world: World) -> Person:
    """Has an account, and belongs nowhere."""
    return world.person("bob")
