"""Every route is guarded or on a short list, every permission counts and is used, every answer asked the policy."""

import ast
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from sqlalchemy import select

from app.authz.permissions import P
from app.authz.policy import POLICY
from app.models import Project
from app.web.answers import no_content
from app.web.guard import Operation, describes, requires
from app.web.policy import mark_policy_checked
from app.web.transaction import transaction
from tests.support.api import Api
from tests.support.world import World

APP = Path(__file__).parents[2] / "app"

OPEN = {
    # They show nothing but forms to sign in and out, files of the package, and that there is no such page.
    "console.show_asset",
    "console.show_sign_in",
    "console.show_unknown",
    "console.sign_in",
    "console.sign_out",
    "documentation.show_asset",
    "documentation.show_document",
    "documentation.show_page",
    "documentation.show_start",
    "documentation.show_start_page",
    # For balancers. They tell no names: a word for each part of the service.
    "health.show_health",
    "health.show_readiness",
    # As those of sign_in. Without a session they say nothing, with one no more than the API says to the same user.
    "invitation_pages.answer_form",
    "invitation_pages.show_page",
    # Their signed address is the permission: see addresses.py of logs.
    "logs.download_run_file",
    "logs.read_run_log",
    # It asks for the token of the metrics.
    "metrics.show_metrics",
    "service.discover",
    "service.ping",
    "service.show_ip_ranges",
    # They know who it is by the cookie of a session, or by a code that was made in one.
    "sign_in.authorize",
    "sign_in.decide",
    "sign_in.redeem",
    "sign_in.sign_in",
    "sign_in.sign_out",
    # Their signed address is the permission: see addresses.py of configuration versions and of state versions.
    "configuration_versions.upload_configuration",
    "state_versions.download_object",
    "state_versions.upload_object",
}
"""Who answers without a token. Whoever adds to this list says why it is harmless."""


WITHOUT_TOKEN = {
    # Of workspaces whose project has public-read it shows what is public.
    "workspaces.show_workspace_of_project",
}
"""Who answers also without a token, but asks the policy. Whoever adds to this list says why it is harmless."""


@pytest.fixture(scope="module")
def views(
    new_app: Callable[[str], AbstractContextManager[Flask]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Any]]:
    """The view of each route, by the name of its endpoint."""
    folder = tmp_path_factory.mktemp("routes")
    with new_app(f"sqlite:///{folder / 'empty.sqlite3'}") as app:
        yield {rule.endpoint: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}


def test_every_route_names_its_permissions_or_is_known_to_be_open(views: dict[str, Any]) -> None:
    unmarked = [name for name, view in views.items() if not hasattr(view, "permissions")]
    assert unmarked == [], "a view needs @requires, or @open_to_all"
    assert {name for name, view in views.items() if not (view.permissions or is_console_page(view))} == OPEN
    assert {name for name, view in views.items() if getattr(view, "anonymous", False)} == WITHOUT_TOKEN


def is_console_page(view: Any) -> bool:
    """Whether the view makes requests to the API, which asks the policy, or else fails."""
    return getattr(view, "is_console_page", False)


def test_every_view_describes_itself(views: dict[str, Any]) -> None:
    for name, view in views.items():
        assert isinstance(getattr(view, "operation", None), Operation), f"{name} needs @describes"
        assert (view.__doc__ or "").strip(), f"{name} needs a docstring: the API document quotes it"


def test_every_permission_has_its_row_in_the_policy() -> None:
    assert set(POLICY) == set(P)


def test_every_permission_protects_something() -> None:
    used = {name for folder in ("resources", "web") for path in (APP / folder).rglob("*.py") for name in named(path)}
    assert {permission.name for permission in P} - used == set(), "nothing asks for it: no route, flag or filter"


def named(path: Path) -> Iterator[str]:
    """The permissions that the module names: ``P.PROJECT_READ`` and so on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "P":
            yield node.attr


# --- a view that does not ask fails in production, too; one that asks for more than it declares fails in tests -------


def forgetful() -> Response:
    """Answer without a question."""
    return no_content()


def careful() -> Response:
    """Ask, then answer."""
    mark_policy_checked(P.PROJECT_READ)
    return no_content()


def undeclared() -> Response:
    """Ask for a permission that the route does not declare."""
    mark_policy_checked(P.PROJECT_READ, P.PROJECT_UPDATE)
    return no_content()


def writing() -> Response:
    """Change a project without a question."""
    with transaction() as session:
        for project in session.scalars(select(Project)):
            project.description = "changed by anybody"
    return no_content()


@pytest.mark.one_database
@pytest.mark.parametrize(("view", "status"), [(forgetful, 500), (undeclared, 500), (careful, 204)])
def test_an_answer_of_a_view_that_did_not_ask_what_it_declares_fails(
    database: str,
    new_app: Callable[[str], AbstractContextManager[Flask]],
    world: World,
    view: Callable[[], Response],
    status: int,
) -> None:
    with new_app(database) as app:
        app.add_url_rule("/api/v2/rogue", view_func=requires(P.PROJECT_READ)(describes(status=204)(view)))
        Api(app).get("/rogue", world.person().token, expect=status)


@pytest.mark.one_database
def test_a_change_without_a_question_is_rolled_back(
    database: str, new_app: Callable[[str], AbstractContextManager[Flask]], world: World
) -> None:
    world.project(world.organization())
    with new_app(database) as app:
        app.add_url_rule("/api/v2/rogue", view_func=requires(P.PROJECT_READ)(describes(status=204)(writing)))
        Api(app).get("/rogue", world.person().token, expect=500)
    assert {each.description for each in world.all(Project)} == {None}
