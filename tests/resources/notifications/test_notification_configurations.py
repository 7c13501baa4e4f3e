"""Notification configurations: what they are, who manages them, and the verification of addresses."""

import hashlib
import hmac
import time
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, NotificationConfiguration, Organization, Project
from app.models.background_tasks import BackgroundTask
from app.outbound import Answer
from app.resources.notifications.notification_configurations.sending import kept_of
from app.services import services
from tests.support.api import Api, document, faults
from tests.support.receivers import Receiver, hang, hostile, resolving
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

URL = "https://hook.example.test/x"
TOKEN = "a secret of the receiver"


def sent(**attributes: Any) -> dict[str, Any]:
    given = {"name": "ops", "destination-type": "generic", "url": URL, "triggers": ["run:errored"], **attributes}
    return document("notification-configurations", {name.replace("_", "-"): each for name, each in given.items()})


@pytest.fixture
def path(world: World, project: Project) -> str:
    """Where the configurations of a workspace are."""
    return f"/workspaces/{world.workspace(project).id}/notification-configurations"


def make(api: Api, path: str, owner: Person, **attributes: Any) -> Any:
    return api.post(path, owner.token, sent(**attributes))["data"]


@pytest.mark.one_database("postgresql")
def test_a_configuration_is_made_shown_changed_and_deleted(
    app: Flask, api: Api, world: World, owner: Person, path: str
) -> None:
    made = make(api, path, owner, token=TOKEN)
    workspace_id = path.split("/")[2]
    attributes = made["attributes"]
    times = {name: attributes.pop(name) for name in ("created-at", "updated-at")}
    assert attributes == {
        "name": "ops",
        "destination-type": "generic",
        "enabled": False,
        "url": URL,
        "token": None,
        "triggers": ["run:errored"],
        "email-addresses": [],
        "external-email-addresses": [],
        "email_all_members": False,
        "delivery-responses": [],
    }
    assert made["relationships"] == {
        "subscribable": {"data": {"id": workspace_id, "type": "workspaces"}},
        "users": {"data": []},
    }
    its = f"/notification-configurations/{made['id']}"
    assert made["links"] == {"self": f"/api/v2{its}"}
    shown = api.get(its, owner.token)["data"]
    assert shown["attributes"] == {**attributes, **times}
    listed = api.get(path, owner.token)
    assert listed["data"] == [shown]
    assert "pagination" not in listed.get("meta", {})
    assert "pagination" in api.get(f"{path}?page[size]=1", owner.token)["meta"]
    [stored] = world.all(NotificationConfiguration)
    assert services(app).keyring.unseal(stored.sealed_token).decode() == TOKEN
    changed = document("notification-configurations", {"name": "all", "triggers": ["run:created"], "token": None})
    assert api.patch(its, owner.token, changed)["data"]["attributes"]["triggers"] == ["run:created"]
    assert world.all(NotificationConfiguration)[0].sealed_token is None
    api.delete(its, owner.token)
    api.get(its, owner.token, expect=404)
    events = [each for each in world.all(ActivityEvent) if each.action.startswith("notification")]
    assert [each.action.partition(".")[2] for each in events] == ["create", "update", "delete"]
    assert events[0].changes["url"] == [None, "(hidden)"]
    assert events[0].changes["token"] == [None, "(hidden)"]
    assert (events[0].workspace_id, events[0].project_id) == (workspace_id, world.all(Project)[-1].id)
    told = str([each.changes for each in events])
    assert TOKEN not in told
    assert URL not in told


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"name": ""}, ("Name can't be blank", "name")),
        ({"name": "x" * 256}, ("Name is too long (maximum is 255 characters)", "name")),
        ({"destination-type": "pager"}, ("Destination type is not included in the list", "destination-type")),
        ({"url": None}, ("Url can't be blank", "url")),
        ({"url": "ftp://example.com"}, ("Url must begin with http:// or https:// and a host", "url")),
        ({"url": "https://a:b@example.com"}, ("Url must not contain a user name or a password", "url")),
        ({"url": f"https://example.com/{'x' * 2048}"}, ("Url is too long (maximum is 2048 characters)", "url")),
        ({"enabled": "yes"}, ("Enabled must be true or false", "enabled")),
        ({"triggers": "run:created"}, ("Triggers must be an array of strings", "triggers")),
        ({"triggers": ["run:created", "run:exploded"]}, ("Triggers must be some of run:created, run:plan", "triggers")),
        ({"triggers": ["change_request:created"]}, ("Triggers of a workspace or project must be some", "triggers")),
        ({"token": "x" * 1025}, ("Token is too long (maximum is 1024 characters)", "token")),
        ({"destination-type": "slack", "token": "x"}, ("Token can't be set for slack", "token")),
        ({"email-addresses": ["a@example.test"]}, ("Email addresses can't be set for generic", "email-addresses")),
        ({"destination-type": "email"}, ("Url can't be set for email", "url")),
        (
            {"destination-type": "email", "url": None, "email-addresses": ["nobody"]},
            ("Email addresses must be an array of e-mail addresses", "email-addresses"),
        ),
        (
            {
                "destination-type": "email",
                "url": None,
                "email-addresses": [f"a{number}@example.test" for number in range(21)],
            },
            ("Email addresses must be at most 20 e-mail addresses", "email-addresses"),
        ),
        (
            {"destination-type": "email", "url": None, "email_all_members": True},
            ("Email all members can only be set for a team", "email_all_members"),
        ),
    ],
)
def test_bad_ones_are_refused(
    api: Api, owner: Person, path: str, attributes: dict[str, Any], expected: tuple[str, str]
) -> None:
    [(detail, pointer)] = faults(api.post(path, owner.token, sent(**attributes), expect=422))
    assert detail.startswith(expected[0])
    assert pointer == f"/data/attributes/{expected[1]}"


