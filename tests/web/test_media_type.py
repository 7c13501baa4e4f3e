"""Changing requests with a body announce JSON:API; those without one, and reading ones, need not."""

from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.world import World

pytestmark = pytest.mark.one_database

JSONAPI = "application/vnd.api+json"
CHANGING = [
    ("POST", "/api/v2/organizations"),
    ("PATCH", "/api/v2/organizations/missing"),
    ("PUT", "/api/v2/organizations/missing"),
    ("DELETE", "/api/v2/organizations/missing"),
    ("DELETE", "/api/v2/authentication-tokens/at-missing"),
    ("POST", "/api/v2/organizations/missing/authentication-token"),
]
OTHER_TYPES = [
    None,
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/vnd.api+jsonx",
    "application/vnd.api",
    "; charset=utf-8",
]


@pytest.fixture
def client(app: Flask, world: World) -> FlaskClient:
    # Flask's own client, because it sends no content type by itself.
    client = app.test_client()
    token = world.person(site_role="admin").token
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def test_another_media_type_is_refused(client: FlaskClient, subtests: pytest.Subtests) -> None:
    expected = {
        "status": "415",
        "title": "unsupported media type",
        "code": "unsupported-media-type",
        "detail": "Content-Type must be application/vnd.api+json",
    }
    for (method, path), content_type in product(CHANGING, OTHER_TYPES):
        with subtests.test(f"{method} {path}", content_type=content_type):
            answer = client.open(path, method=method, data=b"{}", content_type=content_type)
            assert answer.status_code == 415
            assert answer.json == {"errors": [expected]}


# Flask's client writes a body for a form.
@pytest.mark.parametrize("content_type", [each for each in OTHER_TYPES if each is None or "multipart" not in each])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v2/organizations/missing/authentication-token", 404),
        ("DELETE", "/api/v2/organizations/missing", 404),
        ("POST", "/api/v2/workspaces/ws-missing/actions/unlock", 404),
        # A document is needed here.
        ("POST", "/api/v2/organizations", 400),
    ],
)
def test_without_a_body_there_is_nothing_to_announce(
    client: FlaskClient, method: str, path: str, status: int, content_type: str | None
) -> None:
    assert client.open(path, method=method, data=b"", content_type=content_type).status_code == status


def test_a_body_of_unknown_length_is_one(client: FlaskClient) -> None:
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post("/api/v2/organizations", data=b"{}", content_type="text/plain", environ_overrides=chunked)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "content_type",
    [JSONAPI, f"{JSONAPI}; charset=utf-8", f"{JSONAPI};charset=UTF-8", "Application/VND.API+JSON", f"{JSONAPI}; ext=x"],
)
@pytest.mark.parametrize(("method", "path"), CHANGING[1:4])
def test_parameters_and_case_of_the_media_type_do_not_matter(
    client: FlaskClient, method: str, path: str, content_type: str
) -> None:
    assert client.open(path, method=method, data=b"", content_type=content_type).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_an_unknown_path_is_not_found_before_the_media_type_matters(client: FlaskClient, method: str) -> None:
    assert client.open("/api/v2/nowhere", method=method).status_code == 404


def test_a_wrong_method_is_told_before_the_media_type_matters(client: FlaskClient) -> None:
    assert client.open("/api/v2/organizations", method="DELETE").status_code == 405


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_reading_needs_no_media_type(client: FlaskClient, content_type: str | None) -> None:
    answer = client.get("/api/v2/organizations", content_type=content_type)
    assert answer.status_code == 200
    assert answer.mimetype == JSONAPI
