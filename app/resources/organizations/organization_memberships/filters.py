"""Filters of lists of memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.jsonapi.errors import BadParameter
from app.models.organization_memberships import STATUSES, OrganizationMembership
from app.persistence import in_values, values_param
from app.web.filters import FilterClause, ListFilter

# HCP Terraform has a third status, which no membership has here.
KNOWN = (*STATUSES, "inactive")


@dataclass(frozen=True)
class InStatus(ListFilter):
    """``filter[status]``: one status, or several, comma-separated."""

    parameter: str = "filter[status]"
    description = f"One of {', '.join(KNOWN)}, or several, comma-separated"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The membership has one of the statuses; 400 for an unknown status."""
        if not set(texts) <= set(KNOWN):
            raise BadParameter(f"{self.parameter} must be one of {', '.join(KNOWN)}", parameter=self.parameter)
        return FilterClause(
            "status",
            lambda: [in_values(OrganizationMembership.status, values_param("statuses"))],
            {"statuses": texts},
        )
