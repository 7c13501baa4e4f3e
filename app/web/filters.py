"""The filters of lists. Each reads one query parameter and makes a condition with bound parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, bindparam, not_, or_, select

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.fields import DateTime
from app.jsonapi.query import Arguments, text_of, texts_of
from app.models.organizations import Organization
from app.persistence import Base, Expression, Timestamp, case_folded, fold_case, in_values, values_param

ESCAPE = "\\"
_MOMENT = DateTime()


@dataclass(frozen=True, slots=True)
class FilterClause:
    """The conditions that a filter adds to the statement of this request.

    ``key`` distinguishes cached statements with different filters, ``conditions`` makes the SQL, and ``parameters`` are
    the values for it. If one of the conditions lists the ids of all rows that match, ``finds_ids`` has the rows looked
    up by these.
    """

    key: Hashable
    conditions: Callable[[], Sequence[ColumnElement[bool]]]
    parameters: dict[str, Any] = field(default_factory=dict)
    finds_ids: bool = False


@dataclass(frozen=True)
class Filter(ABC):
    """One query parameter of a list. ``description`` is its text in the API document."""

    parameter: str
    description: ClassVar[str] = ""

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """The names and descriptions of the query parameters that the filter reads."""
        return [(self.parameter, self.description)]

    @property
    def also_named(self) -> Mapping[str, str]:
        """Further names for its parameters, each with the name that it stands for."""
        return {}

    @property
    def bind_name(self) -> str:
        """The parameter's name as the name of a bound parameter in SQL."""
        return self.parameter.replace("][", "_").replace("[", "_").replace("]", "")

    @abstractmethod
    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The clause for this request, below this organization if there is one; None if the parameter is absent."""


@dataclass(frozen=True)
class TextFilter(Filter):
    """A filter with one text. An empty text means that the parameter is absent."""

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:  # noqa: ARG002 - most filters need neither
        """The clause for the text of this request."""
        text = text_of(arguments, self.parameter)
        return None if text is None else self.clause(text)

    @abstractmethod
    def clause(self, text: str) -> FilterClause:
        """The clause for this text; 400 for an invalid text."""


@dataclass(frozen=True)
class ListFilter(Filter):
    """A filter with several texts, separated by commas."""

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:  # noqa: ARG002 - likewise
        """The clause for the texts of this request."""
        texts = texts_of(arguments, self.parameter)
        return None if texts is None else self.clause(texts)

    @abstractmethod
    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The clause for these texts; 400 for an invalid text."""


def also_permitted(
    clause: FilterClause, permission: P, model: type[Base], caller: Caller, organization_id: str | None
) -> FilterClause:
    """The clause, limited to the rows on which the caller has the permission."""
    levels = rules.grant_levels(caller, permission, model, organization_id)
    if levels == rules.EVERYTHING:
        return clause
    return FilterClause(
        (clause.key, permission, levels),
        lambda: [*clause.conditions(), rules.visibility_clause(permission, model, levels)],
        {**clause.parameters, **rules.visibility_parameters(caller, permission, levels)},
        clause.finds_ids,
    )


def containing(text: str) -> str:
    """The pattern for ``LIKE`` that finds the text anywhere; ``%`` and ``_`` in the text stand for themselves."""
    escaped = fold_case(text).replace(ESCAPE, ESCAPE * 2).replace("%", ESCAPE + "%").replace("_", ESCAPE + "_")
    return f"%{escaped}%"


