"""Projects over HTTP: the document, creating, showing, updating; what a document must be made of."""

import re
from typing import Any

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

PROJECTS = "/organizations/acme/projects"

# What this service does not have is nobody's to do.
ABSENT = {
    "can-move-stack",
    "can-manage-stacks",
    "can-view-stacks",
    "can-update-stacks",
    "can-deploy-no-code-modules",
    "can-manage-in-hcp",
}
FLAGS = ABSENT | {
    "can-read",
    "can-update",
    "can-destroy",
    "can-create-workspace",
    "can-move-workspace",
    "can-read-teams",
    "can-manage-tags",
    "can-manage-teams",
    "can-manage-varsets",
    "can-manage-ephemeral-workspace-for-projects",
    "can-force-destroy",
    "can-wipe",
    "can-read-members",
    "can-manage-members",
    "can-manage-owners",
    "can-manage-environments",
    "can-manage-tokens",
}


def test_a_project_is_shown_with_every_member(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, "platform", description="shared services", auto_destroy_activity_duration="14d")
    shown = api.get(f"/projects/{project.id}", owner.token)["data"]
    attributes = shown.pop("attributes")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attributes["created-at"])
    assert attributes.pop("updated-at") == attributes.pop("created-at"), "it was never changed"
    assert attributes == {
        "name": "platform",
        "description": "shared services",
        "auto-destroy-activity-duration": "14d",
        "default-execution-mode": "local",
        "stacks-default-execution-mode": "remote",
        "setting-overwrites": {
            "default-execution-mode": False,
            "default-agent-pool": False,
            "stacks-default-execution-mode": False,
            "stacks-default-agent-pool": False,
        },
        "icon-url": None,
        "workspace-count": 0,
        "team-count": 0,
        "is-unified": False,
        "hcp-id": None,
        "slug": "platform",
        "display-name": None,
        "color": None,
        "single-server-mode": False,
        "default-server-id": None,
        "auto-error-tracking-enabled": False,
        "public-read": False,
        "metadata": None,
        "permissions": {flag: flag not in ABSENT for flag in FLAGS},
    }
    assert shown == {
        "id": project.id,
        "type": "projects",
        "relationships": {
            "organization": {
                "data": {"id": "acme", "type": "organizations"},
                "links": {"related": "/api/v2/organizations/acme"},
            },
            "default-agent-pool": {"data": None},
            "stacks-default-agent-pool": {"data": None},
            "cloud-provider": {"data": None},
            "tag-bindings": {"links": {"related": f"/api/v2/projects/{project.id}/tag-bindings"}},
            "effective-tag-bindings": {"links": {"related": f"/api/v2/projects/{project.id}/effective-tag-bindings"}},
        },
        "links": {"self": f"/api/v2/projects/{project.id}"},
    }


