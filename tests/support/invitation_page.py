"""The page of an invitation, as the tests open it."""

from urllib.parse import urlsplit

from flask import Flask
from webtest.response import TestResponse

from app.services import services
from tests.support.browser import PASSWORD, Browser

SIGN_IN = "Sign in to Groundplan"


class Reader(Browser):
    """Somebody with a link."""

    def __init__(self, app: Flask, token: str, *, ip: str = "192.0.2.1") -> None:
        # Browsers keep the cookie of an address with https for that scheme.
        url = urlsplit(services(app).settings.url or "http://localhost")
        super().__init__(app, ip=ip, scheme=url.scheme)
        self.path = f"{url.path}/invitations/{token}"

    def look(self) -> TestResponse:
        """The page."""
        return self.app.get(self.path, expect_errors=True)

    def submit(self, page: TestResponse, decision: str, **fields: str) -> TestResponse:
        """Fill the form that has this decision, and send it."""
        form = next(each for each in page.forms.values() if each["decision"].value == decision)
        for name, value in fields.items():
            form[name] = value
        return form.submit(expect_errors=True)

    def come_in(self, account: str) -> TestResponse:
        """Sign in on the page; the page then."""
        answered = self.submit(self.look(), "sign-in", account=account, password=PASSWORD)
        assert (answered.status_int, answered.headers["Location"]) == (303, self.path), answered.text
        return answered.follow(expect_errors=True)

    def agree(self) -> TestResponse:
        """Press the button; the answer."""
        return self.submit(self.look(), "accept")


def heading(page: TestResponse) -> str:
    return str(page.html.h1.text)
