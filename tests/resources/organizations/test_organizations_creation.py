"""Creating organizations: who may, what comes with one, what is refused."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, Organization, OrganizationMembership, Project, Team, TeamMember
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.services import replace_services
from tests.support.world import Person, World

NEW = {"name": "acme", "email": "ops@example.test"}


@pytest.fixture
def admin(world: World) -> Person:
    return world.person(site_role="admin")


@pytest.fixture
def open_to_users(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user may create organizations."""
    settings = replace(services(app).settings, organization_creation="users")
    replace_services(monkeypatch, app, settings=settings)


def create(api: Api, token: str, attributes: dict[str, Any] | None = None, *, expect: int = 201) -> Any:
    return api.post("/organizations", token, document("organizations", attributes or NEW), expect=expect)


def test_an_administrator_creates_one(api: Api, admin: Person) -> None:
    created = create(api, admin.token)
    shown = created["data"]
    assert (shown["id"], shown["type"], shown["attributes"]["email"]) == ("acme", "organizations", "ops@example.test")
    assert api.get("/organizations/acme", admin.token)["data"] == shown
    assert api.get("/organizations", admin.token)["data"] == [shown]
    (included,) = created["included"]
    assert included == api.get("/organizations/acme/entitlement-set", admin.token)["data"]


def test_it_comes_with_a_project_and_an_owner(api: Api, world: World, admin: Person) -> None:
    create(api, admin.token)
    (organization,) = world.all(Organization)
    (project,) = world.all(Project)
    assert (project.name, project.is_default, project.organization_id) == ("Default Project", True, organization.id)
    (team,) = world.all(Team)
    assert (team.name, team.is_owners, team.organization_id) == ("owners", True, organization.id)
    (membership,) = world.all(OrganizationMembership)
    assert (membership.user_id, membership.status) == (admin.id, "active")
    (seat,) = world.all(TeamMember)
    assert (seat.team_id, seat.membership_id) == (team.id, membership.id)


@pytest.mark.usefixtures("open_to_users")
def test_the_creator_owns_it_at_once(api: Api, world: World) -> None:
    ada = world.person()
    permissions = create(api, ada.token)["data"]["attributes"]["permissions"]
    assert permissions["can-update"]
    assert permissions["can-update-api-token"]
    api.post("/organizations/acme/authentication-token", ada.token)
    api.delete("/organizations/acme", ada.token)


def test_one_event_tells_of_it(api: Api, world: World, admin: Person) -> None:
    create(api, admin.token, NEW | {"session-timeout": 30})
    (event,) = left_by_requests(world)
    (organization,) = world.all(Organization)
    assert (event.action, event.actor_id, event.actor_type) == ("organizations.create", admin.id, "users")
    assert (event.subject_id, event.organization_id) == (organization.id, organization.id)
    assert event.subject_name == "acme"
    assert event.changes == {
        "name": [None, "acme"],
        "email": [None, "ops@example.test"],
        "session-timeout": [None, 30],
    }


def test_by_default_nobody_else_creates_one(api: Api, world: World) -> None:
    organization = world.organization("other")
    for token in (world.person().token, world.owner(organization).token):
        assert create(api, token, expect=403)["errors"][0]["code"] == "organizations-not-open"
        # The body does not matter to who may not.
        [(reason, _)] = faults(api.post("/organizations", token, b"{", expect=403))
        assert reason.startswith("You are not authorized to create organizations")
        assert "GROUNDPLAN_ORGANIZATION_CREATION=users" in reason
    assert len(world.all(Organization)) == 1


@pytest.mark.usefixtures("open_to_users")
def test_every_user_creates_one_where_that_is_allowed(api: Api, world: World) -> None:
    ada = world.person()
    before = api.get("/account/details", ada.token)["data"]["attributes"]["permissions"]
    assert before["can-create-organizations"] is before["can-create-organization"] is True
    create(api, ada.token)
    # It does not make them administrators of the site.
    world.organization("other")
    assert [each["id"] for each in api.get("/organizations", ada.token)["data"]] == ["acme"]
    api.get("/organizations/other", ada.token, expect=404)


