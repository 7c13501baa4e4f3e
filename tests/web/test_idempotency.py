"""A write with an Idempotency-Key may be sent again: it is done once, and answered twice with the same."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from webtest.response import TestResponse

from app.models import ActivityEvent, IdempotencyKey, Organization, Project, SignInAttempt
from app.models.background_tasks import DueTask, schedule
from app.openapi.examples import example_document
from app.openapi.routes import Route, routes_of
from app.persistence import Base, now
from app.resources.accounts.authentication_tokens import background
from app.services import services
from app.web.idempotency import HEADER, REPEATED
from tests.contract.targets import Targets
from tests.contract.test_examples import EXAMPLES, PREPARED, prepare
from tests.resources.accounts.test_account import PASSWORD, SECOND, passwords
from tests.support.api import Api, document
from tests.support.background import do_due, in_context
from tests.support.browser import person_with_password
from tests.support.meanwhile import before_transaction
from tests.support.world import Person, World

PROJECTS = "/organizations/acme/projects"
KEYS = Base.metadata.tables[IdempotencyKey.__tablename__]
SAMPLES = {name: example for name, _, example in EXAMPLES}
# Thirty-two find no more than eight do, and take four times as long; one write has them below.
AT_ONCE = 8
# So many of the writes are possible here: of the others, some are an agent's or an administrator's, some need more than
# a document of the right form.
LEAST = 125

Send = Callable[..., TestResponse]


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of acme."""
    return world.person()


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    """An organization."""
    return world.organization("acme", owner=owner)


@pytest.fixture
def send(api: Api, owner: Person) -> Send:
    """Send a write of the owner with a key."""

    def send(method: str, path: str, key: str, sent: Any = None, token: str = owner.token) -> TestResponse:
        return api.raw(method, path, token, sent, headers={HEADER: key})

    return send


def project(name: str = "network") -> dict[str, Any]:
    return document("projects", {"name": name})


def code(answer: TestResponse) -> tuple[int, str]:
    [error] = answer.json["errors"]
    return answer.status_int, error["code"]


def rows(engine: Engine) -> Mapping[str, int]:
    """How many rows each table has, without the keys themselves."""
    tables = [table for table in Base.metadata.sorted_tables if table is not KEYS]
    counts = [select(func.count()).select_from(table).scalar_subquery().label(table.name) for table in tables]
    with engine.connect() as connection:
        return connection.execute(select(*counts)).one()._asdict()


def writes(app: Flask) -> list[Route]:
    return [route for route in routes_of(app) if route.is_changing and route.is_guarded]


def sample(route: Route) -> Any:
    """A document for the route."""
    if route.name in SAMPLES:
        return SAMPLES[route.name]
    body, many = route.operation.body, route.operation.many and not route.operation.one_sent
    return example_document(body, many=many) if isinstance(body, type) else None


class Aimed(NamedTuple):
    """A write that is good."""

    route: Route
    path: str
    sent: Any


def aimed_writes(app: Flask, api: Api, world: World) -> Iterator[tuple[Aimed, str]]:
    """Each write of the API, with the token of whoever may do it."""
    targets = Targets(world, api)
    for route in writes(app):
        targets.renew()
        others = prepare(api, targets, route.name)
        name = "" if route.name in PREPARED else route.name
        given = targets.parameters(dict.fromkeys(route.parameters), name, route.method)
        path = route.path.format(**{**given, **others}).removeprefix("/api/v2")
        yield Aimed(route, path, targets.aimed(sample(route))), targets.owner.token


@pytest.mark.one_database
def test_every_write_may_be_repeated(app: Flask, api: Api, world: World, engine: Engine) -> None:
    done = []
    for number, (write, token) in enumerate(aimed_writes(app, api, world)):
        headers = {HEADER: f"repeat-{number}"}
        first = api.raw(write.route.method.upper(), write.path, token, write.sent, headers=headers)
        if first.status_int >= 400:
            continue
        before = rows(engine)
        again = api.raw(write.route.method.upper(), write.path, token, write.sent, headers=headers)
        assert again.headers.get(REPEATED) == "true", write.route.name
        assert (again.status, again.body, again.headers.get("Location")) == (
            first.status,
            first.body,
            first.headers.get("Location"),
        ), write.route.name
        assert rows(engine) == before, write.route.name
        done.append(write.route.name)
    assert len(done) >= LEAST


