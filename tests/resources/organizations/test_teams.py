"""Teams over HTTP: the document, creating, updating, listing, deleting; whose secret teams are."""

from itertools import product
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, Team
from app.resources.organizations.teams.access import FLAGS
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

TEAMS = "/organizations/acme/teams"
ACCESS = "/data/attributes/organization-access"

MANAGING = ("manage-membership", "manage-teams")
ALL_MANAGING = (*MANAGING, "manage-organization-access")


def names(answer: dict[str, Any]) -> list[str]:
    return [team["attributes"]["name"] for team in answer["data"]]


def team_document(name: str = "platform", **attributes: Any) -> dict[str, Any]:
    return document("teams", {"name": name, **{key.replace("_", "-"): value for key, value in attributes.items()}})


def test_a_team_is_shown_with_every_member(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, "manage-workspaces", name="platform", visibility="organization", sso_team_id="sso-1")
    member = world.member(acme, team)
    invited = world.membership(acme, world.person(), status="invited")
    api.post(
        f"/teams/{team.id}/relationships/organization-memberships",
        owner.token,
        {"data": [{"type": "organization-memberships", "id": invited}]},
        expect=204,
    )
    shown = api.get(f"/teams/{team.id}", owner.token)["data"]
    relationships = shown.pop("relationships")
    assert shown == {
        "id": team.id,
        "type": "teams",
        "attributes": {
            "name": "platform",
            "users-count": 1,
            "non-service-users-count": 1,
            "visibility": "organization",
            "sso-team-id": "sso-1",
            "allow-member-token-management": True,
            "is-unified": False,
            "hcp-resource-name": None,
            "organization-access": {flag: flag in {"manage-workspaces", "read-workspaces"} for flag in FLAGS},
            "permissions": {
                "can-update-membership": True,
                "can-destroy": True,
                "can-update-organization-access": True,
                "can-update-visibility": True,
                "can-update-name": True,
                "can-update-sso-team-id": True,
                "can-update-member-token-management": True,
                "can-update-api-token": True,
                "can-view-api-token": True,
            },
        },
        "links": {"self": f"/api/v2/teams/{team.id}"},
    }
    memberships = {item["id"] for item in relationships["organization-memberships"].pop("data")}
    assert memberships == {invited, world.membership(acme, member)}
    assert relationships == {
        "organization": {"data": {"id": "acme", "type": "organizations"}},
        "users": {"data": [{"id": member.id, "type": "users"}]},
        "organization-memberships": {},
        "authentication-token": {"links": {"related": f"/api/v2/teams/{team.id}/authentication-token"}},
        "authentication-tokens": {"links": {"related": f"/api/v2/teams/{team.id}/authentication-tokens"}},
    }


@pytest.mark.usefixtures("acme")
def test_a_new_team_is_secret_and_answered_with_200(api: Api, world: World, owner: Person) -> None:
    created = api.post(TEAMS, owner.token, team_document(), expect=200)["data"]
    attributes = created["attributes"]
    assert attributes["visibility"] == "secret"
    assert attributes["allow-member-token-management"] is True
    assert attributes["sso-team-id"] is None
    assert attributes["users-count"] == 0
    assert not any(attributes["organization-access"].values())
    assert api.get(f"/teams/{created['id']}", owner.token)["data"] == created
    assert created in api.get(TEAMS, owner.token)["data"]
    (event,) = [event for event in world.all(ActivityEvent) if event.action == "teams.create"]
    assert (event.subject_id, event.subject_name, event.actor_name) == (created["id"], "platform", "ada")
    assert event.changes == {"name": [None, "platform"], "visibility": [None, "secret"]}


@pytest.mark.parametrize("name", ["platform", "PLATFORM", "owners", "Owners"])
def test_a_name_is_taken_once_in_an_organization(
    api: Api, world: World, acme: Organization, owner: Person, name: str
) -> None:
    world.team(acme, name="platform")
    other = world.team(acme, name="other")
    world.team(world.organization(), name="free")
    taken = [("Name has already been taken", "/data/attributes/name")]
    assert faults(api.post(TEAMS, owner.token, team_document(name), expect=422)) == taken
    assert faults(api.patch(f"/teams/{other.id}", owner.token, team_document(name), expect=422)) == taken
    api.post(TEAMS, owner.token, team_document("free"), expect=200)


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("attribute", "value", "detail"),
    [
        ("visibility", "public", "Visibility is not included in the list"),
        ("visibility", None, "Visibility can't be blank"),
        ("visibility", ["secret"], "Visibility is not included in the list"),
        ("sso-team-id", 7, "Sso team id must be a string"),
        ("sso-team-id", "s" * 256, "Sso team id is too long (maximum is 255 characters)"),
        ("allow-member-token-management", "yes", "Allow member token management must be true or false"),
        ("organization-access", [], "Organization access must be an object"),
        ("organization-access", True, "Organization access must be an object"),
    ],
)
def test_attributes_that_are_refused(api: Api, owner: Person, attribute: str, value: object, detail: str) -> None:
    answer = api.post(TEAMS, owner.token, document("teams", {"name": "platform", attribute: value}), expect=422)
    assert faults(answer) == [(detail, f"/data/attributes/{attribute}")]
    assert names(api.get(TEAMS, owner.token)) == ["owners"]


