"""What a new service gets from its commands."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from app import cli
from app.authentication.passwords import is_password
from app.models import (
    ActivityEvent,
    AuthenticationToken,
    Organization,
    OrganizationMembership,
    Project,
    Team,
    TeamMember,
    User,
)
from app.services import services
from tests.support.api import Api, document
from tests.support.services import replace_services
from tests.support.world import World

CHOSEN = "bootstrap-token-of-the-test-suite-0123456789"
TOKEN = re.compile(r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9]{67}")
TABLES = (User, Organization, OrganizationMembership, Team, TeamMember, Project, AuthenticationToken, ActivityEvent)

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command, with some settings changed."""

    def running(*arguments: str, **changed: Any) -> Result:
        settings = replace(services(app).settings, **changed)
        # The flask command gives its commands the context of the application.
        with monkeypatch.context() as patch, app.app_context():
            replace_services(patch, app, settings=settings)
            return app.test_cli_runner().invoke(args=arguments)

    return running


def bootstrapped(run: Run, **changed: Any) -> dict[str, str]:
    result = run("bootstrap", "--json", **changed)
    assert result.exit_code == 0, result.output
    answer: dict[str, str] = json.loads(result.stdout)
    return answer


def counts(world: World) -> list[int]:
    return [len(world.all(table)) for table in TABLES]


def remove(engine: Engine, model: type[Any], *conditions: Any) -> None:
    with Session(engine) as session, session.begin():
        session.execute(delete(model).where(*conditions))


def test_a_new_service_gets_an_administrator_and_an_organization(run: Run, api: Api, world: World) -> None:
    answer = bootstrapped(run, bootstrap_token=None)
    assert set(answer) == {"url", "organization", "username", "password", "user_token", "organization_token"}
    assert (answer["organization"], answer["username"]) == ("groundplan", "admin")
    assert TOKEN.fullmatch(answer["user_token"])
    assert TOKEN.fullmatch(answer["organization_token"])
    account = api.get("/account/details", answer["user_token"])["data"]["attributes"]
    assert (account["username"], account["is-admin"]) == ("admin", True)
    shown = api.get("/organizations/groundplan", answer["organization_token"])["data"]
    assert shown["relationships"]["default-project"]["data"]["id"] == world.all(Project)[0].id
    assert [team.name for team in world.all(Team)] == ["owners"]
    assert len(world.all(TeamMember)) == 1


def test_it_tells_where_the_service_will_listen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bootstrapped(run)["url"] == "http://127.0.0.1:8080"
    monkeypatch.setenv("HOST", "192.0.2.1")
    monkeypatch.setenv("PORT", "9000")
    assert bootstrapped(run)["url"] == "http://192.0.2.1:9000"
    assert json.loads(run("bootstrap", "--json", "--url", "https://tf.example.test").stdout)["url"] == (
        "https://tf.example.test"
    )


def test_running_it_again_changes_nothing(run: Run, world: World) -> None:
    bootstrapped(run)
    before = counts(world)
    assert set(bootstrapped(run)) == {"url", "organization", "username"}
    assert run("bootstrap").exit_code == 0
    assert counts(world) == before


def test_the_operator_may_choose_the_administrators_token(run: Run, api: Api) -> None:
    answer = bootstrapped(run, bootstrap_token=CHOSEN)
    assert answer["user_token"] == CHOSEN
    assert api.get("/account/details", CHOSEN)["data"]["attributes"]["username"] == "admin"
    # Another one later is not an additional way in.
    bootstrapped(run, bootstrap_token=CHOSEN[::-1])
    assert api.raw("GET", "/account/details", CHOSEN[::-1]).status_int == 401


def test_the_administrator_gets_a_password_that_is_shown_once(run: Run, world: World) -> None:
    password = bootstrapped(run)["password"]
    (administrator,) = world.all(User)
    assert is_password(password, administrator.password_hash)
    assert password not in run("bootstrap").output


def test_the_operator_may_choose_the_administrators_password(run: Run, world: World) -> None:
    assert "password" not in bootstrapped(run, bootstrap_password="chosen by hand")
    # Another one later does not replace it.
    bootstrapped(run, bootstrap_password="chosen by hand again")
    (administrator,) = world.all(User)
    assert is_password("chosen by hand", administrator.password_hash)


