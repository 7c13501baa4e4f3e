"""A scene in front of the console."""

import pytest
from flask import Flask

from tests.support.api import Api
from tests.support.console import Scene
from tests.support.world import World


@pytest.fixture
def scene(app: Flask, api: Api, world: World) -> Scene:
    return Scene(app, api, world)