# SQLite lets one writer in after the other, whatever they do.
@pytest.mark.one_database("postgresql")
def test_every_write_is_done_once_of_many_at_once(app: Flask, api: Api, world: World, engine: Engine) -> None:
    clients = [Api(app) for _ in range(AT_ONCE)]
    done = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (write, token) in enumerate(aimed_writes(app, api, world)):
            method, headers = write.route.method.upper(), {HEADER: f"at-once-{number}"}
            with engine.connect() as connection:
                last = connection.scalar(select(func.max(ActivityEvent.position))) or 0
            sending = [
                pool.submit(each.raw, method, write.path, token, write.sent, headers=headers) for each in clients
            ]
            answers = [each.result() for each in sending]
            good = [answer for answer in answers if answer.status_int < 400]
            if not good:
                continue
            assert len({answer.body for answer in good}) == 1, write.route.name
            refused = {code(answer) for answer in answers if answer.status_int >= 400}
            assert refused <= {(409, "idempotency-key-in-use")}, write.route.name
            with engine.connect() as connection:
                new = select(ActivityEvent.request_id).where(ActivityEvent.position > last).distinct()
                assert len(connection.scalars(new).all()) <= 1, write.route.name
            done.append(write.route.name)
    assert len(done) >= LEAST


@pytest.mark.usefixtures("acme")
def test_of_many_at_once_one_is_done(app: Flask, world: World, owner: Person) -> None:
    def create(number: int) -> TestResponse:
        return Api(app).raw("POST", PROJECTS, owner.token, project(), headers={HEADER: f"same-{number // 16}"})

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(create, range(32)))
    # Both keys are for a project of the same name, so that one of the two is refused in the end.
    first, second = answers[:16], answers[16:]
    for some in (first, second):
        finished = {answer.body for answer in some if answer.status_int == 201}
        assert len(finished) <= 1
        assert {answer.status_int for answer in some} <= {201, 409, 422}
        assert all(answer.headers["Retry-After"] == "1" for answer in some if answer.status_int == 409)
    names = [each.name for each in world.all(Project) if each.name == "network"]
    assert len(names) == 1


@pytest.mark.usefixtures("acme")
def test_another_request_with_the_same_key_is_refused(send: Send) -> None:
    assert send("POST", PROJECTS, "key-1", project()).status_int == 201
    for method, path, sent in (
        ("POST", PROJECTS, project("other")),
        ("POST", "/organizations/acme/teams", project()),
        ("POST", f"{PROJECTS}?include=organization", project()),
        ("PATCH", "/organizations/acme", project()),
    ):
        assert code(send(method, path, "key-1", sent)) == (422, "idempotency-key-reused")


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_keys_of_others_are_other_keys(send: Send, world: World, acme: Organization, owner: Person) -> None:
    assert send("POST", PROJECTS, "key-1", project()).status_int == 201
    [of_organization, of_admins] = world.token(acme), world.team_token(world.owners(acme))
    assert send("POST", PROJECTS, "key-1", project("two"), of_organization).status_int == 201
    assert send("POST", PROJECTS, "key-1", project("three"), of_admins).status_int == 201
    repeated = send("POST", PROJECTS, "key-1", project(), owner.token)
    assert repeated.json["data"]["attributes"]["name"] == "network"


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_what_fails_is_not_kept(send: Send, world: World) -> None:
    assert send("POST", PROJECTS, "key-1", project("")).status_int == 422
    assert send("POST", "/organizations/nowhere/projects", "key-1", project()).status_int == 404
    assert send("POST", PROJECTS, "key-1", project(), "wrong").status_int == 401
    assert world.all(IdempotencyKey) == []
    # A person mends the request, and sends it with the same key.
    assert send("POST", PROJECTS, "key-1", project()).status_int == 201


@pytest.mark.usefixtures("acme")
def test_while_the_first_is_under_way_the_second_waits(app: Flask, send: Send, owner: Person) -> None:
    answers = []

    def meanwhile() -> None:
        headers = {HEADER: "key-1"}
        answers.append(Api(app).raw("PATCH", "/organizations/acme", owner.token, sent, headers=headers))

    sent = document("organizations", {"email": "new@example.test"})
    with before_transaction(app, 2, meanwhile):
        assert send("PATCH", "/organizations/acme", "key-1", sent).status_int == 200
    [answer] = answers
    assert code(answer) == (409, "idempotency-key-in-use")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("acme")
