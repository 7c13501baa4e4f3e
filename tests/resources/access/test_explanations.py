"""Explanations: who may do what on which resource, and through which grants."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, update

from app.models import (
    AuthenticationToken,
    Environment,
    Organization,
    Project,
    TeamMember,
    Workspace,
)
from app.persistence import now
from app.resources.access.permissions.targets import TARGETS
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

PATH = "/permissions/explain"


class Place(NamedTuple):
    """A project with an environment beside the default one, and a workspace in a cell of it."""

    project: Project
    environment: Environment
    workspace: Workspace


@pytest.fixture
def place(world: World, acme: Organization) -> Place:
    project = world.project(acme, "shop")
    environment = world.environment(project, "live")
    return Place(project, environment, world.workspace(project, environment_id=environment.id, cell="eu"))


def asked(resource: tuple[str, str], permission: Any = None, subject: tuple[str, str] | None = None) -> dict[str, Any]:
    attributes = {} if permission is None else {"permission": permission}
    subjects = {} if subject is None else {"subject": subject}
    return document("permission-explanations", attributes, resource=resource, **subjects)


def explained(api: Api, token: str, *about: Any) -> dict[str, Any]:
    found: dict[str, Any] = api.post(PATH, token, asked(*about), expect=200)["data"]["attributes"]
    return found


def grants(api: Api, token: str, *about: Any) -> list[dict[str, Any]]:
    (only,) = explained(api, token, *about)["permissions"]
    found: list[dict[str, Any]] = only["grants"]
    return found


# --- what an explanation says --------------------------------------------------------------------------------------


def test_a_role_with_a_scope_explains_itself(api: Api, world: World, place: Place) -> None:
    ada = world.person()
    role = world.project_member(place.project, ada, "member", environment=place.environment, cells=["eu", "us"])
    answer = api.post(PATH, ada.token, asked(("workspaces", place.workspace.id), "run:apply"), expect=200)["data"]
    assert answer == {
        "id": f"{ada.id}:{place.workspace.id}",
        "type": "permission-explanations",
        "attributes": {
            "permission": "run:apply",
            "allowed": True,
            "permissions": [
                {
                    "permission": "run:apply",
                    "allowed": True,
                    "refusal": None,
                    "grants": [
                        {
                            "level": "environment-cell",
                            "target": f"{place.environment.id}/eu",
                            "role": "member",
                            "source": {"type": "project-members", "id": role.id},
                        }
                    ],
                }
            ],
        },
        "relationships": {
            "subject": {"data": {"type": "users", "id": ada.id}},
            "resource": {"data": {"type": "workspaces", "id": place.workspace.id}},
        },
    }
    assert left_by_requests(world) == []


def test_every_grant_is_named(api: Api, world: World, acme: Organization, owner: Person, place: Place) -> None:
    flagged = world.team(acme, "manage-workspaces")
    granted = world.team(acme)
    on_project = world.access(granted, place.project, "write")
    on_workspace = world.workspace_access(granted, place.workspace, "admin")
    ada = world.member(acme, flagged, granted)
    role = world.project_member(place.project, ada, "owner")
    entry = world.acl_entry(place.workspace, ada, "developer")
    on_all = world.person(site_role="admin")
    resource = ("workspaces", place.workspace.id)
    found = {
        (grant["level"], grant["target"], grant["role"], grant["source"]["type"], grant["source"]["id"])
        for grant in grants(api, owner.token, resource, "variable:write", ("users", ada.id))
    }
    assert found == {
        ("organization", acme.id, "manage-workspaces", "teams", flagged.id),
        ("project", place.project.id, "write", "team-projects", on_project.id),
        ("workspace", place.workspace.id, "admin", "team-workspaces", on_workspace.id),
        ("project", place.project.id, "owner", "project-members", role.id),
        ("workspace", place.workspace.id, "developer", "workspace-acl-entries", entry.id),
    }
    (site,) = grants(api, on_all.token, resource, "variable:write")
    assert (site["level"], site["role"], site["source"]) == ("site", "admin", {"type": "users", "id": on_all.id})
    (owning,) = grants(api, owner.token, resource, "variable:write")
    assert (owning["role"], owning["source"]["type"]) == ("owners", "teams")


def test_teams_and_tokens_are_explained_too(
    api: Api, world: World, acme: Organization, owner: Person, place: Place
) -> None:
    team = world.team(acme)
    access = world.access(team, place.project, "maintain")
    world.project_token(place.project, "viewer")
    world.token(acme)
    ids = {token.kind: token.id for token in world.all(AuthenticationToken)}
    resource = ("workspaces", place.workspace.id)
    for subject, permission, source in (
        (("teams", team.id), "workspace:update", ("team-projects", access.id)),
        (("authentication-tokens", ids["project"]), "workspace:read", ("authentication-tokens", ids["project"])),
        (
            ("authentication-tokens", ids["organization"]),
            "workspace:update",
            ("authentication-tokens", ids["organization"]),
        ),
    ):
        (grant,) = grants(api, owner.token, resource, permission, subject)
        assert (grant["source"]["type"], grant["source"]["id"]) == source
        assert not explained(api, owner.token, resource, "workspace:force-delete", subject)["allowed"]


def test_a_token_explains_itself(api: Api, world: World, place: Place) -> None:
    token = world.project_token(place.project, "member")
    answer = api.post(PATH, token, asked(("projects", place.project.id), "project:update"), expect=200)["data"]
    (own,) = [each.id for each in world.all(AuthenticationToken) if each.kind == "project"]
    assert answer["relationships"]["subject"]["data"] == {"type": "authentication-tokens", "id": own}
    assert answer["attributes"]["permissions"] == [
        {"permission": "project:update", "allowed": False, "refusal": 404, "grants": []}
    ]


def test_what_is_public_comes_from_nothing(api: Api, world: World, acme: Organization, owner: Person) -> None:
    workspace = world.workspace(world.project(acme, public_read=True))
    (grant,) = grants(api, owner.token, ("workspaces", workspace.id), "workspace:read-public")
    assert (grant["level"], grant["role"], grant["source"]) == ("public", None, None)


def test_a_refusal_has_its_status(api: Api, world: World, owner: Person, place: Place) -> None:
    viewer, outside = world.person(), world.member(Organization(id=place.project.organization_id))
    world.project_member(place.project, viewer, "viewer")

    def refusal(person: Person, permission: str) -> Any:
        about = ("projects", place.project.id), permission, ("users", person.id)
        (only,) = explained(api, owner.token, *about)["permissions"]
        assert (only["allowed"], only["grants"]) == (False, [])
        return only["refusal"]

    assert refusal(viewer, "project:update") == 404
    assert refusal(viewer, "project:manage-members") == 403
    # Who can't see it is told of nothing.
    assert refusal(outside, "project:manage-members") == 404
    assert refusal(outside, "project:read") == 404


def test_without_a_permission_it_is_about_all_that_mean_something(api: Api, owner: Person, place: Place) -> None:
    found = explained(api, owner.token, ("projects", place.project.id))
    named = {each["permission"]: each["allowed"] for each in found["permissions"]}
    assert found["permission"] is None
    assert {"project:update", "project:manage-owners", "workspace:update", "state:read", "environment:manage"} <= set(
        named
    )
    assert not {"membership:create", "team:create", "organization:delete"} & set(named)
    assert all(named.values()) == found["allowed"]
    on_workspace = explained(api, owner.token, ("workspaces", place.workspace.id))["permissions"]
    shown = {each["permission"] for each in on_workspace}
    assert {"workspace:move", "workspace:read-public", "run:apply", "activity:read"} <= shown
    assert "project:update" not in shown


@pytest.mark.one_database
@pytest.mark.parametrize("type_", TARGETS)
def test_null_is_as_good_as_absent(
    api: Api, world: World, acme: Organization, owner: Person, place: Place, type_: str
) -> None:
    ids = {
        "organizations": "ACME",
        "projects": place.project.id,
        "environments": place.environment.id,
        "workspaces": place.workspace.id,
        "teams": world.team(acme).id,
    }
    body = asked((type_, ids[type_]))
    first = api.post(PATH, owner.token, body, expect=200)
    body["data"]["attributes"]["permission"] = None
    body["data"]["relationships"]["subject"] = {"data": None}
    assert api.post(PATH, owner.token, body, expect=200) == first
    assert first["data"]["relationships"]["resource"]["data"]["id"] == ids[type_].replace("ACME", "acme")
    assert first["data"]["relationships"]["subject"]["data"] == {"type": "users", "id": owner.id}


# --- who may ask ---------------------------------------------------------------------------------------------------


def test_a_resource_that_is_not_seen_is_not_explained(api: Api, world: World, acme: Organization, place: Place) -> None:
    secret = world.team(acme)
    ids = {
        "organizations": "acme",
        "projects": place.project.id,
        "environments": place.environment.id,
        "workspaces": place.workspace.id,
        "teams": secret.id,
    }
    somewhere = world.person()
    world.project_member(place.project, somewhere, "admin", environment=world.default_environment(place.project))
    for token, hidden in (
        (world.person().token, list(ids)),
        (world.member(acme).token, ["projects", "environments", "workspaces", "teams"]),
        (somewhere.token, ["environments", "workspaces", "teams"]),
        (world.project_token(world.project(acme), "owner"), ["projects", "environments", "workspaces", "teams"]),
    ):
        for type_ in hidden:
            answer = api.raw("POST", PATH, token, asked((type_, ids[type_])))
            missing = api.raw("POST", PATH, token, asked((type_, "missing-1111111111111111")))
            assert (answer.status_int, answer.body) == (404, missing.body), type_
    api.post(PATH, None, asked(("projects", place.project.id)), expect=401)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        # About the project, its environment, its workspace, the organization.
        ("owner", (200, 200, 200, 200)),
        ("organization token", (200, 200, 200, 200)),
        ("site administrator", (200, 200, 200, 200)),
        ("project admin", (200, 200, 200, 404)),
        ("workspace admin", (403, 404, 200, 404)),
        ("project member", (403, 403, 403, 404)),
        ("manage-membership", (404, 404, 404, 200)),
        ("member", (404, 404, 404, 404)),
    ],
)
def test_about_others_ask_those_who_manage_the_people_there(
    api: Api, world: World, acme: Organization, owner: Person, place: Place, who: str, statuses: tuple[int, ...]
) -> None:
    ada = world.member(acme)

    def with_role(role: str) -> str:
        person = world.person()
        world.project_member(place.project, person, role)
        return person.token

    def on_workspace() -> str:
        person = world.person()
        world.acl_entry(place.workspace, person, "admin")
        return person.token

    made: dict[str, Callable[[], str]] = {
        "owner": lambda: owner.token,
        "organization token": lambda: world.token(acme),
        "site administrator": lambda: world.person(site_role="admin").token,
        "project admin": lambda: with_role("admin"),
        "workspace admin": on_workspace,
        "project member": lambda: with_role("member"),
        "manage-membership": lambda: world.member(acme, world.team(acme, "manage-membership")).token,
        "member": lambda: world.member(acme).token,
    }
    token = made[who]()
    resources = [
        ("projects", place.project.id),
        ("environments", place.environment.id),
        ("workspaces", place.workspace.id),
        ("organizations", "acme"),
    ]
    answers = [api.raw("POST", PATH, token, asked(each, None, ("users", ada.id))) for each in resources]
    assert tuple(answer.status_int for answer in answers) == statuses


def test_a_subject_that_is_not_seen_is_not_there(
    api: Api, world: World, acme: Organization, place: Place, engine: Engine
) -> None:
    admin = world.person()
    world.project_member(place.project, admin, "admin")
    expired = world.project_token(place.project, "viewer")
    with engine.begin() as connection:
        of_project = AuthenticationToken.kind == "project"
        connection.execute(update(AuthenticationToken).where(of_project).values(expired_at=now()))
    world.token(acme)
    tokens = world.all(AuthenticationToken)
    resource = ("projects", place.project.id)
    hidden = [
        ("users", world.person().id),
        ("teams", world.team(acme).id),
        ("teams", world.team(world.organization(), visibility="organization").id),
        *(("authentication-tokens", each.id) for each in tokens if each.user_id != admin.id),
        ("users", "user-1111111111111111"),
        ("teams", ""),
    ]
    answers = {api.raw("POST", PATH, admin.token, asked(resource, None, subject)).text for subject in hidden}
    assert len(answers) == 1
    assert '"status":"404"' in answers.pop()
    assert expired


def test_hidden_sources_are_not_named(api: Api, world: World, acme: Organization, place: Place) -> None:
    secret, seen = world.team(acme), world.team(acme, visibility="organization")
    world.access(secret, place.project, "admin")
    shown = world.access(seen, place.project, "write")
    ada = world.member(acme, secret, seen)
    admin = world.person()
    world.project_member(place.project, admin, "admin")
    about = ("projects", place.project.id), "variable:write"
    of_ada = grants(api, admin.token, *about, ("users", ada.id))
    assert sorted((each["role"] or "", each["source"]["id"] or "") for each in of_ada) == [
        ("", ""),
        ("write", shown.id),
    ]
    assert {each["source"]["type"] for each in of_ada} == {"team-projects"}
    # One's own are: whoever is in a team knows it.
    assert all(each["source"]["id"] for each in grants(api, ada.token, *about))
    # And what role somebody has on the site, only super users are told.
    boss = world.person(site_role="super_user")
    world.membership(acme, boss)
    (of_boss,) = grants(api, admin.token, *about, ("users", boss.id))
    assert (of_boss["level"], of_boss["role"], of_boss["source"]["id"]) == ("site", None, boss.id)
    (own,) = grants(api, boss.token, *about)
    assert own["role"] == "super_user"


# --- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"attributes": {"permission": "workspace:fly"}}, "/data/attributes/permission"),
        ({"attributes": {"permission": ["run:read"]}}, "/data/attributes/permission"),
        ({"attributes": {"permission": "site-role:manage"}}, "/data/attributes/permission"),
        ({"attributes": {"permission": "team:read"}}, ""),
        ({"relationships": None}, "/data/relationships/resource"),
        ({"relationships": {"resource": {"data": None}}}, "/data/relationships/resource"),
        ({"relationships": {"resource": {"data": {"type": "users", "id": "x"}}}}, "/data/relationships/resource"),
        ({"relationships": {"resource": {"data": {"type": "projects"}}}}, "/data/relationships/resource"),
        ({"type": "permissions"}, "/data/type"),
    ],
)
def test_faults_name_the_member(api: Api, owner: Person, place: Place, changed: Any, pointer: str) -> None:
    body = asked(("projects", place.project.id))
    body["data"] |= changed
    answer = api.post(PATH, owner.token, body, expect=422 if pointer else 200)
    if pointer:
        assert [where for _, where in faults(answer)] == [pointer]


@pytest.mark.parametrize("subject", [{"type": "projects", "id": "x"}, {"type": "users", "id": 1}, [], "x"])
def test_a_subject_is_a_user_a_team_or_a_token(api: Api, owner: Person, place: Place, subject: Any) -> None:
    body = asked(("projects", place.project.id))
    body["data"]["relationships"]["subject"] = {"data": subject}
    answer = api.post(PATH, owner.token, body, expect=422)
    assert [where for _, where in faults(answer)] == ["/data/relationships/subject"]


def test_statements_do_not_depend_on_sizes(
    api: Api, world: World, acme: Organization, owner: Person, place: Place, statements: Statements
) -> None:
    ada = world.person()
    world.project_member(place.project, ada, "admin")
    api.get("/account/details", owner.token)
    resource = ("workspaces", place.workspace.id)
    for _ in range(3):
        team = world.team(acme)
        world.add(TeamMember(team_id=team.id, membership_id=world.membership(acme, ada)))
        world.access(team, world.project(acme), "read")
        world.access(team, place.project, "write")
        world.workspace_access(team, place.workspace, "admin")
        world.acl_entry(world.workspace(place.project), ada, "owner")
        # The caller, the workspace, the caller again with sources.
        assert cost(statements, api, owner.token, ("POST", PATH, asked(resource))) == 3
        # The caller, the workspace, whether ada is seen, ada, her grants, which of their sources are seen.
        body = asked(resource, None, ("users", ada.id))
        assert cost(statements, api, owner.token, ("POST", PATH, body)) == 6
