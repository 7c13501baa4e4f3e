"""Grants that expire: given until a time, and worth nothing from then on, before anything removes their rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import (
    ActivityEvent,
    AuthenticationToken,
    Organization,
    Project,
    ProjectMember,
    Team,
    TeamProject,
    TeamWorkspace,
    Workspace,
    WorkspaceAclEntry,
)
from app.persistence import now
from app.resources.access.expiring_grants.background import end_expired_grants
from app.services import services
from app.worker.handlers import PERIODS
from tests.support.api import Api, document, faults
from tests.support.background import in_context
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

SOON = "2099-12-31T10:00:00.000Z"
LONG_AGO = timedelta(hours=1)


class Place(NamedTuple):
    project: Project
    workspace: Workspace
    team: Team
    person: Person


class Kind(NamedTuple):
    """A kind of grant: how it is given, where it is listed, and what it opens to its holder."""

    model: type[Any]
    type: str
    give: Callable[[Place, Any], tuple[str, Any]]
    listed: Callable[[Place], str]
    opens: Callable[[Place], str]


def attributes(expires_at: Any, **others: Any) -> dict[str, Any]:
    return {**others, **({} if expires_at is ... else {"expires-at": expires_at})}


MEMBER = Kind(
    ProjectMember,
    "project-members",
    lambda at, until: (
        f"/projects/{at.project.id}/members",
        document("project-members", attributes(until, role="member", username="bea")),
    ),
    lambda at: f"/projects/{at.project.id}/members?",
    lambda at: f"/projects/{at.project.id}",
)
TEAM_PROJECT = Kind(
    TeamProject,
    "team-projects",
    lambda at, until: (
        "/team-projects",
        document(
            "team-projects",
            attributes(until, access="write"),
            team=("teams", at.team.id),
            project=("projects", at.project.id),
        ),
    ),
    lambda at: f"/team-projects?filter[project][id]={at.project.id}",
    lambda at: f"/workspaces/{at.workspace.id}",
)
TEAM_WORKSPACE = Kind(
    TeamWorkspace,
    "team-workspaces",
    lambda at, until: (
        "/team-workspaces",
        document(
            "team-workspaces",
            attributes(until, access="write"),
            team=("teams", at.team.id),
            workspace=("workspaces", at.workspace.id),
        ),
    ),
    lambda at: f"/team-workspaces?filter[workspace][id]={at.workspace.id}",
    lambda at: f"/workspaces/{at.workspace.id}",
)
ENTRY = Kind(
    WorkspaceAclEntry,
    "workspace-acl-entries",
    lambda at, until: (
        f"/workspaces/{at.workspace.id}/acl",
        document("workspace-acl-entries", attributes(until, level="admin", username="bea")),
    ),
    lambda at: f"/workspaces/{at.workspace.id}/acl?",
    lambda at: f"/workspaces/{at.workspace.id}",
)
KINDS = [MEMBER, TEAM_PROJECT, TEAM_WORKSPACE, ENTRY]


@pytest.fixture
def place(world: World, acme: Organization) -> Place:
    project = world.project(acme, "shop")
    team = world.team(acme, name="devs", visibility="organization")
    return Place(project, world.workspace(project, "net"), team, world.member(acme, team, username="bea"))


def let_pass(app: Flask, model: type[Any]) -> None:
    """Let the times at which these grants end be in the past."""
    with Session(services(app).engines.writing) as session:
        ended = update(model).where(model.expires_at.is_not(None))
        session.execute(ended.values(expires_at=now() - LONG_AGO))
        session.commit()


def given(api: Api, owner: Person, kind: Kind, place: Place, until: Any = SOON) -> dict[str, Any]:
    path, sent = kind.give(place, until)
    found: dict[str, Any] = api.post(path, owner.token, sent)["data"]
    return found


def own_path(kind: Kind, place: Place, grant: dict[str, Any]) -> str:
    return f"/workspaces/{place.workspace.id}/acl/{grant['id']}" if kind is ENTRY else f"/{kind.type}/{grant['id']}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_it_counts_until_then_and_is_gone_at_once(
    app: Flask, api: Api, world: World, owner: Person, place: Place, kind: Kind
) -> None:
    grant = given(api, owner, kind, place)
    assert grant["attributes"]["expires-at"] == SOON
    opened = kind.opens(place)
    api.get(opened, place.person.token)
    team_token = world.team_token(place.team)
    assert [each["id"] for each in api.get(kind.listed(place), owner.token)["data"] if each["id"] == grant["id"]]
    assert told_to_reach(api, owner, place) == {"bea"}
    let_pass(app, kind.model)
    # The row is there, and counts nowhere.
    assert grant["id"] in {each.id for each in world.all(kind.model)}
    api.get(opened, place.person.token, expect=404)
    api.get(opened, team_token, expect=404)
    assert grant["id"] not in {each["id"] for each in api.get(kind.listed(place), owner.token)["data"]}
    api.get(own_path(kind, place, grant), owner.token, expect=404)
    api.patch(own_path(kind, place, grant), owner.token, document(kind.type, {"expires-at": None}), expect=404)
    assert told_to_reach(api, owner, place) == set()
    assert not allowed(api, owner, place)
    # Another one takes its place.
    again = given(api, owner, kind, place, until=None)
    assert again["attributes"]["expires-at"] is None
    api.get(opened, place.person.token)
    assert [each.action for each in world.all(ActivityEvent) if each.subject_id == grant["id"]][
        -1
    ] == f"{kind.type}.expire"


def told_to_reach(api: Api, owner: Person, place: Place) -> set[str]:
    found = api.get(f"/workspaces/{place.workspace.id}/access-report?q=bea", owner.token)["data"]
    assert {each["attributes"]["expires-at"] for each in found} <= {SOON}
    return {each["attributes"]["name"] for each in found}


def allowed(api: Api, owner: Person, place: Place) -> bool:
    about = {"resource": ("workspaces", place.workspace.id), "subject": ("users", place.person.id)}
    sent = document("permission-explanations", {"permission": "workspace:read"}, **about)
    return bool(api.post("/permissions/explain", owner.token, sent, expect=200)["data"]["attributes"]["allowed"])


@pytest.mark.one_database
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_it_is_set_changed_and_recorded(api: Api, world: World, owner: Person, place: Place, kind: Kind) -> None:
    path, sent = kind.give(place, "2020-01-01T00:00:00Z")
    for time in ("2020-01-01T00:00:00Z", (now() - timedelta(seconds=1)).isoformat()):
        sent["data"]["attributes"]["expires-at"] = time
        refused = api.post(path, owner.token, sent, expect=422)
        assert faults(refused) == [
            (
                "Expires at must be a time in the future, or null for access that does not end",
                "/data/attributes/expires-at",
            )
        ]
    sent["data"]["attributes"]["expires-at"] = "tomorrow"
    assert [pointer for _, pointer in faults(api.post(path, owner.token, sent, expect=422))] == [
        "/data/attributes/expires-at"
    ]
    grant = given(api, owner, kind, place, until=...)
    assert grant["attributes"]["expires-at"] is None
    own = own_path(kind, place, grant)

    def changed(value: Any, expect: int = 200) -> Any:
        return api.patch(own, owner.token, document(kind.type, {"expires-at": value}), expect=expect)

    assert changed(SOON)["data"]["attributes"]["expires-at"] == SOON
    assert changed("2020-01-01T00:00:00Z", 422)["errors"][0]["code"] == "expiry-passed"
    event = [each for each in world.all(ActivityEvent) if each.action == f"{kind.type}.update"][-1]
    assert event.changes["expires-at"][0] is None
    assert datetime.fromisoformat(event.changes["expires-at"][1]).year == 2099
    listed = kind.listed(place)
    for flag, expected in (("true", [grant["id"]]), ("false", [])):
        found = api.get(f"{listed}&filter[expires]={flag}", owner.token)["data"]
        assert [each["id"] for each in found if each["id"] == grant["id"]] == expected
    assert changed(None)["data"]["attributes"]["expires-at"] is None


def test_the_task_removes_what_has_ended_with_what_it_brought(
    app: Flask, api: Api, world: World, owner: Person, place: Place
) -> None:
    for kind in KINDS:
        given(api, owner, kind, place)
    kept = world.project_member(place.project, world.person("cem"), "viewer")
    do_the_task(app)
    assert len(world.all(ProjectMember)) == 2, "nothing has ended yet"
    for kind in KINDS:
        let_pass(app, kind.model)
    do_the_task(app)
    assert [each.id for each in world.all(ProjectMember)] == [kept.id]
    assert [len(world.all(kind.model)) for kind in KINDS[1:]] == [0, 0, 0]
    expired = {each.action: each for each in world.all(ActivityEvent) if each.action.endswith(".expire")}
    assert set(expired) == {f"{kind.type}.expire" for kind in KINDS}
    event = expired["project-members.expire"]
    assert event.changes["username"] == ["bea", None]
    assert event.changes["role"] == ["member", None]
    assert event.changes["expires-at"][1] is None


def test_tokens_and_creators_levels_end_with_the_role(
    app: Flask, api: Api, world: World, owner: Person, place: Place
) -> None:
    bea = place.person
    role = world.project_member(place.project, bea, "admin")
    world.change(role, expires_at=now() + LONG_AGO)
    made = api.post(
        f"/projects/{place.project.id}/authentication-tokens",
        bea.token,
        document("authentication-tokens", {"description": "ci", "role": "viewer"}),
    )["data"]["attributes"]["token"]
    sent = document("workspaces", {"name": "mine"})
    created = api.post(f"/projects/{place.project.id}/workspaces", bea.token, sent)["data"]["id"]
    api.get(f"/projects/{place.project.id}", made)
    let_pass(app, ProjectMember)
    api.get(f"/projects/{place.project.id}", made, expect=401)
    api.get(f"/workspaces/{created}", bea.token, expect=404)
    names = {
        each["attributes"]["name"] for each in api.get(f"/workspaces/{created}/access-report", owner.token)["data"]
    }
    assert not names & {"bea", "ci"}
    # Another role, which reaches the workspace, keeps the level; one that does not reach it does not.
    environment = next(each.environment_id for each in world.all(Workspace) if each.id == created)
    elsewhere = world.environment(place.project)
    assert role.id in {each.id for each in world.all(ProjectMember)}
    role = world.project_member(place.project, bea, "viewer", environment=elsewhere)
    api.get(f"/workspaces/{created}", bea.token, expect=404)
    world.change(role, environment_id=environment)
    assert "run:apply" in permissions(api, bea, created)
    world.change(role, cells=["eu"])
    api.get(f"/workspaces/{created}", bea.token, expect=404)
    world.remove(role)
    do_the_task(app)
    assert [each for each in world.all(AuthenticationToken) if each.project_id == place.project.id] == []
    assert [each.workspace_id for each in world.all(WorkspaceAclEntry)] == []


def permissions(api: Api, person: Person, workspace_id: str) -> set[str]:
    sent = document("permission-explanations", {}, resource=("workspaces", workspace_id))
    explained = api.post("/permissions/explain", person.token, sent, expect=200)["data"]["attributes"]
    return {each["permission"] for each in explained["permissions"] if each["allowed"]}


def do_the_task(app: Flask) -> None:
    assert PERIODS["end-expired-grants"] == 60 * 60
    task: Any = None
    in_context(app, lambda: end_expired_grants(task))


@pytest.mark.one_database
def test_a_project_keeps_an_owner_who_stays(api: Api, world: World, owner: Person, place: Place) -> None:
    cem, dora = world.person("cem"), world.person("dora")
    lasting = world.project_member(place.project, cem, "owner")
    ending = world.project_member(place.project, dora, "owner")
    world.change(ending, expires_at=now() + LONG_AGO)
    path = f"/project-members/{lasting.id}"
    for answer in (
        api.patch(path, owner.token, document("project-members", {"expires-at": SOON}), expect=403),
        api.patch(path, owner.token, document("project-members", {"role": "admin"}), expect=403),
        api.delete(path, owner.token, expect=403),
    ):
        assert answer["errors"][0]["code"] == "last-project-owner"
    # One who ceases by themselves may also go before.
    api.delete(f"/project-members/{ending.id}", owner.token)
    heir = document("project-members", {"username": "dora"})
    again = world.project_member(place.project, dora, "viewer")
    world.change(again, expires_at=now() + LONG_AGO)
    done = api.post(f"/projects/{place.project.id}/actions/transfer-ownership", owner.token, heir, expect=200)["data"]
    assert (done["id"], done["attributes"]["role"], done["attributes"]["expires-at"]) == (again.id, "owner", None)


@pytest.mark.one_database
def test_an_access_list_keeps_an_owner_who_stays(api: Api, world: World, owner: Person, place: Place) -> None:
    entry = world.acl_entry(place.workspace, place.person, "owner")
    path = f"/workspaces/{place.workspace.id}/acl/{entry.id}"
    answer = api.patch(path, owner.token, document("workspace-acl-entries", {"expires-at": SOON}), expect=403)
    assert answer["errors"][0]["code"] == "last-workspace-owner"


@pytest.mark.one_database
def test_somebody_whose_role_has_ended_can_be_invited(
    app: Flask, api: Api, world: World, owner: Person, place: Place
) -> None:
    given(api, owner, MEMBER, place)
    (member,) = api.get(f"/projects/{place.project.id}/members", owner.token)["data"]
    email = member["attributes"]["email"]
    sent = document("invitations", {"email": email, "role": "viewer"})
    path = f"/projects/{place.project.id}/invitations"
    assert api.post(path, owner.token, sent, expect=422)["errors"][0]["code"] == "email-of-member"
    let_pass(app, ProjectMember)
    invited = api.post(path, owner.token, sent)["data"]["id"]
    api.post(f"/invitations/{invited}/actions/accept", place.person.token, expect=200)
    assert [each.role for each in world.all(ProjectMember)] == ["viewer"]


@pytest.mark.one_database
def test_the_count_of_teams_counts_those_that_have_access(app: Flask, api: Api, owner: Person, place: Place) -> None:
    given(api, owner, TEAM_PROJECT, place)
    path = f"/projects/{place.project.id}"
    assert api.get(path, owner.token)["data"]["attributes"]["team-count"] == 1
    let_pass(app, TeamProject)
    assert api.get(path, owner.token)["data"]["attributes"]["team-count"] == 0


@pytest.mark.one_database
def test_a_caller_costs_no_more_statements(
    app: Flask, api: Api, owner: Person, place: Place, statements: Statements
) -> None:
    request = ("GET", f"/projects/{place.project.id}", None)
    api.get("/account/details", place.person.token)
    given(api, owner, MEMBER, place, until=None)
    before = cost(statements, api, place.person.token, request)
    given(api, owner, TEAM_PROJECT, place)
    given(api, owner, ENTRY, place)
    let_pass(app, WorkspaceAclEntry)
    assert cost(statements, api, place.person.token, request) == before


def test_nobody_prolongs_their_own_access(api: Api, world: World, owner: Person, place: Place) -> None:
    role = world.project_member(place.project, place.person, "admin")
    level = world.acl_entry(place.workspace, place.person, "owner")
    world.acl_entry(place.workspace, owner, "owner")
    for grant in (role, level):
        world.change(grant, expires_at=now() + timedelta(hours=1))
    member = f"/project-members/{role.id}", "project-members"
    entry = f"/workspaces/{place.workspace.id}/acl/{level.id}", "workspace-acl-entries"
    for path, type_ in (member, entry):
        for until in (None, (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")):
            longer = document(type_, {"expires-at": until})
            [fault] = api.patch(path, place.person.token, longer, expect=403)["errors"]
            assert (fault["code"], fault["source"]["pointer"]) == ("own-expiry", "/data/attributes/expires-at")
        sooner = (now() + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        api.patch(path, place.person.token, document(type_, {"expires-at": sooner}))
        api.patch(path, owner.token, document(type_, {"expires-at": None}))
