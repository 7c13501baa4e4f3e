"""Carrying an organization from another service by its API."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import transfer_commands
from app.models import Organization
from app.transfer.client import Answer
from tests.support.api import Api, document
from tests.support.states import States, state
from tests.support.world import World
from tests.transfer.conftest import Command, Scene, build

# What HCP Terraform does not have, and what OTF does not have either.
OURS = ("/environments", "/members", "/repository-links", "/acl", "/projects/")
NOT_IN_OTF = (*OURS, "/projects", "/team-projects", "/tag-bindings", "/remote-state-consumers", "/team-workspaces")


class Mounted:
    """Stands for the way over HTTP: to an application in this process, with a token."""

    def __init__(self, app: Flask, token: str, missing: tuple[str, ...] = ()) -> None:
        self._app = app
        self._token = token
        self._missing = missing
        self.asked: list[str] = []

    def __call__(self, url: str, token: str, **_options: object) -> "Mounted":
        assert url == "https://there.example"
        assert token == self._token
        return self

    @contextmanager
    def request(self, method: str, address: str, body: bytes, media_type: str) -> Iterator[Answer]:
        assert method == "GET"
        named = urlsplit(address)
        self.asked.append(named.path)
        if any(named.path.endswith(end) or (end.endswith("/") and end in named.path) for end in self._missing):
            yield Answer(404, iter([b'{"errors":[{"status":"404","title":"not found"}]}']))
            return
        headers = [("Authorization", f"Bearer {self._token}"), ("Accept", media_type)]
        builder = EnvironBuilder(path=named.path, query_string=named.query, method=method, data=body, headers=headers)
        with self._app.app_context():
            pieces, status, _ = run_wsgi_app(self._app.wsgi_app, builder.get_environ())
        yield Answer(int(status[:3]), iter(pieces))


@pytest.fixture
def source(there: Flask) -> Scene:
    return build(World(there), Api(there))


Run = Callable[..., Result]


@pytest.fixture
def run(there: Flask, source: Scene, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Imports the organization acme from there."""

    def running(
        *options: object, missing: tuple[str, ...] = (), token: str = source.owner.token, fails: bool = False
    ) -> Result:
        (tmp_path / "token").write_text(f"{token}\n")
        monkeypatch.setattr(transfer_commands, "Remote", Mounted(there, token, missing))
        named = ("--organization", "acme", "--token-file", tmp_path / "token")
        return command("import-from", "https://there.example", *named, *options, fails=fails)

    return running


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme", owner=world.person("eve"))


def attributes(api: Api, token: str, path: str) -> Any:
    return api.get(path, token)["data"]["attributes"]


def test_an_organization_comes_with_its_history(run: Run, source: Scene, world: World, api: Api, there: Flask) -> None:
    eve = world.person("eve")
    assert "name who is to own it with --owner" in run(fails=True).output
    plan = run("--owner", "eve").output
    assert plan.startswith("+ organization acme\n")
    assert "+ team developers\n" in plan
    assert "! variable net-prod/env/TOKEN: its value is sensitive and not known" in plan
    assert "! workspace net-prod: there is no agent pool fast for agent-pool" in plan
    api.get("/organizations/acme", eve.token, expect=404)
    done = run("--owner", "eve", "--apply").output
    planned, made = (re.search(text, done) for text in (r"Plan: (\d+) to create", r"Done: (\d+) created"))
    assert planned is not None
    assert made is not None
    assert planned[1] == made[1]
    again = run("--apply").output
    assert "There is nothing to do." in again
    own, its = (eve.token, api), (source.owner.token, Api(there))
    for path in ("/organizations/acme/workspaces/net-prod", "/organizations/acme/workspaces/net-dev"):
        here, elsewhere = (attributes(each, token, path) for token, each in (own, its))
        for name in ("description", "auto-apply", "tag-names", "terraform-version", "environment"):
            assert here[name] == elsewhere[name], name
    teams = api.get("/organizations/acme/teams", eve.token)["data"]
    access = {each["attributes"]["name"]: each["attributes"]["organization-access"] for each in teams}
    assert access["developers"]["manage-workspaces"] is True
    sets = api.get("/organizations/acme/varsets", eve.token)["data"]
    shown = {each["attributes"]["name"]: each["attributes"] for each in sets}
    assert shown["everywhere"]["global"] is True
    assert (shown["shared"]["var-count"], shown["shared"]["workspace-count"], shown["shared"]["priority"]) == (
        1,
        1,
        True,
    )
    listed = api.get("/state-versions?filter[organization][name]=acme&filter[workspace][name]=net-prod", eve.token)[
        "data"
    ]
    assert [each["attributes"]["serial"] for each in listed] == [5, 2, 1]


