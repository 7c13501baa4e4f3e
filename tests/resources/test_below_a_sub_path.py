"""The service below a path of its host, and at the address that the operator has told it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from webtest import TestApp

from app.application import create_app
from app.services import services
from tests.support.api import Api, faults
from tests.support.browser import PASSWORD, Browser, address, person_with_password
from tests.support.states import States, announcement, state
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

ROOT = "/tools/gp"
URL = f"https://shared.example.test{ROOT}"
TOLD = {"X-Forwarded-Prefix": ROOT, "X-Forwarded-Host": "shared.example.test", "X-Forwarded-Proto": "https"}
LISTED = "/api/v2/organizations/acme/workspaces"


@pytest.fixture
def served(app: Flask) -> Iterator[Callable[..., Flask]]:
    """The application with other settings, over the same database."""
    with ExitStack() as stack:

        def serve(**changed: Any) -> Flask:
            other = create_app(replace(services(app).settings, **changed))
            stack.callback(services(other).engines.dispose)
            return other

        yield serve


@pytest.fixture(params=["setting", "proxy"])
def below(served: Callable[..., Flask], request: pytest.FixtureRequest) -> tuple[Flask, dict[str, str]]:
    """The application below the path, by either way to know it, and the headers that requests to it have."""
    if request.param == "setting":
        return served(url=URL), {}
    return served(trusted_proxies=1), TOLD


def get(app: Flask, path: str, token: str | None = None, **headers: str) -> Any:
    sent = {**headers, "Content-Type": "application/vnd.api+json"}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    return TestApp(app, lint=True).get(path, headers=sent, expect_errors=True)


def test_every_address_in_an_answer_has_the_path(below: tuple[Flask, dict[str, str]], states: States) -> None:
    app, told = below
    page = get(app, LISTED, states.token, **told).json
    assert page["links"]["self"].startswith(f"{URL}{LISTED}?page")
    (workspace,) = page["data"]
    assert workspace["links"]["self"] == f"{ROOT}/api/v2/organizations/acme/workspaces/net"
    links = [each["links"]["related"] for each in workspace["relationships"].values() if "links" in each]
    assert len(links) == 5
    assert {link[: len(ROOT) + 8] for link in links} == {f"{ROOT}/api/v2/"}
    states.lock()
    made = Api(app).raw("POST", f"{states.path}/state-versions", states.token, announcement(state()), headers=told)
    uploads = {name: url for name, url in made.json["data"]["attributes"].items() if name.endswith("upload-url")}
    assert [url.startswith(f"{URL}/objects/") for url in uploads.values()] == [True, True]
    # The address leads back here, whether or not the proxy cuts off the path.
    path = urlsplit(uploads["hosted-state-upload-url"]).path
    for arriving in (path, path.removeprefix(ROOT)):
        assert TestApp(app).put(arriving, state(), headers=told).status_int == 200


def test_discovery_names_the_path(below: tuple[Flask, dict[str, str]]) -> None:
    app, told = below
    named = get(app, "/.well-known/terraform.json", **told).json
    login = named.pop("login.v1")
    assert named == {
        **dict.fromkeys(("tfe.v2", "tfe.v2.1", "tfe.v2.2", "state.v2"), f"{ROOT}/api/v2/"),
        "modules.v1": f"{ROOT}/api/registry/v1/modules/",
    }
    assert (login["authz"], login["token"]) == (f"{ROOT}/oauth/authorization", f"{ROOT}/oauth/token")


@pytest.mark.parametrize("arriving", ["", ROOT])
def test_pages_and_their_cookie_stay_below_the_path(below: tuple[Flask, dict[str, str]], arriving: str) -> None:
    app, told = below
    page = get(app, arriving + address(), **told)
    assert page.status_int == 200, page.text
    assert page.forms[0].action.startswith(f"{ROOT}/sign-in?")
    name, *flags = page.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Secure-groundplan=")
    assert set(flags) == {"Secure", "HttpOnly", f"Path={ROOT}", "SameSite=Lax"}
    documentation = get(app, f"{arriving}/docs", **told).text
    assert f'data-address="{ROOT}/api/v2/openapi.json"' in documentation
    assert get(app, arriving or "/", **told).headers["Location"] == f"{ROOT}/api/v2/openapi.json"
    people = get(app, arriving or "/", **told, Accept="text/html").headers["Location"]
    assert people == f"{ROOT}/app"


def test_the_console_stays_below_the_path(served: Callable[..., Flask], world: World) -> None:
    person = person_with_password(world)
    world.organization("below", owner=person)
    browser = Browser(served(url=URL), scheme="https").app
    asked = browser.get(f"{ROOT}/app/below/workspaces?q=x", status=303)
    assert asked.location.startswith(f"{ROOT}/app/sign-in?next=%2Fapp%2Fbelow%2F")
    form = browser.get(asked.location).forms[0]
    assert form.action.startswith(f"{ROOT}/app/sign-in?")
    sent = {"form_token": form["form_token"].value, "account": person.username, "password": PASSWORD}
    signed_in = browser.post(form.action, sent, status=303)
    assert signed_in.location == f"{ROOT}/app/below/workspaces?q=x"
    shown = browser.get(f"{ROOT}/app/below")
    assert f"{ROOT}/api/v2/organizations/below" in shown.text
    assert {address[: len(ROOT)] for address in re.findall(r'(?:href|src|action)="(/[^"]*)"', shown.text)} == {ROOT}


def test_the_document_of_the_api_is_right_wherever_it_is_read(below: tuple[Flask, dict[str, str]]) -> None:
    app, told = below
    # Two levels up from .../api/v2/openapi.json
    assert get(app, "/api/v2/openapi.json", **told).json["servers"] == [{"url": "../.."}]


def test_the_setting_is_the_base_whatever_the_request_says(served: Callable[..., Flask], owner: Person) -> None:
    told = {**TOLD, "X-Forwarded-Prefix": "/else", "X-Forwarded-Host": "evil.test", "Host": "internal:8080"}
    app = served(url="https://plan.example.test:8443", trusted_proxies=1)
    page = get(app, "/api/v2/organizations?page[size]=1", owner.token, **told).json
    assert page["links"]["self"].startswith("https://plan.example.test:8443/api/v2/organizations?")
    cookie = get(app, address(), **told).headers["Set-Cookie"]
    assert cookie.startswith("__Host-groundplan=")
    assert "; Path=/;" in f"{cookie};"


def test_a_path_is_believed_from_trusted_proxies_alone(app: Flask, owner: Person) -> None:
    page = get(app, "/api/v2/organizations?page[size]=1", owner.token, **TOLD).json
    assert page["links"]["self"].startswith("http://localhost/api/v2/organizations?")


@pytest.mark.parametrize(
    "prefix", ["//evil.test", "evil", "/a/../b", "/a;b", "/a b", "/api", "/a//b", "/%2e%2e", "/a\\b", "/objects/x"]
)
def test_what_is_no_path_is_refused(served: Callable[..., Flask], owner: Person, prefix: str) -> None:
    told = {**TOLD, "X-Forwarded-Prefix": prefix}
    answer = get(served(trusted_proxies=1), "/api/v2/organizations?page[size]=1", owner.token, **told)
    assert answer.status_int == 400
    assert answer.json["errors"][0]["code"] == "bad-address"


def test_a_scheme_that_is_none_of_ours_is_refused(served: Callable[..., Flask], owner: Person) -> None:
    told = {**TOLD, "X-Forwarded-Proto": "javascript"}
    answer = get(served(trusted_proxies=1), "/api/v2/organizations?page[size]=1", owner.token, **told)
    assert answer.status_int == 400
    assert faults(answer.json) == [("The header X-Forwarded-Proto must be http or https", "")]


def test_signing_in_works_below_the_path(served: Callable[..., Flask]) -> None:
    browser = Browser(served(url=URL), scheme="https")
    page = browser.open()
    assert page.forms[0].action.startswith(f"{ROOT}/sign-in?")
    form = page.forms[0]
    form["account"], form["password"] = "nobody", "no password at all"
    # The form is one of ours, in this browser: only the password is wrong.
    assert "expired" not in form.submit(expect_errors=True).text


def test_what_is_made_once_gets_the_path_once(below: tuple[Flask, dict[str, str]], owner: Person) -> None:
    app, told = below
    for path in ("/api/v2/cloud-providers/aws", "/api/v2/cloud-providers"):
        first, second = (get(app, path, owner.token, **told).json["data"] for _ in range(2))
        assert first == second
