"""The official Python SDK, unchanged: organizations, their members, teams, tokens, and the account."""

import secrets
from datetime import UTC, datetime

import pytest
from pytfe import TFEClient
from pytfe.errors import AuthError, NotFound, TFEError
from pytfe.models import (
    OrganizationCreateOptions,
    OrganizationDefaultSettingsUpdateOptions,
    OrganizationMembershipListOptions,
    OrganizationMembershipReadOptions,
    OrganizationTokenCreateOptions,
    OrganizationUpdateOptions,
    OrgMembershipIncludeOpt,
    TeamCreateOptions,
    TeamIncludeOpt,
    TeamListOptions,
    TeamReadOptions,
    TeamUpdateOptions,
)

from tests.end_to_end.service import Service, sdk

pytestmark = pytest.mark.one_database("postgresql")

# Options are given as the names on the wire (``model_validate``) wherever the SDK declares such names.


def test_an_organization_is_created_read_listed_updated_and_deleted(tfe: TFEClient) -> None:
    name = f"globex-{secrets.token_hex(4)}"
    created = tfe.organizations.create(OrganizationCreateOptions(name=name, email="ops@globex.test"))
    assert (created.id, created.name, created.email) == (name, name, "ops@globex.test")
    assert created.permissions is not None
    assert created.permissions["can-destroy"] is True
    assert created.related("default-project")[0]["type"] == "projects"

    assert tfe.organizations.read(name) == created
    assert created in list(tfe.organizations.list())

    updated = tfe.organizations.update(name, OrganizationUpdateOptions(email="new@globex.test"))
    assert (updated.name, updated.email) == (name, "new@globex.test")
    renamed = tfe.organizations.update(name, OrganizationUpdateOptions(name=f"{name}-2"))
    assert renamed.id == f"{name}-2"
    with pytest.raises(NotFound):
        tfe.organizations.read(name)

    tfe.organizations.delete(f"{name}-2")
    with pytest.raises(NotFound):
        tfe.organizations.read(f"{name}-2")
    with pytest.raises(NotFound):
        tfe.organizations.delete(f"{name}-2")


def test_an_organizations_name_is_taken_once(tfe: TFEClient, organization: str) -> None:
    with pytest.raises(TFEError, match="Name has already been taken") as refused:
        tfe.organizations.create(OrganizationCreateOptions(name=organization, email="ops@acme.test"))
    assert refused.value.status == 422


def test_an_organizations_default_execution_mode_reaches_its_projects(tfe: TFEClient, organization: str) -> None:
    local = OrganizationDefaultSettingsUpdateOptions.model_validate({"default-execution-mode": "local"})
    assert tfe.organizations.update_default_settings(organization, local).default_execution_mode == "local"
    assert [project.default_execution_mode for project in tfe.projects.list(organization)] == ["local"]

    assert tfe.organizations.reset_default_settings(organization).default_execution_mode == "remote"
    assert [project.default_execution_mode for project in tfe.projects.list(organization)] == ["remote"]


def test_entitlements_say_that_teams_exist(tfe: TFEClient, organization: str) -> None:
    entitlements = tfe.organizations.read_entitlements(organization)
    assert entitlements.id.startswith("org-")
    assert entitlements.teams is True


def test_the_creator_is_the_only_member_of_an_organization(tfe: TFEClient, service: Service, organization: str) -> None:
    (membership,) = tfe.organization_memberships.list(organization)
    assert membership.id.startswith("ou-")
    assert membership.status is not None
    assert membership.status.value == "active"

    read = tfe.organization_memberships.read(membership.id)
    assert read == membership
    both = OrganizationMembershipReadOptions(include=list(OrgMembershipIncludeOpt))
    full = tfe.organization_memberships.read_with_options(membership.id, both)
    assert full.organization is not None
    assert full.organization.id == organization
    assert full.user is not None
    assert full.user.username == service.username
    assert full.teams is not None
    assert [team.name for team in full.teams] == ["owners"]


def test_memberships_are_found_by_address_status_and_name(tfe: TFEClient, service: Service, organization: str) -> None:
    (member,) = tfe.organization_memberships.list(organization)

    def found(**filters: object) -> list[str]:
        options = OrganizationMembershipListOptions.model_validate(filters)
        return [membership.id for membership in tfe.organization_memberships.list(organization, options)]

    assert found(**{"filter[status]": "active"}) == [member.id]
    assert found(**{"filter[status]": "invited"}) == []
    assert found(**{"filter[email]": ["nobody@acme.test"]}) == []
    assert found(q=service.username[:3], include=["user"]) == [member.id]
    assert found(q="no-such-person") == []


