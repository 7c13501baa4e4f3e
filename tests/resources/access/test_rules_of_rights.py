"""Rules for rights: what a role has brought ends with it, and nobody gives or gains more than they have."""

from typing import Any

import pytest

from app.models import AuthenticationToken, Organization, OrganizationMembership, Project, Team, WorkspaceAclEntry
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.world import Person, World


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "shop")


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


def make_token(api: Api, project: Project, caller: str, role: str = "member") -> tuple[str, str]:
    """The id and the text of a new token of the project."""
    body = document("authentication-tokens", {"role": role, "description": f"ci of {caller[:6]}"})
    made = api.post(f"/projects/{project.id}/authentication-tokens", caller, body)["data"]
    return made["id"], made["attributes"]["token"]


def make_workspace(api: Api, project: Project, caller: str, name: str) -> str:
    body = document("workspaces", {"name": name}, project=("projects", project.id))
    return str(api.post("/organizations/acme/workspaces", caller, body)["data"]["id"])


def roles_path(api: Api, project: Project, person: Person, caller: Person) -> str:
    listed = api.get(f"/projects/{project.id}/members", caller.token)["data"]
    [member] = [each for each in listed if each["relationships"]["user"]["data"]["id"] == person.id]
    return f"/project-members/{member['id']}"


# --- what a role has brought ---------------------------------------------------------------------------------------


def test_the_entry_of_a_creator_is_an_event_like_any_other(api: Api, world: World, project: Project) -> None:
    ada = world.person("lin")
    world.project_member(project, ada, "member")
    workspace_id = make_workspace(api, project, ada.token, "net")
    made, given = left_by_requests(world)
    [entry] = world.all(WorkspaceAclEntry)
    assert (made.action, given.action) == ("workspaces.create", "workspace-acl-entries.create")
    assert (given.subject_id, given.workspace_id, given.project_id) == (entry.id, workspace_id, project.id)
    assert given.environment_id == world.default_environment(project).id
    assert given.changes == {"username": [None, "lin"], "level": [None, "developer"]}


@pytest.mark.parametrize("way", ["removed", "gone by oneself"])
def test_removing_somebody_ends_what_the_role_has_brought(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, way: str
) -> None:
    ada = world.person("lin")
    world.project_member(project, ada, "admin")
    other = world.project(acme)
    world.project_member(other, ada, "admin")
    created, moved, elsewhere = (
        make_workspace(api, place, ada.token, name) for place, name in ((project, "a"), (project, "b"), (other, "c"))
    )
    given = world.workspace(project, "given")
    world.acl_entry(given, ada, "user")
    body = {"data": [{"type": "workspaces", "id": moved}]}
    api.post(f"/projects/{world.default_project(acme).id}/relationships/workspaces", owner.token, body, expect=204)
    (_, hers), (_, there), (_, owners) = (
        make_token(api, place, caller)
        for place, caller in ((project, ada.token), (other, ada.token), (project, owner.token))
    )
    before = len(left_by_requests(world))
    api.delete(roles_path(api, project, ada, owner), (owner if way == "removed" else ada).token)
    left = {each.workspace_id for each in world.all(WorkspaceAclEntry)}
    assert left == {given.id, elsewhere}
    for workspace_id, status in ((created, 404), (moved, 404), (given.id, 200), (elsewhere, 200)):
        api.get(f"/workspaces/{workspace_id}", ada.token, expect=status)
    assert [works(api, text) for text in (hers, there, owners)] == [False, True, True]
    events = left_by_requests(world)[before:]
    assert [each.action for each in events] == [
        "project-members.delete",
        "workspace-acl-entries.delete",
        "workspace-acl-entries.delete",
        "authentication-tokens.delete",
    ]
    assert {each.workspace_id for each in events} == {None, created, moved}


def test_a_level_that_somebody_has_changed_is_a_granted_one(
    api: Api, world: World, owner: Person, project: Project
) -> None:
    ada = world.person("lin")
    world.project_member(project, ada, "member")
    workspace_id = make_workspace(api, project, ada.token, "net")
    [entry] = world.all(WorkspaceAclEntry)
    path = f"/workspaces/{workspace_id}/acl/{entry.id}"
    api.patch(path, owner.token, document("workspace-acl-entries", {"level": "user"}))
    api.delete(roles_path(api, project, ada, owner), owner.token)
    assert [each.level for each in world.all(WorkspaceAclEntry)] == ["user"]


# --- tokens of projects --------------------------------------------------------------------------------------------


