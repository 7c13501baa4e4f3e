"""Somebody opens the link of an invitation in a browser, and has no other tool."""

import re
import secrets
from urllib.parse import urlsplit

import httpx
import pytest

from tests.end_to_end.forms import send_form
from tests.end_to_end.service import Service, document

pytestmark = pytest.mark.one_database

PASSWORD = "password of the end-to-end tests"


def test_the_link_of_an_invitation_is_all_that_is_needed(
    service: Service, http: httpx.Client, browser: httpx.Client
) -> None:
    name = f"guest-{secrets.token_hex(4)}"
    token = service.run_flask("create-user", name, f"{name}@example.test").strip()
    service.run_flask("set-password", name, given=f"{PASSWORD}\n")
    made = http.post(
        f"organizations/{service.organization}/projects", json=document("projects", {"name": f"For {name}"})
    )
    project = made.raise_for_status().json()["data"]["id"]
    sent = document("invitations", {"email": f"{name}@example.test", "role": "viewer"})
    invited = http.post(f"projects/{project}/invitations", json=sent).raise_for_status().json()["data"]
    link = invited["attributes"]["link"]

    page = browser.get(link)
    assert "Sign in to Groundplan" in page.text
    page = send_form(browser, page, decision="sign-in", account=name, password="wrong")
    assert page.status_code == httpx.codes.FORBIDDEN
    page = send_form(browser, page, decision="sign-in", account=name, password=PASSWORD)
    assert (str(page.url), f"Join the project For {name}?" in page.text) == (link, True)
    page = send_form(browser, page, decision="accept")
    assert (str(page.url), "You have accepted the invitation" in page.text) == (link, True)
    with service.client(token) as client:
        assert client.get(f"projects/{project}").status_code == httpx.codes.OK

    # The address is a secret, and is told nowhere.
    assert page.headers["Referrer-Policy"] == "no-referrer"
    log = service.log.read_text()
    assert '"GET /invitations/(hidden) HTTP/1.1" 200' in log
    assert '"POST /invitations/(hidden) HTTP/1.1" 303' in log
    secret = urlsplit(link).path.removeprefix("/invitations/")
    assert re.fullmatch(r"[\w.-]+", secret)
    assert secret not in log
