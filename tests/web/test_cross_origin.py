"""Scripts of other sites may use the API if the operator has named the sites."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from webtest import TestApp

from app.application import create_app
from app.config import Settings
from app.services import services
from app.variables import InvalidSettingError
from tests.support.world import World

SITE = "https://portal.example.test"
QUESTION = {
    "Origin": SITE,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization, content-type, if-match",
}

pytestmark = pytest.mark.one_database


@pytest.fixture
def open_app(app: Flask) -> Iterator[Flask]:
    """The application, open to scripts of one site."""
    logger = logging.getLogger("app")
    handlers = logger.handlers
    opened = create_app(replace(services(app).settings, cors_origins=(SITE,)))
    yield opened
    services(opened).engines.dispose()
    logger.handlers = handlers


def test_a_browser_may_ask_and_then_read(open_app: Flask, world: World) -> None:
    told = TestApp(open_app).options("/api/v2/organizations", headers=QUESTION)
    assert told.status_int == 204
    assert told.headers["Access-Control-Allow-Origin"] == SITE
    assert "PATCH" in told.headers["Access-Control-Allow-Methods"]
    assert told.headers["Access-Control-Allow-Headers"].lower() == "authorization, content-type, if-match"
    sent = {"Origin": SITE, "Authorization": f"Bearer {world.person().token}"}
    read = TestApp(open_app).get("/api/v2/organizations", headers=sent)
    assert read.headers["Access-Control-Allow-Origin"] == SITE
    assert "ETag" in read.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in read.headers
    refused = TestApp(open_app).get("/api/v2/organizations", headers={"Origin": SITE}, status=401)
    assert refused.headers["Access-Control-Allow-Origin"] == SITE


def test_other_sites_and_other_addresses_are_not_open(open_app: Flask, app: Flask) -> None:
    other = QUESTION | {"Origin": "https://evil.example.test"}
    for asked, headers, path in (
        (open_app, other, "/api/v2/organizations"),
        (open_app, QUESTION, "/app"),
        (app, QUESTION, "/api/v2/organizations"),
    ):
        answer = TestApp(asked).options(path, headers=headers, expect_errors=True)
        assert "Access-Control-Allow-Origin" not in answer.headers
    TestApp(app).options("/api/v2/organizations", headers=QUESTION, status=405)


@pytest.mark.parametrize("origins", ["portal.example.com", "https://a.test/path", "https://a.test, *", "null"])
def test_what_no_browser_would_send_is_refused(origins: str) -> None:
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_CORS_ORIGINS"):
        Settings.from_environment({"GROUNDPLAN_CORS_ORIGINS": origins})
