"""The rules of organizations: creating one with its default project and owners, and deleting one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, true
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, InvalidAttribute, StillApplying, Unprocessable, humanized
from app.models.environments import default_environment
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.projects import DEFAULT_PROJECT, Project
from app.models.runs import APPLYING, Run
from app.models.teams import OWNERS, Team, TeamMember
from app.models.workspaces import Workspace
from app.resources.inheritance.execution_mode import Execution, PoolConsumer, pop_pool, resolve_pool, usual_mode
from app.storage.ledger import mark_for_deletion, objects_owned_by


class OrganizationsNotOpen(Forbidden):
    """The operator lets only administrators of the site create organizations."""

    code = "organizations-not-open"
    detail = (
        "You are not authorized to create organizations: administrators of the site create them here, unless the "
        "operator sets GROUNDPLAN_ORGANIZATION_CREATION=users"
    )


class OnlyUsersCreate(Forbidden):
    """The token is not that of a user, and an organization begins with a user who owns it."""

    code = "only-users-create-organizations"
    detail = "Only users create organizations; send the token of a user"


class NoSecondFactor(InvalidAttribute):
    """A setting that would require what the service can't check would only look like security."""

    code = "no-second-factor"
    pointer = "/data/attributes/collaborator-auth-policy"
    detail = "Collaborator auth policy can only be password: this service has no second factor"


class NoSingleSignOn(InvalidAttribute):
    """An id at an identity provider would only look as if the provider decided who comes in."""

    code = "no-single-sign-on"

    def __init__(self, attribute: str) -> None:
        """Name the attribute that can't be set."""
        super().__init__(
            f"{humanized(attribute)} can only be null: this service has no single sign-on",
            pointer=f"/data/attributes/{attribute}",
        )


def refuse_identity_provider(sent: Mapping[str, Any], name: str, stored: str | None) -> None:
    """Refuse an id at an identity provider. A client may send back the one that an earlier release has stored."""
    if sent.get(name) not in (None, "", stored):
        raise NoSingleSignOn(name.replace("_", "-"))


def create_organization_with_owner(session: Session, members: Mapping[str, Any], user_id: str) -> Organization:
    """Create an organization with its default project and its owners team; the user becomes member and owner."""
    mode = members.get("default_execution_mode") or usual_mode(session)
    organization = Organization(**{**members, "default_execution_mode": mode})
    session.add(organization)
    session.flush()
    membership = OrganizationMembership(organization_id=organization.id, user_id=user_id)
    session.add_all(
        [
            membership,
            Team(organization_id=organization.id, name=OWNERS, is_owners=True, visibility="organization"),
            project := Project(organization_id=organization.id, name=DEFAULT_PROJECT, is_default=True),
        ],
    )
    session.flush()
    session.add(default_environment(project))
    make_owner(session, membership)
    return organization


def normalize_attributes(session: Session, members: dict[str, Any], current: Organization | None) -> dict[str, Any]:
    """The attributes as columns; refuses values that contradict each other or ``current``."""
    normalized = dict(members)
    if normalized.get("collaborator_auth_policy", "password") != "password":
        raise NoSecondFactor
    refuse_identity_provider(normalized, "owners_team_saml_role_id", getattr(current, "owners_team_saml_role_id", None))
    named = pop_pool(normalized)
    if named.is_given or "default_execution_mode" in normalized:
        before = Execution(current.default_execution_mode, current.default_agent_pool_id) if current else Execution()
        after = Execution(normalized.get("default_execution_mode", before.mode), before.pool)
        # Any pool of the organization is allowed, even if some projects that inherit it could not choose it themselves.
        consumer = PoolConsumer(current.id if current else None, "organization", true)
        normalized["default_agent_pool_id"] = resolve_pool(session, after, named, before.pool, consumer)
    passing = "send_passing_statuses_for_untriggered_speculative_plans"
    aggregated = "aggregated_commit_status_enabled"
    if normalized.get(passing, current and getattr(current, passing)) and normalized.get(
        aggregated,
        getattr(current, aggregated) if current else True,
    ):
        raise Unprocessable(
            "Sending passing statuses and aggregated commit statuses can't both be enabled",
            pointer=f"/data/attributes/{(passing if passing in normalized else aggregated).replace('_', '-')}",
        )
    return normalized


def lock_projects(session: Session, organization_id: str) -> None:
    """Lock the projects of the organization. Call it before the organization is locked.

    A request that creates a row in a project locks the project first and the organization second. In another order, the
    two requests could deadlock.
    """
    projects = select(Project.id).where(Project.organization_id == organization_id).order_by(Project.id)
    session.execute(projects.with_for_update())


def delete_organization(session: Session, organization: Organization) -> None:
    """Delete the organization with everything in it; its activity events stay."""
    # Locked before their objects are marked for deletion, in the same order as by a request that deletes one workspace,
    # so that the two can't deadlock.
    session.execute(
        select(Workspace.id)
        .where(Workspace.organization_id == organization.id)
        .order_by(Workspace.id)
        .with_for_update(),
    )
    columns = Run.__table__.c
    applying = select(columns.id).where(columns.organization_id == organization.id, columns.status == APPLYING)
    if (run_id := session.scalar(applying.limit(1))) is not None:
        raise StillApplying.of(run_id)
    mark_for_deletion(session, objects_owned_by("organization_id", [organization.id]))
    # Deleted first, because deleting a project does not delete its workspaces.
    session.execute(delete(Workspace).where(Workspace.organization_id == organization.id))
    session.delete(organization)
    session.flush()


def make_owner(session: Session, membership: OrganizationMembership) -> None:
    """Add the member to the owners team of the organization."""
    owners = session.scalars(
        select(Team).where(Team.organization_id == membership.organization_id, Team.is_owners),
    ).one()
    session.add(TeamMember(team_id=owners.id, membership_id=membership.id))
    session.flush()
