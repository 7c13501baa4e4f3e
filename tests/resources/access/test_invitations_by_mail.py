"""Invitations by mail: a real server, one that is slow, one that says nothing, one that is not there."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from flask import Flask
from sqlalchemy import Engine, update

from app.application import create_app
from app.config import Settings
from app.mail.server import SUBJECT_LENGTH, one_line
from app.models import Invitation, Organization, Project, User
from app.services import services
from app.variables import MailServer
from app.worker.handlers import HANDLERS
from app.worker.performing import perform
from tests.support.api import Api, document
from tests.support.background import do_due, make_due, take, tasks
from tests.support.certificates import write_certificate
from tests.support.invitations import accept, invited
from tests.support.mail import HOST, SECONDS, Inbox, closed_port, listening, silent
from tests.support.policy_watch import watch_policy
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for this machine and of its key; nobody has signed it."""
    return write_certificate(tmp_path_factory.mktemp("certificate"), HOST)


Mailing = Callable[..., Flask]


@pytest.fixture
def mailing(app: Flask, database: str, tmp_path: Path) -> Iterator[Mailing]:
    """Makes applications on the same database that send mail to the port."""
    given: Settings = services(app).settings
    with ExitStack() as made:

        def make(port: int, **members: Any) -> Flask:
            server = MailServer(host=HOST, port=port, sender="groundplan@example.test", **members)
            application = create_app(
                Settings(
                    home=tmp_path,
                    database_url=database,
                    secret_key=given.secret_key,
                    encryption_keys=given.encryption_keys,
                    url="https://plan.example.test/base",
                    mail_server=server,
                )
            )
            application.testing = True
            watch_policy(application)
            made.callback(services(application).engines.dispose)
            return application

        yield make


def drained(app: Flask) -> None:
    """Does what a worker would do, with the present moment as that of the next attempt."""
    do_due(app)
    assert [row.kind for row in tasks(app) if row.last_error is None] == []


def link_in(message: Message) -> str:
    text = str(message.get_payload())
    [page] = re.findall(r"https://plan\.example\.test/base/invitations/(\S+)", text)
    # And the way without a browser.
    assert f"https://plan.example.test/base/api/v2/invitations/{page}/actions/accept" in text
    return str(page)


def test_the_link_comes_by_mail_and_is_nowhere_else(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person, bob: Person
) -> None:
    with listening(inbox) as port:
        app = mailing(port)
        api = Api(app)
        created = invited(api, project, owner.token)
        drained(app)
    [envelope], [message] = inbox.envelopes, inbox.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("groundplan@example.test", ["bob@example.test"])
    assert (message["From"], message["To"]) == ("groundplan@example.test", "bob@example.test")
    assert message["Subject"] == "Invitation to the project billing of acme"
    token = link_in(message)
    assert "ada invites you to the project billing of the organization acme" in str(message.get_payload())
    assert (created["attributes"]["token"], created["attributes"]["link"]) == (None, None)
    shown = api.get(f"/invitations/{created['id']}", owner.token)
    assert shown["data"]["attributes"]["sent-at"] is not None
    assert token not in str(shown)
    accept(api, token, bob)


def test_mail_for_a_workspace_and_of_a_token(
    mailing: Mailing, inbox: Inbox, world: World, acme: Organization, project: Project
) -> None:
    workspace = world.workspace(project, "net")
    given = document("invitations", {"email": "bob@example.test", "level": "user"})
    with listening(inbox) as port:
        app = mailing(port)
        Api(app).post(f"/workspaces/{workspace.id}/invitations", world.token(acme), given)
        drained(app)
    [message] = inbox.messages
    assert message["Subject"] == "Invitation to the workspace net of acme"
    assert "Somebody invites you to the workspace net" in str(message.get_payload())
    assert "level user" in str(message.get_payload())


