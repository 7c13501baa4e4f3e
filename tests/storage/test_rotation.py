"""A new master key, while the service runs."""

import pytest
from flask import Flask
from sqlalchemy import Engine, select, update

from app.models import StateVersion, StateVersionOutput
from app.services import services
from app.storage.keyring import DecryptionError, Keyring
from app.storage.rotation import reseal, sealed_columns
from app.storage.vault import Vault
from tests.support.services import replace_services
from tests.support.states import OUTPUTS, States, state
from tests.support.world import World

NEW = "new-master-key-0123456789-0123456789"
OLD = "encryption-key-of-the-test-suite-0123456789"


def use(app: Flask, monkeypatch: pytest.MonkeyPatch, *keys: str) -> Keyring:
    """Let the service run with these keys."""
    ring = Keyring(keys)
    replace_services(monkeypatch, app, keyring=ring, vault=Vault(services(app).vault.store, ring))
    return ring


def test_everything_sealed_is_known() -> None:
    names = {f"{table.name}.{column.name}" for table, column in sealed_columns()}
    assert {"state_versions.state_key", "state_versions.json_state_key", "state_version_outputs.value"} <= names


def test_after_a_rotation_the_old_key_may_go(
    states: States, app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = state(outputs=OUTPUTS)
    version = states.save(content)
    password = version["data"]["relationships"]["outputs"]["data"][1]["id"]
    use(app, monkeypatch, NEW, OLD)
    assert states.fetched(version) == content
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["rotate-encryption-keys"])
    assert (result.exit_code, result.output) == (0, "Sealed 4 with the first key.\n")
    ring = use(app, monkeypatch, NEW)
    assert states.fetched(version) == content
    shown = states.api.get(f"/state-version-outputs/{password}", states.token)["data"]["attributes"]
    assert (shown["name"], shown["value"]) == ("password", "hunter2")
    assert reseal(engine, ring) == 0


# On SQLite nobody else writes meanwhile.
@pytest.mark.only_postgresql
def test_what_is_changed_meanwhile_stays_as_it_was_changed(
    states: States, world: World, app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.save(state())
    ring = use(app, monkeypatch, NEW, OLD)
    unseal = ring.unseal

    def change_and_unseal(sealed: str) -> bytes:
        with engine.begin() as connection:
            connection.execute(update(StateVersion).values(state_key="changed"))
        return unseal(sealed)

    monkeypatch.setattr(ring, "unseal", change_and_unseal)
    assert reseal(engine, ring) == 0
    assert [each.state_key for each in world.all(StateVersion)] == ["changed"]


def test_nothing_is_lost_without_the_old_key(
    states: States, app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = states.save(state(outputs=OUTPUTS))
    ring = use(app, monkeypatch, NEW)
    with pytest.raises(DecryptionError):
        reseal(engine, ring)
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["rotate-encryption-keys"])
    assert result.exit_code == 1
    assert "GROUNDPLAN_ENCRYPTION_KEYS" in result.output
    use(app, monkeypatch, OLD)
    assert states.fetched(version) == state(outputs=OUTPUTS)


def test_nothing_of_a_state_stands_in_the_database_as_it_is(states: States, world: World) -> None:
    states.save(state(outputs=OUTPUTS))
    stored = [row.__dict__ for model in (StateVersion, StateVersionOutput) for row in world.all(model)]
    assert "hunter2" not in str(stored)
    assert "10.0.0.1" not in str(stored)


def test_more_rows_than_a_batch(states: States, app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    states.save(state(outputs={f"o{index}": {"value": index, "type": "number"} for index in range(450)}))
    ring = use(app, monkeypatch, NEW, OLD)
    assert reseal(engine, ring) == 451
    with engine.connect() as connection:
        values = connection.scalars(select(StateVersionOutput.value)).all()
    assert all(value.startswith(ring.newest) for value in values)
