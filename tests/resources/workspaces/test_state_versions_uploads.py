"""The signed addresses: what they take and give, and to whom."""

import io
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from app.config import Settings
from app.persistence import now
from app.resources.workspaces.state_versions.state_parser import StateReader
from app.services import services
from app.web import signatures
from tests.support.api import MEDIA_TYPE, faults
from tests.support.services import replace_services
from tests.support.states import OUTPUTS, States, announcement, fetch, md5, put, state

WRONG_MD5 = "The MD5 parameter passed does not match the MD5 of the provided state"
NOT_VALID = "The address is not valid or has expired"
DAY = 24 * 60 * 60


def address(version: Any, part: str = "state-upload") -> str:
    return str(version["data"]["attributes"][f"hosted-{part}-url"])


def folder(app: Flask) -> Path:
    settings: Settings = services(app).settings
    return settings.home / "blobs"


def objects(app: Flask) -> set[Path]:
    return {path for path in folder(app).rglob("*") if path.is_file()}


def test_a_repeated_upload_changes_nothing(states: States, app: Flask) -> None:
    states.lock()
    version = states.create(state())
    states.put(version, state())
    states.put(version, b"{}", part="json-state")
    before, kept = states.show(version)["data"]["attributes"]["size"], objects(app)
    states.put(version, state())
    states.put(version, b"{}", part="json-state")
    assert states.put(version, state(2), expect=409).json["errors"][0]["detail"] == WRONG_MD5
    shown = states.show(version)
    assert shown["data"]["attributes"]["size"] == before
    assert states.fetched(shown) == state()
    assert objects(app) == kept


def test_a_token_on_the_address_is_ignored(states: States) -> None:
    states.lock()
    version = states.create(state())
    put(states.api, address(version), state(), Authorization="Bearer wrong")
    put(states.api, address(version, "json-state-upload"), b"{}", Authorization=f"Bearer {states.token}")


@pytest.mark.one_database
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/vnd.api+json", ""])
def test_the_media_type_of_an_upload_does_not_matter(states: States, content_type: str) -> None:
    states.lock()
    headers: dict[str, Any] = {"Content-Type": content_type}
    put(states.api, address(states.create(state())), state(), **headers)


def test_other_bytes_than_announced_are_refused_and_the_right_ones_still_taken(states: States, app: Flask) -> None:
    states.lock()
    before = objects(app)
    version = states.create(state())
    response = states.put(version, state(2), expect=409)
    assert faults(response.json) == [(WRONG_MD5, "")]
    assert objects(app) == before
    assert states.show(version)["data"]["attributes"]["status"] == "pending"
    states.put(version, state())


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "The state is not valid JSON"),
        (b"not json", "The state is not valid JSON"),
        (b'{"version": 4', "The state is not valid JSON"),
        (b'{"version": 4} {}', "The state is not valid JSON"),
        (b'{"version": NaN}', "The state is not valid JSON"),
        (b'{"version": 4, "x": "\xff"}', "The state is not valid JSON"),
        (b"[]", "The state is not a JSON object"),
        (b'{"version": 5}', "The state must have version 3 or 4, or be encrypted by OpenTofu"),
        (b'{"version": "4"}', "The state must have version 3 or 4, or be encrypted by OpenTofu"),
        (b'{"version": 1e400}', "The state must have version 3 or 4, or be encrypted by OpenTofu"),
        (b"{}", "The state must have version 3 or 4, or be encrypted by OpenTofu"),
    ],
)
@pytest.mark.parametrize("is_inline", [False, True], ids=["upload", "inline"])
def test_what_is_no_state_is_refused(states: States, app: Flask, content: bytes, text: str, *, is_inline: bool) -> None:
    states.lock()
    before = objects(app)
    document = announcement(state(), md5=md5(content))
    if is_inline:
        document["data"]["attributes"]["state"] = b64encode(content).decode()
        answer = states.api.post(f"{states.path}/state-versions", states.token, document, expect=422)
    else:
        version = states.api.post(f"{states.path}/state-versions", states.token, document)
        answer = states.put(version, content, expect=422).json
    assert faults(answer) == [(text, "")]
    assert objects(app) == before


@pytest.mark.one_database
@pytest.mark.parametrize("is_inline", [False, True], ids=["upload", "inline"])
def test_ten_megabytes_in_one_attribute(states: States, *, is_inline: bool) -> None:
    long = "x\\\n\u00e4" * 910_000
    content = state(check_results=long, outputs={"long": {"value": long[:2_000_000], "type": "string"}} | OUTPUTS)
    assert len(content) > 10_000_000
    states.lock()
    version = states.create(content, is_inline=is_inline)
    if not is_inline:
        states.put(version, content)
    shown = states.show(version)
    assert states.fetched(shown) == content
    found = states.api.get(f"/state-versions/{shown['data']['id']}/outputs", states.token)["data"]
    # Too long to be kept beside the state: without a detailed type, clients read the state.
    by_name = {each["attributes"]["name"]: each["attributes"] for each in found}
    assert by_name["long"]["value"] is None
    assert by_name["long"]["detailed-type"] is None
    assert by_name["address"]["value"] == "10.0.0.1"


