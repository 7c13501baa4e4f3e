"""The tokens of projects, and what a project may do with one."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.authentication.tokens import digest
from app.models import AuthenticationToken, Organization, Project
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.states import States, state
from tests.support.world import Person, World

LATER = "2999-01-01T00:00:00Z"


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "shop")


def sent(role: Any = "member", **attributes: Any) -> dict[str, Any]:
    dashed = {name.replace("_", "-"): value for name, value in attributes.items()}
    return document("authentication-tokens", {"role": role, **dashed})


def path_of(project: Project) -> str:
    return f"/projects/{project.id}/authentication-tokens"


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


# --- made, shown, revoked ------------------------------------------------------------------------------------------


def test_a_token_is_made_shown_without_its_text_and_revoked(
    api: Api, world: World, owner: Person, project: Project
) -> None:
    path = path_of(project)
    made = api.post(path, owner.token, sent("admin", description="ci", expired_at=LATER))["data"]
    text = made["attributes"].pop("token")
    assert made["type"] == "authentication-tokens"
    attributes = made["attributes"]
    assert (attributes["role"], attributes["description"]) == ("admin", "ci")
    assert (attributes["expired-at"], attributes["last-used-at"]) == ("2999-01-01T00:00:00.000Z", None)
    assert made["relationships"] == {
        "project": {
            "data": {"id": project.id, "type": "projects"},
            "links": {"related": f"/api/v2/projects/{project.id}"},
        },
        "created-by": {"data": {"id": owner.id, "type": "users"}},
        "held-by": {"data": {"id": owner.id, "type": "users"}},
    }
    (stored,) = [token for token in world.all(AuthenticationToken) if token.kind == "project"]
    assert stored.digest == digest(text, "secret-key-of-the-test-suite-0123456789")
    listed, shown = (
        api.raw("GET", path, owner.token),
        api.raw("GET", f"/authentication-tokens/{made['id']}", owner.token),
    )
    assert text not in listed.text + shown.text
    assert listed.json["data"] == [shown.json["data"]]
    assert shown.json["data"]["attributes"] == {**attributes, "token": None}
    assert works(api, text)
    assert api.get(path, owner.token)["data"][0]["attributes"]["last-used-at"] is not None
    api.delete(f"/authentication-tokens/{made['id']}", owner.token)
    assert not works(api, text)
    assert api.get(path, owner.token)["data"] == []
    first, last = left_by_requests(world)
    assert (first.action, last.action) == ("authentication-tokens.create", "authentication-tokens.delete")
    assert {(event.subject_id, event.project_id, event.is_about_access) for event in (first, last)} == {
        (made["id"], project.id, True)
    }
    assert first.changes == {
        "role": [None, "admin"],
        "description": [None, "ci"],
        "expired-at": [None, "2999-01-01T00:00:00+00:00"],
    }
    assert text not in str([vars(event) for event in (first, last)])


def test_a_project_has_as_many_as_it_describes(api: Api, world: World, owner: Person, project: Project) -> None:
    path = path_of(project)
    for description in ("ci", "", "deploy", None):
        api.post(path, owner.token, sent(description=description))
    listed = api.get(f"{path}?page[size]=3", owner.token)
    assert [item["attributes"]["description"] for item in listed["data"]] == ["ci", "", "deploy"]
    assert listed["meta"]["pagination"]["total-count"] == 4
    for description in ("ci", "", None):
        (error,) = api.post(path, owner.token, sent(description=description), expect=422)["errors"]
        assert error["detail"] == "Validation failed: Description has already been taken"
        assert error["source"] == {"pointer": "/data/attributes/description"}
    # Those of another project are told apart from these by it.
    other = world.project(Organization(id=project.organization_id))
    api.post(path_of(other), owner.token, sent(description="ci"))


FAULTS: Mapping[str, tuple[Any, str]] = {
    "no role": (document("authentication-tokens", {}), "/data/attributes/role"),
    "role of null": (sent(None), "/data/attributes/role"),
    "unknown role": (sent("developer"), "/data/attributes/role"),
    "role that is no text": (sent(["admin"]), "/data/attributes/role"),
    "long description": (sent(description="d" * 257), "/data/attributes/description"),
    "description that is no text": (sent(description=1), "/data/attributes/description"),
    "expiry in the past": (sent(expired_at="2001-01-01T00:00:00Z"), "/data/attributes/expired-at"),
    "expiry that is no time": (sent(expired_at="soon"), "/data/attributes/expired-at"),
}


@pytest.mark.one_database
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_member(api: Api, world: World, owner: Person, project: Project, fault: str) -> None:
    body, pointer = FAULTS[fault]
    answer = api.post(path_of(project), owner.token, body, expect=422)
    assert [where for _, where in faults(answer)] == [pointer]
    assert not [token for token in world.all(AuthenticationToken) if token.kind == "project"]


def test_the_longest_description_is_taken(api: Api, owner: Person, project: Project) -> None:
    api.post(path_of(project), owner.token, sent(description="d" * 256))


def test_an_expired_one_is_none(api: Api, world: World, engine: Engine, project: Project) -> None:
    token = world.project_token(project, "viewer")
    assert works(api, token)
    with engine.begin() as connection:
        connection.execute(update(AuthenticationToken).values(expired_at=now()))
    assert not works(api, token)


def test_a_project_that_goes_takes_its_tokens_along(api: Api, world: World, owner: Person, project: Project) -> None:
    token = world.project_token(project, "owner")
    assert works(api, token)
    api.delete(f"/projects/{project.id}", owner.token)
    assert not works(api, token)
    assert not [token for token in world.all(AuthenticationToken) if token.kind == "project"]


# --- who manages them ----------------------------------------------------------------------------------------------

# What each may do: list; make a viewer, an admin, an owner; show, revoke one of an admin, one of an owner.
EVERYTHING = (200, 201, 201, 201, 200, 204, 204)
ALL_BUT_OWNERS = (200, 201, 201, 403, 200, 204, 403)
NOTHING = (404, 404, 404, 404, 404, 404, 404)
WHO: Mapping[str, tuple[int, ...]] = {
    "owner": EVERYTHING,
    "organization token": EVERYTHING,
    "project owner": EVERYTHING,
    "project admin": ALL_BUT_OWNERS,
    "team with admin": ALL_BUT_OWNERS,
    "team token with admin": ALL_BUT_OWNERS,
    # Nobody of the site acts as somebody else.
    "site administrator": NOTHING,
    "super user": NOTHING,
    "manage-projects": NOTHING,
    "project member": NOTHING,
    "project viewer": NOTHING,
    "admin of an environment": NOTHING,
    "admin of a cell": NOTHING,
    "owner of a workspace": NOTHING,
    "token of the project": NOTHING,
    "member": NOTHING,
    "outsider": NOTHING,
    "owner of another project": NOTHING,
    "nobody": (401,) * 7,
}


def with_role(world: World, project: Project, role: str, **scope: Any) -> str:
    person = world.person()
    world.project_member(project, person, role, **scope)
    return person.token


def caller_of(world: World, acme: Organization, project: Project, who: str) -> str | None:
    if who in ("team with admin", "team token with admin"):
        team = world.team(acme)
        world.access(team, project, "admin")
        return world.member(acme, team).token if who == "team with admin" else world.team_token(team)
    if who == "owner of a workspace":
        person = world.person()
        world.acl_entry(world.workspace(project), person, "owner")
        return person.token
    made: dict[str, Callable[[], str | None]] = {
        "owner": lambda: world.owner(acme).token,
        "organization token": lambda: world.token(acme),
        "project owner": lambda: with_role(world, project, "owner"),
        "project admin": lambda: with_role(world, project, "admin"),
        "site administrator": lambda: world.person(site_role="admin").token,
        "super user": lambda: world.person(site_role="super_user").token,
        "manage-projects": lambda: world.member(acme, world.team(acme, "manage-projects")).token,
        "project member": lambda: with_role(world, project, "member"),
        "project viewer": lambda: with_role(world, project, "viewer"),
        "admin of an environment": lambda: with_role(
            world, project, "admin", environment=world.default_environment(project)
        ),
        "admin of a cell": lambda: with_role(world, project, "admin", cells=["eu"]),
        "token of the project": lambda: world.project_token(project, "owner"),
        "member": lambda: world.member(acme).token,
        "outsider": lambda: world.owner(world.organization()).token,
        "owner of another project": lambda: with_role(world, world.project(acme), "owner"),
        "nobody": lambda: None,
    }
    return made[who]()


@pytest.mark.one_database
@pytest.mark.parametrize("who", WHO)
def test_who_manages_them(api: Api, world: World, acme: Organization, project: Project, who: str) -> None:
    texts = {role: world.project_token(project, role) for role in ("admin", "owner")}
    ids = {token.role: token.id for token in world.all(AuthenticationToken) if token.kind == "project"}
    caller, path = caller_of(world, acme, project, who), path_of(project)
    requests = [
        ("GET", path, None),
        *(("POST", path, sent(role, description=role)) for role in ("viewer", "admin", "owner")),
        ("GET", f"/authentication-tokens/{ids['owner']}", None),
        *(("DELETE", f"/authentication-tokens/{ids[role]}", None) for role in ("admin", "owner")),
    ]
    answers = [api.raw(*request[:2], caller, request[2]) for request in requests]
    assert tuple(answer.status_int for answer in answers) == WHO[who]
    revoked = [status == 204 for status in WHO[who][-2:]]
    assert [not works(api, text) for text in texts.values()] == revoked
    if WHO[who] == NOTHING:
        for answer, (method, address, body) in zip(answers, requests, strict=True):
            missing = address.replace(project.id, "prj-1111111111111111")
            for its_id in ids.values():
                missing = missing.replace(its_id, "at-1111111111111111")
            assert api.raw(method, missing, caller, body).body == answer.body, "forbidden reads like missing"


# --- a project as caller -------------------------------------------------------------------------------------------


@pytest.fixture
def token(world: World, project: Project) -> str:
    return world.project_token(project, "owner")


def test_it_is_a_service_account_of_its_project(api: Api, world: World, acme: Organization, project: Project) -> None:
    token = world.project_token(project, "viewer")
    account = api.get("/account/details", token)["data"]
    number = project.id.partition("-")[2]
    assert account["id"] == f"user-{number}"
    assert account["attributes"]["username"] == f"api-project_{number}"
    assert account["attributes"]["is-service-account"] is True
    assert account["relationships"]["authenticated-resource"]["data"] == {"id": project.id, "type": "projects"}
    # What clients need to begin with.
    assert api.get("/organizations/acme", token)["data"]["id"] == "acme"
    assert api.get("/organizations/acme/entitlement-set", token)["data"]["id"] == acme.id
    assert [item["id"] for item in api.get("/organizations", token)["data"]] == ["acme"]


def test_it_sees_its_project_and_nothing_beside(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, token: str
) -> None:
    mine = world.workspace(project, "mine")
    other = world.project(acme, "other")
    theirs = world.workspace(other, "theirs")
    team = world.team(acme, name="seen", visibility="organization")
    world.access(team, other, "admin")
    world.pool(acme)
    foreign = world.project_token(other, "owner")
    ids = {each.project_id: each.id for each in world.all(AuthenticationToken) if each.kind == "project"}
    assert [item["id"] for item in api.get("/organizations/acme/projects", token)["data"]] == [project.id]
    assert [item["id"] for item in api.get("/organizations/acme/workspaces", token)["data"]] == [mine.id]
    for path in (
        "/organizations/acme/teams",
        "/organizations/acme/team-tokens",
        "/organizations/acme/organization-memberships",
        "/organizations/acme/agent-pools",
        "/organizations/acme/varsets",
    ):
        answer = api.raw("GET", path, token)
        assert answer.status_int == 404 or answer.json["data"] == [], path
    membership = world.membership(acme, owner)
    for path in (
        f"/projects/{other.id}",
        path_of(other),
        path_of(project),
        f"/workspaces/{theirs.id}",
        f"/teams/{team.id}",
        f"/users/{owner.id}",
        f"/organization-memberships/{membership}",
        *(f"/authentication-tokens/{each}" for each in ids.values()),
    ):
        api.get(path, token, expect=404)
    api.patch(f"/projects/{project.id}", token, document("projects", {"description": "new"}))
    api.patch(f"/projects/{other.id}", token, document("projects", {"description": "new"}), expect=404)
    api.delete(f"/workspaces/{theirs.id}", token, expect=404)
    api.patch("/organizations/acme", token, document("organizations", {"email": "a@example.test"}), expect=404)
    api.post("/organizations/acme/projects", token, document("projects", {"name": "new"}), expect=404)
    api.post(path_of(project), token, sent(), expect=404)
    api.post("/organizations", token, document("organizations", {"name": "new", "email": "a@b.c"}), expect=403)
    (event,) = left_by_requests(world)
    assert (event.actor_type, event.actor_id, event.actor_name) == ("projects", project.id, "shop")
    assert event.token_kind == "project"
    assert works(api, foreign)


@pytest.mark.parametrize(
    ("role", "reads", "writes", "updates"),
    [("viewer", True, False, False), ("member", True, True, False), ("admin", True, True, True)],
)
def test_its_role_is_what_it_may(
    api: Api, world: World, project: Project, *, role: str, reads: bool, writes: bool, updates: bool
) -> None:
    token = world.project_token(project, role)
    workspace = world.workspace(project)
    assert (api.raw("GET", f"/workspaces/{workspace.id}", token).status_int == 200) is reads
    assert (api.raw("POST", f"/workspaces/{workspace.id}/actions/lock", token, {}).status_int == 200) is writes
    answer = api.raw("PATCH", f"/workspaces/{workspace.id}", token, document("workspaces", {"description": "d"}))
    assert (answer.status_int == 200) is updates


def test_it_makes_a_workspace_locks_it_and_saves_state(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    token = world.project_token(project, "member")
    body = document("workspaces", {"name": "net"}, project=("projects", project.id))
    workspace_id = api.post(f"/organizations/{acme.name}/workspaces", token, body)["data"]["id"]
    shown = api.post(f"/workspaces/{workspace_id}/actions/lock", token, {}, expect=200)["data"]
    account = api.get("/account/details", token)["data"]["id"]
    assert shown["relationships"]["locked-by"]["data"] == {"id": account, "type": "users"}
    refused = api.post(
        f"/workspaces/{workspace_id}/actions/lock", world.project_token(project, "admin"), {}, expect=409
    )
    assert f"is already locked by User api-project_{account.partition('-')[2]}" in faults(refused)[0][0]
    api.post(f"/workspaces/{workspace_id}/actions/unlock", token, {}, expect=200)
    states = States(api, world.workspace(project, "kept"), token)
    version = states.save(state())
    assert states.fetched(version) == state()


def test_it_keeps_working_where_tokens_of_users_do_not(api: Api, world: World) -> None:
    closed = world.organization("closed", user_tokens_enabled=False)
    api.get("/organizations/closed", world.project_token(world.project(closed), "viewer"))


def test_statements_do_not_depend_on_sizes(
    api: Api, world: World, acme: Organization, project: Project, statements: Statements
) -> None:
    admin = with_role(world, project, "admin")
    workspaces = "/organizations/acme/workspaces"
    for number in range(3):
        world.workspace(world.project(acme))
        token = world.project_token(project, "viewer")
        api.get(workspaces, token)
        assert cost(statements, api, token, ("GET", workspaces, None)) == 2
        api.get(path_of(project), admin)
        # The caller, what his membership was granted; the project, the tokens.
        assert cost(statements, api, admin, ("GET", path_of(project), None)) == 4
        # The lock of the project, whether it is described so already, insert, event, show.
        assert cost(statements, api, admin, ("POST", path_of(project), sent(description=str(number)))) == 7