def test_sending_again_and_resetting_send_another_link(
    mailing: Mailing, inbox: Inbox, world: World, project: Project, owner: Person, bob: Person
) -> None:
    workspace = world.workspace(project, "net")
    with listening(inbox) as port:
        app = mailing(port)
        api = Api(app)
        created = invited(api, project, owner.token)
        drained(app)
        again = api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)
        assert (again["data"]["attributes"]["token"], again["data"]["attributes"]["sent-at"]) == (None, None)
        drained(app)
        api.post(
            f"/workspaces/{workspace.id}/invitations",
            owner.token,
            document("invitations", {"email": "eve@example.test", "level": "user"}),
        )
        drained(app)
        reset = api.post(f"/workspaces/{workspace.id}/actions/reset-invite", owner.token, expect=200)
        assert [each["attributes"]["token"] for each in reset["data"]] == [None]
        drained(app)
    assert [each.rcpt_tos for each in inbox.envelopes] == [["bob@example.test"]] * 2 + [["eve@example.test"]] * 2
    links = [link_in(message) for message in inbox.messages]
    assert len(set(links)) == 4
    accept(api, links[0], bob, expect=404)
    accept(api, links[1], bob)


def test_what_was_not_sent_yet_is_sent_once_with_the_link_that_works(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person, bob: Person
) -> None:
    with listening(inbox) as port:
        app = mailing(port)
        api = Api(app)
        created = invited(api, project, owner.token)
        api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)
        gone = invited(api, project, owner.token, email="gone@example.test")
        api.delete(f"/invitations/{gone['id']}", owner.token)
        drained(app)
    assert [each.rcpt_tos for each in inbox.envelopes] == [["bob@example.test"]]
    accept(api, link_in(inbox.messages[0]), bob)


def test_the_link_is_not_in_the_table_of_tasks(mailing: Mailing, project: Project, owner: Person, world: World) -> None:
    app = mailing(closed_port())
    created = invited(Api(app), project, owner.token)
    [row] = tasks(app)
    assert row.payload == {"id": created["id"]}
    assert world.all(Invitation)[0].nonce not in str(row)


def test_only_the_link_that_works_counts_as_sent(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person, world: World
) -> None:
    with listening(inbox) as port:
        app = mailing(port)
        api = Api(app)
        created = invited(api, project, owner.token)
        # The server has the message, and before that is noted, the link is replaced.
        inbox.meanwhile = lambda: api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)
        [claimed] = take(app, HANDLERS)
        perform(app, HANDLERS[claimed.task.kind], claimed)
        assert len(inbox.messages) == 1
        assert world.all(Invitation)[0].sent_at is None
        inbox.meanwhile = None
        drained(app)
    assert len(inbox.messages) == 2
    assert world.all(Invitation)[0].sent_at is not None


def test_a_silent_server_keeps_no_request_waiting_and_the_mail_comes_later(
    mailing: Mailing, inbox: Inbox, world: World, project: Project, owner: Person
) -> None:
    with silent() as (port, came, hang_up):
        app = mailing(port)
        invited(Api(app), project, owner.token)
        assert not came.is_set()
        worker = threading.Thread(target=do_due, args=(app,))
        worker.start()
        assert came.wait(SECONDS)
        hang_up.set()
        worker.join(SECONDS)
    assert [(each.status, each.sent_at) for each in world.all(Invitation)] == [("pending", None)]
    assert [(row.status, row.attempts) for row in tasks(app)] == [("waiting", 1)]
    # Later, and not at once.
    assert all(row.run_at > row.created_at for row in tasks(app))
    with listening(inbox) as port:
        app = mailing(port)
        make_due(app)
        drained(app)
    assert len(inbox.messages) == 1
    assert world.all(Invitation)[0].sent_at is not None


@pytest.mark.parametrize(
    ("way", "status", "reason"),
    [
        ("closed", "waiting", "ConnectionRefusedError in "),
        ("busy", "waiting", "SMTPDataError in "),
        ("refused", "dead", "The mail server refuses the message"),
    ],
)
def test_a_failure_loses_nothing_and_tells_no_secrets(
    mailing: Mailing,
    inbox: Inbox,
    world: World,
    project: Project,
    owner: Person,
    capfd: pytest.CaptureFixture[str],
    way: str,
    status: str,
    reason: str,
) -> None:
    code = "451" if way == "busy" else "550"
    inbox.answers.append(f"{code} bob@example.test is unknown here")
    with ExitStack() as stack:
        port = closed_port() if way == "closed" else stack.enter_context(listening(inbox))
        app = mailing(port)
        created = invited(Api(app), project, owner.token)
        assert do_due(app) == 1
    assert created["attributes"]["status"] == "pending"
    [invitation] = world.all(Invitation)
    assert (invitation.status, invitation.sent_at) == ("pending", None)
    [row] = tasks(app)
    assert row.status == status
    assert row.last_error.startswith(reason)
    log = capfd.readouterr().err
    assert f"send-invitation {row.id}, attempt 1: {reason}" in log
    for text in (log, row.last_error):
        assert "bob@example.test" not in text
        assert "invitations/" not in text