@dataclass(frozen=True)
class Contains(TextFilter):
    """Part of a text, without regard to case; ignored when the parameter ``ignored_with`` is given."""

    columns: Sequence[Expression]
    ignored_with: str | None = None
    description = "Part of the text, without regard to case"

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The clause, unless the parameter that takes precedence is given."""
        clause = super().parse(arguments, caller, organization_id)
        return None if self.ignored_with is not None and arguments.get(self.ignored_with) else clause

    def clause(self, text: str) -> FilterClause:
        """One of the columns contains the text."""
        name = f"contains_{self.bind_name}"

        def conditions() -> Sequence[ColumnElement[bool]]:
            found = [case_folded(column).like(bindparam(name), escape=ESCAPE) for column in self.columns]
            return [or_(*found)]

        return FilterClause(("contains", self.parameter), conditions, {name: containing(text)})


@dataclass(frozen=True)
class OneOf(ListFilter):
    """One of several exact texts, comma-separated, without regard to case."""

    column: Expression
    description = "Exact texts, comma-separated, without regard to case"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The column is one of the texts."""
        name = f"one_of_{self.bind_name}"
        return FilterClause(
            ("one of", self.parameter),
            lambda: [in_values(case_folded(self.column), values_param(name))],
            {name: [fold_case(text) for text in texts]},
        )


@dataclass(frozen=True)
class Equals(TextFilter):
    """Exactly one value, such as the id of a related resource."""

    column: Expression
    description = "The exact value"

    def clause(self, text: str) -> FilterClause:
        """The column has this value."""
        name = f"equals_{self.bind_name}"
        return FilterClause(("equals", self.parameter), lambda: [self.column == bindparam(name)], {name: text})


@dataclass(frozen=True)
class InOrganization(TextFilter):
    """The name of an organization, without regard to case."""

    column: Expression
    description = "Name of the organization, without regard to case"

    @property
    def also_named(self) -> Mapping[str, str]:
        """As lists of HCP Terraform spell it."""
        return {"filter[organization][name]": self.parameter}

    def clause(self, text: str) -> FilterClause:
        """The row belongs to the organization with this name."""
        organization = select(Organization.id).where(case_folded(Organization.name) == bindparam("in_organization"))
        return FilterClause(
            "in organization",
            lambda: [self.column == organization.scalar_subquery()],
            {"in_organization": fold_case(text)},
        )


@dataclass(frozen=True)
class Holds(TextFilter):
    """``true`` selects the rows for which the condition holds, ``false`` the others."""

    condition: ColumnElement[bool]
    description = "true or false"

    def clause(self, text: str) -> FilterClause:
        """The condition or its opposite; 400 for anything but true and false."""
        if text not in ("true", "false"):
            raise BadParameter(f"{self.parameter} must be true or false", parameter=self.parameter)
        return FilterClause(
            ("holds", self.parameter, text), lambda: [self.condition if text == "true" else not_(self.condition)]
        )


@dataclass(frozen=True)
class Permitted(Filter):
    """If the parameter is present, only the rows on which the caller has the permission."""

    permission: P
    model: type[Base]

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """Its name, and a description with the permission."""
        return [(self.parameter, f"Presence keeps those on which the caller has {self.permission}")]

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The condition that the caller has the permission, whatever the value of the parameter."""
        if self.parameter not in arguments:
            return None
        levels = rules.grant_levels(caller, self.permission, self.model, organization_id)
        return FilterClause(
            ("permitted", self.permission, levels),
            lambda: [rules.visibility_clause(self.permission, self.model, levels)],
            rules.visibility_parameters(caller, self.permission, levels),
        )


@dataclass(frozen=True)
class When(TextFilter):
    """The rows on one side of a time."""

    text: str
    condition: Callable[[Any], ColumnElement[bool]]

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """Its name and its description."""
        return [(self.parameter, self.text)]

    def clause(self, text: str) -> FilterClause:
        """The row is on this side of the time; 400 for a text that is not a time."""
        bound = bindparam(self.bind_name, type_=Timestamp())
        return FilterClause(self.parameter, lambda: [self.condition(bound)], {bound.key: _moment(self.parameter, text)})


def moment_of(arguments: Arguments, parameter: str) -> datetime | None:
    """The time in a parameter; None if it is missing or empty, 400 if it is not a time."""
    text = text_of(arguments, parameter)
    return None if text is None else _moment(parameter, text)


def _moment(parameter: str, text: str) -> datetime:
    try:
        found: datetime = _MOMENT.deserialize(text)
    except ValidationError as error:
        raise BadParameter(f"{parameter} {error.messages[0]}", parameter=parameter) from None
    return found
