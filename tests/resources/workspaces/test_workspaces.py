"""Workspaces over HTTP: the document, both addresses, creating in a project, updating, renaming, moving."""

import re
from typing import Any

import pytest

from app.models import Organization, Workspace
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"


def test_a_workspace_is_shown_with_its_members(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, auto_destroy_activity_duration="14d")
    workspace = world.workspace(project, "network-prod", description="all of it", working_directory="infra")
    shown = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]
    attributes = shown.pop("attributes")
    assert attributes.pop("auto-destroy-at") > attributes["created-at"]
    for name in ("created-at", "updated-at", "latest-change-at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attributes.pop(name))
    permissions = attributes.pop("permissions")
    assert {flag for flag, held in permissions.items() if not held} == {"can-manage-hyok"}
    assert "can-force-delete" in permissions
    assert attributes == {
        "name": "network-prod",
        "description": "all of it",
        "auto-apply": False,
        "auto-apply-run-trigger": False,
        "assessments-enabled": False,
        "allow-destroy-plan": True,
        "auto-destroy-activity-duration": "14d",
        "auto-destroy-status": None,
        "hyok-enabled": False,
        "inherits-project-auto-destroy": True,
        "execution-mode": "local",
        "operations": False,
        "setting-overwrites": {"execution-mode": False, "agent-pool": False},
        "file-triggers-enabled": True,
        "global-remote-state": False,
        "project-remote-state": False,
        "locked": False,
        "locked-reason": None,
        "queue-all-runs": False,
        "resource-count": 0,
        "source": "tfe-api",
        "source-name": None,
        "source-url": None,
        "speculative-enabled": True,
        "structured-run-output-enabled": True,
        "terraform-version": workspace.terraform_version,
        "working-directory": "infra",
        "environment": "default",
        "cell": None,
        "title": None,
        "avatar-url": None,
        "iac-tool": "terraform",
        "vcs-repo": None,
        "vcs-repo-identifier": None,
        "last-assessment-result-at": None,
        "apply-duration-average": None,
        "plan-duration-average": None,
        "policy-check-failures": None,
        "run-failures": None,
        "workspace-kpis-runs-count": None,
        "tag-names": [],
        "trigger-prefixes": [],
        "trigger-patterns": [],
        "actions": {"is-destroyable": True},
    }
    assert shown["id"] == workspace.id
    assert shown["type"] == "workspaces"
    assert shown["links"] == {
        "self": f"{'/api/v2'}{WORKSPACES}/network-prod",
        "self-html": "/app/acme/workspaces/network-prod",
    }
    relationships = shown["relationships"]
    related = {name: each["links"]["related"] for name, each in relationships.items() if "data" not in each}
    path = f"/api/v2/workspaces/{workspace.id}"
    assert related == {
        "outputs": f"{path}/current-state-version-outputs",
        "remote-state-consumers": f"{path}/relationships/remote-state-consumers",
        "tag-bindings": f"{path}/tag-bindings",
        "effective-tag-bindings": f"{path}/effective-tag-bindings",
    }
    linkage = {name: each["data"] for name, each in relationships.items() if "data" in each}
    assert linkage == {
        "organization": {"id": "acme", "type": "organizations"},
        "project": {"id": project.id, "type": "projects"},
        "vars": [],
        "agent-pool": None,
        "locked-by": None,
        "current-run": None,
        "current-state-version": None,
        "ssh-key": None,
        "latest-run": None,
        "current-configuration-version": None,
        "project-environment": {"type": "environments", "id": workspace.environment_id},
        "current-assessment-result": None,
        "readme": None,
    }


@pytest.mark.parametrize("name", ["network", "NETWORK", "Network"])
def test_a_workspace_has_two_addresses(api: Api, world: World, acme: Organization, owner: Person, name: str) -> None:
    workspace = world.workspace(world.project(acme), "network")
    world.workspace(world.project(world.organization("other")), "network")
    by_id = api.get(f"/workspaces/{workspace.id}", owner.token)
    assert api.get(f"{WORKSPACES}/{name}", owner.token) == by_id
    assert api.get(f"/organizations/ACME/workspaces/{name}", owner.token) == by_id


def test_a_workspace_is_created_in_the_project_it_names(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme, auto_destroy_activity_duration="3d", own_execution_mode="remote")
    sent = document("workspaces", {"name": "network"}, project=("projects", project.id))
    created = api.post(WORKSPACES, owner.token, sent)
    assert re.fullmatch("ws-[1-9A-HJ-NP-Za-km-z]{16}", created["data"]["id"])
    assert created["data"]["relationships"]["project"]["data"]["id"] == project.id
    attributes = created["data"]["attributes"]
    assert (attributes["auto-destroy-activity-duration"], attributes["execution-mode"]) == ("3d", "remote")
    assert attributes["latest-change-at"] == attributes["created-at"]
    assert api.get(f"/workspaces/{created['data']['id']}", owner.token) == created


def test_a_workspace_without_a_project_is_created_in_the_default_one(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    world.project(acme)
    created = api.post(WORKSPACES, owner.token, document("workspaces", {"name": "network"}))
    assert created["data"]["relationships"]["project"]["data"]["id"] == world.default_project(acme).id


NO_PROJECT = [
    ("Project not found, or you are not authorized to use it.", "/data/relationships/project"),
]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", WORKSPACES, 201), ("PUT", f"{WORKSPACES}/network", 201), ("PATCH", "/workspaces/{id}", 200)],
)
def test_a_project_that_is_not_there_is_never_another_one(
    api: Api, world: World, acme: Organization, owner: Person, *, method: str, path: str, status: int
) -> None:
    mine, foreign = world.project(acme), world.project(world.organization("other", owner=owner))
    workspace = world.workspace(mine, "mine")
    path = path.format(id=workspace.id)
    name = "mine" if method == "PATCH" else "network"
    named: list[Any] = [("projects", each) for each in ("prj-1111111111111111", foreign.id, "x", "", " ")]
    # No project is not the default one, either; it moves no workspace.
    for project in named if method == "PATCH" else [*named, None]:
        sent = document("workspaces", {"name": name}, project=project)
        assert faults(api.send(method, path, owner.token, sent, expect=422)) == NO_PROJECT
    assert [(each.name, each.project_id) for each in world.all(Workspace)] == [("mine", mine.id)]
    sent = document("workspaces", {"name": name}, project=("projects", mine.id))
    api.send(method, path, owner.token, sent, expect=status)


def test_a_project_where_the_caller_may_not_create_is_answered_like_one_that_is_not_there(
    api: Api, world: World, acme: Organization
) -> None:
    seen, hidden, team = world.project(acme), world.project(acme), world.team(acme)
    world.access(team, seen, "read")
    token = world.member(acme, team).token
    for project_id in (seen.id, hidden.id, "prj-1111111111111111"):
        sent = document("workspaces", {"name": "network"}, project=("projects", project_id))
        assert faults(api.post(WORKSPACES, token, sent, expect=422)) == NO_PROJECT
    # No project was named, so none of the two names in the request is wrong.
    api.post(WORKSPACES, token, document("workspaces", {"name": "network"}), expect=404)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "project",
    [
        [],
        "prj-1",
        {},
        {"data": []},
        {"data": "prj-1"},
        {"data": {"type": "projects"}},
        {"data": {"type": "workspaces", "id": "prj-1"}},
        {"data": {"type": "projects", "id": 1}},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_project_that_is_no_identifier_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, method: str, project: Any
) -> None:
    path = WORKSPACES if method == "POST" else f"/workspaces/{world.workspace(world.project(acme)).id}"
    sent = document("workspaces", {"name": "network"})
    sent["data"]["relationships"] = {"project": project}
    answer = api.send(method, path, owner.token, sent, expect=422)
    assert faults(answer) == [("Project must be a resource identifier", "/data/relationships/project")]


BAD: list[tuple[str, Any, str]] = [
    ("name", None, "Name can't be blank"),
    ("name", "", "Name can't be blank"),
    ("name", "  ", "Name can't be blank"),
    ("name", 1, "Name must be a string"),
    ("name", "a b", "Name is invalid"),
    ("name", "a/b", "Name is invalid"),
    ("name", "a.b", "Name is invalid"),
    ("name", "network\n", "Name is invalid"),
    ("name", "\u00e9t\u00e9", "Name is invalid"),
    ("name", "n" * 261, "Name is too long (maximum is 260 characters)"),
    ("description", "d" * 2_001, "Description is too long (maximum is 2000 characters)"),
    ("description", 1, "Description must be a string"),
    ("auto-apply", "true", "Auto apply must be true or false"),
    ("auto-apply", 1, "Auto apply must be true or false"),
    ("auto-apply", None, "Auto apply can't be blank"),
    ("inherits-project-auto-destroy", "yes", "Inherits project auto destroy must be true or false"),
    ("operations", "yes", "Operations must be true or false"),
    ("execution-mode", "cloud", "Execution mode is not included in the list"),
    ("execution-mode", "default", "Execution mode is not included in the list"),
    ("setting-overwrites", [], "Setting overwrites must be an object"),
    ("setting-overwrites", {"execution-mode": "no"}, "Setting overwrites must be an object of booleans"),
    ("terraform-version", "", "Terraform version can't be blank"),
    ("working-directory", "d" * 1_001, "Working directory is too long (maximum is 1000 characters)"),
    *(
        (
            "auto-destroy-activity-duration",
            duration,
            (
                "Auto destroy activity duration has an incorrect format, "
                "we expect up to 4 numeric digits and 1 unit ('d' or 'h')"
            ),
        )
        for duration in ("0d", "20m", "10000d", "", "14")
    ),
]


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_bad_attribute_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, method: str, subtests: pytest.Subtests
) -> None:
    path = WORKSPACES if method == "POST" else f"/workspaces/{world.workspace(world.project(acme)).id}"
    for member, value, detail in BAD:
        with subtests.test(member, value=value):
            sent = document("workspaces", {"name": "new", member: value})
            answer = api.send(method, path, owner.token, sent, expect=422)
            assert faults(answer) == [(detail, f"/data/attributes/{member}")]
            assert {error["title"] for error in answer["errors"]} == {"invalid attribute"}
            assert len(world.all(Workspace)) == (method == "PATCH")