def test_a_message_that_nobody_can_send_stops_no_other(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person
) -> None:
    with listening(inbox) as port:
        app = mailing(port)
        # The pattern lets it through; no mail server would know what to do with it.
        invited(Api(app), project, owner.token, email="=?utf-8?q?=0aBcc=3a?=@example.test")
        invited(Api(app), project, owner.token, email="carl@example.test")
        drained(app)
    assert [each.rcpt_tos for each in inbox.envelopes] == [["carl@example.test"]]
    assert [row.status for row in tasks(app)] == ["dead"]


def test_a_message_that_is_sent_again_has_the_same_id(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person
) -> None:
    with listening(inbox) as port:
        app = mailing(port)
        invited(Api(app), project, owner.token)
        # A worker that is killed after the server has the message notes nothing.
        [claimed] = take(app, HANDLERS, lease=-1.0)
        with app.app_context():
            HANDLERS[claimed.task.kind].perform(claimed.task)
        drained(app)
    assert [message["Message-ID"] for message in inbox.messages] == [f"<{claimed.task.id}@example.test>"] * 2


def test_a_worker_without_a_mail_server_says_so(app: Flask, mailing: Mailing, project: Project, owner: Person) -> None:
    invited(Api(mailing(closed_port())), project, owner.token)
    do_due(app)
    [row] = tasks(app)
    assert row.status == "dead"
    assert "the worker needs the same GROUNDPLAN_SMTP_URL" in row.last_error


def test_names_begin_no_header(
    mailing: Mailing, inbox: Inbox, world: World, acme: Organization, engine: Engine
) -> None:
    evil = world.owner(acme)
    with engine.begin() as connection:
        name = "eve\r\nBcc: x@example.test"
        connection.execute(update(User).where(User.id == evil.id).values(username=name))
    project = world.project(acme, "bill\r\nBcc: x@example.test\r\n\r\nbody\u2028\x0bX: y")
    with listening(inbox) as port:
        app = mailing(port)
        invited(Api(app), project, evil.token)
        drained(app)
    [envelope], [message] = inbox.envelopes, inbox.messages
    assert envelope.rcpt_tos == ["bob@example.test"]
    assert message["Subject"] == "Invitation to the project bill Bcc: x@example.test body X: y of acme"
    assert set(message.keys()) == {
        "Content-Type",
        "MIME-Version",
        "Content-Transfer-Encoding",
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
    }


def test_a_subject_is_one_short_line() -> None:
    assert one_line("a\r\nb\x00c\u2029d\t e") == "a b c d e"
    assert one_line("x" * (SUBJECT_LENGTH + 1)) == "x" * SUBJECT_LENGTH


# --- names and passwords -------------------------------------------------------------------------------------------


def test_a_server_that_can_not_prove_its_name_gets_nothing(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person, certificate: tuple[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with listening(inbox, tls_context=context) as port:
        app = mailing(port, turns_to_tls=True)
        invited(Api(app), project, owner.token)
        do_due(app)
    assert inbox.envelopes == []
    assert [row.status for row in tasks(app)] == ["waiting"]


def test_a_server_may_want_tls_and_a_password(
    mailing: Mailing,
    inbox: Inbox,
    project: Project,
    owner: Person,
    certificate: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def check(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"plan", b"secret"))

    with listening(inbox, tls_context=context, require_starttls=True, authenticator=check, auth_required=True) as port:
        app = mailing(port, turns_to_tls=True, username="plan", password="secret")
        invited(Api(app), project, owner.token)
        drained(app)
    assert [each.rcpt_tos for each in inbox.envelopes] == [["bob@example.test"]]
