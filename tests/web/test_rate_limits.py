"""Limits of requests a second, by token and by organization."""

import pytest
from flask import Flask, g

from app.authentication.callers import Caller
from app.models import Organization
from app.web import rate_limits
from app.web.rate_limits import EXTENSION, RateLimits
from tests.support.api import Api, document
from tests.support.statement_costs import Statements
from tests.support.world import Person, World

LIMIT, OF_ORGANIZATION = 30, 40


class Clock:
    """A clock that stands still until it is told the time."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limits, "time", clock)
    return clock


@pytest.fixture
def limited(app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application, with limits."""
    assert clock.moment
    monkeypatch.setitem(app.extensions, EXTENSION, RateLimits(LIMIT, OF_ORGANIZATION))
    return app


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


def limits_of(app: Flask) -> RateLimits:
    found = app.extensions[EXTENSION]
    assert isinstance(found, RateLimits)
    return found


def statuses(api: Api, token: str, count: int, path: str = "/account/details") -> list[int]:
    return [api.raw("GET", path, token).status_int for _ in range(count)]


@pytest.mark.one_database
def test_more_than_the_limit_is_refused(limited: Flask, owner: Person, world: World, clock: Clock) -> None:
    api = Api(limited)
    first = api.raw("GET", "/account/details", owner.token)
    told = [first.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
    assert told == ["30", "29", "0.033"]
    assert statuses(api, owner.token, LIMIT - 1) == [200] * (LIMIT - 1)

    refused = api.raw("GET", "/account/details", owner.token)
    told = [refused.headers[name] for name in ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining")]
    assert (refused.status_int, told) == (429, ["1", "30", "0"])
    assert 0 < float(refused.headers["X-RateLimit-Reset"]) < 1
    [error] = refused.json["errors"]
    assert (error["status"], error["title"], error["code"]) == ("429", "Too many requests", "rate-limit-exceeded")

    assert statuses(api, world.person("bob").token, 1) == [200]
    clock.moment += 0.5
    assert statuses(api, owner.token, 16) == [200] * 15 + [429]


@pytest.mark.one_database
def test_an_organization_has_one_limit_for_all(limited: Flask, world: World, acme: Organization, owner: Person) -> None:
    api, path = Api(limited), f"/organizations/{acme.name}"
    other = world.owner(acme)
    # In the other organization, both count for that one.
    third = world.person("eve")
    world.organization("other", owner=third)
    assert statuses(api, owner.token, 25, path) == [200] * 25
    assert statuses(api, other.token, 16, path) == [200] * 15 + [429]
    assert statuses(api, third.token, 1) == [200]


@pytest.mark.one_database
def test_a_body_is_not_read_and_a_key_counts_once(limited: Flask, acme: Organization, owner: Person) -> None:
    api, path = Api(limited), f"/organizations/{acme.name}/projects"
    answer = api.raw(
        "POST", path, owner.token, document("projects", {"name": "billing"}), headers={"Idempotency-Key": "one"}
    )
    assert (answer.status_int, answer.headers["X-RateLimit-Remaining"]) == (201, "29")
    statuses(api, owner.token, LIMIT)
    assert api.raw("POST", path, owner.token, b"{" * 1000).status_int == 429


@pytest.mark.one_database
def test_a_client_that_was_refused_costs_no_statement(
    limited: Flask, owner: Person, clock: Clock, statements: Statements
) -> None:
    api = Api(limited)
    with statements() as seen:
        assert statuses(api, owner.token, LIMIT + 1)[-1] == 429
    assert len(seen) > LIMIT

    with statements() as seen:
        assert statuses(api, owner.token, 50) == [429] * 50
    assert seen == []
    clock.moment += 1
    assert statuses(api, owner.token, 1) == [200]


@pytest.mark.one_database
def test_unknown_tokens_leave_nothing(limited: Flask) -> None:
    api = Api(limited)
    assert statuses(api, "unknown", 100) == [401] * 100
    assert not limits_of(limited)._buckets


@pytest.mark.one_database
@pytest.mark.parametrize("kind", ["agent", "run", "task"])
def test_machines_have_more(limited: Flask, kind: str) -> None:
    with limited.test_request_context("/api/v2/account/details"):
        for _ in range(2 * LIMIT):
            g.pop("rate", None)
            limits_of(limited).check(Caller(kind, "one", "one", token_id=None), "Bearer of-a-machine")
        assert g.rate.limit == rate_limits.OF_MACHINES > 10 * LIMIT


def test_processes_share_a_limit(limited: Flask, owner: Person, clock: Clock) -> None:
    """Of a token's requests, one process gets three times as many as the other, and allows as much more."""
    ours, theirs = limits_of(limited), RateLimits(LIMIT, OF_ORGANIZATION)
    allowed: list[int] = []
    for _ in range(3):
        clock.moment += 1
        allowed = []
        for process, count in ((ours, 90), (theirs, 30)):
            limited.extensions[EXTENSION] = process
            allowed.append(statuses(Api(limited), owner.token, count).count(200))
        for process in (ours, theirs):
            process.exchange(limited)
    assert sum(allowed) <= LIMIT + 2
    assert 20 <= allowed[0] <= 24

    # One that gets little has all of the limit again, and tells nobody.
    clock.moment += 5
    ours.exchange(limited)
    limited.extensions[EXTENSION] = ours
    assert statuses(Api(limited), owner.token, LIMIT) == [200] * LIMIT


@pytest.mark.one_database
def test_nobody_is_remembered_for_long(limited: Flask, owner: Person, clock: Clock) -> None:
    api, limits = Api(limited), limits_of(limited)
    statuses(api, owner.token, LIMIT + 1)
    clock.moment += 11
    limits.exchange(limited)
    clock.moment += 11
    limits.exchange(limited)
    assert not limits._buckets
    assert not limits._closed


@pytest.mark.one_database
def test_ping_tells_the_limit_without_a_token(limited: Flask) -> None:
    assert Api(limited).raw("GET", "/ping").headers["X-RateLimit-Limit"] == str(LIMIT)


@pytest.mark.one_database
def test_without_limits_nothing_is_told(api: Api, owner: Person) -> None:
    for path in ("/ping", "/account/details"):
        assert not [name for name in api.raw("GET", path, owner.token).headers if name.startswith("X-RateLimit")]


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_all_tokens_of_a_user_count_together_where_no_organization_is_meant(
    limited: Flask, owner: Person, world: World
) -> None:
    world.organization("other", owner=owner)
    api = Api(limited)
    made = api.post(
        f"/users/{owner.id}/authentication-tokens",
        owner.token,
        document("authentication-tokens", {"description": "second"}),
    )
    second = made["data"]["attributes"]["token"]
    sent = [*statuses(api, owner.token, 20), *statuses(api, second, 25)]
    # One was spent on making the second token.
    assert sent == [200] * (OF_ORGANIZATION - 1) + [429] * (45 - OF_ORGANIZATION + 1)
