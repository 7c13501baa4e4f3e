"""The first thing a new user does: curl with an organization's token."""

import json
import subprocess
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.service import MEDIA_TYPE, Service, document

pytestmark = [pytest.mark.needs("curl"), pytest.mark.one_database]

PROJECT = document("projects", {"name": "made-with-curl", "description": "from the command line"})
JSON_API = {"Content-Type": MEDIA_TYPE}


class Answer(NamedTuple):
    """What curl received; no document where the body was empty."""

    status: int
    content_type: str
    document: dict[str, Any]


def ask(service: Service, method: str, path: str, headers: dict[str, str], body: object = None) -> Answer:
    """One call of curl."""
    command = ["curl", "--silent", "--show-error", "--globoff", "--max-time", "30", "--request", method]
    command += ["--write-out", "\n%{http_code}\n%{content_type}"]
    for name, text in headers.items():
        command += ["--header", f"{name}: {text}" if text else f"{name}:"]
    if body is not None:
        command += ["--data", json.dumps(body)]
    command.append(f"{service.url}/api/v2/{path}")
    finished = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    text, status, content_type = finished.stdout.rsplit("\n", 2)
    return Answer(int(status), content_type, json.loads(text) if text else {})


@pytest.fixture
def bearer(service: Service) -> dict[str, str]:
    """The organization's token as a header."""
    return {"Authorization": f"Bearer {service.organization_token}"}


def test_a_project_lives_and_dies_by_curl(service: Service, bearer: dict[str, str]) -> None:
    projects = f"organizations/{service.organization}/projects"

    created = ask(service, "POST", projects, bearer | JSON_API, PROJECT)
    assert created.status == 201, created
    assert created.content_type.startswith(MEDIA_TYPE)
    project = f"projects/{created.document['data']['id']}"

    listed = ask(service, "GET", f"{projects}?q=WITH-CURL&page[size]=5", bearer)
    assert listed.status == 200
    assert [item["id"] for item in listed.document["data"]] == [created.document["data"]["id"]]
    assert listed.document["meta"]["pagination"]["total-count"] == 1

    shown = ask(service, "GET", project, bearer)
    assert shown.status == 200
    assert shown.document["data"] == created.document["data"] == listed.document["data"][0]
    assert shown.document["data"]["attributes"]["description"] == "from the command line"

    deleted = ask(service, "DELETE", project, bearer | JSON_API)
    assert (deleted.status, deleted.document) == (204, {})
    assert ask(service, "GET", project, bearer).status == 404


@pytest.mark.parametrize("token", [None, "not-a-token", ""])
def test_without_a_valid_token_everything_is_401(service: Service, token: str | None) -> None:
    headers = JSON_API if token is None else JSON_API | {"Authorization": f"Bearer {token}"}
    for method, body in (("GET", None), ("POST", PROJECT)):
        answer = ask(service, method, f"organizations/{service.organization}/projects", headers, body)
        assert answer.status == 401
        assert answer.document["errors"][0]["status"] == "401"


@pytest.mark.parametrize("content_type", ["", "application/json", "application/x-www-form-urlencoded"])
def test_a_body_of_another_content_type_is_415(service: Service, bearer: dict[str, str], content_type: str) -> None:
    headers = bearer | {"Content-Type": content_type}
    answer = ask(service, "POST", f"organizations/{service.organization}/projects", headers, PROJECT)
    assert answer.status == 415
    assert answer.document["errors"][0]["status"] == "415"


def test_ping_needs_no_token(service: Service) -> None:
    assert ask(service, "GET", "ping", {}).status == 204
