"""A browser for the tests: it keeps cookies and fills the forms of pages."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from sqlalchemy.orm import Session
from webtest import TestApp
from webtest.response import TestResponse

from app.authentication.passwords import hash_password
from app.models import User
from tests.support.world import Person, World

PASSWORD = "correct horse battery"
CALLBACK = "http://localhost:10003/login"
VERIFIER = "a-verifier-of-the-test-suite.0123456789~abcdefgh"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
STATE = "the state of the client"
WANTED = {
    "client_id": "terraform-cli",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "state": STATE,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FORM = "application/x-www-form-urlencoded"
# What is kept of an account that somebody tries to get into; a short name may well stand in it by chance.
DIGEST = "[0-9a-f]{64}"


def person_with_password(world: World, username: str | None = None) -> Person:
    """A user who can sign in."""
    person = world.person(username)
    with Session(world._engine) as session, session.begin():
        session.get_one(User, person.id).password_hash = hash_password(PASSWORD)
    return person


def address(**changed: Any) -> str:
    """Where ``terraform login`` sends the browser; a parameter that is None is left out, a list is repeated."""
    members = {name: value for name, value in {**WANTED, **changed}.items() if value is not None}
    return f"/oauth/authorization?{urlencode(members, doseq=True)}"


class Browser:
    """Opens the pages of the application."""

    def __init__(self, app: Flask, *, ip: str = "192.0.2.1", scheme: str = "http") -> None:
        self.app = TestApp(app, lint=True, extra_environ={"REMOTE_ADDR": ip, "wsgi.url_scheme": scheme})

    @property
    def cookie(self) -> str | None:
        """What the cookie holds."""
        return next((value for name, value in self.app.cookies.items() if name.endswith("groundplan")), None)

    def open(self, **changed: Any) -> TestResponse:
        """The page that the address of ``terraform login`` leads to."""
        return self.app.get(address(**changed), expect_errors=True)

    def try_to_sign_in(self, account: str, password: str = PASSWORD) -> TestResponse:
        """The answer to the form with these."""
        form = self.open().forms[0]
        assert form.action.startswith("/sign-in?")
        form["account"], form["password"] = account, password
        return form.submit(expect_errors=True)

    def sign_in(self, account: str, password: str = PASSWORD) -> TestResponse:
        """Sign in; the page that asks for consent."""
        answered = self.try_to_sign_in(account, password)
        assert answered.status_int == 303, answered.text
        return answered.follow()

    def code(self) -> str:
        """Allow it, and see the code that the client gets."""
        answered = self.open().forms[0].submit("decision", value="allow", expect_errors=True)
        assert answered.status_int == 303, answered.text
        return str(sent_back(answered)["code"])

    def redeem(self, code: str, **changed: Any) -> TestResponse:
        """What the client sends for a token."""
        members = {
            "grant_type": "authorization_code",
            "client_id": "terraform-cli",
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": CALLBACK,
            **changed,
        }
        body = urlencode({name: value for name, value in members.items() if value is not None}, doseq=True)
        return self.post("/oauth/token", body)

    def post(self, path: str, body: str | bytes, content_type: str = FORM) -> TestResponse:
        """The answer to a body that no form of ours made."""
        return self.app.post(path, body, content_type=content_type, expect_errors=True)


def sent_back(answer: TestResponse) -> dict[str, str]:
    """What the client hears at its own address, and nowhere else."""
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    return {name: value for name, (value,) in parse_qs(location.query, strict_parsing=True).items()}