def test_a_second_run_brings_only_what_changed(run: Run, source: Scene, acme: Organization, there: Flask) -> None:
    del acme
    run("--apply")
    source.states.save(state(6))
    Api(there).patch(
        f"/workspaces/{source.states.workspace.id}",
        source.owner.token,
        document("workspaces", {"description": "new", "auto-apply": True}),
    )
    second = run("--apply").output
    assert "~ workspace net-prod: auto-apply, description\n" in second
    assert "+ states of workspace net-prod: 1 state version, serial 6" in second
    assert "Plan: 1 to create, 1 to change" in second


@pytest.mark.one_database
def test_what_a_service_does_not_have_is_none(run: Run, acme: Organization, world: World, api: Api) -> None:
    owner = world.owner(acme)
    for name, missing in (("as HCP Terraform", OURS[:4]), ("as OTF", NOT_IN_OTF)):
        done = run("--apply", "--as", "acme", missing=missing).output
        assert "There is nothing to do." in run("--apply", missing=missing).output, name
        assert "+ workspace net-prod" in done or name == "as OTF"
    found = api.get("/organizations/acme/workspaces/net-prod", owner.token)["data"]
    assert api.get(f"/workspaces/{found['id']}/acl", owner.token)["data"] == []


@pytest.mark.one_database
def test_without_projects_workspaces_come_into_the_default_one(
    run: Run, acme: Organization, world: World, api: Api
) -> None:
    owner = world.owner(acme)
    run("--apply", missing=NOT_IN_OTF)
    found = api.get("/organizations/acme/workspaces/net-prod", owner.token)["data"]
    assert found["relationships"]["project"]["data"]["id"] == world.default_project(acme).id
    states = States(api, acme.__class__(id=found["id"]), owner.token)  # type: ignore[arg-type]
    assert states.fetched(states.current()) == state(5, resources=5)


@pytest.mark.one_database
def test_states_that_diverged_are_refused(run: Run, acme: Organization, world: World, api: Api) -> None:
    owner = world.owner(acme)
    workspace = world.workspace(world.project(acme, "net"), "net-prod")
    states = States(api, workspace, owner.token)
    states.save(state(2, resources=9))
    told = run("--apply", fails=True).output
    assert "x states of workspace net-prod: the workspace has states of another history" in told
    assert states.fetched(states.current()) == state(2, resources=9)


@pytest.mark.one_database
def test_what_is_wrong_is_said_in_one_sentence(
    run: Run, acme: Organization, command: Command, tmp_path: Path, subtests: Any
) -> None:
    del acme
    (tmp_path / "empty").touch()
    (tmp_path / "t").write_text("token")
    named = ("--organization", "acme", "--token-file")
    for address, token, told in (
        ("ftp://x", tmp_path / "t", "ftp://x is no address of a service"),
        ("https://", tmp_path / "t", "is no address of a service"),
        ("https://x", tmp_path / "empty", "must have a token in its first line"),
        ("https://x", tmp_path / "none", "can't be read"),
    ):
        with subtests.test(told):
            assert told in command("import-from", address, *named, token, fails=True).output
    assert "https://there.example refuses the token: unauthorized" in run(token="another", fails=True).output
    assert "There is no user named nobody here" in run("--as", "other", "--owner", "nobody", fails=True).output
