"""Filters of lists of memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.authentication.callers import Caller
from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, texts_of
from app.models.organization_memberships import STATUSES, OrganizationMembership
from app.persistence import in_values, values_param
from app.web.filters import Chosen

# HCP Terraform knows a third status; here nobody has it.
KNOWN = (*STATUSES, "inactive")


@dataclass(frozen=True)
class InStatus:
    """``filter[status]``: one status, or several, comma-separated."""

    parameter: str = "filter[status]"

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, f"One of {', '.join(KNOWN)}, or several, comma-separated")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``; 400 for a status that there is not."""
        wanted = texts_of(arguments, self.parameter)
        if not wanted:
            return None
        if not set(wanted) <= set(KNOWN):
            raise BadParameter(f"{self.parameter} must be one of {', '.join(KNOWN)}", parameter=self.parameter)
        return Chosen(
            "status",
            lambda: [in_values(OrganizationMembership.status, values_param("statuses"))],
            {"statuses": wanted},
        )
