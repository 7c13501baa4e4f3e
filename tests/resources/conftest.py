"""The place where most tests of resources happen: an organization and the person who owns it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from app.models import Organization, Project
from tests.support.api import Api
from tests.support.invitation_page import Reader
from tests.support.invitations import invited, token_of
from tests.support.states import States
from tests.support.world import Person, World


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


@pytest.fixture
def at_once(app: Flask) -> Callable[..., list[int]]:
    """Sends requests (method, path, token, body) from threads of their own; their statuses in the order given.

    However they meet, none of them may end in a 5xx.
    """

    def send(*requests: tuple[str, str, str, Any]) -> list[int]:
        barrier = Barrier(len(requests))

        def run(request: tuple[str, str, str, Any]) -> int:
            method, path, token, sent = request
            api = Api(app)
            barrier.wait(timeout=10)
            return int(api.raw(method, path, token, sent).status_int)

        with ThreadPoolExecutor(len(requests)) as pool:
            statuses = list(pool.map(run, requests, timeout=60))
        assert [status for status in statuses if status >= 500] == []
        return statuses

    return send


@pytest.fixture
def invitation(api: Api, project: Project, owner: Person) -> Any:
    """Bob's into the project."""
    return invited(api, project, owner.token)


@pytest.fixture
def reader(app: Flask, invitation: Any) -> Reader:
    """Somebody with the link of it."""
    return Reader(app, token_of(invitation))
