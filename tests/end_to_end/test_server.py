"""What only a real server shows: concurrent writers, sudden ends, restarts and signals."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select

from app.models import Environment, Workspace
from tests.end_to_end.service import Service, document

WRITERS = 16
PROJECTS_OF_EACH_WRITER = 6
WORKSPACES = 2_000
WIPE = "projects.wipe"
FIRST_MOMENT = 0.03


def at_once(actions: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Do all of it in the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(actions))

    def act(action: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))


def create_project(http: httpx.Client, organization: str, name: str) -> httpx.Response:
    """Ask for a project."""
    return http.post(f"organizations/{organization}/projects", json=document("projects", {"name": name}))


def listed(http: httpx.Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    """Every resource of a list, page after page."""
    resources: list[dict[str, Any]] = []
    number: int | None = 1
    while number is not None:
        answer = http.get(path, params=parameters | {"page[number]": str(number), "page[size]": "100"})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        resources += page["data"]
        number = page["meta"]["pagination"]["next-page"]
    return resources


def test_sixteen_writers_at_once_all_succeed(http: httpx.Client, organization: str) -> None:
    names = [[f"writer-{writer}-{turn}" for turn in range(PROJECTS_OF_EACH_WRITER)] for writer in range(WRITERS)]
    barrier = threading.Barrier(WRITERS)

    def write(own: list[str]) -> list[int]:
        barrier.wait()
        return [create_project(http, organization, name).status_code for name in own]

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = Counter(status for answers in pool.map(write, names) for status in answers)

    assert statuses == {201: WRITERS * PROJECTS_OF_EACH_WRITER}
    there = [project["attributes"]["name"] for project in listed(http, f"organizations/{organization}/projects")]
    assert sorted(there) == sorted(["Default Project", *(name for own in names for name in own)])


@pytest.mark.parametrize("creators", [2, 8])
def test_of_several_creators_of_one_name_exactly_one_succeeds(
    http: httpx.Client, organization: str, creators: int
) -> None:
    for turn in range(8):
        # Names differ in nothing but case, which is no difference.
        spellings = [f"Race {turn}" if creator % 2 else f"RACE {turn}" for creator in range(creators)]
        answers = at_once([partial(create_project, http, organization, name) for name in spellings])

        assert Counter(answer.status_code for answer in answers) == {201: 1, 422: creators - 1}
        pointers = {answer.json()["errors"][0]["source"]["pointer"] for answer in answers if answer.status_code == 422}
        assert pointers == {"/data/attributes/name"}
    assert len(listed(http, f"organizations/{organization}/projects", q="race")) == 8


def test_a_second_bootstrap_prints_no_tokens_and_loses_nothing(service: Service, http: httpx.Client) -> None:
    assert create_project(http, service.organization, "before-bootstrap").status_code == 201

    again = service.bootstrap()

    assert not {"user_token", "organization_token"} & again.keys()
    assert service.user_token not in again.values()
    assert again["organization"] == service.organization
    assert again["username"] == service.username
    for token in (service.user_token, service.organization_token):
        with service.client(token) as client:
            found = listed(client, f"organizations/{service.organization}/projects", q="before-bootstrap")
            assert len(found) == 1


def test_what_a_client_says_about_proxies_is_not_believed(service: Service, http: httpx.Client) -> None:
    # The server itself would believe whoever speaks to it from this machine.
    claims = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"}
    links = http.get(f"organizations/{service.organization}/projects", headers=claims).json()["links"]
    assert links["self"].startswith(f"{service.url}/api/v2/organizations")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /api/v2/ping HTTP/9\r\n\r\n", 400, "malformed-request"),
        (b"GET /api/v2/ping HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", 400, "malformed-request"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9_000 + b"\r\n\r\n", 431, "request-header-fields-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431, "request-header-fields-too-large"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd, chunked\r\n\r\n", 501, "not-implemented"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: secret\r\n\r\n", 417, "expectation-failed"),
    ],
    ids=["version", "header name", "long address", "long header", "many headers", "transfer coding", "expectation"],
)
def test_what_the_server_refuses_itself_is_answered_by_a_document(
    service: Service, sent: bytes, status: int, code: str
) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        body = json.loads(answer.read())
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/vnd.api+json; charset=utf-8")
    assert [error["status"] for error in body["errors"]] == [str(status)]
    assert [error["code"] for error in body["errors"]] == [code]
    assert "secret" not in str(body)


@pytest.mark.one_database
def test_sigterm_ends_the_server_cleanly_even_with_an_idle_connection(own_service: Service) -> None:
    with own_service.client(own_service.user_token) as http:
        assert create_project(http, own_service.organization, "kept").status_code == 201
        begun = time.monotonic()
        status = own_service.stop()
        assert status == 0
        assert time.monotonic() - begun < 5
        with pytest.raises(httpx.TransportError):
            http.get("ping")

    own_service.start()
    with own_service.client(own_service.user_token) as http:
        assert len(listed(http, f"organizations/{own_service.organization}/projects", q="kept")) == 1
    assert own_service.stop() == 0


def test_a_killed_server_has_deleted_a_project_entirely_or_not_at_all(own_service: Service) -> None:
    project, grant = fill_project(own_service)
    deleting = partial(httpx.Client.delete, url=f"projects/{project}", params={"force": "true"})
    # The server dies later and later in the deletion, until a deletion outlives it.
    moment = FIRST_MOMENT
    while everything_is_there(own_service, project, grant):
        assert moment < 60, "the deletion never ends"
        answered = kill_during(own_service, deleting, moment)
        own_service.start()
        if answered:
            assert answered == [204]
            assert not everything_is_there(own_service, project, grant)
        moment *= 4


def test_a_killed_server_has_wiped_a_project_entirely_or_not_at_all(own_service: Service) -> None:
    project, grant = fill_project(own_service)
    wiping = partial(httpx.Client.post, url=f"projects/{project}/actions/wipe")
    moment = FIRST_MOMENT
    while holds_all_or_nothing(own_service, project, grant):
        assert moment < 60, "the wipe never ends"
        answered = kill_during(own_service, wiping, moment)
        own_service.start()
        if answered:
            assert answered == [200]
            assert not holds_all_or_nothing(own_service, project, grant)
        moment *= 4


def holds_all_or_nothing(service: Service, project: str, grant: str) -> bool:
    """Whether the project holds all of its workspaces; fails when it holds some, or is not itself any more."""
    with service.client(service.user_token) as http:
        shown = http.get(f"projects/{project}").json()["data"]["attributes"]
        held = held_by(service, project)
        events = listed(http, f"organizations/{service.organization}/activity-events", **{"filter[action]": WIPE})
        assert shown["workspace-count"] == held
        assert held in {0, WORKSPACES}
        assert len(events) == (not held), "the event tells what happened"
        assert http.get(f"team-projects/{grant}").status_code == 200
        assert len(http.get(f"projects/{project}/tag-bindings").json()["data"]) == 1
        return bool(held)


def fill_project(service: Service) -> tuple[str, str]:
    """A project with very many workspaces, a tag and a team's grant: the ids of the project and of the grant."""
    organization = service.organization
    with service.client(service.user_token) as http:
        project = create_project(http, organization, "doomed").json()["data"]["id"]
        here = {"project": {"data": {"type": "projects", "id": project}}}
        add_workspaces(service, project)
        tags = {"data": [{"type": "tag-bindings", "attributes": {"key": "fate", "value": "sealed"}}]}
        assert http.patch(f"projects/{project}/tag-bindings", json=tags).status_code == 200
        team = http.post(f"organizations/{organization}/teams", json=document("teams", {"name": "doomed"}))
        parties = here | {"team": {"data": {"type": "teams", "id": team.json()["data"]["id"]}}}
        granted = http.post("team-projects", json=document("team-projects", {"access": "admin"}, parties))
        assert granted.status_code == 201, granted.text
    return project, granted.json()["data"]["id"]


