"""A state that is refused for good leaves nothing behind that holds up the workspace."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import faults
from tests.support.services import replace_services
from tests.support.states import States, announcement, md5, put, state
from tests.support.world import Person, World

DISCARDED = "The state version was discarded; its state is no longer accepted"


def address(version: Any, part: str = "state") -> str:
    return str(version["data"]["attributes"][f"hosted-{part}-upload-url"])


def status_of(states: States, version: Any) -> tuple[str, bool]:
    attributes = states.show(version)["data"]["attributes"]
    return attributes["status"], attributes["intermediate"]


def objects(app: Flask) -> set[Path]:
    return {path for path in (services(app).settings.home / "blobs").rglob("*") if path.is_file()}


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"version": 5}'])
def test_what_is_no_state_discards_its_version(
    states: States, app: Flask, world: World, owner: Person, content: bytes
) -> None:
    states.save(state(1))
    states.lock()
    before = objects(app)
    version = states.api.post(f"{states.path}/state-versions", states.token, announcement(state(2), md5=md5(content)))
    states.put(version, content, expect=422)
    assert status_of(states, version) == ("discarded", False)
    assert objects(app) == before
    assert faults(put(states.api, address(version), content, expect=409).json) == [(DISCARDED, "")]
    event = left_by_requests(world)[-1]
    assert (event.action, event.subject_id) == ("state-versions.discard", version["data"]["id"])
    assert (event.actor_id, event.changes) == (owner.id, {"status": ["pending", "discarded"]})
    states.unlock()
    assert states.current()["data"]["attributes"]["serial"] == 1
    states.save(state(2))


@pytest.mark.one_database
@pytest.mark.parametrize("is_announced", [True, False])
def test_what_is_too_large_discards_its_version_and_names_the_limit(
    states: States, app: Flask, monkeypatch: pytest.MonkeyPatch, *, is_announced: bool
) -> None:
    states.lock()
    content = state()
    version = states.create(content)
    limit = len(content) - 1
    replace_services(monkeypatch, app, settings=replace(services(app).settings, state_bytes=limit))
    length = str(len(content)) if is_announced else ""
    sent = {"wsgi.input": io.BytesIO(content), "wsgi.input_terminated": True, "CONTENT_LENGTH": length}
    for part in ("json-state", "state"):
        sent["wsgi.input"] = io.BytesIO(content)
        answer = app.test_client().put(urlsplit(address(version, part)).path, environ_overrides=sent)
        assert answer.status_code == 413
        assert answer.headers["Upload-Limit"] == f"max-size={limit}"
        assert faults(answer.json or {}) == [(f"The body may have at most {limit} bytes here", "")]
        # The JSON form is an extra: the state itself may still come.
        assert status_of(states, version) == (("discarded", False) if part == "state" else ("pending", True))
    states.unlock()


@pytest.mark.one_database
def test_a_refused_json_form_does_not_stop_the_state(states: States) -> None:
    states.lock()
    version = states.create(state())
    states.put(version, b"no JSON", part="json-state", expect=422)
    states.put(version, state())
    states.unlock()
    assert states.show(version)["data"]["attributes"]["status"] == "finalized"


@pytest.mark.one_database
def test_what_was_damaged_on_its_way_may_come_again(states: States) -> None:
    states.lock()
    version = states.create(state())
    states.put(version, state(2), expect=409)
    assert status_of(states, version) == ("pending", True)
    states.put(version, state())
    states.unlock()
