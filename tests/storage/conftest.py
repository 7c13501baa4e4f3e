"""A workspace whose states are in the store, and the sweep of that."""

import shutil
from collections.abc import Callable

import pytest
from flask import Flask

from app.services import services
from app.storage.vault import Vault
from tests.support.api import Api
from tests.support.services import replace_services
from tests.support.states import States
from tests.support.sweeper import Broken, Sweeper
from tests.support.world import World


@pytest.fixture
def states(api: Api, world: World) -> States:
    """The states of the workspace net of acme, for its owner."""
    owner = world.person()
    organization = world.organization("acme", owner=owner)
    return States(api, world.workspace(world.project(organization), "net"), owner.token)


@pytest.fixture
def sweeper(app: Flask) -> Sweeper:
    """The sweep of the application, whose store is empty."""
    sweeper = Sweeper(app)
    shutil.rmtree(sweeper.folder, ignore_errors=True)
    return sweeper


@pytest.fixture
def broken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the store refuse to remove names with the part."""

    def breaking(part: str) -> None:
        vault: Vault = services(app).vault
        replace_services(monkeypatch, app, vault=Vault(Broken(vault.store, part), vault.keyring))

    return breaking
