"""What every answer carries in its head, success or not."""

import logging
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from webtest.response import TestResponse

from tests.support.api import Api
from tests.support.world import World

pytestmark = pytest.mark.one_database

CONTENT_TYPE = "application/vnd.api+json; charset=utf-8"

# (what, method, path, body): one request for each status that needs no resource.
ANSWERS = [
    pytest.param("GET", "/organizations", None, 200, id="a list"),
    pytest.param("GET", "/organizations/missing", None, 404, id="not found"),
    pytest.param("GET", "/no/such/path", None, 404, id="no such path"),
    pytest.param("PATCH", "/organizations", {}, 405, id="no such method"),
    pytest.param("POST", "/organizations", b"{", 400, id="no JSON"),
    pytest.param("POST", "/organizations", {}, 422, id="no resource object"),
    pytest.param("GET", "/organizations?page[size]=x", None, 400, id="a bad parameter"),
]


@pytest.fixture
def admin(world: World) -> str:
    return world.person(site_role="admin").token


@pytest.mark.parametrize(("method", "path", "body", "status"), ANSWERS)
def test_documents_are_jsonapi_with_the_headers_clients_need(
    api: Api, admin: str, method: str, path: str, body: object, status: int
) -> None:
    answer = api.raw(method, path, admin, body)
    assert answer.status_int == status
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    check_common_headers(answer, "max-age=0, private, must-revalidate" if status == 200 else "no-store")


@pytest.mark.parametrize("path", ["/ping", "/.well-known/terraform.json", "/organizations"])
def test_answers_without_a_token_have_the_common_headers_too(api: Api, path: str) -> None:
    check_common_headers(api.raw("GET", path))


def check_common_headers(answer: TestResponse, kept: str = "no-store") -> None:
    assert answer.headers["TFP-API-Version"] == "2.6"
    assert answer.headers["TFP-AppName"] == "HCP Terraform"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == kept
    assert answer.headers["X-Request-Id"]


def test_each_request_gets_an_id_of_its_own(api: Api) -> None:
    ids = [api.raw("GET", "/ping").headers["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize("given", ["a", "0af7651916cd43dd8448eb211c80319c", "proxy_1.req-2", "x" * 100])
@pytest.mark.parametrize("path", ["/ping", "/organizations", "/no/such/path"])
def test_a_harmless_request_id_is_taken_over(api: Api, path: str, given: str) -> None:
    assert api.raw("GET", path, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given",
    ["", " ", "two words", "x" * 101, 'quote"d', "semi;colon", "\xe9", "a/b", "%0a", "<script>"],
)
def test_a_harmful_request_id_is_replaced(api: Api, given: str) -> None:
    answered = api.raw("GET", "/ping", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", answered)


@pytest.fixture
def lines(app: Flask) -> Iterator[list[str]]:
    """The lines that the application's log handler would write."""
    logger = logging.getLogger(app.name)
    handler = logger.handlers[0]
    written: list[str] = []

    class Remembering(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # Filters sit on the handler that the application has installed.
            handler.filter(record)
            written.append(handler.format(record))

    remembering = Remembering()
    logger.addHandler(remembering)
    yield written
    logger.removeHandler(remembering)


def test_log_lines_carry_the_id_of_their_request(
    api: Api, admin: str, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        message = "kaboom with a secret"
        raise RuntimeError(message)

    monkeypatch.setattr("app.resources.organizations.organizations.routes.includes_of", explode)
    answer = api.raw("GET", "/organizations", admin, headers={"X-Request-Id": "the-id-of-the-proxy"})
    assert answer.status_int == 500
    assert answer.headers["X-Request-Id"] == "the-id-of-the-proxy"
    assert any("[the-id-of-the-proxy]" in line and "kaboom" in line for line in lines)


def test_log_lines_outside_of_a_request_have_no_id(lines: list[str]) -> None:
    logging.getLogger("app.somewhere").warning("standing alone")
    assert any("[-]" in line and "standing alone" in line for line in lines)


def test_an_unexpected_failure_tells_the_client_nothing(api: Api, admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        message = "kaboom with a secret"
        raise RuntimeError(message)

    monkeypatch.setattr("app.resources.organizations.organizations.routes.includes_of", explode)
    answer = api.raw("GET", "/organizations", admin)
    assert answer.status_int == 500
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert answer.json == {
        "errors": [{"status": "500", "title": "internal server error", "code": "internal-server-error"}]
    }
    check_common_headers(answer)
