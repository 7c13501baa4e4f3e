"""A project with something of everything that is carried, and commands that carry it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask_migrate import upgrade

from app.models import Organization, Project, Workspace
from tests.conftest import ROOT, NewDatabase
from tests.support.api import Api, document
from tests.support.states import States, state
from tests.support.world import Person, World

Command = Callable[..., Result]
NewApp = Callable[[str], AbstractContextManager[Flask]]
SECRET = "s3cr3t-of-the-scene"


def command_of(app: Flask) -> Command:
    """Runs a command of ``flask`` on the application."""

    def run(*arguments: object, fails: bool = False) -> Result:
        result = app.test_cli_runner().invoke(args=[*map(str, arguments)])
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def check_format(path: Path) -> None:
    """Fails unless Terraform would write the file like this."""
    done = subprocess.run(  # noqa: S603 - terraform of the machine
        ["terraform", "fmt", "-check", "-diff", path],  # noqa: S607 - likewise
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def command(app: Flask) -> Command:
    return command_of(app)


@dataclass(frozen=True)
class Scene:
    """The organization acme with its project net."""

    organization: Organization
    project: Project
    owner: Person
    member: Person
    states: States


@pytest.fixture
def scene(world: World, api: Api) -> Scene:
    return build(world, api)


def build(world: World, api: Api) -> Scene:
    owner, member = world.person("ada"), world.person("bob")
    acme = world.organization("acme", owner=owner)
    developers = world.team(acme, "manage-workspaces", name="developers", visibility="organization")
    net = world.project(acme, "net", description="Networks ${and} more", color="#3B82F6")
    world.tag(net, "cost", "42")
    staging = world.environment(net, "staging", type="staging")
    world.project_member(net, member, "viewer", environment=staging)
    world.access(developers, net, "write")
    token = owner.token
    ids: dict[str, str] = {}

    def make(path: str, type_: str, attributes: dict[str, Any], **relationships: Any) -> str:
        made = api.post(path, token, document(type_, attributes, **relationships))
        return str(made["data"]["id"])

    make(f"/projects/{net.id}/repository-links", "repository-links", {"url": "https://git.example.com/net.git"})
    for name in ("net-prod", "net-dev"):
        attributes = {"name": name, "auto-apply": name == "net-dev", "description": f'Says "{name}"'}
        ids[name] = make("/organizations/acme/workspaces", "workspaces", attributes, project=("projects", net.id))
    api.patch(
        f"/workspaces/{ids['net-dev']}",
        token,
        document("workspaces", {}, **{"project-environment": ("environments", staging.id)}),
    )
    prod = f"/workspaces/{ids['net-prod']}"
    settings: dict[str, Any] = {
        "metadata": {"Cost Centre": {"a": [1, None]}},
        "display-name": "Näts",
        "auto-destroy-activity-duration": "30d",
        "default-execution-mode": "local",
        "setting-overwrites": {"default-execution-mode": True, "default-agent-pool": True},
    }
    pool = world.pool(acme, "fast")
    provider = ("cloud-providers", "hcloud")
    api.patch(f"/projects/{net.id}", token, document("projects", settings, **{"cloud-provider": provider}))
    settings = {
        "cell": "eu-1",
        "title": "Production",
        "inherits-project-auto-destroy": False,
        "auto-destroy-activity-duration": "14d",
        "execution-mode": "agent",
        "setting-overwrites": {"execution-mode": True, "agent-pool": True},
        "trigger-patterns": ["/modules/**/*"],
        "global-remote-state": False,
        "working-directory": "live",
    }
    api.patch(prod, token, document("workspaces", settings, **{"agent-pool": ("agent-pools", pool.id)}))
    variables: tuple[dict[str, Any], ...] = (
        {"key": "region", "value": 'eu "west" ${x}', "category": "terraform", "description": "Where"},
        {"key": "TOKEN", "value": SECRET, "category": "env", "sensitive": True},
        {"key": "zones", "value": '["a", "b"]', "category": "terraform", "hcl": True},
    )
    for variable in variables:
        make(f"{prod}/vars", "vars", variable)
    api.patch(
        f"{prod}/tag-bindings",
        token,
        {"data": [{"type": "tag-bindings", "attributes": {"key": "stage", "value": "prod"}}]},
    )
    api.post(
        f"{prod}/relationships/tags",
        token,
        {"data": [{"type": "tags", "attributes": {"name": "core"}}]},
        expect=204,
    )
    make(
        "/team-workspaces",
        "team-workspaces",
        {"access": "custom", "runs": "plan", "variables": "read", "state-versions": "read-outputs"},
        team=("teams", developers.id),
        workspace=("workspaces", ids["net-prod"]),
    )
    make(f"{prod}/acl", "workspace-acl-entries", {"level": "developer", "username": "bob"})
    make(
        f"{prod}/notification-configurations",
        "notification-configurations",
        {
            "name": "ops",
            "destination-type": "generic",
            "url": "https://hook.example.com/x",
            "triggers": ["run:errored"],
            "enabled": False,
        },
    )
    make(
        f"/workspaces/{ids['net-dev']}/run-triggers",
        "run-triggers",
        {},
        sourceable=("workspaces", ids["net-prod"]),
    )
    api.post(
        f"{prod}/relationships/remote-state-consumers",
        token,
        {"data": [{"type": "workspaces", "id": ids["net-dev"]}]},
        expect=204,
    )
    own = make("/organizations/acme/varsets", "varsets", {"name": "of net"}, parent=("projects", net.id))
    make(f"/varsets/{own}/relationships/vars", "vars", {"key": "own", "value": "1", "category": "env"})
    shared = make("/organizations/acme/varsets", "varsets", {"name": "shared", "priority": True})
    make(f"/varsets/{shared}/relationships/vars", "vars", {"key": "common", "value": "2", "category": "env"})
    for place, relationship in ((net.id, "projects"), (ids["net-prod"], "workspaces")):
        api.post(
            f"/varsets/{shared}/relationships/{relationship}",
            token,
            {"data": [{"type": relationship, "id": place}]},
            expect=204,
        )
    make("/organizations/acme/varsets", "varsets", {"name": "everywhere", "global": True})
    states = States(api, Workspace(id=ids["net-prod"]), token)
    for serial in (1, 2, 5):
        states.save(state(serial, resources=serial))
    return Scene(acme, net, owner, member, states)


@pytest.fixture
def archive(scene: Scene, command: Command, tmp_path: Path) -> Path:
    """The project net, exported."""
    assert scene.project.name == "net"
    path = tmp_path / "net.tar.gz"
    command("export", "acme/net", path)
    return path


@pytest.fixture(scope="session")
def pristine(new_database: NewDatabase, new_app: NewApp) -> Iterator[str]:
    """A database with all tables that nobody uses, to be copied."""
    with new_database() as url:
        with new_app(url) as app, app.app_context():
            upgrade(directory=ROOT / "migrations")
        yield url


@pytest.fixture
def there(new_database: NewDatabase, new_app: NewApp, pristine: str) -> Iterator[Flask]:
    """Another service."""
    with new_database(pristine) as url, new_app(url) as other:
        yield other


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "passphrase"
    path.parent.mkdir()
    path.write_text("correct horse battery\n")
    return path
