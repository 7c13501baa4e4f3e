"""Reading organizations."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from app.models.organizations import Organization
from app.models.projects import Project
from app.persistence import case_folded
from app.resources.organizations.organizations.schema import OrganizationSchema, entitlement_set
from app.web.filters import Contains
from app.web.listing import Listing, plain

_NAME = case_folded(Organization.name)

ORGANIZATIONS = Listing(
    schema=OrganizationSchema,
    model=Organization,
    columns={
        **plain(
            Organization,
            "id name email created_at session_timeout session_remember collaborator_auth_policy "
            "cost_estimation_enabled send_passing_statuses_for_untriggered_speculative_plans "
            "aggregated_commit_status_enabled speculative_plan_management_enabled "
            "allow_force_delete_workspaces assessments_enforced default_execution_mode "
            "max_concurrent_runs owners_team_saml_role_id user_tokens_enabled max_ttl_enabled",
        ),
        "default_agent_pool": Organization.default_agent_pool_id,
        "default_project_id": select(Project.id)
        .where(Project.organization_id == Organization.id, Project.is_default)
        .scalar_subquery(),
    },
    joined=Organization.__table__,
    order=(_NAME,),
    filters=(
        Contains("q", (Organization.name, Organization.email)),
        Contains("q[name]", (Organization.name,), ignored_with="q"),
        Contains("q[email]", (Organization.email,), ignored_with="q"),
    ),
)


def include_entitlement_sets(rows: Sequence[Row[Any]], _shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entitlement sets of the organizations."""
    return [entitlement_set(row.id) for row in rows]
