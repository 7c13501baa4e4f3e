"""What the tests of runs share."""

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.runs import Runs
from tests.support.world import World


@pytest.fixture
def runs(app: Flask, api: Api, world: World) -> Runs:
    """A workspace whose runs an agent of its pool takes."""
    return Runs(app, api, world)


@pytest.fixture
def filled(runs: Runs) -> Runs:
    """The workspace has a state with a resource."""
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    assert runs.status(run_id) == "applied"
    return runs
