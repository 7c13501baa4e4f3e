"""The data of the load test fits the tables as they are now."""

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.models.workspaces import Workspace
from bench import seed as seeding
from bench.seed import Seeded, seed
from tests.support.api import Api

SIZES = {"PROJECTS": 12, "WORKSPACES": 40, "TEAMS": 4, "USERS": 6, "TEAM_PROJECTS": 8, "SHOWN": 3, "TERMS": 2}


@pytest.fixture
def seeded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Seeded:
    for name, size in SIZES.items():
        monkeypatch.setattr(seeding, name, size)
    return seed(engine, "secret-key-of-the-test-suite-0123456789")


def test_everything_is_written(engine: Engine, seeded: Seeded) -> None:
    assert len(seeded.projects) == SIZES["SHOWN"]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Workspace)) == SIZES["WORKSPACES"]


def test_its_tokens_open_the_organization(api: Api, seeded: Seeded) -> None:
    for token in (seeded.owner_token, seeded.organization_token, seeded.member_token):
        api.get(f"/organizations/{seeded.organization}/projects", token)


def test_a_list_of_workspaces_shows_them_whole(api: Api, seeded: Seeded) -> None:
    listed = api.get(f"/organizations/{seeded.organization}/workspaces", seeded.owner_token)
    assert listed["meta"]["pagination"]["total-count"] == SIZES["WORKSPACES"]
    assert api.get(f"/workspaces/{listed['data'][0]['id']}", seeded.owner_token)["data"] == listed["data"][0]