# --- organization-access -------------------------------------------------------------------------------------------


def test_an_update_merges_flags(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, "manage-policies", "manage-workspaces")

    def update(**flags: Any) -> set[str]:
        given = {flag.replace("_", "-"): value for flag, value in flags.items()}
        answer = api.patch(f"/teams/{team.id}", owner.token, document("teams", {"organization-access": given}))
        shown: dict[str, bool] = answer["data"]["attributes"]["organization-access"]
        assert shown == api.get(f"/teams/{team.id}", owner.token)["data"]["attributes"]["organization-access"]
        return {flag for flag, chosen in shown.items() if chosen}

    assert update(manage_projects=True) == {
        "manage-policies",
        "manage-workspaces",
        "read-workspaces",
        "manage-projects",
        "read-projects",
    }
    assert update(manage_projects=False, manage_workspaces=False) == {"manage-policies"}
    assert update() == {"manage-policies"}
    # The tfe provider sends every flag, and expects to be shown what it has sent.
    reading = {"read_projects": False, "read_workspaces": False}
    assert update(manage_workspaces=True, manage_projects=True, **reading) == {
        "manage-policies",
        "manage-workspaces",
        "manage-projects",
    }
    assert update(manage_policies=True) == {"manage-policies", "manage-workspaces", "manage-projects"}
    assert "read-projects" in update(manage_projects=True), "sent without the flag, it includes it anew"
    assert "read-workspaces" in update(read_workspaces=True)
    assert update(manage_projects=False, manage_workspaces=False, **reading) == {"manage-policies"}
    assert update(manage_run_tasks=True, manage_policies=False, manage_registry_components=None) == {"manage-run-tasks"}
    assert update(no_such_flag=True, manage_run_tasks=None) == {"manage-run-tasks"}
    changes = [event.changes for event in world.all(ActivityEvent) if event.action == "teams.update"]
    access = ["manage-policies", "manage-workspaces"]
    assert {"organization-access": [access, [access[0], "manage-projects", access[1]]]} in changes
    assert len(changes) == 7, "an update that changes nothing leaves no event"


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_a_flag_is_true_or_false(api: Api, owner: Person, subtests: pytest.Subtests) -> None:
    for flag, value in product(FLAGS, [1, "true", {}]):
        with subtests.test(flag, value=value):
            answer = api.post(TEAMS, owner.token, team_document(organization_access={flag: value}), expect=422)
            assert [pointer for _, pointer in faults(answer)] == [f"{ACCESS}/{flag}"]
            assert answer["errors"][0]["detail"].endswith(" must be true or false")


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("flags", "guilty"),
    [
        (["manage-projects"], ["manage-projects"]),
        (["manage-projects", "read-workspaces"], ["manage-projects"]),
        (["read-projects"], ["read-projects"]),
        (["manage-teams"], ["manage-teams"]),
        (["manage-organization-access"], ["manage-organization-access"]),
        (["manage-organization-access", "manage-membership"], ["manage-organization-access"]),
        (["manage-organization-access", "manage-teams"], ["manage-teams", "manage-organization-access"]),
        (["access-secret-teams"], ["access-secret-teams"]),
        (["manage-workspaces", "manage-projects"], []),
        (["manage-workspaces", "read-projects"], []),
        (["read-workspaces", "read-projects"], []),
        (["manage-membership", "access-secret-teams"], []),
        ([*ALL_MANAGING, "access-secret-teams"], []),
    ],
)
def test_a_flag_needs_others(
    api: Api, world: World, acme: Organization, owner: Person, *, flags: list[str], guilty: list[str]
) -> None:
    access = dict.fromkeys(flags, True)
    team = world.team(acme)
    created = api.post(TEAMS, owner.token, team_document(organization_access=access), expect=422 if guilty else 200)
    updated = api.patch(
        f"/teams/{team.id}",
        owner.token,
        document("teams", {"organization-access": access}),
        expect=422 if guilty else 200,
    )
    if guilty:
        pointers = [f"{ACCESS}/{flag}" for flag in guilty]
        assert [pointer for _, pointer in faults(created)] == pointers
        assert [pointer for _, pointer in faults(updated)] == pointers
    assert ("platform" in names(api.get(TEAMS, owner.token))) is not bool(guilty)


