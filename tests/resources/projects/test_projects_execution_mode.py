"""Where runs execute: a project's own mode, or the organization's; what its workspaces have from it."""

from typing import Any

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

OWN = {"default-execution-mode": True, "default-agent-pool": True}
INHERIT = {"default-execution-mode": False, "default-agent-pool": False}
POOL = {"default-agent-pool-id": "apool-2WkQyE7fGh1jLmNp"}

# What is sent to an organization whose mode is local, by a project whose own mode is the first: the mode that is in
# force afterwards, and whether it is the project's own.
SENT: list[tuple[str | None, dict[str, Any], tuple[str, bool]]] = [
    (None, {}, ("local", False)),
    (None, {"setting-overwrites": {}}, ("local", False)),
    (None, {"setting-overwrites": None}, ("local", False)),
    (None, {"setting-overwrites": {"default-execution-mode": None}}, ("local", False)),
    (None, {"default-execution-mode": "remote"}, ("remote", True)),
    (None, {"default-execution-mode": "local"}, ("local", True)),
    (None, {"default-execution-mode": "default"}, ("local", False)),
    (None, {"default-execution-mode": "remote", "setting-overwrites": OWN}, ("remote", True)),
    (None, {"default-execution-mode": "remote", "setting-overwrites": {}}, ("remote", True)),
    (None, {"default-execution-mode": "remote", "setting-overwrites": INHERIT}, ("local", False)),
    (None, {"setting-overwrites": INHERIT}, ("local", False)),
    (None, {"setting-overwrites": OWN}, ("local", True)),
    (None, {"setting-overwrites": {"execution-mode": True, "agent-pool": True}}, ("local", True)),
    (None, {"default-agent-pool-id": None}, ("local", False)),
    (None, {"default-agent-pool-id": ""}, ("local", False)),
    ("remote", {}, ("remote", True)),
    ("remote", {"setting-overwrites": {}}, ("remote", True)),
    ("remote", {"setting-overwrites": OWN}, ("remote", True)),
    ("remote", {"setting-overwrites": INHERIT}, ("local", False)),
    ("remote", {"setting-overwrites": {"execution-mode": False}}, ("local", False)),
    ("remote", {"setting-overwrites": {"default-agent-pool": False}}, ("local", False)),
    ("remote", {"default-execution-mode": "default"}, ("local", False)),
    ("remote", {"default-execution-mode": "local"}, ("local", True)),
    ("remote", {"default-agent-pool-id": None}, ("remote", True)),
]

POOL_POINTER = "/data/attributes/default-agent-pool-id"
REFUSED = [
    (
        {"default-execution-mode": "agent"},
        ("invalid attribute", "Default agent pool must be specified when using 'agent' execution mode"),
    ),
    (
        {"default-execution-mode": "agent", "default-agent-pool-id": None},
        ("invalid attribute", "Default agent pool must be specified when using 'agent' execution mode"),
    ),
    (
        {"default-execution-mode": "agent", **POOL},
        ("invalid attribute", "Default agent pool does not exist"),
    ),
    (
        {"default-execution-mode": "remote", **POOL},
        ("unprocessable entity", "Agent pool must not be specified unless using 'agent' execution mode"),
    ),
    (
        {"default-execution-mode": "default", **POOL},
        ("unprocessable entity", "Agent pool must not be specified unless using 'agent' execution mode"),
    ),
    (
        POOL,
        ("unprocessable entity", "Agent pool must not be specified unless using 'agent' execution mode"),
    ),
]


def shown(answer: Any) -> tuple[str, bool]:
    attributes = answer["data"]["attributes"]
    overwrites = attributes["setting-overwrites"]
    assert overwrites["default-execution-mode"] == overwrites["default-agent-pool"]
    assert not overwrites["stacks-default-execution-mode"]
    assert not overwrites["stacks-default-agent-pool"]
    return attributes["default-execution-mode"], overwrites["default-execution-mode"]


