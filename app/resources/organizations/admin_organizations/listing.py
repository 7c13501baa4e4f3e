"""Reading all organizations, for administrators of the site."""

from typing import Any

from sqlalchemy import func, select

from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.organizations.admin_organizations.schema import AdminOrganizationSchema
from app.web.filters import Contains
from app.web.listing import Listing, plain


def _count(model: type[Any]) -> Any:  # noqa: ANN401 - a subquery
    return (
        select(func.count())
        .where(model.organization_id == Organization.id)
        .correlate(Organization.__table__)
        .scalar_subquery()
    )


ADMIN_ORGANIZATIONS = Listing(
    schema=AdminOrganizationSchema,
    model=Organization,
    visible_by=P.USER_ADMINISTER,
    columns={
        **plain(Organization, "id name email created_at"),
        "user_count": _count(OrganizationMembership),
        "project_count": _count(Project),
        "workspace_count": _count(Workspace),
    },
    joined=Organization.__table__,
    order=(case_folded(Organization.name),),
    filters=(Contains("q", (Organization.name, Organization.email)),),
)
