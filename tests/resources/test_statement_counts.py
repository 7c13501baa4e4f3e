"""How many SQL statements a request sends: the numbers in the scenes are the baseline, a change of one wants a reason.

They are the same for one row and for many, in small tables and in large ones.
"""

import pytest
from sqlalchemy import Engine

from app.models import Organization
from tests.support.api import Api
from tests.support.scenes.activity import Activity
from tests.support.scenes.projects import Projects
from tests.support.scenes.runs import Runs
from tests.support.scenes.scene import Scene
from tests.support.scenes.workspaces import Workspaces
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World


@pytest.mark.parametrize("kind", [Projects, Workspaces, Runs, Activity])
def test_a_read_costs_the_same_whatever_there_is(
    api: Api,
    world: World,
    engine: Engine,
    acme: Organization,
    owner: Person,
    statements: Statements,
    *,
    kind: type[Scene],
) -> None:
    scene = kind(api, world, engine, acme, owner)
    for token in scene.tokens.values():
        api.get("/organizations/acme", token)  # notes that the token was used, as it does every few minutes
    expected = {(path, who): int(count) for path, who, count in scene.READS}
    for added in scene.SIZES:
        scene.fill(added)
        size = "page[size]=100" if added else ""
        costs = {
            (path, who): cost(
                statements,
                api,
                scene.tokens[who],
                ("GET", scene.addressed(f"{path}{'&' if '?' in path else '?'}{size}"), None),
            )
            for path, who in expected
        }
        assert costs == expected, f"with {added} more"


@pytest.mark.parametrize("kind", [Projects, Workspaces])
def test_a_write_costs_the_same_whatever_there_is(
    api: Api,
    world: World,
    engine: Engine,
    acme: Organization,
    owner: Person,
    statements: Statements,
    *,
    kind: type[Scene],
) -> None:
    scene = kind(api, world, engine, acme, owner)
    token = scene.tokens["owner"]
    api.get("/organizations/acme", token)
    which = ("sqlite", "postgresql").index(engine.dialect.name)
    expected = {write: of[which] if isinstance(of, tuple) else of for write, of in scene.WRITES.items()}
    for added, count in zip(scene.SIZES, (1, 51), strict=True):
        scene.fill(added)
        costs = {write: cost(statements, api, token, scene.request(write, count)) for write in scene.WRITES}
        assert costs == expected, f"with {added} more, for {count}"
