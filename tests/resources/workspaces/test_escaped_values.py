"""A value of the largest size fits into the body, however a client escapes its characters."""

import json

import pytest

from app.models import Organization
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

LARGEST = 256 * 1024


def escaped(value: str) -> bytes:
    """A document with the value, each character of it as ``\\u....``."""
    sent = json.dumps(document("vars", {"key": "xml", "category": "terraform", "value": "@", "description": "d" * 512}))
    units = value.encode("utf-16-be")
    text = "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    return sent.replace('"@"', f'"{text}"').encode()


@pytest.mark.parametrize("character", ["<", "\u00e9", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("kind", ["workspace", "set"])
def test_the_largest_value_fits(
    api: Api, world: World, acme: Organization, owner: Person, kind: str, character: str
) -> None:
    if kind == "workspace":
        path = f"/workspaces/{world.workspace(world.project(acme)).id}/vars"
    else:
        path = f"/varsets/{world.varset(acme).id}/relationships/vars"
    value = character * (LARGEST // len(character.encode()))
    assert api.post(path, owner.token, escaped(value))["data"]["attributes"]["value"] == value
    assert faults(api.post(path, owner.token, escaped(f"{value}{character}"), expect=422)) == [
        (f"Value is too long (maximum is {LARGEST} bytes)", "/data/attributes/value")
    ]