def test_an_attempt_that_was_taken_over_changes_nothing(app: Flask, send: Send, world: World, owner: Person) -> None:
    def meanwhile() -> None:
        with services(app).engines.writing.begin() as connection:
            connection.execute(update(KEYS).values(claimed_until=now()))
        answer = Api(app).raw("POST", PROJECTS, owner.token, project(), headers={HEADER: "key-1"})
        assert answer.status_int == 201

    with before_transaction(app, 2, meanwhile):
        slow = send("POST", PROJECTS, "key-1", project())
    assert slow.status_int in {409, 422}
    assert [each.name for each in world.all(Project)].count("network") == 1
    assert send("POST", PROJECTS, "key-1", project()).headers[REPEATED] == "true"


@pytest.mark.usefixtures("acme")
def test_a_key_that_a_dead_process_has_left_is_free_after_a_while(send: Send, engine: Engine) -> None:
    assert send("POST", PROJECTS, "key-1", project()).status_int == 201
    with engine.begin() as connection:
        connection.execute(update(KEYS).values(sealed_answer=None))
    assert code(send("POST", PROJECTS, "key-1", project())) == (409, "idempotency-key-in-use")
    with engine.begin() as connection:
        connection.execute(update(KEYS).values(claimed_until=now()))
    assert code(send("POST", PROJECTS, "key-1", project())) == (422, "taken"), "it is done again"


@pytest.mark.usefixtures("acme")
def test_an_answer_is_kept_for_a_day_and_sealed(app: Flask, send: Send, world: World, owner: Person) -> None:
    path = f"/users/{owner.id}/authentication-tokens"
    first = send("POST", path, '"quoted-key"', document("authentication-tokens", {"description": "ci"}))
    secret = first.json["data"]["attributes"]["token"]
    [key] = world.all(IdempotencyKey)
    assert key.key == "quoted-key"
    assert timedelta(hours=23, minutes=59) < key.expires_at - now() <= timedelta(hours=24)
    assert secret not in key.sealed_answer
    again = send("POST", path, "quoted-key", document("authentication-tokens", {"description": "ci"}))
    assert again.json["data"]["attributes"]["token"] == secret
    world.change(key, expires_at=now() - timedelta(seconds=1))
    with Session(services(app).engines.writing) as session, session.begin():
        schedule(session, "delete-expired", {})
    assert do_due(app) == 1
    assert world.all(IdempotencyKey) == []


@pytest.mark.one_database
@pytest.mark.parametrize("key", ["", " ", '"', "two words", 'in"side', "x" * 256, "umläut"])
@pytest.mark.usefixtures("acme")
def test_a_malformed_key_is_refused(send: Send, key: str) -> None:
    answer = send("POST", PROJECTS, key, project())
    assert code(answer) == (400, "bad-header")
    assert answer.json["errors"][0]["source"] == {"header": HEADER}


@pytest.mark.one_database
def test_wrong_passwords_count_with_a_key_too(api: Api, world: World) -> None:
    ada = person_with_password(world, "ada")
    sent = passwords(SECOND, "wrong password")
    assert api.raw("PATCH", PASSWORD, ada.token, sent, headers={HEADER: "key-1"}).status_int == 422
    assert len(world.all(SignInAttempt)) == 1


def test_no_caller_fills_the_table(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "ANSWERS_KEPT", 3)
    for who, count in (("busy", 5), ("calm", 3)):
        for number in range(count):
            times = {"claimed_until": now(), "expires_at": now() + timedelta(hours=1, minutes=number)}
            row = {"fingerprint": "f", "attempt": "a", "sealed_answer": "s"}
            world.add(IdempotencyKey(caller=who, key=str(number), **times, **row))
    task = DueTask(id="work-1", kind="delete-expired", key=None, lane=None, payload={}, attempt=1, is_last=False)
    in_context(app, lambda: background.delete_expired(task))
    kept = sorted((each.caller, each.key) for each in world.all(IdempotencyKey))
    assert kept == [*(("busy", str(number)) for number in (2, 3, 4)), *(("calm", str(number)) for number in range(3))]
