"""Configuration versions: made, uploaded, listed, downloaded and archived."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import update

from app.models import AuthenticationToken, ConfigurationVersion, Organization, Workspace
from app.persistence import now
from app.services import services
from app.web import signatures
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.configurations import ARCHIVE, archive
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.services import replace_services
from tests.support.statement_costs import Statements, cost
from tests.support.states import put
from tests.support.world import Person, World

OTHER = archive({"other.tf": b"# other\n"})
OVER = "Whoever got this address may not plan runs of the workspace any more; ask for a new one with a valid token"


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    return world.workspace(world.project(acme), "net", own_execution_mode="remote")


def listed(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.id}/configuration-versions"


def sent(**attributes: Any) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return document("configuration-versions", {"auto-queue-runs": False, **named})


def new(api: Api, workspace: Workspace, token: str, **attributes: Any) -> Any:
    return api.post(listed(workspace), token, sent(**attributes))["data"]


def uploaded(api: Api, workspace: Workspace, token: str, content: bytes = ARCHIVE, **attributes: bool) -> str:
    made = new(api, workspace, token, **attributes)
    put(api, made["attributes"]["upload-url"], content)
    return str(made["id"])


def shown(api: Api, version_id: str, token: str) -> Any:
    return api.get(f"/configuration-versions/{version_id}", token)["data"]


def download(api: Api, version_id: str, token: str | None) -> Any:
    return api.raw("GET", f"/configuration-versions/{version_id}/download", token)


def archived(api: Api, version_id: str, token: str, *, expect: int = 202) -> Any:
    return api.post(f"/configuration-versions/{version_id}/actions/archive", token, expect=expect)


def objects(app: Flask) -> set[Path]:
    return {path for path in (services(app).settings.home / "blobs").rglob("*") if path.is_file()}


def test_a_version_is_made_uploaded_and_downloaded(
    app: Flask, api: Api, world: World, workspace: Workspace, owner: Person
) -> None:
    made = new(api, workspace, owner.token)
    address = made["attributes"].pop("upload-url")
    assert made == {
        "id": made["id"],
        "type": "configuration-versions",
        "attributes": {
            "auto-queue-runs": False,
            "speculative": False,
            "provisional": False,
            "status": "pending",
            "source": "tfe-api",
            "status-timestamps": {},
            "error": None,
            "error-message": None,
        },
        "relationships": {"ingress-attributes": {"data": None}, "run": {"data": None}},
        "links": {"self": f"/api/v2/configuration-versions/{made['id']}"},
    }
    assert shown(api, made["id"], owner.token)["attributes"]["upload-url"] is not None
    assert download(api, made["id"], owner.token).status_int == 404
    before = objects(app)
    put(api, address, ARCHIVE)
    found = shown(api, made["id"], owner.token)["attributes"]
    assert (found["status"], found["upload-url"]) == ("uploaded", None)
    assert list(found["status-timestamps"]) == ["uploaded-at"]
    assert found["status-timestamps"]["uploaded-at"].endswith("Z")
    answer = download(api, made["id"], owner.token)
    assert (answer.status_int, answer.body) == (200, ARCHIVE)
    [stored] = objects(app) - before
    assert b"main.tf" not in stored.read_bytes()
    assert ARCHIVE[10:40] not in stored.read_bytes(), "it is encrypted"
    [row] = world.all(ConfigurationVersion)
    assert (row.size, row.created_by_id, row.workspace_id) == (len(ARCHIVE), owner.id, workspace.id)
    events = left_by_requests(world)
    assert [event.action for event in events] == ["configuration-versions.create", "configuration-versions.upload"]
    assert events[1].changes == {"status": ["pending", "uploaded"], "size": [None, len(ARCHIVE)]}
    assert {(event.actor_id, event.workspace_id) for event in events} == {(owner.id, workspace.id)}


@pytest.mark.one_database
@pytest.mark.parametrize("body", [None, {}, {"data": {}}, {"data": {"type": "configuration-versions"}}])
def test_without_attributes_a_version_has_the_defaults(
    api: Api, workspace: Workspace, owner: Person, body: Any
) -> None:
    attributes = api.post(listed(workspace), owner.token, body)["data"]["attributes"]
    assert (attributes["auto-queue-runs"], attributes["speculative"], attributes["provisional"]) == (True, False, False)


@pytest.mark.one_database
def test_what_the_clients_say_is_kept(api: Api, workspace: Workspace, owner: Person) -> None:
    made = new(api, workspace, owner.token, speculative=True, provisional=True)["attributes"]
    assert (made["auto-queue-runs"], made["speculative"], made["provisional"]) == (False, True, True)
    nulls = new(api, workspace, owner.token, auto_queue_runs=None, speculative=None)["attributes"]
    assert (nulls["auto-queue-runs"], nulls["speculative"]) == (True, False)
    answer = api.post(listed(workspace), owner.token, sent(speculative="yes"), expect=422)
    assert [pointer for _, pointer in faults(answer)] == ["/data/attributes/speculative"]
    headers = {"X-Terraform-Integration": "cloud"}
    made = api.raw("POST", listed(workspace), owner.token, sent(), headers=headers).json
    assert made["data"]["attributes"]["source"] == "terraform+cloud"


def test_the_list_is_that_of_the_workspace_newest_first(
    api: Api, world: World, workspace: Workspace, owner: Person
) -> None:
    other = world.workspace(world.default_project(world.organization(owner=owner)))
    new(api, other, owner.token)
    made = [new(api, workspace, owner.token)["id"] for _ in range(3)]
    answer = api.get(f"{listed(workspace)}?page[size]=2&include=ingress_attributes", owner.token)
    assert [each["id"] for each in answer["data"]] == made[:0:-1]
    assert answer["included"] == []
    assert answer["meta"]["pagination"]["total-count"] == 3
    assert api.get(f"/configuration-versions/{made[0]}?include=ingress_attributes", owner.token)["included"] == []
    api.get(f"{listed(workspace)}?include=workspace", owner.token, expect=400)


# What each may do: create, list, show, see the address, download, archive.
WHO = {
    "owner": (201, 200, 200, True, 200, 202),
    "admin": (201, 200, 200, True, 200, 202),
    "write": (201, 200, 200, True, 200, 202),
    "plan": (201, 200, 200, True, 200, 404),
    "read": (404, 200, 200, False, 200, 404),
    "organization token": (404, 200, 200, False, 200, 404),
    "member": (404, 404, 404, False, 404, 404),
    "outsider": (404, 404, 404, False, 404, 404),
    "nobody": (401, 401, 401, False, 401, 401),
}


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(
    api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person, who: str
) -> None:
    made: dict[str, Callable[[], str | None]] = {
        "owner": lambda: owner.token,
        "organization token": lambda: world.token(acme),
        "member": lambda: world.member(acme).token,
        "outsider": lambda: world.owner(world.organization()).token,
        "nobody": lambda: None,
    }
    if who in made:
        token = made[who]()
    else:
        team = world.team(acme)
        world.workspace_access(team, workspace, who)
        token = world.member(acme, team).token
    there, _ = uploaded(api, workspace, owner.token), uploaded(api, workspace, owner.token)
    pending = new(api, workspace, owner.token)["id"]
    found = api.raw("GET", f"/configuration-versions/{pending}", token)
    answers = (
        api.raw("POST", listed(workspace), token, sent()).status_int,
        api.raw("GET", listed(workspace), token).status_int,
        found.status_int,
        found.status_int == 200 and found.json["data"]["attributes"]["upload-url"] is not None,
        download(api, there, token).status_int,
        api.raw("POST", f"/configuration-versions/{there}/actions/archive", token).status_int,
    )
    assert answers == WHO[who]


@pytest.mark.one_database
def test_sending_the_same_archive_again_changes_nothing(
    app: Flask, api: Api, world: World, workspace: Workspace, owner: Person
) -> None:
    made = new(api, workspace, owner.token)
    put(api, made["attributes"]["upload-url"], ARCHIVE)
    before, events = objects(app), len(left_by_requests(world))
    put(api, made["attributes"]["upload-url"], ARCHIVE)
    answer = put(api, made["attributes"]["upload-url"], OTHER, expect=409)
    assert answer.json["errors"][0]["code"] == "configuration-uploaded"
    assert (objects(app), len(left_by_requests(world))) == (before, events)
    assert download(api, made["id"], owner.token).body == ARCHIVE


def test_of_two_uploads_at_once_one_counts(
    app: Flask, api: Api, world: World, workspace: Workspace, owner: Person, at_once: Callable[..., list[int]]
) -> None:
    made = new(api, workspace, owner.token)
    path = urlsplit(made["attributes"]["upload-url"]).path
    before = objects(app)
    statuses = at_once(("PUT", path, owner.token, ARCHIVE), ("PUT", path, owner.token, OTHER))
    assert sorted(statuses) == [200, 409]
    assert len(objects(app) - before) == 1
    assert download(api, made["id"], owner.token).body == (ARCHIVE if statuses[0] == 200 else OTHER)
    [row] = world.all(ConfigurationVersion)
    assert row.status == "uploaded"


@pytest.mark.one_database
@pytest.mark.parametrize("content", [b"", b"no archive", ARCHIVE[:-5]])
def test_what_is_no_archive_is_refused_and_the_right_one_still_taken(
    app: Flask, api: Api, workspace: Workspace, owner: Person, content: bytes
) -> None:
    made = new(api, workspace, owner.token)
    before = objects(app)
    answer = put(api, made["attributes"]["upload-url"], content, expect=422)
    assert answer.json["errors"][0]["code"] == "no-configuration-archive"
    assert objects(app) == before
    assert shown(api, made["id"], owner.token)["attributes"]["status"] == "pending"
    put(api, made["attributes"]["upload-url"], ARCHIVE)


@pytest.mark.one_database
def test_an_archive_has_a_limit(
    app: Flask, api: Api, workspace: Workspace, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new(api, workspace, owner.token)
    limited = replace(services(app).settings, configuration_bytes=len(ARCHIVE) - 1)
    with monkeypatch.context() as patch:
        replace_services(patch, app, settings=limited)
        assert put(api, made["attributes"]["upload-url"], ARCHIVE, expect=413).headers["Upload-Limit"]
    put(api, made["attributes"]["upload-url"], ARCHIVE)


@pytest.mark.one_database
def test_a_cut_upload_is_refused(app: Flask, api: Api, workspace: Workspace, owner: Person) -> None:
    made = new(api, workspace, owner.token)
    cut = {"wsgi.input": io.BytesIO(ARCHIVE[:-10]), "CONTENT_LENGTH": str(len(ARCHIVE))}
    path = urlsplit(made["attributes"]["upload-url"]).path
    assert app.test_client().put(path, environ_overrides=cut).status_code in {400, 422}
    assert shown(api, made["id"], owner.token)["attributes"]["status"] == "pending"


@pytest.mark.one_database
@pytest.mark.parametrize("how", ["token revoked", "token expired", "access taken", "access lowered"])
def test_an_address_ends_with_the_right_of_whoever_got_it(
    app: Flask, api: Api, world: World, acme: Organization, workspace: Workspace, owner: Person, how: str
) -> None:
    team = world.team(acme)
    access = world.workspace_access(team, workspace, "plan")
    address = new(api, workspace, world.team_token(team))["attributes"]["upload-url"]
    if how == "token revoked":
        [token] = api.get(f"/teams/{team.id}/authentication-tokens", owner.token)["data"]
        api.delete(f"/authentication-tokens/{token['id']}", owner.token)
    elif how == "token expired":
        over = update(AuthenticationToken).where(AuthenticationToken.team_id == team.id).values(expired_at=now())
        with services(app).engines.writing.begin() as connection:
            connection.execute(over)
    elif how == "access taken":
        api.delete(f"/team-workspaces/{access.id}", owner.token)
    else:
        api.patch(f"/team-workspaces/{access.id}", owner.token, document("team-workspaces", {"access": "read"}))
    assert faults(put(api, address, ARCHIVE, expect=403).json) == [(OVER, "")]


@pytest.mark.one_database
def test_an_address_is_good_for_its_version_and_a_while(
    api: Api, workspace: Workspace, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new(api, workspace, owner.token)["attributes"]["upload-url"]
    put(api, address[:-1] + ("A" if address[-1] != "A" else "B"), ARCHIVE, expect=403)
    put(api, address.replace("/configurations", ""), ARCHIVE, expect=403)
    assert api.raw("GET", urlsplit(address).path).status_int == 405
    with monkeypatch.context() as patch:
        patch.setattr(signatures, "now", lambda: now() + timedelta(hours=26))
        put(api, address, ARCHIVE, expect=403)
    put(api, address, ARCHIVE)


def test_a_version_that_is_not_the_latest_can_be_archived(
    app: Flask, api: Api, world: World, workspace: Workspace, owner: Person
) -> None:
    first = uploaded(api, workspace, owner.token)
    [detail] = [text for text, _ in faults(archived(api, first, owner.token, expect=409))]
    assert detail == "transition not allowed: configuration could not be archived because it is current"
    # These are never the latest.
    for kind in ("speculative", "provisional"):
        beside = uploaded(api, workspace, owner.token, ARCHIVE, **{kind: True})
        archived(api, first, owner.token, expect=409)
        archived(api, beside, owner.token)
    second = uploaded(api, workspace, owner.token)
    before = objects(app)
    archived(api, first, owner.token)
    attributes = shown(api, first, owner.token)["attributes"]
    assert (attributes["status"], attributes["upload-url"]) == ("archived", None)
    assert list(attributes["status-timestamps"]) == ["uploaded-at", "archived-at"]
    assert len(before - objects(app)) == 1, "its archive is gone"
    assert download(api, first, owner.token).status_int == 404
    assert download(api, second, owner.token).body == ARCHIVE
    [detail] = [text for text, _ in faults(archived(api, first, owner.token, expect=409))]
    assert detail == "transition not allowed: the configuration version can't be archived, because it is archived"
    pending = new(api, workspace, owner.token)["id"]
    [detail] = [text for text, _ in faults(archived(api, pending, owner.token, expect=409))]
    assert detail.startswith("transition not allowed")
    last = left_by_requests(world)[-2]
    assert (last.action, last.changes) == ("configuration-versions.archive", {"status": ["uploaded", "archived"]})


@pytest.mark.one_database
def test_nothing_is_uploaded_to_an_archived_version(api: Api, workspace: Workspace, owner: Person) -> None:
    made = new(api, workspace, owner.token)
    put(api, made["attributes"]["upload-url"], ARCHIVE)
    uploaded(api, workspace, owner.token)
    archived(api, made["id"], owner.token)
    put(api, made["attributes"]["upload-url"], ARCHIVE, expect=409)


def test_a_workspace_takes_its_archives_with_it(app: Flask, api: Api, workspace: Workspace, owner: Person) -> None:
    before = objects(app)
    uploaded(api, workspace, owner.token)
    api.delete(f"/workspaces/{workspace.id}", owner.token)
    assert objects(app) == before


def test_requests_cost_the_same_however_many_versions_there_are(
    api: Api, workspace: Workspace, owner: Person, statements: Statements
) -> None:
    api.get("/organizations/acme", owner.token)
    costs = []
    for _ in range(2):
        address = urlsplit(new(api, workspace, owner.token)["attributes"]["upload-url"]).path
        version = uploaded(api, workspace, owner.token, speculative=True)
        one = f"/configuration-versions/{version}"
        costs.append(
            (
                cost(statements, api, owner.token, ("GET", listed(workspace), None)),
                cost(statements, api, owner.token, ("GET", one, None)),
                cost(statements, api, owner.token, ("GET", f"{one}/download", None)),
                cost(statements, api, owner.token, ("POST", listed(workspace), sent())),
                cost(statements, api, owner.token, ("PUT", address, ARCHIVE)),
                cost(statements, api, owner.token, ("POST", f"{one}/actions/archive", None)),
            )
        )
        for _ in range(5):
            uploaded(api, workspace, owner.token)
    assert costs == [costs[0]] * 2
    assert costs[0] == (3, 2, 2, 7, 10, 13)


def test_versions_are_found_by_index(api: Api, app: Flask, workspace: Workspace, owner: Person) -> None:
    version = uploaded(api, workspace, owner.token)
    for path in (listed(workspace), f"/configuration-versions/{version}"):
        assert read_from_end_to_end(plans(app, api, path, owner.token), {"configuration_versions"}) == []