def test_tokens_end_with_the_membership_of_who_made_them(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    grace = world.owner(acme)
    _, text = make_token(api, project, grace.token)
    organization_token = world.token(acme)
    _, nobodys = make_token(api, project, organization_token)
    api.delete(f"/organization-memberships/{world.membership(acme, grace)}", owner.token)
    assert (works(api, text), works(api, nobodys)) == (False, True)
    [event] = [each for each in left_by_requests(world) if each.action == "authentication-tokens.delete"]
    assert (event.project_id, event.is_about_access) == (project.id, True)


# What becomes of a role in the whole project, and which tokens of its holder go on.
LOWERED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "an owner becomes admin": ("owner", {"role": "admin"}, ["viewer", "member", "admin"]),
    "an admin becomes viewer": ("admin", {"role": "viewer"}, ["viewer"]),
    "an admin of some cells": ("admin", {"cell-scopes": ["eu"]}, []),
    "an admin becomes owner": ("admin", {"role": "owner"}, ["viewer", "member", "admin"]),
}


@pytest.mark.parametrize("way", LOWERED)
def test_tokens_end_with_the_role_that_made_them(
    api: Api, world: World, owner: Person, project: Project, way: str
) -> None:
    role, change, staying = LOWERED[way]
    ada, grace = world.person("lin"), world.person("grace")
    member = world.project_member(project, ada, role)
    world.project_member(project, grace, "owner")
    roles = ("viewer", "member", "admin", "owner")[: 4 if role == "owner" else 3]
    texts = {}
    for each in roles:
        body = document("authentication-tokens", {"role": each, "description": each})
        made = api.post(f"/projects/{project.id}/authentication-tokens", ada.token, body)
        texts[each] = made["data"]["attributes"]["token"]
    _, others = make_token(api, project, grace.token, "owner")
    before = len(left_by_requests(world))
    api.patch(f"/project-members/{member.id}", owner.token, document("project-members", change))
    assert [each for each, text in texts.items() if works(api, text)] == staying
    assert works(api, others)
    first, *ended = left_by_requests(world)[before:]
    assert (first.action, {each.action for each in ended} - {"authentication-tokens.delete"}) == (
        "project-members.update",
        set(),
    )
    assert {each.changes["role"][0] for each in ended} == set(roles) - set(staying)


