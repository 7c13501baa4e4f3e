"""The settings of workspaces: each that a client sets is read back."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import Organization, Workspace
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import MEDIA_TYPE, Api, document, faults
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"

KEPT: list[dict[str, Any]] = [
    {"auto-apply-run-trigger": True},
    {"assessments-enabled": True},
    {"project-remote-state": True},
    {"trigger-prefixes": ["modules/network", "/live"]},
    {"trigger-patterns": ["/**/*.tf"]},
    {"trigger-prefixes": [], "trigger-patterns": ["a"]},
    {"auto-destroy-at": "2031-05-02T08:12:00.000Z"},
    {"auto-destroy-at": "2001-05-02T08:12:00.000Z", "inherits-project-auto-destroy": False},
    {"speculative-enabled": False, "queue-all-runs": True, "file-triggers-enabled": False},
]


@pytest.mark.parametrize("sent", KEPT, ids=str)
def test_what_is_set_is_read_back(api: Api, world: World, acme: Organization, owner: Person, sent: Any) -> None:
    created = api.post(WORKSPACES, owner.token, document("workspaces", {"name": "created", **sent}))["data"]
    assert {name: created["attributes"][name] for name in sent} == sent
    updated = world.workspace(world.default_project(acme))
    shown = api.patch(f"/workspaces/{updated.id}", owner.token, document("workspaces", sent))["data"]
    assert {name: shown["attributes"][name] for name in sent} == sent
    assert api.get(f"/workspaces/{updated.id}", owner.token)["data"] == shown


def test_null_triggers_are_none(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(world.default_project(acme), trigger_patterns=["a"])
    path = f"/workspaces/{workspace.id}"
    shown = api.patch(path, owner.token, document("workspaces", {"trigger-patterns": None}))["data"]["attributes"]
    assert shown["trigger-patterns"] == []


@pytest.mark.parametrize(
    ("old", "new"), [("trigger-patterns", "trigger-prefixes"), ("trigger-prefixes", "trigger-patterns")]
)
def test_one_kind_of_trigger_takes_the_place_of_the_other(
    api: Api, world: World, acme: Organization, owner: Person, old: str, new: str
) -> None:
    before: dict[str, Any] = {old.replace("-", "_"): ["a"]}
    workspace = world.workspace(world.default_project(acme), **before)
    path = f"/workspaces/{workspace.id}"
    shown = api.patch(path, owner.token, document("workspaces", {new: None}))["data"]["attributes"]
    assert (shown[old], shown[new]) == (["a"], []), "null clears what it names and nothing else"
    shown = api.patch(path, owner.token, document("workspaces", {old: ["a"], new: []}))["data"]["attributes"]
    assert (shown[old], shown[new]) == (["a"], [])
    shown = api.patch(path, owner.token, document("workspaces", {new: []}))["data"]["attributes"]
    assert (shown[old], shown[new]) == ([], []), "who turns one off has turned off the other"
    api.patch(path, owner.token, document("workspaces", {old: ["a"]}))
    shown = api.patch(path, owner.token, document("workspaces", {new: ["b"]}))["data"]["attributes"]
    assert (shown[old], shown[new]) == ([], ["b"])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_patterns_need_triggers_by_files(
    api: Api, world: World, acme: Organization, owner: Person, method: str
) -> None:
    workspace = world.workspace(world.default_project(acme), trigger_patterns=["a"])
    path = WORKSPACES if method == "POST" else f"/workspaces/{workspace.id}"
    refused = [
        (
            "'trigger_patterns' cannot be populated when 'file_triggers_enabled' is set to false.",
            "/data/attributes/trigger-patterns",
        )
    ]
    both = {"name": "other", "trigger-patterns": ["b"], "file-triggers-enabled": False}
    assert faults(api.send(method, path, owner.token, document("workspaces", both), expect=422)) == refused
    if method == "PATCH":
        off = document("workspaces", {"file-triggers-enabled": False})
        assert faults(api.patch(path, owner.token, off, expect=422)) == refused
    empty = {**both, "trigger-patterns": [], "trigger-prefixes": ["b"]}
    shown = api.send(method, path, owner.token, document("workspaces", empty), expect=201 if method == "POST" else 200)
    assert shown["data"]["attributes"]["trigger-prefixes"] == ["b"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("path", "type_", "name"),
    [
        ("/organizations/acme", "organizations", "stacks-enabled"),
        ("/organizations/acme", "organizations", "enforce-hyok"),
        ("/organizations/acme/workspaces/network", "workspaces", "hyok-enabled"),
    ],
)
def test_what_the_service_does_not_have_can_not_be_turned_on(
    api: Api, world: World, acme: Organization, owner: Person, *, path: str, type_: str, name: str
) -> None:
    world.workspace(world.default_project(acme), "network")
    for off in (False, None):
        shown = api.patch(path, owner.token, document(type_, {name: off}))["data"]["attributes"]
        assert shown[name] is False
    for on in (True, 1, "true"):
        [(detail, pointer)] = faults(api.patch(path, owner.token, document(type_, {name: on}), expect=422))
        assert pointer == f"/data/attributes/{name}"
        assert "can't be enabled: this service has no " in detail


def test_what_was_shown_may_be_sent_back(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(world.default_project(acme))
    path = f"/workspaces/{workspace.id}"
    api.patch(f"{path}/tag-bindings", owner.token, {"data": [{"type": "tag-bindings", "attributes": {"key": "env"}}]})
    shown = api.get(path, owner.token)["data"]
    assert shown["attributes"]["tag-names"] == ["env"]
    # It says the same as the execution mode, and may not be sent along with it.
    attributes = {name: value for name, value in shown["attributes"].items() if name != "operations"}
    again = api.patch(path, owner.token, {"data": {**shown, "attributes": attributes}})["data"]
    assert again == shown
    assert "workspaces.update" not in {event.action for event in left_by_requests(world)}, "nothing has changed"


def test_the_source_is_said_at_creation_alone(api: Api, acme: Organization, owner: Person) -> None:
    source = {"source-name": "a portal", "source-url": "https://portal.example.test/x"}
    sent = document("workspaces", {"name": "created", "source": "tfe-ui", **source})
    shown = api.post(f"/organizations/{acme.name}/workspaces", owner.token, sent)["data"]
    assert {name: shown["attributes"][name] for name in source} == source
    assert shown["attributes"]["source"] == "tfe-api"
    changed = document("workspaces", {"source-name": "another", "source-url": None})
    again = api.patch(f"/workspaces/{shown['id']}", owner.token, changed)["data"]
    assert {name: again["attributes"][name] for name in source} == source


def test_the_source_of_a_workspace_of_the_cli(api: Api, acme: Organization, owner: Person) -> None:
    headers = {"X-Terraform-Integration": "cloud", "Content-Type": MEDIA_TYPE}
    path = f"/organizations/{acme.name}/workspaces"
    response = api.raw("POST", path, owner.token, document("workspaces", {"name": "app"}), headers=headers)
    assert response.json["data"]["attributes"]["source"] == "terraform"


LONG = "x" * 1_001
BAD: list[tuple[str, Any, str]] = [
    ("trigger-prefixes", "a", "Trigger prefixes must be an array of strings"),
    ("trigger-prefixes", [1], "Trigger prefixes must be an array of strings"),
    ("trigger-patterns", {}, "Trigger patterns must be an array of strings"),
    ("trigger-patterns", [LONG], "Trigger patterns must have at most 100 strings of at most 1000 characters"),
    ("trigger-patterns", ["a"] * 101, "Trigger patterns must have at most 100 strings of at most 1000 characters"),
    ("auto-destroy-at", "soon", "Auto destroy at is not a valid ISO 8601 date and time"),
    ("auto-destroy-at", 1, "Auto destroy at is not a valid ISO 8601 date and time"),
    ("assessments-enabled", None, "Assessments enabled can't be blank"),
    ("project-remote-state", "yes", "Project remote state must be true or false"),
    ("source-url", "portal", "Source url is invalid"),
    ("source-name", "n" * 91, "Source name is too long (maximum is 90 characters)"),
    ("vcs-repo", {"identifier": "a/b"}, "Vcs repo can't be set: this service has no connections to version control"),
    ("vcs-repo", False, "Vcs repo can't be set: this service has no connections to version control"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("member", "value", "detail"), BAD, ids=[f"{name} {value!s:.12}" for name, value, _ in BAD])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_bad_setting_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, method: str, member: str, value: Any, detail: str
) -> None:
    path = WORKSPACES if method == "POST" else f"/workspaces/{world.workspace(world.default_project(acme)).id}"
    answer = api.send(method, path, owner.token, document("workspaces", {"name": "new", member: value}), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{member}")]


REMOTE_STATE = "Project remote state cannot be enabled when global remote state sharing is enabled"
TRIGGERS = "Trigger patterns and trigger prefixes can't both be set"
# What the workspace has, what is sent, the refusal and the member it names.
EXCLUSIVE: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"trigger-prefixes": ["a"], "trigger-patterns": ["b"]}, TRIGGERS, "trigger-patterns"),
    ({}, {"project-remote-state": True, "global-remote-state": True}, REMOTE_STATE, "project-remote-state"),
    ({"global_remote_state": True}, {"project-remote-state": True}, REMOTE_STATE, "project-remote-state"),
    ({"project_remote_state": True}, {"global-remote-state": True}, REMOTE_STATE, "global-remote-state"),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("before", "sent", "detail", "member"), EXCLUSIVE, ids=[str(row[:2]) for row in EXCLUSIVE])
def test_settings_that_exclude_each_other_are_refused(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    before: dict[str, Any],
    sent: dict[str, Any],
    detail: str,
    member: str,
) -> None:
    workspace = world.workspace(world.default_project(acme), **before)
    answer = api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", sent), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{member}")]
    assert answer["errors"][0]["title"] == "invalid attribute"
    turned = {name: type(value)() for name, value in before.items()}
    dashed = {name.replace("_", "-"): value for name, value in turned.items()}
    if before:
        api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", {**sent, **dashed}))


AT, DURATION, INHERITS = "auto-destroy-at", "auto-destroy-activity-duration", "inherits-project-auto-destroy"
FIXED = "2031-05-02T08:12:00.000Z"
# What is sent, one after the other; the time, the duration and whether it inherits, in a project without a duration.
# "later" is a time that was computed.
TIMES: list[tuple[list[dict[str, Any]], tuple[str | None, str | None, bool]]] = [
    ([{AT: FIXED}], (FIXED, None, False)),
    ([{AT: FIXED}, {AT: None}], (None, None, True)),
    ([{AT: FIXED}, {"description": "x"}], (FIXED, None, False)),
    ([{AT: FIXED}, {DURATION: "2h"}], ("later", "2h", False)),
    ([{DURATION: "2h"}, {AT: FIXED}], (FIXED, None, False)),
    ([{DURATION: "2h", AT: FIXED}], ("later", "2h", False)),
    ([{DURATION: "2h", AT: None}], ("later", "2h", False)),
    ([{DURATION: "2h"}, {AT: None}], (None, None, True)),
    ([{DURATION: "2h"}, {DURATION: None, INHERITS: False}], (None, None, False)),
    ([{AT: FIXED}, {DURATION: None, INHERITS: False}], (None, None, False)),
    ([{AT: FIXED}, {DURATION: None}], (FIXED, None, False)),
    ([{AT: FIXED}, {INHERITS: True}], (None, None, True)),
    ([{INHERITS: False}, {AT: None}], (None, None, True)),
    ([{DURATION: "2h"}, {AT: None, INHERITS: False}], (None, None, False)),
]


@pytest.mark.parametrize(("sent", "after"), TIMES, ids=[str(sent) for sent, _ in TIMES])
def test_a_time_or_a_duration_says_when_to_destroy(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    sent: list[dict[str, Any]],
    after: tuple[str | None, str | None, bool],
) -> None:
    path = f"/workspaces/{world.workspace(world.default_project(acme)).id}"
    shown: dict[str, Any] = {}
    for members in sent:
        shown = api.patch(path, owner.token, document("workspaces", members))["data"]["attributes"]
    at = shown[AT] if shown[AT] in {None, FIXED} else "later"
    assert (at, shown[DURATION], shown[INHERITS]) == after


def test_the_time_moves_with_the_latest_change(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d")
    changed = now().replace(year=2030, month=1, day=1)
    due = changed + timedelta(days=14)
    workspace = world.workspace(project, state_changed_at=changed, auto_destroy_due_at=due)
    shown = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]
    assert shown["latest-change-at"] == f"2030-01-01{shown['latest-change-at'][10:]}"
    assert shown[AT] == f"2030-01-15{shown['latest-change-at'][10:]}"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_member_without_the_right_changes_nothing(api: Api, world: World, acme: Organization, *, method: str) -> None:
    team, project = world.team(acme), world.project(acme)
    world.access(team, project, "write")
    workspace = world.workspace(project)
    sent = document("workspaces", {"name": "new", "assessments-enabled": True}, project=("projects", project.id))
    path = WORKSPACES if method == "POST" else f"/workspaces/{workspace.id}"
    api.send(method, path, world.member(acme, team).token, sent, expect=422 if method == "POST" else 404)
    assert [found.assessments_enabled for found in world.all(Workspace)] == [False]
