"""Lists of large states: no answer has all that is in a hundred of them."""

from typing import Any

import pytest
from sqlalchemy import Engine, Text, cast, func, select

from app.jsonapi.errors import TooMuchIncluded
from app.models import Organization, StateVersion, StateVersionOutput
from app.resources.workspaces.state_versions import listing
from app.resources.workspaces.state_versions.listing import LISTED_LENGTH, OUTPUT_WEIGHT
from tests.support.api import Api, faults
from tests.support.states import OUTPUTS, States, state
from tests.support.world import Person, World

EXTRACTED = ("resources", "modules", "providers")
LISTED = "/state-versions?filter[organization][name]=acme&filter[workspace][name]=net"


def test_long_resources_are_for_the_version_by_itself(
    api: Api, world: World, engine: Engine, acme: Organization, owner: Person
) -> None:
    workspace = world.workspace(world.default_project(acme), "net")

    def version(number: int, length: int) -> StateVersion:
        told: dict[str, Any] = {"modules": {"root": {"a": 1}}, "providers": {"p": {"a": 1}}}
        return world.state_version(workspace, number=number, resources=[{"name": "x" * length}], **told)

    stored = select(func.length(cast(StateVersion.resources, Text))).where(StateVersion.id == version(1, 0).id)
    with engine.connect() as connection:
        around = connection.execute(stored).scalar_one()
    short, long = version(2, LISTED_LENGTH - around), version(3, LISTED_LENGTH - around + 1)

    shown = {each["id"]: each["attributes"] for each in api.get(LISTED, owner.token)["data"]}

    assert [shown[long.id][name] for name in EXTRACTED] == [None, None, None]
    assert shown[long.id]["resources-processed"] is False
    assert all(shown[short.id][name] for name in EXTRACTED)
    assert shown[short.id]["resources-processed"] is True
    for each in (short, long):
        alone = api.get(f"/state-versions/{each.id}", owner.token)["data"]["attributes"]
        assert alone["resources"] == each.resources
        assert alone["resources-processed"] is True


def test_a_large_state_that_is_included_is_as_in_a_list(states: States) -> None:
    version = states.save(state(resources=1_000))

    (included,) = states.api.get(f"{states.path}?include=current_state_version", states.token)["included"]

    assert included["id"] == version["data"]["id"]
    assert included["attributes"]["resources"] is None
    assert len(states.show(version)["data"]["attributes"]["resources"]) == 1_000


@pytest.mark.parametrize("path", [LISTED, "/organizations/acme/workspaces?"], ids=["of states", "of workspaces"])
def test_more_outputs_than_fit_into_an_answer_are_not_included(
    states: States, engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    states.save(state(outputs=OUTPUTS))
    with engine.connect() as connection:
        length = connection.execute(select(func.sum(func.length(StateVersionOutput.value)))).scalar_one()
    weight = length + len(OUTPUTS) * OUTPUT_WEIGHT

    monkeypatch.setattr(listing, "OUTPUTS_WEIGHT", weight)
    assert len(states.api.get(f"{path}&include=outputs", states.token)["included"]) == len(OUTPUTS)

    monkeypatch.setattr(listing, "OUTPUTS_WEIGHT", weight - 1)
    refused = states.api.get(f"{path}&include=outputs", states.token, expect=400)
    assert faults(refused) == [(TooMuchIncluded.detail, "include")]