def test_a_project_counts_its_workspaces_and_the_teams_with_access(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project, other = world.project(acme), world.project(acme)
    for _ in range(3):
        world.workspace(project)
    world.workspace(other)
    world.access(world.team(acme), project, "read")
    world.access(world.team(acme), project, "admin")
    attributes = api.get(f"/projects/{project.id}", owner.token)["data"]["attributes"]
    assert (attributes["workspace-count"], attributes["team-count"]) == (3, 2)


@pytest.mark.parametrize("maker", ["owner", "manage-projects", "team token", "organization token", "administrator"])
def test_a_created_project_reads_the_same_everywhere(api: Api, world: World, acme: Organization, maker: str) -> None:
    team = world.team(acme, "manage-projects")
    token = {
        "owner": lambda: world.owner(acme).token,
        # Who makes a project owns it, and may from then on do more with it than his team.
        "manage-projects": lambda: world.member(acme, team).token,
        "team token": lambda: world.team_token(team),
        "organization token": lambda: world.token(acme),
        "administrator": lambda: world.person(site_role="admin").token,
    }[maker]()
    created = api.post(
        f"/organizations/{acme.name}/projects",
        token,
        document("projects", {"name": "platform", "description": "shared", "auto-destroy-activity-duration": "1h"}),
    )
    assert set(created) == {"data"}
    assert re.fullmatch("prj-[1-9A-HJ-NP-Za-km-z]{16}", created["data"]["id"])
    assert api.get(f"/projects/{created['data']['id']}", token) == created
    listed = api.get(PROJECTS, token)["data"]
    assert created["data"] in listed


def test_a_project_is_created_with_its_tags(api: Api, acme: Organization, owner: Person) -> None:
    tags = [{"type": "tag-bindings", "attributes": {"key": "env", "value": "prod"}}]
    created = api.post(
        f"/organizations/{acme.name}/projects",
        owner.token,
        document("projects", {"name": "platform"}, tag_bindings=tags),
    )
    bound = api.get(f"/projects/{created['data']['id']}/tag-bindings", owner.token)["data"]
    assert [tag["attributes"]["key"] for tag in bound] == ["env"]


def test_the_organizations_name_is_found_in_any_case(api: Api, acme: Organization, owner: Person) -> None:
    path = f"/organizations/{acme.name.upper()}/projects"
    created = api.post(path, owner.token, document("projects", {"name": "platform"}))
    assert created["data"]["relationships"]["organization"]["data"]["id"] == "acme"


@pytest.mark.parametrize(
    ("attributes", "changed"),
    [
        ({}, {}),
        ({"name": "network"}, {"name": "network"}),
        ({"name": "PLATFORM"}, {"name": "PLATFORM"}),
        ({"description": None}, {"description": None}),
        ({"description": ""}, {"description": ""}),
        ({"auto-destroy-activity-duration": None}, {"auto-destroy-activity-duration": None}),
        ({"auto-destroy-activity-duration": "2h"}, {"auto-destroy-activity-duration": "2h"}),
        ({"workspace-count": 7, "created-at": None, "is-unified": True, "colour": "red"}, {}),
    ],
    ids=str,
)
def test_an_update_changes_what_it_names_and_nothing_else(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    attributes: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    project = world.project(acme, "platform", description="shared", auto_destroy_activity_duration="14d")
    before = api.get(f"/projects/{project.id}", owner.token)["data"]
    after = api.patch(f"/projects/{project.id}", owner.token, document("projects", attributes))["data"]
    changed = {**changed, "updated-at": after["attributes"]["updated-at"]}
    assert after == {**before, "attributes": {**before["attributes"], **changed}}
    assert api.get(f"/projects/{project.id}", owner.token)["data"] == after


def test_the_default_project_can_be_renamed(api: Api, world: World, acme: Organization, owner: Person) -> None:
    default = world.default_project(acme)
    api.patch(f"/projects/{default.id}", owner.token, document("projects", {"name": "Landing"}))
    assert world.default_project(acme).name == "Landing"


def test_an_id_in_the_document_may_repeat_the_address(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    project = world.project(acme)
    sent = {"data": {"type": "projects", "id": project.id, "attributes": {"name": "renamed"}}}
    assert api.patch(f"/projects/{project.id}", owner.token, sent)["data"]["attributes"]["name"] == "renamed"


def test_an_id_that_is_not_the_address_is_refused(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project, other = world.project(acme, "one"), world.project(acme, "two")
    sent = {"data": {"type": "projects", "id": other.id, "attributes": {"name": "renamed"}}}
    answer = api.patch(f"/projects/{project.id}", owner.token, sent, expect=422)
    assert faults(answer) == [("id must be the one in the address", "/data/id")]
    assert {found.name for found in world.all(Project)} == {"Default Project", "one", "two"}


def test_what_a_client_can_not_set_is_ignored_on_creation(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    other = world.organization("other")
    sent = {
        "data": {
            "type": "projects",
            "id": "prj-1111111111111111",
            "attributes": {"name": "platform", "is-default": True, "organization-id": other.id, "id": "x"},
            "relationships": {"organization": {"data": {"type": "organizations", "id": "other"}}},
        }
    }
    created = api.post(f"/organizations/{acme.name}/projects", owner.token, sent)["data"]
    assert created["id"] != "prj-1111111111111111"
    assert created["relationships"]["organization"]["data"]["id"] == "acme"
    assert [found.name for found in world.all(Project) if found.is_default and found.organization_id == acme.id] == [
        "Default Project"
    ]


ENVELOPES = [
    (b"", 400, None),
    (b"{", 400, None),
    (b'{"data": NaN}', 400, None),
    ([], 422, ("The document must be an object with a data member", "")),
    ({}, 422, ("The document must be an object with a data member", "")),
    ({"attributes": {"name": "platform"}}, 422, ("The document must be an object with a data member", "")),
    ({"data": None}, 422, ("data must be an object", "/data")),
    ({"data": []}, 422, ("data must be an object", "/data")),
    ({"data": "platform"}, 422, ("data must be an object", "/data")),
    ({"data": {"type": "workspaces"}}, 422, ("type must be projects", "/data/type")),
    ({"data": {"type": 1}}, 422, ("type must be projects", "/data/type")),
    ({"data": {"type": ["projects"]}}, 422, ("type must be projects", "/data/type")),
    ({"data": {"type": "projects", "attributes": ["name"]}}, 422, ("attributes must be an object", "/data/attributes")),
    ({"data": {"type": "projects", "attributes": "name"}}, 422, ("attributes must be an object", "/data/attributes")),
    (
        {"data": {"type": "projects", "attributes": {"name": "platform"}, "relationships": [1]}},
        422,
        ("relationships must be an object", "/data/relationships"),
    ),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("sent", "status", "fault"), ENVELOPES, ids=[str(envelope[0]) for envelope in ENVELOPES])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_malformed_document_is_refused(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    method: str,
    sent: Any,
    status: int,
    fault: tuple[str, str] | None,
) -> None:
    project = world.project(acme, "untouched")
    path = f"/organizations/{acme.name}/projects" if method == "POST" else f"/projects/{project.id}"
    answer = api.send(method, path, owner.token, sent, expect=status)
    assert fault is None or faults(answer) == [fault]
    assert {found.name for found in world.all(Project)} == {"Default Project", "untouched"}


@pytest.mark.parametrize("absent", [{}, {"attributes": None}, {"attributes": {}}], ids=str)
def test_an_update_without_attributes_changes_nothing(
    api: Api, world: World, acme: Organization, owner: Person, absent: dict[str, Any]
) -> None:
    project = world.project(acme, "platform")
    answer = api.patch(f"/projects/{project.id}", owner.token, {"data": {"type": "projects", **absent}})
    assert answer["data"]["attributes"]["name"] == "platform"


@pytest.mark.parametrize("include", ["effective_tag_bindings", "effective-tag-bindings"])
def test_a_project_is_shown_with_its_effective_tags(
    api: Api, world: World, acme: Organization, owner: Person, include: str
) -> None:
    project = world.project(acme)
    tag = world.tag(project, "env", "prod")
    shown = api.get(f"/projects/{project.id}?include={include}", owner.token)
    bare = tag.id.removeprefix("tb-")
    assert shown["included"] == [
        {"id": bare, "type": "effective-tag-bindings", "attributes": {"key": "env", "value": "prod"}}
    ]
    assert shown["data"]["relationships"]["effective-tag-bindings"]["data"] == [
        {"id": bare, "type": "effective-tag-bindings"}
    ]


@pytest.mark.one_database
@pytest.mark.parametrize("include", ["teams", "effective_tag_bindings,teams", "organization", ",", "*"])
def test_an_unknown_include_is_refused(api: Api, world: World, acme: Organization, owner: Person, include: str) -> None:
    for path in (f"/projects/{world.project(acme).id}", PROJECTS):
        answer = api.get(f"{path}?include={include}", owner.token, expect=400)
        assert faults(answer) == [("Invalid include parameter", "include")]