def test_the_operator_may_choose_the_organization(run: Run, api: Api) -> None:
    answer = bootstrapped(run, bootstrap_organization="Acme")
    assert answer["organization"] == "Acme"
    assert api.get("/organizations/acme", answer["organization_token"])["data"]["id"] == "Acme"
    # The same name in another case is the same organization.
    assert bootstrapped(run, bootstrap_organization="ACME")["organization"] == "Acme"


@pytest.mark.one_database
@pytest.mark.parametrize("name", ["ab", "x" * 41, "two words", "a/b", "\u00e4cme"])
def test_a_name_that_no_organization_can_have_is_refused(run: Run, world: World, name: str) -> None:
    result = run("bootstrap", "--json", bootstrap_organization=name)
    assert result.exit_code == 1
    assert "GROUNDPLAN_ORGANIZATION" in result.stderr
    assert counts(world) == [0] * len(TABLES)


MISSING: dict[str, tuple[type[Any], Callable[[], Any], set[str]]] = {
    "the administrator's token": (
        AuthenticationToken,
        lambda: AuthenticationToken.user_id.is_not(None),
        {"user_token"},
    ),
    "the organization": (Organization, lambda: Organization.id.is_not(None), {"organization_token"}),
    "the administrator": (User, lambda: User.id.is_not(None), {"user_token", "password"}),
}


@pytest.mark.parametrize(("model", "condition", "made"), MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_is_made_again(
    run: Run, api: Api, engine: Engine, model: type[Any], condition: Callable[[], Any], made: set[str]
) -> None:
    first = bootstrapped(run)
    remove(engine, model, condition())
    again = bootstrapped(run)
    assert set(again) == {"url", "organization", "username"} | made
    for name, path in (("user_token", "/account/details"), ("organization_token", "/organizations/groundplan")):
        assert api.get(path, again.get(name, first[name]))


def test_a_token_of_the_organization_that_was_revoked_stays_revoked(run: Run, api: Api) -> None:
    first = bootstrapped(run)
    api.delete("/organizations/groundplan/authentication-token", first["user_token"])
    assert set(bootstrapped(run)) == {"url", "organization", "username"}
    api.get("/organizations/groundplan", first["organization_token"], expect=401)


def test_a_renamed_organization_is_still_the_organization(run: Run, api: Api, world: World) -> None:
    first = bootstrapped(run)
    renamed = document("organizations", {"name": "acme"})
    api.patch("/organizations/groundplan", first["user_token"], renamed)
    again = bootstrapped(run)
    assert (again["organization"], "organization_token" in again) == ("acme", False)
    assert len(world.all(Organization)) == 1


def test_an_administrator_that_is_there_is_used(run: Run, api: Api, world: World) -> None:
    ada = world.person("ada", site_role="super_user")
    answer = bootstrapped(run)
    assert (answer["username"], "user_token" in answer) == ("ada", False)
    assert [user.username for user in world.all(User)] == ["ada"]
    assert api.get("/organizations/groundplan", ada.token)["data"]["attributes"]["permissions"]["can-update"]


def test_what_was_made_is_recorded_without_the_tokens(run: Run, world: World) -> None:
    answer = bootstrapped(run)
    events = world.all(ActivityEvent)
    assert sorted(event.action for event in events) == [
        "authentication-tokens.create",
        "authentication-tokens.create",
        "authentication-tokens.create",
        "organizations.create",
        "users.create",
    ]
    assert {event.actor_type for event in events} == {"commands"}
    texts = " ".join(str(vars(event)) for event in events)
    assert answer["user_token"] not in texts
    assert answer["organization_token"] not in texts


def test_the_built_in_pool_has_one_token_that_changes_with_the_secret_key(run: Run, api: Api, world: World) -> None:
    bootstrapped(run)
    token = run("agent-token").stdout.strip()
    assert token.startswith("built-in.atlasv1.")
    assert api.raw("PUT", "/api/agent/v1/agents/agent-1", token, {"status": "idle"}).status_int == 404
    other = "another-secret-key-of-the-test-suite-0123456789"
    assert run("agent-token", secret_key=other).stdout.strip() != token
    bootstrapped(run, secret_key=other)
    assert api.raw("PUT", "/api/agent/v1/agents/agent-1", token, {"status": "idle"}).status_int == 401
    assert [each.description for each in world.all(AuthenticationToken) if each.kind == "agent"] == [
        "the built-in agent pool"
    ]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("agents", "reason", "mode"), [(1, None, "remote"), (1, "no user namespaces", "local"), (0, None, "local")]
)
def test_the_organization_runs_here_if_agents_can(
    run: Run, api: Api, monkeypatch: pytest.MonkeyPatch, *, agents: int, reason: str | None, mode: str
) -> None:
    monkeypatch.setattr(cli, "why_none", lambda _settings, _environment: reason)
    token = bootstrapped(run, agents=agents)["organization_token"]
    assert api.get("/organizations/groundplan", token)["data"]["attributes"]["default-execution-mode"] == mode


