"""Invitations by mail: a real server, one that is slow, one that says nothing, one that is not there."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from sqlalchemy import Engine, update

from app.application import create_app
from app.config import MailServer, Settings
from app.mail import outbox as outboxes
from app.mail.outbox import Outbox
from app.mail.server import SUBJECT_LENGTH, one_line
from app.models import Invitation, Organization, Project, User
from app.persistence import now
from app.services import services
from tests.support.api import Api, document
from tests.support.invitations import accept, invited
from tests.support.policy_watch import watch_policy
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

SECONDS = 20
HOST = "127.0.0.1"


class Inbox:
    """Takes what a mail server is given; refuses what it is told to."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answers: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        if self.answers:
            return self.answers.pop()
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(each.original_content or b"") for each in self.envelopes]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


class AnyPort(Controller):
    """Knows the port that it was given before it tries it."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def listening(inbox: Inbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(inbox, hostname=HOST, port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def silent() -> Iterator[tuple[int, threading.Event, threading.Event]]:
    """A server that takes a connection and says nothing: its port, that somebody came, and what lets it hang up."""
    came, hang_up = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            came.set()
            hang_up.wait(SECONDS)

    with closing(socket.create_server((HOST, 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], came, hang_up
        finally:
            hang_up.set()
            thread.join(SECONDS)


def closed_port() -> int:
    with closing(socket.create_server((HOST, 0))) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate for this machine and of its key; nobody has signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return str(folder / "cert.pem"), str(folder / "key.pem")


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
            made.callback(ended, application)
            return application

        yield make


def outbox_of(app: Flask) -> Outbox:
    found = services(app).outbox
    assert isinstance(found, Outbox)
    return found


def ended(app: Flask) -> None:
    drained(app)
    # The thread would write into the next test, and keep the whole application in memory.
    assert outbox_of(app)._queue.close(SECONDS) == 0


def drained(app: Flask) -> None:
    assert outbox_of(app).drain(SECONDS), "mail is still on its way"


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
        again = api.post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)
        assert again["data"]["attributes"]["token"] is None
        api.post(
            f"/workspaces/{workspace.id}/invitations",
            owner.token,
            document("invitations", {"email": "eve@example.test", "level": "user"}),
        )
        reset = api.post(f"/workspaces/{workspace.id}/actions/reset-invite", owner.token, expect=200)
        assert [each["attributes"]["token"] for each in reset["data"]] == [None]
        drained(app)
    assert [each.rcpt_tos for each in inbox.envelopes] == [["bob@example.test"]] * 2 + [["eve@example.test"]] * 2
    links = [link_in(message) for message in inbox.messages]
    assert len(set(links)) == 4
    accept(api, links[0], bob, expect=404)
    accept(api, links[1], bob)


def test_a_silent_server_keeps_no_request_waiting(
    mailing: Mailing, inbox: Inbox, world: World, project: Project, owner: Person
) -> None:
    with silent() as (port, came, hang_up):
        app = mailing(port)
        api = Api(app)
        created = invited(api, project, owner.token)
        assert came.wait(SECONDS)
        # The answer was there while the message still was not.
        assert not hang_up.is_set()
        assert not outbox_of(app).drain(0)
        assert api.get(f"/invitations/{created['id']}", owner.token)["data"]["attributes"]["sent-at"] is None
        hang_up.set()
        drained(app)
    assert [each.status for each in world.all(Invitation)] == ["pending"]
    assert world.all(Invitation)[0].sent_at is None
    with listening(inbox) as port:
        app = mailing(port)
        Api(app).post(f"/invitations/{created['id']}/actions/resend", owner.token, expect=200)
        drained(app)
    assert len(inbox.messages) == 1
    assert world.all(Invitation)[0].sent_at is not None


@pytest.mark.parametrize("way", ["closed", "refused"])
def test_a_failure_loses_nothing_and_tells_no_secrets(
    mailing: Mailing,
    inbox: Inbox,
    world: World,
    project: Project,
    owner: Person,
    capfd: pytest.CaptureFixture[str],
    way: str,
) -> None:
    inbox.answers.append("550 bob@example.test is unknown here")
    with ExitStack() as stack:
        port = closed_port() if way == "closed" else stack.enter_context(listening(inbox))
        app = mailing(port)
        created = invited(Api(app), project, owner.token)
        drained(app)
    assert created["attributes"]["status"] == "pending"
    [invitation] = world.all(Invitation)
    assert (invitation.status, invitation.sent_at) == ("pending", None)
    log = capfd.readouterr().err
    assert "a message was not sent" in log
    assert "bob@example.test" not in log
    assert "invitations/" not in log


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


def test_the_queue_has_an_end(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch, project: Project, owner: Person, world: World
) -> None:
    monkeypatch.setattr(outboxes, "WAITING", 1)
    with silent() as (port, came, _):
        app = mailing(port)
        api = Api(app)
        invited(api, project, owner.token, email="first@example.test")
        assert came.wait(SECONDS)
        for index in range(3):
            invited(api, project, owner.token, email=f"{index}@example.test")
        assert outbox_of(app)._queue.waiting == 1
    drained(app)
    assert len(world.all(Invitation)) == 4


# --- names and passwords -------------------------------------------------------------------------------------------


def test_a_server_that_can_not_prove_its_name_gets_nothing(
    mailing: Mailing, inbox: Inbox, project: Project, owner: Person, certificate: tuple[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with listening(inbox, tls_context=context) as port:
        app = mailing(port, turns_to_tls=True)
        invited(Api(app), project, owner.token)
        drained(app)
    assert inbox.envelopes == []


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


def test_without_a_mail_server_there_is_no_outbox(app: Flask) -> None:
    assert services(app).outbox is None