def test_a_change_must_fit_to_what_is_there(api: Api, owner: Person, path: str) -> None:
    its = f"/notification-configurations/{make(api, path, owner)['id']}"

    def refused(**attributes: Any) -> str:
        changed = document("notification-configurations", {n.replace("_", "-"): v for n, v in attributes.items()})
        [(detail, _)] = faults(api.patch(its, owner.token, changed, expect=422))
        return detail

    assert refused(destination_type="email").startswith("Destination type can't be changed")
    assert refused(url=None) == "Url can't be blank"
    same = document("notification-configurations", {"destination-type": "generic"})
    api.patch(its, owner.token, same)


def test_there_are_at_most_twenty(api: Api, world: World, owner: Person, path: str) -> None:
    place = {"organization_id": world.all(Organization)[0].id, "workspace_id": path.split("/")[2]}
    for number in range(20):
        world.add(NotificationConfiguration(**place, name=f"n{number}", destination_type="email"))
    answer = api.post(path, owner.token, sent(), expect=422)
    assert answer["errors"][0]["code"] == "too-many-notification-configurations"


def test_users_are_members(api: Api, world: World, acme: Organization, owner: Person, path: str, bob: Person) -> None:
    member = world.member(acme)

    def document_for(*people: Person) -> dict[str, Any]:
        made = sent(destination_type="email", url=None)
        named = [{"type": "users", "id": each.id} for each in people]
        made["data"]["relationships"] = {"users": {"data": named}}
        return made

    shown = api.post(path, owner.token, document_for(member, owner))["data"]
    assert {each["id"] for each in shown["relationships"]["users"]["data"]} == {member.id, owner.id}
    refused = faults(api.post(path, owner.token, document_for(member, bob), expect=422))
    assert refused == [("Users must be active members of the organization", "/data/relationships/users")]


# --- who


