"""Answers are compressed for clients that accept it, where that tells nobody anything."""

import gzip
from collections.abc import Callable

import pytest
from backports import zstd
from flask import Flask
from werkzeug.test import TestResponse as Response

from app.web.compression import LEAST_BYTES
from tests.support.api import Api, document
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database
PROJECTS = "/organizations/acme/projects"
Read = Callable[..., Response]


@pytest.fixture
def owner(world: World) -> Person:
    owner = world.person()
    acme = world.organization("acme", owner=owner)
    for _ in range(3):
        world.project(acme)
    return owner


@pytest.fixture
def read(app: Flask, owner: Person) -> Read:
    """Read as the owner. Not by webtest, which unpacks what is compressed."""

    def read(accepted: str | None, path: str = PROJECTS, **headers: str) -> Response:
        sent = {"Authorization": f"Bearer {owner.token}", **headers}
        coded = {} if accepted is None else {"Accept-Encoding": accepted}
        return app.test_client().get(f"/api/v2{path}", headers=sent | coded)

    return read


def test_it_is_compressed_as_the_client_wants(read: Read) -> None:
    plain = read(None)
    for accepted, coding, decompress in (
        ("gzip", "gzip", gzip.decompress),
        ("gzip, zstd", "zstd", zstd.decompress),
        ("br, gzip;q=0.5", "gzip", gzip.decompress),
    ):
        found = read(accepted)
        assert found.headers["Content-Encoding"] == coding
        assert decompress(found.data) == plain.data
        assert len(found.data) < len(plain.data) / 3
    for answer in (plain, read("identity"), read("br")):
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_a_compressed_answer_has_a_tag_of_its_own_that_can_be_sent_back(api: Api, owner: Person, read: Read) -> None:
    plain, packed = read(None), read("gzip")
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for tag in (plain.headers["ETag"], packed.headers["ETag"]):
        for accepted in ("gzip", None):
            again = read(accepted, **{"If-None-Match": tag})
            assert (again.status_code, again.headers["ETag"], again.data) == (304, tag, b"")
    path = f"/projects/{plain.get_json(force=True)['data'][0]['id']}"
    seen = read("gzip", path).headers["ETag"]
    sent = document("projects", {"description": "new"})
    assert api.raw("PATCH", path, owner.token, sent, headers={"If-Match": seen}).status_int == 200
    assert api.raw("PATCH", path, owner.token, sent, headers={"If-Match": seen}).status_int == 412


def test_what_is_short_or_may_hold_a_secret_is_not(api: Api, owner: Person, read: Read) -> None:
    sent = document("projects", {"name": "written"})
    made = api.raw("POST", PROJECTS, owner.token, sent, headers={"Accept-Encoding": "gzip"})
    assert len(made.body) > LEAST_BYTES
    for answer in (made, read("gzip", "/organizations/acme/tags"), read("gzip", "/none")):
        assert "Content-Encoding" not in answer.headers
