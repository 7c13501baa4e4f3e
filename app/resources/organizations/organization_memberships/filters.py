"""Filters of lists of memberships."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, exists, or_
from sqlalchemy.orm import aliased

from app.jsonapi.errors import BadParameter
from app.models.organization_memberships import STATUSES, OrganizationMembership
from app.models.users import KNOWN_AS, User
from app.persistence import case_folded, fold_case, in_values, values_param
from app.web.filters import ESCAPE, FilterClause, ListFilter, TextFilter, containing

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


# Under another name, because a filter on the column of a protected attribute finds only rows whose value the caller
# sees. Here the caller knows the whole address already, and may invite it.
_Person = aliased(User)


@dataclass(frozen=True)
class PersonWith(TextFilter):
    """Part of the user name, or a whole e-mail address; for callers who don't see the addresses."""

    parameter: str = "q"
    description = "Part of the user name, or a whole e-mail address, without regard to case"

    def clause(self, text: str) -> FilterClause:
        """The user has a name with this text, or this address."""
        named = exists().where(
            User.id == OrganizationMembership.user_id,
            case_folded(KNOWN_AS).like(bindparam("part_of_name"), escape=ESCAPE),
        )
        return FilterClause(
            "person",
            lambda: [or_(named, _has_address())],
            {"part_of_name": containing(text), "addresses": [fold_case(text)]},
        )


@dataclass(frozen=True)
class PersonAt(ListFilter):
    """``filter[email]``: whole e-mail addresses, for callers who don't see them."""

    parameter: str = "filter[email]"
    description = "Whole e-mail addresses, comma-separated, without regard to case"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The user has one of the addresses."""
        return FilterClause(
            "address", lambda: [_has_address("sought")], {"sought": [fold_case(text) for text in texts]}
        )


def _has_address(parameter: str = "addresses") -> ColumnElement[bool]:
    return exists().where(
        _Person.id == OrganizationMembership.user_id,
        in_values(case_folded(_Person.email), values_param(parameter)),
    )
