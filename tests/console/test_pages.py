"""Every page of the console: who sees it, what it costs, and that nothing hostile or secret comes through."""

import re

import pytest
from flask import Flask

from tests.support.browser import PASSWORD, Browser
from tests.support.console import HOSTILE, SECRET, Scene, sign_in
from tests.support.console_pages import OF_THE_SITE, paths
from tests.support.statement_costs import Statements
from tests.support.world import World

MOST_STATEMENTS = 6
# It foresees who loses access and by which paths, in as many statements whatever there is.
MOST_STATEMENTS_OF = {"show_project_danger": 10, "show_move to": 19}


def pages(app: Flask, scene: Scene) -> dict[str, str]:
    """The path of every page, by its name, but for the administration's, which nobody else finds."""
    every = paths(app.url_map, scene.values, scene.entries)
    return {name: path for name, path in every.items() if name not in OF_THE_SITE}


def test_pages_show_what_is_there_and_nothing_else(app: Flask, scene: Scene, statements: Statements) -> None:
    shown = {}
    for name, path in pages(app, scene).items():
        with statements() as seen:
            answer = scene.visit(path)
        assert answer.status_int == 200, f"{name}: {answer.text}"
        sent = [statement for statement in seen if statement != "BEGIN IMMEDIATE"]
        assert len(sent) <= MOST_STATEMENTS_OF.get(name, MOST_STATEMENTS), f"{name}: {len(sent)} statements"
        shown[name] = answer.text
        if answer.content_type == "text/html":
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert not re.search(r"\son\w+=|<script>|style=|javascript:", answer.text), name
        assert SECRET not in answer.text, name
        assert "49" not in re.findall(r"alert\(1\)[^<]{0,40}", answer.text), name
    escaped = "&lt;script&gt;alert(1)"
    for name in (
        "show_workspace",
        "show_run",
        "show_changes",
        "show_log",
        "show_history",
        "list_variables",
        "list_runs",
        "show_project",
    ):
        assert escaped in shown[name], name
    assert HOSTILE not in "".join(
        text for name, text in shown.items() if name not in {"download_log", "download_activity"}
    )


def test_who_can_see_nothing_gets_the_same_page_as_for_what_is_not_there(
    app: Flask, world: World, scene: Scene
) -> None:
    stranger = sign_in(app, world, world.person(), ip="192.0.2.2")
    own = {"list_organizations", "new_organization", "show_account"}
    missing = {**scene.values, "organization": "nowhere", "project_id": "prj-x", "workspace": "x", "run_id": "run-x"}
    for name, path in pages(app, scene).items():
        if name in own:
            continue
        answer = scene.visit(path, stranger)
        assert answer.status_int == 404, name
        assert scene.workspace.id not in answer.text
    nowhere = scene.visit(f"/{missing['organization']}/workspaces/x", stranger)
    hidden = scene.visit(f"/{scene.values['organization']}/workspaces/{scene.name}", stranger)
    assert nowhere.text.replace("nowhere", "").replace("x", "") != ""
    assert re.findall("<h1.*?</p>", nowhere.text, re.DOTALL) == re.findall("<h1.*?</p>", hidden.text, re.DOTALL)


def test_who_has_not_signed_in_is_asked_to_and_led_back(app: Flask, scene: Scene) -> None:
    browser = Browser(app)
    path = f"/{scene.organization.name}/workspaces/{scene.name}?done=saved"
    asked = scene.visit(path, browser)
    assert asked.status_int == 303
    form = asked.follow().forms[0]
    form["account"], form["password"] = scene.owner.username, PASSWORD
    assert form.submit().location == f"/app{path}"


@pytest.mark.one_database
def test_who_may_only_look_gets_no_buttons(app: Flask, world: World, scene: Scene) -> None:
    viewer = world.member(scene.organization)
    world.project_member(scene.project, viewer, "viewer")
    browser = sign_in(app, world, viewer, ip="192.0.2.3")
    project = f"/{scene.organization.name}/projects/{scene.project.id}"
    workspace = f"/{scene.organization.name}/workspaces/{scene.name}"
    changing = {
        project: "New workspace",
        f"{project}/settings": ">Save<",
        workspace: ">Unlock<",
        f"{workspace}/settings": ">Save<",
        f"{workspace}/variables": "New variable",
        f"{workspace}/runs": "Start a run",
        f"{workspace}/runs/{scene.waiting}": "Confirm and apply",
        f"{workspace}/states": "Roll back",
        f"{workspace}/delete": "by force",
        f"{workspace}/settings ": "Delete or move",
        f"{project}/settings ": "Wipe, delete",
        f"{project}/delete": "Delete the project",
    }
    for path, text in changing.items():
        assert text in scene.visit(path.strip()).text, path
        answer = scene.visit(path.strip(), browser)
        assert answer.status_int == 200, path
        assert text not in answer.text, path


@pytest.mark.one_database
def test_a_run_that_has_not_changed_is_not_shown_again(scene: Scene, statements: Statements) -> None:
    path = f"/{scene.organization.name}/workspaces/{scene.name}/runs/{scene.waiting}"
    version = scene.visit(path).html.select_one("[data-version]")["data-version"]
    with statements() as seen:
        same = scene.visit(path, None, **{"X-Part": "live", "X-Version": version})
    assert (same.status_int, same.body, len(seen)) == (204, b"", 2)
    scene.act(scene.waiting, "discard")
    other = scene.visit(path, None, **{"X-Part": "live", "X-Version": version})
    assert other.status_int == 200
    assert other.html.select_one("[data-version]")["data-version"] != version
    assert "discarded" in other.text


def test_what_somebody_may_not_see_has_no_tab(app: Flask, scene: Scene, world: World) -> None:
    viewer = world.member(scene.organization)
    world.project_member(scene.project, viewer, "viewer")
    theirs = sign_in(app, world, viewer)
    place = f"/app/{scene.organization.name}"
    for address, hidden in (
        (f"{place}/projects/{scene.project.id}/settings", ("teams", "invitations", "tokens")),
        (f"{place}/workspaces/{scene.name}/settings", ("consumers",)),
    ):
        there = address.removesuffix("settings")
        for name in hidden:
            assert f'href="{there}{name}"' in scene.visit(address.removeprefix("/app")).text
            assert f'href="{there}{name}"' not in theirs.app.get(address).text
            theirs.app.get(f"{there}{name}", status=404 if name != "invitations" else 403)