def test_administrators_manage_them_and_nobody_else_sees_them(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    workspace = world.workspace(project)
    team = world.team(acme, visibility="organization")
    paths = {
        "workspace": f"/workspaces/{workspace.id}/notification-configurations",
        "project": f"/projects/{project.id}/notification-configurations",
        "team": f"/teams/{team.id}/notification-configurations",
    }
    made = {kind: make(api, path, owner, triggers=[])["id"] for kind, path in paths.items()}

    def teamed(*flags: str, access: str | None = None, on_workspace: str | None = None) -> str:
        granted = world.team(acme, *flags)
        if access:
            world.access(granted, project, access)
        if on_workspace:
            world.workspace_access(granted, workspace, on_workspace)
        return world.member(acme, granted).token

    everything = {"workspace", "project", "team"}
    expected = {
        owner.token: everything,
        world.team_token(world.owners(acme)): everything,
        teamed("manage-teams"): {"team"},
        teamed("manage-workspaces"): {"workspace"},
        teamed("manage-projects"): {"workspace", "project"},
        teamed(access="admin"): {"workspace", "project"},
        teamed(access="maintain"): {"workspace"},
        teamed(access="write"): set(),
        teamed(on_workspace="admin"): {"workspace"},
        teamed(on_workspace="write"): set(),
        world.token(acme): set(),
        world.member(acme).token: set(),
        world.person().token: set(),
    }
    for token, managed in expected.items():
        for kind, path in paths.items():
            its = f"/notification-configurations/{made[kind]}"
            may = kind in managed
            api.get(path, token, expect=200 if may else 404)
            api.get(its, token, expect=200 if may else 404)
            api.patch(its, token, document("notification-configurations", {"name": "n"}), expect=200 if may else 404)
            api.post(path, token, sent(triggers=[]), expect=201 if may else 404)
            if not may:
                api.delete(its, token, expect=404)
                api.post(f"{its}/actions/verify", token, expect=404)
                api.post(f"{its}/actions/enable", token, expect=404)
                api.post(path, token, sent(destination_type="?"), expect=404)
    for path in paths.values():
        api.post(path, None, sent(), expect=401)


def test_a_workspace_s_list_has_its_own_alone(api: Api, world: World, owner: Person, project: Project) -> None:
    first, second = (world.workspace(project) for _ in range(2))
    made = make(api, f"/workspaces/{first.id}/notification-configurations", owner)
    make(api, f"/projects/{project.id}/notification-configurations", owner)
    listed = api.get(f"/workspaces/{first.id}/notification-configurations", owner.token)["data"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert api.get(f"/workspaces/{second.id}/notification-configurations", owner.token)["data"] == []


def test_a_list_costs_the_same_for_many(
    api: Api, world: World, acme: Organization, owner: Person, path: str, statements: Statements
) -> None:
    api.get(path, owner.token)
    place = {"organization_id": acme.id, "workspace_id": path.split("/")[2]}
    costs = []
    for _ in range(2):
        costs.append(cost(statements, api, owner.token, ("GET", path, None)))
        for number in range(5):
            world.add(NotificationConfiguration(**place, name=f"n{number}", destination_type="email"))
    assert costs == [3, 3]


# --- verification


def test_an_enabled_webhook_is_verified_and_signed(api: Api, owner: Person, path: str, receiver: Receiver) -> None:
    made = make(api, path, owner, url=receiver.url, token=TOKEN, enabled=True)
    [request] = receiver.requests
    assert (
        request.headers["x-tfe-notification-signature"]
        == hmac.new(TOKEN.encode(), request.body, hashlib.sha512).hexdigest()
    )
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "payload_version": 1,
        "notification_configuration_id": made["id"],
        "run_url": None,
        "run_id": None,
        "run_message": None,
        "run_created_at": None,
        "run_created_by": None,
        "workspace_id": None,
        "workspace_name": None,
        "organization_name": None,
        "notifications": [
            {
                "message": "Verification of a notification configuration",
                "trigger": "verification",
                "run_status": None,
                "run_updated_at": None,
                "run_updated_by": None,
            }
        ],
    }
    [kept] = made["attributes"]["delivery-responses"]
    assert kept.pop("sent-at").endswith("Z")
    assert kept.pop("headers")["content-length"] == ["6"]
    assert kept == {"url": receiver.url, "body": "thanks", "code": "200", "successful": "true"}


def test_a_webhook_that_does_not_accept_is_refused(
    api: Api, world: World, owner: Person, path: str, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    refused = faults(api.post(path, owner.token, sent(url=receiver.url, enabled=True), expect=400))
    assert refused == [("Url could not be verified: it answered 500 instead of 200", "/data/attributes/url")]
    assert world.all(NotificationConfiguration) == []
    its = f"/notification-configurations/{make(api, path, owner, url=receiver.url)['id']}"
    receiver.statuses = [404, 302]
    api.post(f"{its}/actions/enable", owner.token, expect=400)
    api.patch(its, owner.token, document("notification-configurations", {"enabled": True}), expect=400)
    assert api.get(its, owner.token)["data"]["attributes"]["enabled"] is False
    enabled = api.post(f"{its}/actions/enable", owner.token, expect=200)["data"]["attributes"]
    assert (enabled["enabled"], enabled["delivery-responses"][0]["code"]) == (True, "200")
    assert len(receiver.requests) == 4
    api.patch(its, owner.token, document("notification-configurations", {"name": "other"}))
    assert len(receiver.requests) == 4, "a new name is not verified"


def test_verify_keeps_the_answer_also_of_a_refusal(api: Api, owner: Person, path: str, receiver: Receiver) -> None:
    its = f"/notification-configurations/{make(api, path, owner, url=receiver.url)['id']}"
    shown = api.post(f"{its}/actions/verify", owner.token, expect=200)["data"]["attributes"]
    assert (shown["enabled"], shown["delivery-responses"][0]["successful"]) == (False, "true")
    receiver.statuses = [503]
    answer = api.post(f"{its}/actions/verify", owner.token, expect=400)
    assert answer["errors"][0]["code"] == "verification-failed"
    [kept] = api.get(its, owner.token)["data"]["attributes"]["delivery-responses"]
    assert (kept["code"], kept["successful"]) == ("503", "false")


def test_addresses_within_are_not_called(
    api: Api, owner: Person, path: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = receiver.url.replace("127.0.0.1", "127.0.0.2")
    for url in (inside, "http://169.254.169.254/latest/meta-data"):
        [(detail, _)] = faults(api.post(path, owner.token, sent(url=url, enabled=True), expect=400))
        assert "the host has no public address" in detail
    named = f"http://hook.test:{receiver.port}/"
    with resolving(monkeypatch, hook_test=["127.0.0.1", "127.0.0.2"]):
        its = f"/notification-configurations/{make(api, path, owner, url=named, enabled=True)['id']}"
        api.post(f"{its}/actions/verify", owner.token, expect=400)
    assert len(receiver.requests) == 1


def test_an_answer_s_secrets_are_not_kept(api: Api, owner: Person, path: str, receiver: Receiver) -> None:
    receiver.headers = {"Set-Cookie": "session=abc", "WWW-Authenticate": "Basic", "X-Request-Id": "r1"}
    receiver.body = f'wanted {TOKEN}, "access_key": "AKIA123", Authorization: Bearer eyJhbGci. {"x" * 9000}'.encode()
    made = make(api, path, owner, url=receiver.url, token=TOKEN, enabled=True)
    [kept] = made["attributes"]["delivery-responses"]
    assert set(kept["headers"]) == {"content-length", "date", "server", "x-request-id"}
    assert len(kept["body"]) == 1000
    for secret in (TOKEN, "AKIA123", "eyJhbGci", "abc"):
        assert secret not in str(kept)
    assert kept["body"].startswith('wanted (hidden), "access_key": "(hidden)"')


@pytest.mark.parametrize("body", ["token" + " " * 60_000 + '"', "token " * 10_000, "x" * 60_000 + TOKEN])
def test_no_answer_takes_long_to_be_looked_at(body: str) -> None:
    begun = time.monotonic()
    kept = kept_of(URL, Answer(200, [], body.encode()), [TOKEN])
    assert time.monotonic() - begun < 1
    assert TOKEN not in kept["body"]


def test_few_requests_wait_for_others_at_once(
    api: Api, owner: Person, path: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.waiting._PLACES.acquire", lambda **_: False)
    response = api.raw("POST", path, owner.token, sent(url=receiver.url, enabled=True))
    assert (response.status_int, response.json["errors"][0]["code"]) == (429, "too-many-verifications")
    assert response.headers["Retry-After"] == "2"
    assert receiver.requests == []


def test_a_hanging_webhook_is_refused_after_a_while(
    app: Flask, api: Api, owner: Person, path: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.resources.notifications.notification_configurations.sending.SECONDS", 0.3)
    with hostile(hang) as url:
        [(detail, _)] = faults(api.post(path, owner.token, sent(url=url, enabled=True), expect=400))
    assert detail == "Url could not be verified: the host did not answer within 0.3 seconds"
    assert receiver.requests == []
    assert services(app).engines.writing.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_mail_needs_no_verification_but_is_sent_one_on_demand(
    api: Api, world: World, owner: Person, path: str, receiver: Receiver
) -> None:
    made = make(api, path, owner, destination_type="email", url=None, enabled=True, email_addresses=["a@example.test"])
    verify = f"/notification-configurations/{made['id']}/actions/verify"
    api.post(verify, owner.token, expect=200)
    api.post(verify, owner.token, expect=429)
    assert (receiver.requests, world.all(BackgroundTask)) == ([], []), "the service sends no mail here"
