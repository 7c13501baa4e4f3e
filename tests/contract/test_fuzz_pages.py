"""Whatever is sent to the pages and the token endpoint, which the API document leaves out: no failure of ours."""

from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api import Api
from tests.support.browser import VERIFIER, WANTED, Browser, person_with_password
from tests.support.invitations import invited, token_of
from tests.support.world import World

FIELDS = {
    **WANTED,
    "grant_type": "authorization_code",
    "code": "a code",
    "code_verifier": VERIFIER,
    "account": "ada",
    "password": "wrong",
    "decision": "allow",
    "form_token": "x",
}
# What it should be, what it should not be, nothing at all, or several.
PAIRS = st.lists(
    st.sampled_from(sorted(FIELDS)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.just(FIELDS[name]) | st.text(st.characters(codec="utf-8"), max_size=60)
        ),
    ),
    max_size=16,
)
MOST = st.sets(st.sampled_from(sorted(FIELDS)), max_size=3).map(
    lambda missing: [(name, value) for name, value in FIELDS.items() if name not in missing],
)
SENT = PAIRS | st.builds(lambda most, more: most + more[:1], MOST, PAIRS)
STATUSES = {200, 303, 400, 403, 429}


@pytest.mark.parametrize("path", ["/oauth/authorization", "/sign-in", "/sign-out", "/oauth/token"])
def test_no_form_makes_the_service_fail(app: Flask, world: World, path: str) -> None:
    browser = Browser(app)
    browser.sign_in(person_with_password(world, "ada").username)
    own = browser.open().forms[0]["form_token"].value

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(query=SENT, form=SENT, is_own=st.booleans())
    def send(query: list[tuple[str, str]], form: list[tuple[str, str]], is_own: bool) -> None:  # noqa: FBT001
        if is_own:
            form = [pair for pair in form if pair[0] != "form_token"] + [("form_token", own)]
        answered = browser.post(f"{path}?{urlencode(query)}", urlencode(form))
        assert answered.status_int in STATUSES
        if answered.status_int == 303:
            location = answered.headers["Location"]
            assert location.startswith(("/oauth/authorization?", f"{WANTED['redirect_uri']}?"))

    send()


def test_no_form_makes_the_page_of_an_invitation_fail(app: Flask, world: World) -> None:
    owner, bob = person_with_password(world, "ada"), person_with_password(world, "bob")
    project = world.project(world.organization(owner=owner))
    made = invited(Api(app), project, owner.token, email=f"{bob.username}@example.test")
    browser = Browser(app)
    browser.sign_in(bob.username)
    own = browser.open().forms[0]["form_token"].value
    pages = [f"/invitations/{token}" for token in (token_of(made), "no.thing")]

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        path=st.sampled_from(pages),
        decision=st.sampled_from(["accept", "sign-in", "sign-out", ""]),
        form=SENT,
        is_own=st.booleans(),
    )
    def send(path: str, decision: str, form: list[tuple[str, str]], is_own: bool) -> None:  # noqa: FBT001
        form = [pair for pair in form if pair[0] != "decision"] + [("decision", decision)]
        if is_own:
            form = [pair for pair in form if pair[0] != "form_token"] + [("form_token", own)]
        answered = browser.post(path, urlencode(form))
        assert answered.status_int in STATUSES | {404, 409}
        if answered.status_int == 303:
            assert answered.headers["Location"] == path

    send()


@pytest.mark.one_database
def test_no_address_makes_the_service_fail(app: Flask) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(query=SENT)
    def send(query: list[tuple[str, str]]) -> None:
        answered = Browser(app).app.get(f"/oauth/authorization?{urlencode(query)}", expect_errors=True)
        assert answered.status_int in STATUSES

    send()