def test_the_tokens_of_an_owner_end_with_the_transfer(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    ada, grace = world.person("lin"), world.member(acme)
    world.project_member(project, ada, "owner")
    _, owning = make_token(api, project, ada.token, "owner")
    body = document("authentication-tokens", {"role": "admin", "description": "deploy"})
    path = f"/projects/{project.id}/authentication-tokens"
    administering = api.post(path, ada.token, body)["data"]["attributes"]["token"]
    before = len(left_by_requests(world))
    heir = {"data": {"relationships": {"user": {"data": {"type": "users", "id": grace.id}}}}}
    api.post(f"/projects/{project.id}/actions/transfer-ownership", ada.token, heir, expect=200)
    assert (works(api, owning), works(api, administering)) == (False, True)
    assert [each.action for each in left_by_requests(world)[before:]].count("authentication-tokens.delete") == 1


def test_a_token_whose_holder_is_out_does_not_work(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    ada, admin = world.owner(acme), world.person(site_role="admin")
    _, text = make_token(api, project, ada.token)
    api.post(f"/admin/users/{ada.id}/actions/suspend", admin.token, expect=200)
    assert not works(api, text)
    api.post(f"/admin/users/{ada.id}/actions/unsuspend", admin.token, expect=200)
    assert works(api, text)
    world.owner(acme)
    api.delete(f"/admin/users/{ada.id}", admin.token)
    assert not works(api, text)
    assert [each for each in world.all(AuthenticationToken) if each.kind == "project"] == []


def test_a_token_that_lost_its_holder_on_any_way_does_not_work(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    ada = world.owner(acme)
    _, text = make_token(api, project, ada.token)
    [membership] = [each for each in world.all(OrganizationMembership) if each.user_id == ada.id]
    world.remove(membership)
    assert not works(api, text)


def test_a_token_that_is_taken_over_goes_on(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    ada, grace = world.person("lin"), world.person("grace")
    for person in (ada, grace):
        world.project_member(project, person, "admin")
    token_id, text = make_token(api, project, ada.token)
    path = f"/authentication-tokens/{token_id}"
    shown = api.get(path, owner.token)["data"]["relationships"]
    assert [shown[name]["data"]["id"] for name in ("created-by", "held-by")] == [ada.id, ada.id]
    taken = api.post(f"{path}/actions/take-over", grace.token, expect=200)["data"]["relationships"]
    assert [taken[name]["data"]["id"] for name in ("created-by", "held-by")] == [ada.id, grace.id]
    [event] = [each for each in left_by_requests(world) if each.action == "authentication-tokens.take-over"]
    assert event.changes == {"held-by": ["lin", "grace"]}
    api.delete(roles_path(api, project, ada, owner), owner.token)
    assert works(api, text)
    listed = f"/projects/{project.id}/authentication-tokens"
    for query, found in (
        (f"filter[created-by]={ada.id}", [token_id]),
        (f"filter[held-by]={grace.id}", [token_id]),
        (f"filter[held-by]={ada.id}", []),
        ("sort=created-by", [token_id]),
        ("filter[expiry_status]=expired", []),
    ):
        assert [each["id"] for each in api.get(f"{listed}?{query}", owner.token)["data"]] == found, query
    # The organization itself takes it over: then nobody's leaving ends it.
    taken = api.post(f"{path}/actions/take-over", world.token(acme), expect=200)["data"]["relationships"]
    assert taken["held-by"]["data"] is None
    api.delete(roles_path(api, project, grace, owner), owner.token)
    assert works(api, text)


def test_who_takes_a_token_over(api: Api, world: World, owner: Person, project: Project) -> None:
    admin, member = world.person(), world.person()
    world.project_member(project, admin, "admin")
    world.project_member(project, member, "member")
    token_id, text = make_token(api, project, owner.token, "owner")
    path = f"/authentication-tokens/{token_id}/actions/take-over"
    api.post(path, admin.token, expect=403)
    api.post(path, member.token, expect=404)
    api.post(path, text, expect=404)
    api.post(path, expect=401)
    [own] = api.get(f"/users/{member.id}/authentication-tokens", member.token)["data"]
    refused = api.post(f"/authentication-tokens/{own['id']}/actions/take-over", member.token, expect=422)
    assert refused["errors"][0]["code"] == "not-of-project"


def test_a_project_s_token_gives_nobody_access(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    token = world.project_token(project, "owner")
    ada, team = world.member(acme), world.team(acme, visibility="organization")
    another = world.team(acme, visibility="organization")
    workspace = world.workspace(project)
    entry, access = world.acl_entry(workspace, ada, "user"), world.access(team, project, "read")
    member = world.project_member(project, ada, "viewer")
    new, user = ("users", world.member(acme).id), ("users", ada.id)
    for method, path, body in (
        ("POST", f"/projects/{project.id}/members", document("project-members", {"role": "admin"}, user=new)),
        ("PATCH", f"/project-members/{member.id}", document("project-members", {"role": "admin"})),
        ("DELETE", f"/project-members/{member.id}", None),
        ("POST", f"/projects/{project.id}/actions/transfer-ownership", document("project-members", {}, user=user)),
        (
            "POST",
            f"/projects/{project.id}/invitations",
            document("invitations", {"role": "admin", "email": "a@example.test"}),
        ),
        (
            "POST",
            f"/workspaces/{workspace.id}/invitations",
            document("invitations", {"level": "admin", "email": "a@example.test"}),
        ),
        ("GET", f"/projects/{project.id}/invitations", None),
        ("POST", f"/workspaces/{workspace.id}/acl", document("workspace-acl-entries", {"level": "user"}, user=new)),
        ("DELETE", f"/workspaces/{workspace.id}/acl/{entry.id}", None),
        (
            "POST",
            "/team-projects",
            document(
                "team-projects", {"access": "admin"}, team=("teams", another.id), project=("projects", project.id)
            ),
        ),
        ("PATCH", f"/team-projects/{access.id}", document("team-projects", {"access": "admin"})),
        ("DELETE", f"/team-projects/{access.id}", None),
        (
            "POST",
            f"/projects/{project.id}/authentication-tokens",
            document("authentication-tokens", {"role": "viewer", "description": "x"}),
        ),
        ("PATCH", f"/projects/{project.id}", document("projects", {"public-read": True})),
    ):
        assert api.raw(method, path, token, body).status_int in {403, 404}, (method, path)
        assert api.raw(method, path, owner.token, body).status_int < 300, (method, path)


# --- nobody gives more than they have ------------------------------------------------------------------------------


@pytest.fixture
def manager(world: World, acme: Organization, project: Project) -> tuple[Person, Team]:
    """A person whose team manages teams on the project, and little else."""
    team = world.team(acme, visibility="organization")
    world.access(team, project, "custom", {"teams": "manage", "variables": "read"})
    return world.member(acme, team), team


def test_teams_manage_raises_nobody_above_its_own_rights(
    api: Api, world: World, acme: Organization, project: Project, manager: tuple[Person, Team]
) -> None:
    person, own = manager
    other = world.team(acme, visibility="organization")

    def sent(access: str, **details: Any) -> dict[str, Any]:
        nested: dict[str, dict[str, Any]] = {"project-access": {}, "workspace-access": {}}
        for name, value in details.items():
            group = "project-access" if name in {"settings", "teams"} else "workspace-access"
            nested[group][name.replace("_", "-")] = value
        attributes = {"access": access, **(nested if access == "custom" else {})}
        return document("team-projects", attributes, team=("teams", other.id), project=("projects", project.id))

    for body in (
        sent("admin"),
        sent("write"),
        sent("read"),
        sent("custom", settings="update"),
        sent("custom", variables="write"),
        sent("custom", state_versions="read"),
        sent("custom", move=True),
    ):
        refused = api.post("/team-projects", person.token, body, expect=403)
        assert refused["errors"][0]["code"] == "above-own-rights"
        assert refused["errors"][0]["source"] == {"pointer": "/data/attributes/access"}
    made = api.post("/team-projects", person.token, sent("custom", variables="read", teams="manage"))["data"]
    api.patch(f"/team-projects/{made['id']}", person.token, sent("custom", runs="apply"), expect=403)
    [access] = api.get(f"/team-projects?filter[project][id]={project.id}&q={own.name}", person.token)["data"][:1]
    api.patch(
        f"/team-projects/{access['id']}", person.token, document("team-projects", {"access": "admin"}), expect=403
    )
    api.patch(f"/team-projects/{made['id']}", person.token, sent("custom", variables="none"))


@pytest.mark.parametrize("who", ["owner", "organization token", "manage-projects", "project admin"])
def test_administrators_of_a_project_give_every_level(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, who: str
) -> None:
    admins = world.team(acme)
    world.access(admins, project, "admin")
    token = {
        "owner": lambda: owner.token,
        "organization token": lambda: world.token(acme),
        "manage-projects": lambda: world.member(acme, world.team(acme, "manage-projects")).token,
        "project admin": lambda: world.member(acme, admins).token,
    }[who]()
    team = world.team(acme, visibility="organization")
    body = document("team-projects", {"access": "admin"}, team=("teams", team.id), project=("projects", project.id))
    api.post("/team-projects", token, body)


# --- moving gains nothing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["one", "many"])
@pytest.mark.parametrize("reads", ["nothing", "variables", "variables and states"])
def test_nobody_reads_more_by_moving(
    api: Api, world: World, acme: Organization, project: Project, way: str, reads: str
) -> None:
    team, there = world.team(acme), world.project(acme, "there")
    details: dict[str, Any] = {"move": True}
    if reads != "nothing":
        details["variables"] = "read"
    if reads == "variables and states":
        details["state-versions"] = "read"
    world.access(team, project, "custom", details)
    world.access(team, there, "admin")
    person, workspace = world.member(acme, team), world.workspace(project, "net")
    if way == "one":
        path = f"/workspaces/{workspace.id}"
        request = ("PATCH", path, document("workspaces", {}, project=("projects", there.id)))
    else:
        path = f"/projects/{there.id}/relationships/workspaces"
        request = ("POST", path, {"data": [{"type": "workspaces", "id": workspace.id}]})
    answer = api.raw(request[0], request[1], person.token, request[2])
    if reads == "variables and states":
        assert answer.status_int == (200 if way == "one" else 204)
        return
    assert answer.status_int == 403
    [error] = answer.json["errors"]
    assert error["code"] == "workspaces-not-readable"
    assert workspace.id in error["detail"]
    kept = api.get(f"/workspaces/{workspace.id}", person.token)["data"]["relationships"]["project"]["data"]["id"]
    assert kept == project.id
    # Where nothing is gained, the permission to move is enough.
    poor = world.project(acme, "poor")
    world.access(team, poor, "custom", {"move": True})
    body = {"data": [{"type": "workspaces", "id": workspace.id}]}
    api.post(f"/projects/{poor.id}/relationships/workspaces", person.token, body, expect=204)
