"""The filters of recoverable items, by the names that HCP Terraform has for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from app.jsonapi.errors import BadParameter
from app.models.projects import Project
from app.models.recoverable_items import RECOVERABLE_TYPES, RecoverableItem
from app.persistence import in_values, values_param
from app.web.filters import Contains, FilterClause, ListFilter, TextFilter, When


@dataclass(frozen=True)
class Managing(TextFilter):
    """Only what manages resources."""

    parameter: str = "filter[having_managed_resources]"
    description = "true: only what manages resources; false has no effect"

    def clause(self, text: str) -> FilterClause:
        """It manages resources; 400 for anything but true and false."""
        if text not in ("true", "false"):
            raise BadParameter(f"{self.parameter} must be true or false", parameter=self.parameter)
        return FilterClause(("managing", text), lambda: [RecoverableItem.resource_count > 0] if text == "true" else [])


@dataclass(frozen=True)
class OfType(ListFilter):
    """What was deleted."""

    parameter: str = "filter[recoverable_type]"
    description = f"One of {', '.join(RECOVERABLE_TYPES)}, or several, comma-separated"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The item is of one of the types; 400 for an unknown type."""
        if not set(texts) <= set(RECOVERABLE_TYPES):
            raise BadParameter(
                f"{self.parameter} must be one of {', '.join(RECOVERABLE_TYPES)}", parameter=self.parameter
            )
        return FilterClause(
            "recoverable type",
            lambda: [in_values(RecoverableItem.recoverable_type, values_param("recoverable_types"))],
            {"recoverable_types": texts},
        )


_PROJECT_NAME: Final = (
    select(Project.__table__.c.name)
    .where(Project.__table__.c.id == RecoverableItem.project_id)
    .correlate(RecoverableItem)
    .scalar_subquery()
)

FILTERS: Final = (
    Contains("filter[search]", (RecoverableItem.name, _PROJECT_NAME)),
    Managing(),
    When(
        "filter[expires_after]",
        "Only what expires after this moment (ISO 8601, UTC unless it says)",
        lambda at: RecoverableItem.expires_at > at,
    ),
    OfType(),
)