@pytest.mark.usefixtures("open_to_users")
def test_an_organizations_token_never_creates_one(api: Api, world: World) -> None:
    answer = create(api, world.token(world.organization("other")), expect=403)
    assert faults(answer) == [("Only users create organizations; send the token of a user", "")]
    assert len(world.all(Organization)) == 1


@pytest.mark.parametrize("name", ["acme", "ACME", "Acme"])
def test_a_name_is_unique_whatever_its_case(api: Api, world: World, admin: Person, name: str) -> None:
    world.organization("Acme")
    answer = create(api, admin.token, NEW | {"name": name}, expect=422)
    assert answer["errors"] == [
        {
            "status": "422",
            "title": "invalid attribute",
            "code": "taken",
            "detail": "Name has already been taken",
            "source": {"pointer": "/data/attributes/name"},
        }
    ]
    assert len(world.all(Organization)) == 1
    assert left_by_requests(world) == []


def test_every_fault_is_told_at_once(api: Api, admin: Person) -> None:
    answer = create(api, admin.token, {"name": "a b", "session-timeout": -1, "user-tokens-enabled": None}, expect=422)
    assert sorted(faults(answer)) == [
        ("Email can't be blank", "/data/attributes/email"),
        ("Name is invalid", "/data/attributes/name"),
        ("Session timeout must be between 0 and 10000000", "/data/attributes/session-timeout"),
        ("User tokens enabled can't be blank", "/data/attributes/user-tokens-enabled"),
    ]


def test_all_settings_may_be_given_at_once(api: Api, admin: Person) -> None:
    settings = {
        "session-timeout": 0,
        "session-remember": 10_000_000,
        "collaborator-auth-policy": "password",
        "cost-estimation-enabled": True,
        "send-passing-statuses-for-untriggered-speculative-plans": True,
        "aggregated-commit-status-enabled": False,
        "speculative-plan-management-enabled": False,
        "allow-force-delete-workspaces": True,
        "assessments-enforced": True,
        "default-execution-mode": "remote",
        "owners-team-saml-role-id": "",
    }
    shown = create(api, admin.token, NEW | settings)["data"]["attributes"]
    assert {name: shown[name] for name in settings} == settings


def test_what_the_service_decides_can_not_be_sent(api: Api, world: World, admin: Person) -> None:
    sent = {
        "external-id": "org-1111111111111111",
        "created-at": "2000-01-01T00:00:00Z",
        "plan-identifier": "enterprise",
        "id": "other",
    }
    shown = create(api, admin.token, NEW | sent)["data"]
    assert (shown["id"], shown["attributes"]["plan-identifier"]) == ("acme", "groundplan")
    (organization,) = world.all(Organization)
    assert organization.id != sent["external-id"]
    assert organization.created_at.year > 2000


def test_a_failure_midway_leaves_nothing(
    api: Api, world: World, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.resources.organizations.organizations.operations.make_owner", explode)
    create(api, admin.token, expect=500)
    assert [world.all(table) for table in (Organization, Project, Team, OrganizationMembership)] == [[]] * 4
    assert [event.action for event in world.all(ActivityEvent) if event.actor_type == "users"] == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("collaborator-auth-policy", "two_factor_mandatory", "no-second-factor"),
        ("owners-team-saml-role-id", "owners", "no-single-sign-on"),
    ],
)
def test_what_would_only_look_like_security_is_refused(
    api: Api, admin: Person, attribute: str, value: str, code: str
) -> None:
    [error] = create(api, admin.token, NEW | {attribute: value}, expect=422)["errors"]
    assert (error["code"], error["source"]) == (code, {"pointer": f"/data/attributes/{attribute}"})
