"""The operator's command for passwords; what it ends is tested with the sessions."""

import pytest
from click.testing import Result
from flask import Flask

from app.authentication.passwords import is_password
from app.models import ActivityEvent, User
from tests.support.world import World

pytestmark = pytest.mark.one_database


def run(app: Flask, username: str, given: str) -> Result:
    with app.app_context():
        return app.test_cli_runner().invoke(args=["set-password", username], input=given)


def kept(world: World) -> str | None:
    [user] = world.all(User)
    hashed: str | None = user.password_hash
    return hashed


@pytest.mark.parametrize("password", ["x" * 10, "x" * 512, " with blanks "])
def test_it_sets_what_stands_in_the_first_line(app: Flask, world: World, password: str) -> None:
    world.person("ada")
    result = run(app, "ADA", f"{password}\nnot this\n")
    assert (result.exit_code, password in result.output) == (0, False)
    assert is_password(password, kept(world))
    [event] = [each for each in world.all(ActivityEvent) if each.action == "users.change-password"]
    assert (event.actor_type, event.subject_name) == ("commands", "ada")


@pytest.mark.parametrize(
    ("username", "given", "problem"),
    [
        ("ada", "x" * 9, "10 to 512"),
        ("ada", "x" * 513, "10 to 512"),
        ("ada", "", "10 to 512"),
        ("nobody", "x" * 10, "no user named nobody"),
    ],
)
def test_it_says_what_is_wrong(app: Flask, world: World, username: str, given: str, problem: str) -> None:
    world.person("ada")
    result = run(app, username, given)
    assert result.exit_code == 1
    assert problem in result.stderr
    assert kept(world) is None