def test_an_organization_token_is_created_read_used_replaced_and_deleted(
    tfe: TFEClient, service: Service, organization: str
) -> None:
    with pytest.raises(NotFound):
        tfe.organization_tokens.read(organization)

    first = tfe.organization_tokens.create(organization)
    assert first.token
    assert first.expired_at is None
    read = tfe.organization_tokens.read(organization)
    assert (read.id, read.created_at) == (first.id, first.created_at)
    assert not read.token
    with sdk(service, first.token) as machine:
        assert [visible.name for visible in machine.organizations.list()] == [organization]
        assert machine.users.read_current().is_service_account is True

    end = datetime(2091, 1, 2, 3, 4, 5, tzinfo=UTC)
    expiring = OrganizationTokenCreateOptions.model_validate({"expired_at": end})
    second = tfe.organization_tokens.create_with_options(organization, expiring)
    assert second.expired_at == end
    assert second.token
    assert second.token != first.token
    with sdk(service, first.token) as machine, pytest.raises(AuthError):
        machine.organizations.read(organization)

    tfe.organization_tokens.delete(organization)
    with pytest.raises(NotFound):
        tfe.organization_tokens.read(organization)
    with sdk(service, second.token) as machine, pytest.raises(AuthError):
        machine.organizations.read(organization)


def test_a_team_is_created_read_listed_updated_and_deleted(tfe: TFEClient, organization: str) -> None:
    options = TeamCreateOptions.model_validate(
        {"name": "platform", "visibility": "organization", "organization-access": {"manage-policies": True}}
    )
    created = tfe.teams.create(organization, options)
    assert created.id.startswith("team-")
    assert (created.name, created.visibility) == ("platform", "organization")
    assert created.allow_member_token_management is True
    assert created.permissions is not None
    assert created.permissions.can_destroy is True
    assert tfe.teams.read(created.id) == created

    access = {"manage-workspaces": True, "manage-projects": True}
    updated = tfe.teams.update(
        created.id,
        TeamUpdateOptions.model_validate({"name": "core", "visibility": "secret", "organization-access": access}),
    )
    assert (updated.name, updated.visibility) == ("core", "secret")
    assert updated.organization_access is not None
    assert updated.organization_access.manage_projects is True
    assert updated.organization_access.manage_policies is True, "flags that were not mentioned stay"
    assert updated.organization_access.manage_teams is False

    assert sorted(team.name or "" for team in tfe.teams.list(organization)) == ["core", "owners"]
    tfe.teams.delete(created.id)
    with pytest.raises(NotFound):
        tfe.teams.read(created.id)
    with pytest.raises(NotFound):
        tfe.teams.delete(created.id)


def test_teams_are_found_by_name_and_part_of_a_name(tfe: TFEClient, organization: str) -> None:
    for name in ("alpha", "alphabet", "beta"):
        tfe.teams.create(organization, TeamCreateOptions.model_validate({"name": name}))

    def found(**filters: object) -> list[str]:
        return sorted(team.name or "" for team in tfe.teams.list(organization, TeamListOptions.model_validate(filters)))

    assert found(**{"filter[names]": ["alpha"]}) == ["alpha"]
    # The SDK repeats the parameter for each name.
    assert found(**{"filter[names]": ["alpha", "beta"]}) == ["alpha", "beta"]
    assert found(q="ALPHA") == ["alpha", "alphabet"]
    assert found(**{"page[size]": 1}) == ["alpha", "alphabet", "beta", "owners"]


def test_members_join_and_leave_a_team_by_username_and_by_membership(
    tfe: TFEClient, service: Service, organization: str
) -> None:
    team = tfe.teams.create(organization, TeamCreateOptions.model_validate({"name": "operators"}))
    assert list(tfe.teams.list_users(team.id)) == []

    tfe.teams.add_users(team.id, [service.username])
    assert [user.username for user in tfe.teams.list_users(team.id)] == [service.username]
    with_members = tfe.teams.read(team.id, TeamReadOptions(include=list(TeamIncludeOpt)))
    assert [user.username for user in with_members.users] == [service.username]
    (membership,) = with_members.organization_memberships
    tfe.teams.remove_users(team.id, [service.username])
    assert list(tfe.teams.list_users(team.id)) == []

    tfe.teams.add_organization_memberships(team.id, [membership.id])
    assert [member.id for member in tfe.teams.list_organization_memberships(team.id)] == [membership.id]
    tfe.teams.remove_organization_memberships(team.id, [membership.id])
    assert list(tfe.teams.list_organization_memberships(team.id)) == []

    with pytest.raises(TFEError) as refused:
        tfe.teams.add_users(team.id, ["no-such-person"])
    assert refused.value.status == 400


def test_the_last_owner_stays(tfe: TFEClient, service: Service, organization: str) -> None:
    (owners,) = tfe.teams.list(organization)
    with pytest.raises(AuthError) as refused:
        tfe.teams.remove_users(owners.id, [service.username])
    assert refused.value.status == 403
    assert [user.username for user in tfe.teams.list_users(owners.id)] == [service.username]


def test_the_account_is_read(tfe: TFEClient, service: Service) -> None:
    account = tfe.users.read_current()
    assert account.id.startswith("user-")
    assert account.username == service.username
    assert account.is_service_account is False
    assert account.permissions is not None
    assert account.permissions.can_create_organizations is True
    assert tfe.users.read(account.id).username == service.username
    with pytest.raises(NotFound):
        tfe.users.read("user-0000000000000000")


def test_a_wrong_token_is_an_authentication_error(service: Service) -> None:
    with sdk(service, "no-such-token") as stranger, pytest.raises(AuthError) as refused:
        stranger.users.read_current()
    assert refused.value.status == 401
