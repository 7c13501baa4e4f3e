"""What the tests of run tasks share."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.receivers import Receiver, receiving
from tests.support.runs import Runs
from tests.support.webhooks import calling_this_machine
from tests.support.world import World


@pytest.fixture
def receiver(app: Flask) -> Iterator[Receiver]:
    """A run task that takes every request."""
    with calling_this_machine(app), receiving() as found:
        yield found


@pytest.fixture
def runs(app: Flask, api: Api, world: World) -> Runs:
    """A workspace whose runs an agent of its pool takes."""
    return Runs(app, api, world)
