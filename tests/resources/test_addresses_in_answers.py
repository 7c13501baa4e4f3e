"""Absolute addresses in answers: those by which the client came here; proxies in between count if they are known."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import EnvironBuilder
from werkzeug.test import run_wsgi_app

from app.application import create_app
from app.services import services
from tests.support.api import Api, faults
from tests.support.states import States, announcement, state

pytestmark = pytest.mark.one_database

DIRECT = "http://localhost"
CLAIMS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "terraform.acme.test:8443", "X-Forwarded-For": "10.0.0.9"}
CLAIMED = "https://terraform.acme.test:8443"


@pytest.fixture
def behind(app: Flask, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The application with as many proxies in front as the parameter says, over the same database."""
    proxied = create_app(replace(services(app).settings, trusted_proxies=request.param))
    yield Api(proxied)
    services(proxied).engines.dispose()


def addresses(api: Api, states: States, **headers: str) -> set[str]:
    """The schemes and hosts of all addresses in a new state version and in a page of a list."""
    said: dict[str, Any] = {"headers": headers}
    states.lock()
    made = api.raw("POST", f"{states.path}/state-versions", states.token, announcement(state()), **said)
    assert made.status_int == 201, made.text
    listed = api.raw("GET", "/organizations/acme/workspaces", states.token, **said)
    attributes = made.json["data"]["attributes"]
    found = [*listed.json["links"].values(), *(attributes[name] for name in attributes if name.endswith("-url"))]
    absolute = [text for text in found if text is not None]
    assert len(absolute) >= 5
    return {"/".join(text.split("/")[:3]) for text in absolute}


@pytest.mark.parametrize("behind", [0], indirect=True)
def test_nobody_is_believed_by_default(app: Flask, behind: Api, states: States) -> None:
    assert services(app).settings.trusted_proxies == 0
    assert addresses(behind, states, **CLAIMS) == {DIRECT}


@pytest.mark.parametrize("behind", [1], indirect=True)
def test_a_known_proxy_is_believed(behind: Api, states: States) -> None:
    assert addresses(behind, states, **CLAIMS) == {CLAIMED}


@pytest.mark.parametrize("behind", [1], indirect=True)
def test_a_proxy_that_says_nothing_changes_nothing(behind: Api, states: States) -> None:
    assert addresses(behind, states) == {DIRECT}


@pytest.mark.parametrize("behind", [1], indirect=True)
def test_what_a_client_says_to_the_proxy_is_not_believed(behind: Api, states: States) -> None:
    # A proxy adds its own word at the end of what it was told.
    told = {"X-Forwarded-Proto": "gopher, https", "X-Forwarded-Host": f"evil.test, {CLAIMED.removeprefix('https://')}"}
    assert addresses(behind, states, **told) == {CLAIMED}


@pytest.mark.parametrize("behind", [2], indirect=True)
def test_of_two_proxies_the_outer_one_knows_the_client(behind: Api, states: States) -> None:
    told = {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "terraform.acme.test:8443, inner.test"}
    assert addresses(behind, states, **told) == {CLAIMED}


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("ground_plan:8080", "ground_plan:8080"),
        ("state.tools_prod.svc", "state.tools_prod.svc"),
        ("Plan.Example.Test:443", "Plan.Example.Test:443"),
        ("localhost:80", "localhost"),
        ("localhost:", "localhost"),
        ("[::1]:8080", "[::1]:8080"),
        ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"),
        ("xn--hst-sna.test", "xn--hst-sna.test"),
        ("h%C3%B6st.test", "h%C3%B6st.test"),
    ],
)
def test_the_host_is_kept_as_it_was_sent(api: Api, states: States, host: str, shown: str) -> None:
    assert addresses(api, states, Host=host) == {f"http://{shown}"}


@pytest.mark.parametrize(
    "host",
    [
        *("", ":8080", "a b", "h\u00f6st.test", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1", "[1.2.3.4]"),
        *("user@host", "host:8o", "host/x", "host?x", "host#x", 'h"ost', "host\\x", "h%zzst", "a,b/c"),
    ],
)
def test_a_host_that_makes_no_address_is_refused_before_anything_is_done(api: Api, states: States, host: str) -> None:
    states.lock()
    sent = announcement(state())
    answer = api.raw("POST", f"{states.path}/state-versions", states.token, sent, headers={"Host": host})
    assert answer.status_int == 400
    assert faults(answer.json) == [("The header Host must be a host by RFC 3986, perhaps with a port", "")]
    assert states.api.get(f"{states.path}/current-state-version", states.token, expect=404)
    states.unlock()


def test_without_a_host_the_server_s_own_name_counts(app: Flask, states: States) -> None:
    environ = {"HTTP_AUTHORIZATION": f"Bearer {states.token}", "SERVER_NAME": "::1", "SERVER_PORT": "8080"}
    sent = EnvironBuilder(app, "/api/v2/organizations/acme/workspaces", environ_overrides=environ).get_environ()
    del sent["HTTP_HOST"]
    body, status, _ = run_wsgi_app(app, dict(sent))
    assert status == "200 OK"
    assert b"http://[::1]:8080/api/v2/organizations/acme/workspaces?" in b"".join(body)
    # The server listens at a socket of the machine.
    assert run_wsgi_app(app, {**sent, "SERVER_NAME": "/run/groundplan.sock"})[1] == "400 BAD REQUEST"