@pytest.mark.one_database
def test_nesting_does_no_harm(states: States) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    content = state().replace(b'"check_results": null', b'"check_results": ' + deep)
    states.lock()
    version = states.create(state(), md5=md5(content))
    states.put(version, content)
    assert states.fetched(states.show(version)) == content


@pytest.mark.one_database
@pytest.mark.parametrize("number", [b"1" * 4_500, b"-" + b"1" * 70_000, b"1e99999999999999999999"])
def test_endless_numbers_are_refused(states: States, number: bytes) -> None:
    content = state().replace(b'"check_results": null', b'"check_results": ' + number)
    states.lock()
    states.put(states.create(state(), md5=md5(content)), content, expect=422)


def test_long_numbers_are_read_in_passing() -> None:
    numbers = b'{"version": 4, "x": [' + b",".join([b"1" * 3_999] * 500) + b"]}"
    pieces = (numbers[start : start + 65_536] for start in range(0, len(numbers), 65_536))
    began = time.process_time()
    assert sum(len(piece) for piece in StateReader().tee(pieces)) == len(numbers)
    # Tried at each digit, it took seven seconds.
    assert time.process_time() - began < 2


@pytest.mark.one_database
def test_a_truncated_upload_is_refused(states: States, app: Flask) -> None:
    states.lock()
    before = objects(app)
    version = states.create(state())
    answer = app.test_client().put(
        urlsplit(address(version)).path,
        environ_overrides={"wsgi.input": io.BytesIO(state()[:-10]), "CONTENT_LENGTH": str(len(state()))},
    )
    assert answer.status_code == 400
    assert states.show(version)["data"]["attributes"]["status"] == "pending"
    assert objects(app) == before
    states.put(version, state())


class InvalidChunkSize(Exception):
    """As gunicorn's of the same name: no OSError."""


class Malformed:
    """What gunicorn gives for a body whose chunks are malformed: no file, but something to read from."""

    def read(self, _size: int = -1) -> bytes:
        raise InvalidChunkSize


@pytest.mark.one_database
@pytest.mark.parametrize("part", ["state", "json-state"])
@pytest.mark.parametrize("kind", ["cut", "malformed"])
def test_a_truncated_upload_is_refused_that_the_server_takes_for_the_end(
    states: States, app: Flask, part: str, kind: str
) -> None:
    states.lock()
    version = states.create(state())
    before = objects(app)
    body = Malformed() if kind == "malformed" else io.BytesIO(state()[:-10])
    # So gunicorn does: where the connection broke the body just ends.
    sent = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(state()))}
    answer = app.test_client().put(urlsplit(address(version, f"{part}-upload")).path, environ_overrides=sent)
    assert answer.status_code == 400
    assert b"The request body could not be read" in answer.data
    assert objects(app) == before
    states.put(version, state(), part=part)
    assert states.fetched(states.show(version), part) == state()


@pytest.mark.one_database
def test_a_document_in_malformed_chunks_is_refused(states: States, app: Flask) -> None:
    sent = {"wsgi.input": Malformed(), "wsgi.input_terminated": True, "CONTENT_LENGTH": "9"}
    headers = {"Authorization": f"Bearer {states.token}", "Content-Type": MEDIA_TYPE}
    path = f"/api/v2{states.path}/actions/lock"
    answer = app.test_client().post(path, headers=headers, environ_overrides=sent)
    assert (answer.status_code, b"The request body could not be read" in answer.data) == (400, True)


@pytest.mark.one_database
@pytest.mark.parametrize("content", [b"", b"no JSON", b"{", b"{} {}", b'{"x": NaN}', b"\x1f\x8b\x08"])
def test_what_is_no_json_is_no_json_state(states: States, app: Flask, content: bytes) -> None:
    states.lock()
    version = states.create(state())
    before = objects(app)
    answer = states.put(version, content, part="json-state", expect=422).json
    assert faults(answer) == [("The JSON form of the state is not valid JSON", "")]
    assert objects(app) == before
    if content:
        encoded = b64encode(content).decode()
        assert faults(states.inline(state(), **{"json-state": encoded}, expect=422)) == faults(answer)
    states.put(version, b"{}", part="json-state")
    assert states.fetched(states.show(version), "json-state") == b"{}"


