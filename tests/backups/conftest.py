"""A service with states, and commands about backups of it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pyrage
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


def in_a_process(work: str, data: bytes, passphrase: str) -> bytes:
    """What the library's own function makes of the data, in a process that has the memory of it for itself."""
    code = (
        f"import sys, pyrage; sys.stdout.buffer.write(pyrage.passphrase.{work}(sys.stdin.buffer.read(), sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, passphrase]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)  # noqa: S603 - as above
    if done.returncode != 0:
        raise pyrage.DecryptError(done.stderr.decode())
    return done.stdout


@pytest.fixture
def passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a passphrase. To make a key of one takes 256 MB, which this process would not give back."""
    apart = {work: partial(in_a_process, work) for work in ("encrypt", "decrypt")}
    monkeypatch.setattr(pyrage, "passphrase", SimpleNamespace(**apart))
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery\n")
    return path
