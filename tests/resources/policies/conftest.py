"""What the tests of policies share."""

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.runs import Runs
from tests.support.world import World


@pytest.fixture
def runs(app: Flask, api: Api, world: World) -> Runs:
    """A workspace whose runs an agent of its pool takes."""
    return Runs(app, api, world)