@pytest.mark.one_database
def test_an_upload_that_announces_too_much_is_refused_unread(states: States, app: Flask) -> None:
    states.lock()
    version = states.create(state())
    for part in ("json-state-upload", "state-upload"):
        answer = app.test_client().put(
            urlsplit(address(version, part)).path,
            environ_overrides={"wsgi.input": io.BytesIO(b""), "CONTENT_LENGTH": str(100 * 2**20 + 2)},
        )
        assert answer.status_code == 413


@pytest.mark.one_database
@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize(("missing", "status"), [(0, 200), (1, 413)])
def test_so_large_a_state_is_taken_and_no_larger_one(
    states: States, app: Flask, monkeypatch: pytest.MonkeyPatch, missing: int, status: int, *, is_announced: bool
) -> None:
    content = state()
    states.lock()
    version = states.create(content)
    settings: Settings = services(app).settings
    limited = replace(settings, state_bytes=len(content) - missing)
    replace_services(monkeypatch, app, settings=limited)
    length = str(len(content)) if is_announced else ""
    sent = {"wsgi.input": io.BytesIO(content), "wsgi.input_terminated": True, "CONTENT_LENGTH": length}
    assert app.test_client().put(urlsplit(address(version)).path, environ_overrides=sent).status_code == status


def test_uploads_at_once_of_one_state_are_one(states: States, app: Flask, at_once: Callable[..., list[int]]) -> None:
    for serial in range(1, 6):
        states.lock()
        content = state(serial, outputs=OUTPUTS)
        version = states.create(content)
        before = len(objects(app))
        upload = ("PUT", urlsplit(address(version)).path, None, content)
        assert at_once(*[upload] * 3) == [200] * 3
        assert len(objects(app)) == before + 1
        outputs = states.api.get(f"/state-versions/{version['data']['id']}/outputs", states.token)["data"]
        assert len(outputs) == len(OUTPUTS)
        states.unlock()


# --- the addresses ------------------------------------------------------------------------------------------------


def test_an_address_works_in_its_direction_and_for_its_object_only(states: States) -> None:
    first = states.save(state(1))
    states.lock()
    second = states.create(state(2))
    upload, download = address(second), address(first, "state-download")
    assert faults(put(states.api, download, state(2), expect=403).json) == [(NOT_VALID, "")]
    fetch(states.api, upload, expect=403)
    # The bytes of one version sent to the address of another.
    put(states.api, upload, state(1), expect=409)
    put(states.api, address(second, "json-state-upload"), state(2))
    assert states.show(second)["data"]["attributes"]["status"] == "pending"


@pytest.mark.one_database
def test_a_changed_address_opens_nothing(states: States) -> None:
    states.lock()
    version = states.create(state())
    url = address(version)
    ticket = url.rpartition("/")[2]
    signed, _, signature = ticket.rpartition(".")
    forged = f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    ends = [f"{ticket[:-1]}{last}" for last in "ABCDEFGH" if last != ticket[-1]]
    for other in (forged, *ends, "x" + ticket[1:], ticket.replace(".", "", 1), "x"):
        put(states.api, url.replace(ticket, other), state(), expect=403)
        fetch(states.api, url.replace(ticket, other), expect=403)


@pytest.mark.one_database
def test_an_address_of_another_service_opens_nothing(
    states: States, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.lock()
    url = address(states.create(state()))
    settings = services(app).settings
    replace_services(monkeypatch, app, settings=replace(settings, secret_key="another-secret" * 4))
    put(states.api, url, state(), expect=403)


@pytest.mark.parametrize(("age", "status"), [(DAY, 200), (DAY + 3700, 403)])
def test_an_address_expires(states: States, monkeypatch: pytest.MonkeyPatch, age: int, status: int) -> None:
    first = states.save(state(1))
    states.lock()
    second = states.create(state(2))
    monkeypatch.setattr(signatures, "now", lambda: now() + timedelta(seconds=age))
    put(states.api, address(second), state(2), expect=status)
    fetch(states.api, address(first, "state-download"), expect=status)


def test_an_address_of_what_is_gone_finds_nothing(states: States) -> None:
    version = states.save(state())
    states.lock()
    pending = states.create(state(2))
    states.api.delete(states.path, states.token)
    put(states.api, address(pending), state(2), expect=404)
    fetch(states.api, address(version, "state-download"), expect=404)


def test_downloads_tell_their_length(states: States) -> None:
    version = states.save(state())
    for method in ("GET", "HEAD"):
        response = states.api.raw(method, urlsplit(address(version, "state-download")).path)
        assert response.status_int == 200
        assert response.headers["Content-Type"] == "application/octet-stream"
    assert states.api.raw("GET", urlsplit(address(version, "state-download")).path).content_length == len(state())
