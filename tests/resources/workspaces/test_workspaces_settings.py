"""What a workspace inherits and what it has of its own: execution mode, auto-destroy."""

from typing import Any

import pytest

from app.models import Organization
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

OWN = {"execution-mode": True, "agent-pool": True}
INHERIT = {"execution-mode": False, "agent-pool": False}

# The workspace's own mode before, what is sent, the mode in force and whether it is its own; the project's is local.
MODES: list[tuple[str | None, dict[str, Any], tuple[str, bool]]] = [
    (None, {}, ("local", False)),
    (None, {"setting-overwrites": {}, "vcs-repo": {}, "type": "workspaces"}, ("local", False)),
    (None, {"setting-overwrites": None}, ("local", False)),
    (None, {"execution-mode": "remote"}, ("remote", True)),
    (None, {"execution-mode": "local"}, ("local", True)),
    (None, {"operations": True}, ("remote", True)),
    (None, {"operations": False}, ("local", True)),
    (None, {"setting-overwrites": OWN, "execution-mode": "remote"}, ("remote", True)),
    (None, {"setting-overwrites": INHERIT, "execution-mode": "remote"}, ("local", False)),
    (None, {"setting-overwrites": INHERIT}, ("local", False)),
    (None, {"agent-pool-id": ""}, ("local", False)),
    ("remote", {}, ("remote", True)),
    ("remote", {"setting-overwrites": INHERIT}, ("local", False)),
    ("remote", {"execution-mode": "local"}, ("local", True)),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("own", "sent", "expected"), MODES, ids=[f"{own} {sent}" for own, sent, _ in MODES])
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
    project = world.project(acme, own_execution_mode="local")
    workspace = world.workspace(project, own_execution_mode=own)
    shown = api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", sent))["data"]["attributes"]
    mode, is_own = expected
    assert (shown["execution-mode"], shown["operations"]) == (mode, mode != "local")
    assert shown["setting-overwrites"] == {"execution-mode": is_own, "agent-pool": is_own}


def test_a_mode_made_its_own_without_saying_which_is_the_one_in_force(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme, own_execution_mode="remote")
    workspace = world.workspace(project)
    path = f"/workspaces/{workspace.id}"
    shown = api.patch(path, owner.token, document("workspaces", {"setting-overwrites": OWN}))["data"]["attributes"]
    assert (shown["execution-mode"], shown["setting-overwrites"]) == ("remote", OWN)
    sent = document("workspaces", {"name": "created", "setting-overwrites": OWN}, project=("projects", project.id))
    shown = api.post("/organizations/acme/workspaces", owner.token, sent)["data"]["attributes"]
    assert (shown["execution-mode"], shown["setting-overwrites"]) == ("remote", OWN)


REFUSED = [
    (
        {"operations": True, "execution-mode": "remote"},
        ("unprocessable entity", "Operations and execution mode can't be set together", "operations"),
    ),
    (
        {"execution-mode": "agent"},
        ("invalid attribute", "Agent pool must be specified when using 'agent' execution mode", "agent-pool-id"),
    ),
    (
        {"execution-mode": "agent", "agent-pool-id": "apool-1"},
        ("invalid attribute", "Agent pool does not exist", "agent-pool-id"),
    ),
    (
        {"execution-mode": "local", "agent-pool-id": "apool-1"},
        (
            "unprocessable entity",
            "Agent pool must not be specified unless using 'agent' execution mode",
            "agent-pool-id",
        ),
    ),
]


@pytest.mark.parametrize(("sent", "expected"), REFUSED, ids=[str(sent) for sent, _ in REFUSED])
def test_what_contradicts_itself_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, sent: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    workspace = world.workspace(world.project(acme))
    title, detail, member = expected
    answer = api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", sent), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{member}")]
    assert [error["title"] for error in answer["errors"]] == [title]


# What the workspace has (whether it inherits, its own duration), what is sent, and what is in force afterwards in a
# project whose duration is 14d.
DURATION = "auto-destroy-activity-duration"
INHERITS = "inherits-project-auto-destroy"
DURATIONS: list[tuple[tuple[bool, str | None], dict[str, Any], tuple[bool, str | None]]] = [
    ((True, None), {}, (True, "14d")),
    ((True, None), {DURATION: "2h"}, (False, "2h")),
    ((True, None), {DURATION: "2h", INHERITS: False}, (False, "2h")),
    ((True, None), {DURATION: "2h", INHERITS: True}, (True, "14d")),
    ((True, None), {DURATION: None}, (True, "14d")),
    ((True, None), {DURATION: None, INHERITS: False}, (False, None)),
    ((True, None), {INHERITS: False}, (False, None)),
    ((False, "2h"), {}, (False, "2h")),
    ((False, "2h"), {DURATION: "3d"}, (False, "3d")),
    ((False, "2h"), {DURATION: None}, (True, "14d")),
    ((False, "2h"), {DURATION: None, INHERITS: False}, (False, None)),
    ((False, "2h"), {INHERITS: False}, (False, "2h")),
    ((False, "2h"), {INHERITS: True}, (True, "14d")),
    ((False, "2h"), {INHERITS: True, DURATION: None}, (True, "14d")),
]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("before", "sent", "after"), DURATIONS, ids=[f"{before} {sent}" for before, sent, _ in DURATIONS]
)
def test_a_duration_is_the_workspaces_own_or_the_projects(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    before: tuple[bool, str | None],
    sent: dict[str, Any],
    after: tuple[bool, str | None],
) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d")
    inherits, own = before
    workspace = world.workspace(project, inherits_project_auto_destroy=inherits, own_auto_destroy_activity_duration=own)
    shown = api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", sent))["data"]["attributes"]
    assert (shown[INHERITS], shown[DURATION]) == after
    again = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]
    assert (again[INHERITS], again[DURATION]) == after


@pytest.mark.parametrize(
    ("sent", "after"),
    [(sent, after) for before, sent, after in DURATIONS if before == (True, None)],
    ids=[str(sent) for before, sent, _ in DURATIONS if before == (True, None)],
)
def test_a_new_workspace_has_its_own_duration_or_the_projects(
    api: Api, world: World, acme: Organization, owner: Person, *, sent: dict[str, Any], after: tuple[bool, str | None]
) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d")
    given = document("workspaces", {"name": "network", **sent}, project=("projects", project.id))
    shown = api.post("/organizations/acme/workspaces", owner.token, given)["data"]["attributes"]
    assert (shown[INHERITS], shown[DURATION]) == after


def test_what_a_workspace_stopped_having_of_its_own_does_not_come_back(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    workspace = world.workspace(world.project(acme, auto_destroy_activity_duration="14d"))
    path = f"/workspaces/{workspace.id}"
    durations = [
        api.patch(path, owner.token, document("workspaces", sent))["data"]["attributes"][DURATION]
        for sent in ({DURATION: "2h"}, {INHERITS: True}, {INHERITS: False})
    ]
    assert durations == ["2h", "14d", None]
