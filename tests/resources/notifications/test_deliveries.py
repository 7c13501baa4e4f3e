"""What is told of runs, to whom, in which order, and what happens when nobody takes it."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.mail.server import configure
from app.models import NotificationConfiguration, Workspace
from app.models.background_tasks import DEAD
from app.models.notification_configurations import RUN_TRIGGERS
from app.models.run_notifications import notify
from app.resources.notifications.notification_configurations.background import PAUSES
from app.resources.notifications.notification_configurations.throttle import OF_ADDRESS
from app.services import services
from app.variables import MailServer
from tests.support.api import Api, document
from tests.support.background import do_due, make_due, tasks
from tests.support.mail import HOST, Inbox, listening
from tests.support.receivers import Receiver, hang, hostile
from tests.support.runs import Runs
from tests.support.statement_costs import Statements
from tests.support.webhooks import with_settings
from tests.support.world import World


def subscribe(runs: Runs, receiver: Receiver | None = None, **attributes: Any) -> NotificationConfiguration:
    """An enabled configuration of the workspace for all that happens to runs."""
    place = {"organization_id": runs.organization.id}
    if not {"own_project_id", "workspace_id"} & set(attributes):
        place["workspace_id"] = runs.workspace.id
    given = {"name": "ops", "enabled": True, "destination_type": "generic", "triggers": list(RUN_TRIGGERS)}
    url = None if receiver is None else receiver.url
    return runs.world.add(NotificationConfiguration(**{**place, **given, "url": url, **attributes}))


def triggers(receiver: Receiver) -> list[tuple[str, str]]:
    told = [request.json["notifications"][0] for request in receiver.requests]
    return [(each["trigger"], each["run_status"]) for each in told]


def test_a_run_is_told_from_its_beginning_to_its_end(app: Flask, runs: Runs, receiver: Receiver) -> None:
    configuration = subscribe(runs, receiver)
    run_id = runs.new(message="Five more workers")
    runs.agent.plan()
    runs.act(run_id, "apply")
    runs.agent.apply()
    assert receiver.requests == [], "nothing waits for a receiver"
    do_due(app)
    assert triggers(receiver) == [
        ("run:created", "pending"),
        ("run:planning", "planning"),
        ("run:needs_attention", "planned"),
        ("run:applying", "applying"),
        ("run:completed", "applied"),
    ]
    first, last = receiver.requests[0].json, receiver.requests[-1].json
    shown = runs.show(run_id)
    page = f"/app/{runs.organization.name}/workspaces/{runs.workspace.name}/runs/{run_id}"
    updated = first["notifications"][0].pop("run_updated_at")
    assert updated.endswith("Z")
    assert first == {
        "payload_version": 1,
        "notification_configuration_id": configuration.id,
        "run_url": f"https://plan.example.test{page}",
        "run_id": run_id,
        "run_message": "Five more workers",
        "run_created_at": shown["created-at"],
        "run_created_by": runs.owner.username,
        "workspace_id": runs.workspace.id,
        "workspace_name": runs.workspace.name,
        "organization_name": runs.organization.name,
        "notifications": [
            {
                "message": "Run Created",
                "trigger": "run:created",
                "run_status": "pending",
                "run_updated_by": runs.owner.username,
            }
        ],
    }
    assert last["notifications"][0]["message"] == "Run Applied"
    assert last["notifications"][0]["run_updated_by"] is None
    deliveries = [each.headers["x-groundplan-delivery"] for each in receiver.requests]
    assert len(set(deliveries)) == 5
    its = runs.api.get(f"/notification-configurations/{configuration.id}", runs.owner.token)["data"]["attributes"]
    assert its["delivery-responses"][0]["code"] == "200"
    assert tasks(app, kind="deliver-notification") == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("discard", ("run:errored", "discarded", "Run Discarded")),
        ("cancel", ("run:errored", "canceled", "Run Canceled")),
        ("fail", ("run:errored", "errored", "Run Errored")),
        ("nothing", ("run:completed", "planned_and_finished", "Run Planned and Finished")),
    ],
)
def test_every_end_is_told(
    app: Flask, runs: Runs, receiver: Receiver, action: str, expected: tuple[str, str, str]
) -> None:
    subscribe(runs, receiver)
    run_id = runs.new()
    if action == "cancel":
        runs.act(run_id, "cancel")
    elif action == "fail":
        job = runs.agent.take()
        job.start()
        job.finish("failed")
    else:
        runs.agent.plan(changes=action == "discard")
    if action == "discard":
        runs.act(run_id, "discard")
    do_due(app)
    last = receiver.requests[-1].json["notifications"][0]
    assert (last["trigger"], last["run_status"], last["message"]) == expected


@pytest.mark.one_database
def test_only_what_was_asked_for_is_told(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, receiver, triggers=["run:needs_attention"])
    subscribe(runs, receiver, enabled=False)
    runs.new(plan_only=True)
    runs.agent.plan()
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    do_due(app)
    assert receiver.requests == [], "a plan-only run, and one that applies by itself, need nobody"


@pytest.mark.one_database
def test_a_project_s_configuration_is_told_of_its_workspaces(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, receiver, own_project_id=runs.project.id, triggers=["run:created"])
    other = runs.world.project(runs.organization)
    subscribe(runs, receiver, own_project_id=other.id, triggers=["run:created"])
    runs.new()
    do_due(app)
    assert len(receiver.requests) == 1


@pytest.mark.one_database
def test_a_refused_one_is_sent_again_with_the_same_id(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, receiver, triggers=["run:created", "run:errored"])
    receiver.statuses = [500, 302, 200]
    run_id = runs.new()
    runs.act(run_id, "cancel")
    do_due(app)
    assert triggers(receiver) == [("run:created", "pending")], "what comes after it waits"
    first, second = sorted(tasks(app, kind="deliver-notification"), key=lambda each: int(each.position))
    assert (first.attempts, first.last_error, second.attempts) == (1, "the destination answered 500", 0)
    for _ in range(2):
        make_due(app)
        do_due(app)
    assert [trigger for trigger, _ in triggers(receiver)] == ["run:created"] * 3 + ["run:errored"]
    assert len({each.headers["x-groundplan-delivery"] for each in receiver.requests[:3]}) == 1
    assert [each.headers["x-groundplan-delivery-attempt"] for each in receiver.requests] == ["1", "2", "3", "1"]


@pytest.mark.one_database
def test_after_five_repetitions_it_is_given_up(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, receiver, triggers=["run:created", "run:errored"])
    receiver.statuses = [500] * 6
    run_id = runs.new()
    runs.act(run_id, "cancel")
    for _ in range(6):
        do_due(app)
        make_due(app)
    do_due(app)
    [dead] = tasks(app, kind="deliver-notification")
    assert (dead.status, dead.attempts) == (DEAD, 6)
    assert triggers(receiver)[-1] == ("run:errored", "canceled"), "what comes after it does not wait for ever"
    assert sum(PAUSES) > 5000


@pytest.mark.one_database
def test_a_deleted_or_disabled_one_is_told_nothing_more(app: Flask, runs: Runs, receiver: Receiver) -> None:
    gone, off = subscribe(runs, receiver), subscribe(runs, receiver)
    runs.new()
    its = "/notification-configurations"
    runs.api.delete(f"{its}/{gone.id}", runs.owner.token)
    disabled = document("notification-configurations", {"enabled": False})
    runs.api.patch(f"{its}/{off.id}", runs.owner.token, disabled)
    do_due(app)
    assert (receiver.requests, tasks(app, kind="deliver-notification")) == ([], [])


@pytest.mark.one_database
def test_an_address_that_is_private_by_now_gets_nothing(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, url=receiver.url.replace("127.0.0.1", "127.0.0.2"))
    runs.new()
    do_due(app)
    dead = tasks(app, kind="deliver-notification", status=DEAD)
    assert len(dead) == 1
    assert "no public address" in dead[0].last_error
    assert receiver.requests == []


@pytest.mark.one_database
def test_a_hanging_receiver_is_left_and_tried_again(
    app: Flask, api: Api, runs: Runs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.resources.notifications.notification_configurations.sending.SECONDS", 0.2)
    with hostile(hang) as url:
        configuration = subscribe(runs, url=url, triggers=["run:created"])
        runs.new()
        do_due(app)
    [waiting] = tasks(app, kind="deliver-notification")
    assert waiting.last_error == "the host did not answer within 0.2 seconds"
    its = api.get(f"/notification-configurations/{configuration.id}", runs.owner.token)["data"]["attributes"]
    [kept] = its["delivery-responses"]
    assert (kept["code"], kept["successful"], kept["body"]) == (None, "false", waiting.last_error)
    assert receiver.requests == []


@pytest.mark.one_database
def test_a_chat_gets_what_it_can_show(app: Flask, runs: Runs, receiver: Receiver) -> None:
    subscribe(runs, receiver, destination_type="slack", triggers=["run:created"])
    subscribe(runs, receiver, destination_type="microsoft-teams", triggers=["run:created"])
    run_id = runs.new(message="<!channel> & [all](https://evil.example)")
    do_due(app)
    by_kind = {"text" in each.json: each.json for each in receiver.requests}
    slack, teams = by_kind[True], by_kind[False]
    assert slack["text"] == f"Run Created: {runs.workspace.name}"
    [attachment] = slack["attachments"]
    assert attachment["title_link"].endswith(run_id)
    fields = {each["title"]: each["value"] for each in attachment["fields"]}
    assert fields["Message"] == "&lt;!channel&gt; &amp; [all](https://evil.example)"
    assert fields["Run"] == run_id
    [card] = teams["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {each["type"] for each in card["content"]["body"]} == {"RichTextBlock"}
    assert card["content"]["actions"][0]["url"] == attachment["title_link"]


@pytest.mark.one_database
def test_other_events_are_told_in_the_second_form(app: Flask, runs: Runs, receiver: Receiver) -> None:
    configuration = subscribe(runs, receiver, triggers=["workspace:auto_destroy_reminder"])
    with app.app_context(), Session(services(app).engines.writing) as session:
        workspace = session.get_one(Workspace, runs.workspace.id)
        notify(session, workspace, "assessment:drifted", {})
        notify(session, workspace, "workspace:auto_destroy_reminder", {"auto_destroy_at": "2026-12-01T00:00:00Z"})
        session.commit()
    do_due(app)
    [request] = receiver.requests
    assert request.json == {
        "payload_version": "2",
        "notification_configuration_id": configuration.id,
        "notification_configuration_url": (
            f"https://plan.example.test/api/v2/notification-configurations/{configuration.id}"
        ),
        "trigger_scope": "workspace",
        "trigger": "workspace:auto_destroy_reminder",
        "message": "Auto Destroy Reminder",
        "details": {
            "auto_destroy_at": "2026-12-01T00:00:00Z",
            "workspace_id": runs.workspace.id,
            "workspace_name": runs.workspace.name,
            "organization_name": runs.organization.name,
        },
    }


@pytest.fixture
def inbox(app: Flask) -> Iterator[Inbox]:
    """What the mail server of the application gets."""
    found = Inbox()
    with listening(found) as port:
        server = MailServer(host=HOST, port=port, sender="groundplan@example.test")
        configure(app, server)
        with with_settings(app, mail_server=server, url="https://plan.example.test"):
            yield found


def test_mail_goes_to_members_and_to_further_addresses(
    app: Flask, api: Api, world: World, runs: Runs, inbox: Inbox
) -> None:
    member, left, suspended = (world.member(runs.organization, username=name) for name in ("cy", "li", "su"))
    subscribe(
        runs,
        destination_type="email",
        name="the\noffice",
        triggers=["run:needs_attention"],
        user_ids=[member.id, left.id, suspended.id, "user-gone"],
        email_addresses=["ops@example.com"],
    )
    administrator = world.person(site_role="admin")
    api.post(f"/admin/users/{suspended.id}/actions/suspend", administrator.token, expect=200)
    [membership] = [
        each["id"]
        for each in api.get(f"/organizations/{runs.organization.name}/organization-memberships", runs.owner.token)[
            "data"
        ]
        if each["relationships"]["user"]["data"]["id"] == left.id
    ]
    api.delete(f"/organization-memberships/{membership}", runs.owner.token)
    runs.workspace.name = "net"
    run_id = runs.new(message="Hello\r\nBcc: evil@example.com")
    runs.agent.plan()
    inbox.answers = ["451 try again later"]
    do_due(app)
    assert len(inbox.messages) == 1
    make_due(app)
    do_due(app)
    assert sorted(str(each["To"]) for each in inbox.messages) == ["cy@example.test", "ops@example.com"]
    for message in inbox.messages:
        assert message["Bcc"] is None
        assert str(message["Subject"]).startswith("Run Needs Attention: ")
        text = message.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert f"/runs/{run_id}" in text
        assert "Message: Hello Bcc: evil@example.com" in text
        assert "the notification configuration the office" in text


@pytest.mark.one_database
def test_a_verification_by_mail_is_sent_also_while_it_is_off(app: Flask, api: Api, runs: Runs, inbox: Inbox) -> None:
    configuration = subscribe(
        runs, destination_type="email", enabled=False, email_addresses=["ops@example.com"], triggers=[]
    )
    api.post(f"/notification-configurations/{configuration.id}/actions/verify", runs.owner.token, expect=200)
    do_due(app)
    [message] = inbox.messages
    assert message["Subject"] == "Verification of a notification configuration"


@pytest.mark.one_database
@pytest.mark.usefixtures("inbox")
def test_nobody_fills_a_mailbox_with_verifications_of_new_configurations(api: Api, runs: Runs) -> None:
    def verify(*addresses: str, expect: int = 200) -> Any:
        made = subscribe(runs, destination_type="email", email_addresses=list(addresses), triggers=[])
        path = f"/notification-configurations/{made.id}"
        said = api.post(f"{path}/actions/verify", runs.owner.token, expect=expect)
        api.delete(path, runs.owner.token)
        return said

    for _ in range(OF_ADDRESS):
        verify("ops@example.com")
    refused = verify("else@example.com", "OPS@example.com", expect=429)
    assert refused["errors"][0]["code"] == "too-many-messages"
    verify("else@example.com")


@pytest.mark.one_database
def test_where_nobody_wants_to_know_it_costs_one_select(runs: Runs, statements: Statements) -> None:
    with statements() as sent:
        run_id = runs.new()
    assert len([each for each in sent if "notification_configurations" in each]) == 1
    job = runs.agent.take()
    with statements() as sent:
        job.start()
    assert len([each for each in sent if "notification_configurations" in each]) == 1
    with statements() as sent:
        runs.act(run_id, "cancel")
    assert [each for each in sent if "notification_configurations" in each] == [], "nothing is told of it"


@pytest.mark.one_database
def test_a_team_can_be_written_to_as_a_whole(app: Flask, api: Api, world: World, runs: Runs, inbox: Inbox) -> None:
    team = world.team(runs.organization)
    for name in ("cy", "di"):
        world.member(runs.organization, team, username=name)
    world.member(runs.organization, username="else")
    sent = {
        "name": "ops",
        "destination-type": "email",
        "email_all_members": True,
        "triggers": ["change_request:created"],
    }
    path = f"/teams/{team.id}/notification-configurations"
    made = api.post(path, runs.owner.token, document("notification-configurations", sent))["data"]
    assert made["relationships"]["subscribable"]["data"] == {"id": team.id, "type": "teams"}
    assert made["attributes"]["email_all_members"] is True
    api.post(f"/notification-configurations/{made['id']}/actions/verify", runs.owner.token, expect=200)
    do_due(app)
    assert sorted(str(each["To"]) for each in inbox.messages) == ["cy@example.test", "di@example.test"]