def test_a_name_is_required(api: Api, acme: Organization, owner: Person) -> None:
    path = f"/organizations/{acme.name}/workspaces"
    answer = api.post(path, owner.token, document("workspaces", {"description": "nameless"}), expect=422)
    assert faults(answer) == [("Name can't be blank", "/data/attributes/name")]


@pytest.mark.parametrize("name", ["network", "NETWORK"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_name_is_unique_in_the_organization_in_any_case(
    api: Api, world: World, acme: Organization, owner: Person, *, method: str, name: str
) -> None:
    world.workspace(world.project(acme), "network")
    path = WORKSPACES if method == "POST" else f"/workspaces/{world.workspace(world.project(acme), 'other').id}"
    answer = api.send(method, path, owner.token, document("workspaces", {"name": name}), expect=422)
    assert faults(answer) == [("Name has already been taken", "/data/attributes/name")]


def test_a_name_of_another_organization_is_free(api: Api, world: World, acme: Organization, owner: Person) -> None:
    world.workspace(world.project(world.organization("other")), "network")
    api.post(f"/organizations/{acme.name}/workspaces", owner.token, document("workspaces", {"name": "network"}))


WRITABLE: dict[str, Any] = {
    "name": "renamed",
    "description": "new",
    "auto-apply": True,
    "allow-destroy-plan": False,
    "file-triggers-enabled": False,
    "global-remote-state": True,
    "queue-all-runs": True,
    "speculative-enabled": False,
    "structured-run-output-enabled": False,
    "terraform-version": "~> 1.9.0",
    "working-directory": "/infra/live",
}


@pytest.mark.parametrize("member", WRITABLE)
def test_an_update_changes_what_it_names_and_nothing_else(
    api: Api, world: World, acme: Organization, owner: Person, member: str
) -> None:
    workspace = world.workspace(world.project(acme), description="old", working_directory="old")
    before = api.get(f"/workspaces/{workspace.id}", owner.token)["data"]["attributes"]
    sent = document("workspaces", {member: WRITABLE[member], "resource-count": 9, "locked": True, "source": "x"})
    after = api.patch(f"/workspaces/{workspace.id}", owner.token, sent)["data"]["attributes"]
    assert before.pop("updated-at") <= after.pop("updated-at")
    assert after == {**before, member: WRITABLE[member]}


@pytest.mark.parametrize("member", ["description", "working-directory"])
def test_null_clears_a_text(api: Api, world: World, acme: Organization, owner: Person, member: str) -> None:
    workspace = world.workspace(world.project(acme), description="old", working_directory="old")
    sent = document("workspaces", {member: None})
    assert api.patch(f"/workspaces/{workspace.id}", owner.token, sent)["data"]["attributes"][member] is None


def test_a_renamed_workspace_moves_to_its_new_address(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    world.workspace(world.project(acme), "old")
    answer = api.patch(f"{WORKSPACES}/old", owner.token, document("workspaces", {"name": "new"}))
    assert answer["data"]["links"]["self"] == f"/api/v2{WORKSPACES}/new"
    api.get(f"{WORKSPACES}/old", owner.token, expect=404)
    assert api.get(f"{WORKSPACES}/new", owner.token) == answer


def test_an_id_that_is_not_the_address_is_refused(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace, other = world.workspace(world.project(acme), "one"), world.workspace(world.project(acme), "two")
    for path in (f"/workspaces/{workspace.id}", f"{WORKSPACES}/one"):
        sent = {"data": {"type": "workspaces", "id": other.id, "attributes": {"auto-apply": True}}}
        assert faults(api.patch(path, owner.token, sent, expect=422)) == [
            ("id must be the one in the address", "/data/id")
        ]


@pytest.mark.parametrize(
    "path", ["/workspaces/{id}", "/organizations/acme/workspaces/{name}", "/projects/{project}/workspaces/{id}"]
)
def test_a_workspace_moves_by_its_project_relationship(
    api: Api, world: World, acme: Organization, owner: Person, path: str
) -> None:
    workspace, destination = world.workspace(world.project(acme), "network"), world.project(acme)
    path = path.format(id=workspace.id, name=workspace.name, project=workspace.project_id)
    unknown = document("workspaces", project=("projects", "prj-1111111111111111"))
    assert faults(api.patch(path, owner.token, unknown, expect=422)) == NO_PROJECT
    sent = document("workspaces", {"auto-apply": True}, project=("projects", destination.id))
    answer = api.patch(path, owner.token, sent)
    assert answer["data"]["relationships"]["project"]["data"]["id"] == destination.id
    assert answer["data"]["attributes"]["auto-apply"] is True


MOVES = [
    ("admin", "admin", 200),
    ("custom", "custom", 200),
    ("maintain", "admin", 403),
    ("read", "admin", 403),
    ("none", "admin", 404),
    ("admin", "maintain", 422),
    ("admin", "none", 422),
    ("none", "none", 404),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("at_source", "at_destination", "status"), MOVES)
def test_moving_needs_the_right_on_both_sides(
    api: Api, world: World, acme: Organization, *, at_source: str, at_destination: str, status: int
) -> None:
    team, source, destination = world.team(acme), world.project(acme), world.project(acme)
    for project, access in ((source, at_source), (destination, at_destination)):
        if access != "none":
            world.access(team, project, access, {"move": True} if access == "custom" else None)
    token = world.member(acme, team).token
    workspace = world.workspace(source)
    sent = document("workspaces", project=("projects", destination.id))
    answer = api.patch(f"/workspaces/{workspace.id}", token, sent, expect=status)
    if status == 403:
        [(detail, _)] = faults(answer)
        assert detail == f"Workspace(s) not found, or you are not authorized to move them: {workspace.id}"
    [found] = world.all(Workspace)
    assert found.project_id == (destination.id if status == 200 else source.id)


def test_a_refused_move_changes_nothing_else(api: Api, world: World, acme: Organization) -> None:
    team, source, destination = world.team(acme), world.project(acme), world.project(acme)
    world.access(team, source, "maintain")
    world.access(team, destination, "admin")
    workspace = world.workspace(source)
    sent = document("workspaces", {"auto-apply": True}, project=("projects", destination.id))
    api.patch(f"/workspaces/{workspace.id}", world.member(acme, team).token, sent, expect=403)
    assert [found.auto_apply for found in world.all(Workspace)] == [False]


def test_a_workspace_may_name_the_project_it_is_in(api: Api, world: World, acme: Organization) -> None:
    team, project = world.team(acme), world.project(acme)
    world.access(team, project, "maintain")
    workspace = world.workspace(project)
    sent = document("workspaces", {"auto-apply": True}, project=("projects", project.id))
    answer = api.patch(f"/workspaces/{workspace.id}", world.member(acme, team).token, sent)
    assert answer["data"]["attributes"]["auto-apply"] is True


def test_a_workspace_does_not_leave_its_organization(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(world.project(acme))
    theirs = world.project(world.organization("other", owner=owner))
    sent = document("workspaces", project=("projects", theirs.id))
    assert faults(api.patch(f"/workspaces/{workspace.id}", owner.token, sent, expect=422)) == NO_PROJECT