def test_people_read_how_to_go_on(run: Run) -> None:
    output = run("bootstrap").stdout
    assert "organization groundplan, administrator admin" in output
    assert CHOSEN in output
    assert "curl -H" in output
    assert "(shown once)" not in run("bootstrap").stdout


# --- create-user -----------------------------------------------------------------------------------------------------


def test_a_user_gets_a_token(run: Run, api: Api) -> None:
    token = run("create-user", "ada", "ada@example.test").stdout.strip()
    assert TOKEN.fullmatch(token)
    account = api.get("/account/details", token)["data"]["attributes"]
    assert (account["username"], account["email"], account["is-admin"]) == ("ada", "ada@example.test", False)
    assert api.get("/organizations", token)["data"] == []


@pytest.mark.parametrize("site_role", ["user", "admin", "super_user"])
def test_a_user_may_have_a_site_role_from_the_start(run: Run, api: Api, site_role: str) -> None:
    token = run("create-user", "ada", "ada@example.test", "--site-role", site_role).stdout.strip()
    account = api.get("/account/details", token)["data"]["attributes"]
    assert (account["site-role"], account["is-admin"]) == (site_role, site_role != "user")


def test_there_is_no_other_site_role(run: Run, world: World) -> None:
    before = counts(world)
    assert run("create-user", "ada", "ada@example.test", "--site-role", "root").exit_code == 2
    assert counts(world) == before


def test_the_administrator_is_a_super_user_whoever_is_there_already(run: Run, api: Api) -> None:
    run("create-user", "ada", "ada@example.test", "--site-role", "admin")
    made = json.loads(run("bootstrap", "--json").stdout)
    assert made["username"] == "admin"
    assert api.get("/account/details", CHOSEN)["data"]["attributes"]["site-role"] == "super_user"


@pytest.mark.parametrize(("options", "may_update"), [((), False), (("--owner",), True)])
def test_a_user_may_be_put_into_an_organization(
    run: Run,
    api: Api,
    world: World,
    options: tuple[str, ...],
    may_update: bool,  # noqa: FBT001
) -> None:
    world.organization("acme")
    token = run("create-user", "ada", "ada@example.test", "--organization", "ACME", *options).stdout.strip()
    permissions = api.get("/organizations/acme", token)["data"]["attributes"]["permissions"]
    assert permissions["can-update"] is may_update


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Grace", "new@example.test"), "a user with this name or e-mail address exists"),
        (("new", "GRACE@example.test"), "a user with this name or e-mail address exists"),
        (("ada", "ada@example.test", "--organization", "missing"), "there is no organization named missing"),
        (("ada", "ada@example.test", "--owner"), "an owner needs an organization to own"),
        (("", "ada@example.test"), "a name has 1 to 64"),
        (("a b", "ada@example.test"), "a name has 1 to 64"),
        (("x" * 65, "ada@example.test"), "a name has 1 to 64"),
        (("ada", ""), "this is no e-mail address"),
        (("ada", "ada"), "this is no e-mail address"),
        (("ada", f"{'x' * 250}@example.test"), "this is no e-mail address"),
    ],
)
def test_a_user_that_can_not_be_made_leaves_nothing(
    run: Run, world: World, arguments: tuple[str, ...], told: str
) -> None:
    world.person("grace")
    before = counts(world)
    result = run("create-user", *arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert counts(world) == before
