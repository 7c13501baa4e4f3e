"""The commands that administer users, for operators."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.models import ActivityEvent, Organization
from tests.support.api import Api
from tests.support.world import Person, World


@pytest.fixture
def root(world: World) -> Person:
    return world.person("root", site_role="super_user")


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


@pytest.fixture
def command(app: Flask) -> Callable[..., str]:
    def run(*arguments: str, fails: bool = False) -> str:
        with app.app_context():
            result = app.test_cli_runner().invoke(args=arguments)
        assert result.exit_code == int(fails), result.output
        return result.output

    return run


def test_commands_do_the_same(
    command: Callable[..., str], api: Api, world: World, acme: Organization, root: Person
) -> None:
    ada = world.member(acme, username="lin")
    world.project_member(world.project(acme), ada, "viewer")
    assert command("list-users", "LIN@") == "lin\tlin@example.test\tuser\tactive\n"
    command("revoke-tokens", "lin@example.test")
    assert not works(api, ada.token)
    command("suspend-user", "LIN")
    assert command("list-users", "lin").endswith("suspended\n")
    command("unsuspend-user", ada.id)
    command("grant-admin", "lin")
    assert api.get(f"/admin/users/{ada.id}", root.token)["data"]["attributes"]["is-admin"] is True
    command("revoke-admin", "lin")
    command("delete-user", "lin")
    [event] = [each for each in world.all(ActivityEvent) if each.action == "project-members.delete"]
    assert (event.actor_type, event.organization_id, event.changes["role"]) == ("commands", acme.id, ["viewer", None])
    api.get(f"/admin/users/{ada.id}", root.token, expect=404)
    assert "no user named lin" in command("suspend-user", "lin", fails=True)
    assert "last super user" in command("suspend-user", "root", fails=True)
    assert works(api, root.token)


@pytest.mark.one_database
def test_a_start_gives_a_suspended_administrator_no_token(
    command: Callable[..., str], api: Api, world: World, root: Person
) -> None:
    other = world.person("other", site_role="super_user")
    api.post(f"/admin/users/{other.id}/actions/suspend", root.token, expect=200)
    command("revoke-tokens", "root")
    assert '"username": "root"' in command("bootstrap", "--json")