@pytest.mark.one_database
@pytest.mark.parametrize(("own", "sent", "expected"), SENT, ids=[f"{own} {sent}" for own, sent, _ in SENT])
def test_an_update_settles_the_mode(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    own: str | None,
    sent: dict[str, Any],
    expected: tuple[str, bool],
) -> None:
    project = world.project(acme, own_execution_mode=own)
    answer = api.patch(f"/projects/{project.id}", owner.token, document("projects", sent))
    assert shown(answer) == expected
    assert shown(api.get(f"/projects/{project.id}", owner.token)) == expected


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "expected"),
    [(sent, expected) for own, sent, expected in SENT if own is None],
    ids=[str(sent) for own, sent, _ in SENT if own is None],
)
def test_a_new_project_settles_its_mode(
    api: Api, acme: Organization, owner: Person, sent: dict[str, Any], expected: tuple[str, bool]
) -> None:
    given = document("projects", {"name": "platform", **sent})
    assert shown(api.post(f"/organizations/{acme.name}/projects", owner.token, given)) == expected


@pytest.mark.one_database
@pytest.mark.parametrize(("sent", "fault"), REFUSED, ids=[str(sent) for sent, _ in REFUSED])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_mode_and_a_pool_that_do_not_go_together_are_refused(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    method: str,
    sent: dict[str, Any],
    fault: tuple[str, str],
) -> None:
    project = world.project(acme, "untouched")
    path = f"/organizations/{acme.name}/projects" if method == "POST" else f"/projects/{project.id}"
    answer = api.send(method, path, owner.token, document("projects", {"name": "platform", **sent}), expect=422)
    assert [(error["title"], error["detail"]) for error in answer["errors"]] == [fault]
    assert [pointer for _, pointer in faults(answer)] == [POOL_POINTER]
    assert {found.name for found in world.all(Project)} == {"Default Project", "untouched"}


def test_a_new_mode_of_the_organization_reaches_who_inherits_it_and_nobody_else(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    inheriting = world.project(acme, "inheriting")
    own = world.project(acme, "own", own_execution_mode="local")
    places = {
        "inherits twice": world.workspace(inheriting),
        "own in an inheriting project": world.workspace(inheriting, own_execution_mode="local"),
        "inherits the project's": world.workspace(own),
    }
    remote = document("organizations", {"default-execution-mode": "remote"})
    api.patch("/organizations/acme", owner.token, remote)
    assert shown(api.get(f"/projects/{inheriting.id}", owner.token)) == ("remote", False)
    assert shown(api.get(f"/projects/{own.id}", owner.token)) == ("local", True)
    modes = {
        name: api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]["execution-mode"]
        for name, workspace in places.items()
    }
    assert modes == {
        "inherits twice": "remote",
        "own in an inheriting project": "local",
        "inherits the project's": "local",
    }


def test_a_new_mode_of_a_project_reaches_the_workspaces_that_inherit_it(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    inheriting, own = world.workspace(project), world.workspace(project, own_execution_mode="local")
    api.patch(f"/projects/{project.id}", owner.token, document("projects", {"default-execution-mode": "remote"}))
    attributes = {
        workspace.id: api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]
        for workspace in (inheriting, own)
    }
    assert attributes[inheriting.id]["execution-mode"] == "remote"
    assert attributes[inheriting.id]["setting-overwrites"] == {"execution-mode": False, "agent-pool": False}
    assert attributes[own.id]["execution-mode"] == "local"
    assert attributes[own.id]["setting-overwrites"] == {"execution-mode": True, "agent-pool": True}


def test_a_mode_made_the_projects_own_stays_when_the_organization_changes(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    api.patch(f"/projects/{project.id}", owner.token, document("projects", {"setting-overwrites": OWN}))
    api.patch("/organizations/acme", owner.token, document("organizations", {"default-execution-mode": "remote"}))
    assert shown(api.get(f"/projects/{project.id}", owner.token)) == ("local", True)


def test_a_changed_duration_reaches_the_workspaces_that_inherit_it(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project, other = world.project(acme), world.project(acme)
    inheriting = world.workspace(project)
    own = world.workspace(project, inherits_project_auto_destroy=False, own_auto_destroy_activity_duration="2h")
    never = world.workspace(project, inherits_project_auto_destroy=False)
    elsewhere = world.workspace(other)

    def durations() -> list[str | None]:
        return [
            api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]["auto-destroy-activity-duration"]
            for workspace in (inheriting, own, never, elsewhere)
        ]

    for duration in ("14d", "3d", None):
        sent = document("projects", {"auto-destroy-activity-duration": duration})
        api.patch(f"/projects/{project.id}", owner.token, sent)
        assert durations() == [duration, "2h", None, None]