def test_a_flag_that_others_need_stays(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, *ALL_MANAGING)
    access = {"organization-access": {"manage-membership": False}}
    answer = api.patch(f"/teams/{team.id}", owner.token, document("teams", access), expect=422)
    assert faults(answer) == [
        ("Manage teams requires manage-membership", f"{ACCESS}/manage-teams"),
        ("Manage organization access requires manage-membership", f"{ACCESS}/manage-organization-access"),
    ]


def test_every_flag_is_kept_and_its_holders_are_let_in(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    created = api.post(TEAMS, owner.token, team_document(organization_access=dict.fromkeys(FLAGS, True)), expect=200)
    (team,) = [team for team in world.all(Team) if team.id == created["data"]["id"]]
    assert created["data"]["attributes"]["organization-access"] == dict.fromkeys(FLAGS, True)
    assert api.get(f"/teams/{team.id}", world.member(acme, team).token)["data"]["id"] == team.id


# --- listing and updating ------------------------------------------------------------------------------------------


def test_teams_are_listed_by_name(api: Api, world: World, acme: Organization, owner: Person) -> None:
    for name in ("beta", "Alpha", "alphabet", "a_b"):
        world.team(acme, name=name)
    world.team(world.organization(), name="elsewhere")

    def found(query: str) -> list[str]:
        return names(api.get(f"{TEAMS}?{query}", owner.token))

    assert found("") == ["a_b", "Alpha", "alphabet", "beta", "owners"]
    assert found("q=ALPHA") == ["Alpha", "alphabet"]
    assert found("q=_") == ["a_b"]
    assert found("filter[names]=alpha,BETA") == ["Alpha", "beta"]
    assert found("filter[names]=alpha&filter[names]=beta") == ["Alpha", "beta"]
    assert found("filter[names]=alph") == []
    assert found("page[size]=2&page[number]=2") == ["alphabet", "beta"]
    assert found("page[size]=2&page[number]=4") == []


def test_a_name_is_changed_and_the_rest_stays(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, "manage-policies", name="before", sso_team_id="sso-1")
    before = api.get(f"/teams/{team.id}", owner.token)["data"]["attributes"]
    after = api.patch(f"/teams/{team.id}", owner.token, team_document("after"))["data"]["attributes"]
    assert after == {**before, "name": "after"}
    sent = {"sso-team-id": None, "allow-member-token-management": False, "organization-access": None}
    cleared = api.patch(f"/teams/{team.id}", owner.token, document("teams", sent))["data"]["attributes"]
    assert cleared == {**after, "sso-team-id": None, "allow-member-token-management": False}
    changes = [event.changes for event in world.all(ActivityEvent) if event.action == "teams.update"]
    assert {"name": ["before", "after"]} in changes


def test_a_deleted_team_is_gone_with_its_access(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, name="platform")
    member = world.member(acme, team)
    project = world.project(acme)
    world.access(team, project, "read")
    api.get(f"/projects/{project.id}", member.token)
    api.delete(f"/teams/{team.id}", owner.token)
    api.delete(f"/teams/{team.id}", owner.token, expect=404)
    api.get(f"/teams/{team.id}", owner.token, expect=404)
    api.get(f"/projects/{project.id}", member.token, expect=404)
    assert [event.subject_name for event in world.all(ActivityEvent) if event.action == "teams.delete"] == ["platform"]


# --- who may -------------------------------------------------------------------------------------------------------


def caller_of(kind: str, world: World, acme: Organization, owner: Person) -> str:
    """A token: of the owner, of the organization, of nobody here, or of a member with the flags of ``kind``."""
    if kind == "owner":
        return owner.token
    if kind == "organization":
        return world.token(acme)
    if kind == "outsider":
        return world.person().token
    flags = [flag for flag in kind.split("+") if flag != "member"]
    return world.member(acme, world.team(acme, *flags, name="callers")).token


MANAGER = "manage-membership+manage-teams"
GRANTER = f"{MANAGER}+manage-organization-access"
SECRET = "+access-secret-teams"
#           caller,            sees visible, sees secret, renames visible, renames secret, sets access of visible
RIGHTS = [
    ("owner", True, True, True, True, True),
    ("organization", True, True, True, True, True),
    ("outsider", False, False, False, False, False),
    ("member", True, False, False, False, False),
    ("manage-workspaces+manage-projects", True, False, False, False, False),
    ("manage-membership", True, False, False, False, False),
    (f"manage-membership{SECRET}", True, True, False, False, False),
    (MANAGER, True, False, True, False, False),
    (MANAGER + SECRET, True, True, True, True, False),
    (GRANTER, True, False, True, False, True),
    (GRANTER + SECRET, True, True, True, True, True),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("kind", "sees", "sees_secret", "renames", "renames_secret", "grants"), RIGHTS)
def test_who_may(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    kind: str,
    *,
    sees: bool,
    sees_secret: bool,
    renames: bool,
    renames_secret: bool,
    grants: bool,
) -> None:
    token = caller_of(kind, world, acme, owner)
    visible = world.team(acme, name="visible", visibility="organization")
    secret = world.team(acme, name="secret")
    access = document("teams", {"organization-access": {"manage-policies": True}})

    def status(permitted: bool) -> int:  # noqa: FBT001
        return 200 if permitted else 404

    api.get(f"/teams/{visible.id}", token, expect=status(sees))
    api.get(f"/teams/{secret.id}", token, expect=status(sees_secret))
    if kind != "outsider":
        found = set(names(api.get(TEAMS, token)))
        assert ("visible" in found, "secret" in found) == (sees, sees_secret)
        assert ("callers" in found) is (kind not in ("owner", "organization"))
    api.patch(f"/teams/{visible.id}", token, team_document("visible-2"), expect=status(renames))
    api.patch(f"/teams/{secret.id}", token, team_document("secret-2"), expect=status(renames_secret))
    api.patch(f"/teams/{visible.id}", token, access, expect=status(grants))
    api.patch(f"/teams/{secret.id}", token, access, expect=status(grants and renames_secret))
    api.post(TEAMS, token, team_document("made", visibility="organization"), expect=status(renames))
    api.post(TEAMS, token, team_document("made-secret"), expect=status(renames_secret))
    powerful = team_document("powerful", visibility="organization", organization_access={"manage-policies": True})
    api.post(TEAMS, token, powerful, expect=status(grants))
    closed = document("teams", {"visibility": "secret"})
    api.patch(f"/teams/{visible.id}", token, closed, expect=status(renames_secret))
    api.delete(f"/teams/{visible.id}", token, expect=204 if renames else 404)
    api.delete(f"/teams/{secret.id}", token, expect=204 if renames_secret else 404)


def test_flags_sent_back_unchanged_need_no_right(api: Api, world: World, acme: Organization, owner: Person) -> None:
    token = caller_of(MANAGER, world, acme, owner)
    team = world.team(acme, "manage-policies", name="visible", visibility="organization")
    attributes = api.get(f"/teams/{team.id}", token)["data"]["attributes"]
    assert attributes["permissions"]["can-update-organization-access"] is False
    api.patch(f"/teams/{team.id}", token, document("teams", {**attributes, "name": "renamed"}))
    open_team = team_document("new", visibility="organization", organization_access=dict.fromkeys(FLAGS, False))
    api.post(TEAMS, token, open_team, expect=200)


def test_a_member_sees_their_own_secret_team(api: Api, world: World, acme: Organization) -> None:
    team = world.team(acme, "manage-membership", name="mine")
    member = world.member(acme, team)
    permissions = api.get(f"/teams/{team.id}", member.token)["data"]["attributes"]["permissions"]
    held = {flag for flag, held in permissions.items() if held}
    assert held == {"can-update-membership", "can-update-api-token", "can-view-api-token"}


def test_a_team_of_another_organization_is_not_found(api: Api, world: World, owner: Person) -> None:
    team = world.team(world.organization(), visibility="organization")
    missing = api.get("/teams/team-0000000000000000", owner.token, expect=404)
    assert api.get(f"/teams/{team.id}", owner.token, expect=404) == missing
    assert api.patch(f"/teams/{team.id}", owner.token, team_document(), expect=404) == missing
    assert api.delete(f"/teams/{team.id}", owner.token, expect=404) == missing
    assert len(world.all(Team)) == 2
