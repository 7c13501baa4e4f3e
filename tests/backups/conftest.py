"""A service with states, and commands about backups of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.support.api import Api
from tests.support.states import States
from tests.support.sweeper import Sweeper
from tests.support.world import World

Backup = Callable[..., Result]


def on(app: Flask) -> Backup:
    """Runs ``flask backup …`` on the application."""

    def run(*arguments: object) -> Result:
        return app.test_cli_runner().invoke(args=["backup", *map(str, arguments)])

    return run


@pytest.fixture
def backup(app: Flask) -> Backup:
    return on(app)


@pytest.fixture
def states(api: Api, world: World, sweeper: Sweeper) -> States:
    """The states of a workspace, for its owner, in a store that was empty."""
    assert sweeper.files() == set()
    owner = world.person()
    return States(api, world.workspace(world.project(world.organization("acme", owner=owner)), "net"), owner.token)


@pytest.fixture
def sweeper(app: Flask) -> Iterator[Sweeper]:
    sweeper = Sweeper(app)
    for path in sweeper.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    yield sweeper
    sweeper.forget_spare_names()


@pytest.fixture
def another_app(
    new_app: Callable[[str], AbstractContextManager[Flask]],
    new_database: Callable[[], AbstractContextManager[str]],
) -> Callable[[], AbstractContextManager[Flask]]:
    """Makes an application with the same keys over an empty database, with an empty home."""

    @contextmanager
    def making() -> Iterator[Flask]:
        with new_database() as url, new_app(url) as other:
            yield other

    return making


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery\n")
    return path
