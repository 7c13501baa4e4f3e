"""What tests of analytics ask for."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.analytics import Delivery, Sink
from app.models import Organization
from tests.support.analytics import Server
from tests.support.services import replace_services
from tests.support.world import Person, World


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of acme."""
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    """The organization of the requests."""
    return world.organization("acme", owner=owner)


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        started.append(Server(**options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def deliver(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Delivery]:
    """Lets the application deliver to a sink."""

    def use(sink: Sink, waiting: int = 100) -> Delivery:
        delivery = Delivery(sink, waiting)
        replace_services(monkeypatch, app, analytics=delivery)
        return delivery

    return use


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the service logs of analytics."""
    logger = logging.getLogger("app")
    propagates, logger.propagate = logger.propagate, True
    yield caplog
    logger.propagate = propagates