def add_workspaces(service: Service, project: str) -> None:
    """Put the workspaces straight into the database: two thousand requests would take longer than the rest."""
    with service.connected() as connection:
        default = select(Environment).where(Environment.project_id == project, Environment.is_default)
        environment = connection.execute(default).one()
        place = {
            "organization_id": environment.organization_id,
            "project_id": project,
            "environment_id": environment.id,
        }
        rows = [{**place, "name": f"workspace-{number}"} for number in range(WORKSPACES)]
        connection.execute(insert(Workspace), rows)


def held_by(service: Service, project: str) -> int:
    """How many workspaces the project has, as the database says: a list of them would have twenty pages."""
    with service.connected() as connection:
        return connection.execute(select(func.count()).where(Workspace.project_id == project)).scalar_one()


def everything_is_there(service: Service, project: str, grant: str) -> bool:
    """Whether the project exists with all it holds; fails when only a part of it exists."""
    with service.client(service.user_token) as http:
        shown = http.get(f"projects/{project}")
        held = held_by(service, project)
        if shown.status_code == 404:
            assert held == 0
            assert http.get(f"team-projects/{grant}").status_code == 404
            return False
        assert shown.status_code == 200
        assert shown.json()["data"]["attributes"]["workspace-count"] == held == WORKSPACES
        assert http.get(f"team-projects/{grant}").status_code == 200
        assert len(http.get(f"projects/{project}/tag-bindings").json()["data"]) == 1
        return True


def kill_during(service: Service, request: Callable[[httpx.Client], httpx.Response], moment: float) -> list[int]:
    """Kill the whole server that many seconds after the request was sent; its status if it was answered."""
    answered: list[int] = []

    def send() -> None:
        # The expected end of the request is an error: the server is gone.
        with service.client(service.user_token) as http, suppress(httpx.TransportError):
            answered.append(request(http).status_code)

    sending = threading.Thread(target=send)
    sending.start()
    sending.join(moment)
    service.kill()
    sending.join()
    return answered
