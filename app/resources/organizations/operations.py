"""The rules of organizations: what comes with a new one and goes with an old one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Unprocessable
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organizations.execution_mode import check_agent_pool
from app.resources.organizations.model import Organization
from app.resources.projects.model import DEFAULT_PROJECT, Project
from app.resources.teams.model import OWNERS, Team, TeamMember
from app.resources.workspaces.model import Workspace
from app.storage.ledger import condemn, named_by


def found_organization(session: Session, members: Mapping[str, Any], user_id: str) -> Organization:
    """A new organization with its default project and its owners team, the user being member and owner."""
    organization = Organization(**members)
    session.add(organization)
    session.flush()
    membership = OrganizationMembership(organization_id=organization.id, user_id=user_id)
    session.add_all(
        [
            membership,
            Team(organization_id=organization.id, name=OWNERS, is_owners=True, visibility="organization"),
            Project(organization_id=organization.id, name=DEFAULT_PROJECT, is_default=True),
        ],
    )
    session.flush()
    make_owner(session, membership)
    return organization


def settle_members(members: dict[str, Any], current: Organization | None) -> dict[str, Any]:
    """The members as columns; refuses what contradicts itself or what ``current`` has already."""
    settled = dict(members)
    pool = settled.pop("default_agent_pool_id", None) or settled.pop("default_agent_pool", None)
    settled.pop("default_agent_pool", None)
    mode = settled.get("default_execution_mode")
    check_agent_pool(
        mode or (current.default_execution_mode if current else None),
        pool,
        is_new=mode is not None,
        subject="Default agent pool",
    )
    passing = "send_passing_statuses_for_untriggered_speculative_plans"
    aggregated = "aggregated_commit_status_enabled"
    if settled.get(passing, current and getattr(current, passing)) and settled.get(
        aggregated,
        getattr(current, aggregated) if current else True,
    ):
        raise Unprocessable(
            "Sending passing statuses and aggregated commit statuses can't both be enabled",
            pointer=f"/data/attributes/{(passing if passing in settled else aggregated).replace('_', '-')}",
        )
    return settled


def delete_organization(session: Session, organization: Organization) -> None:
    """Delete the organization with all it has; its activity events stay."""
    # Locked before their objects are condemned, as by who deletes one of them: two can't lock each other out.
    session.execute(
        select(Workspace.id)
        .where(Workspace.organization_id == organization.id)
        .order_by(Workspace.id)
        .with_for_update(),
    )
    condemn(session, named_by("organization_id", [organization.id]))
    # A project does not take its workspaces with it, so they go first.
    session.execute(delete(Workspace).where(Workspace.organization_id == organization.id))
    session.delete(organization)
    session.flush()


def make_owner(session: Session, membership: OrganizationMembership) -> None:
    """Put the member into the owners team of the organization."""
    owners = session.scalars(
        select(Team).where(Team.organization_id == membership.organization_id, Team.is_owners),
    ).one()
    session.add(TeamMember(team_id=owners.id, membership_id=membership.id))
    session.flush()
