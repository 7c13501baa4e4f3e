"""The filters of lists. Each reads one query parameter and makes a condition with parameters of its own."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, bindparam, func, not_

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, text_of, texts_of
from app.persistence import Base, Expression, in_values, values_param

ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter that the request uses.

    ``key`` tells statements with different filters apart, ``clauses`` makes the conditions, and ``parameters`` are the
    values for them.
    """

    key: Hashable
    clauses: Callable[[], Sequence[ColumnElement[bool]]]
    parameters: dict[str, Any] = field(default_factory=dict)


class Filter(Protocol):
    """One query parameter of a list."""

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """The names and descriptions of the query parameters that it reads."""

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:
        """The filter as this request uses it; None if the request does not use it."""


def containing(text: str) -> str:
    """The pattern for ``LIKE`` that finds the text anywhere; ``%`` and ``_`` in the text stand for themselves."""
    escaped = text.lower().replace(ESCAPE, ESCAPE * 2).replace("%", ESCAPE + "%").replace("_", ESCAPE + "_")
    return f"%{escaped}%"


@dataclass(frozen=True)
class Contains:
    """Part of a text, without regard to case."""

    parameter: str
    columns: Sequence[Expression]
    ignored_with: str | None = None

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "Part of the text, without regard to case")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``; ignored when the parameter that wins over it is given."""
        text = text_of(arguments, self.parameter)
        if text is None or (self.ignored_with is not None and arguments.get(self.ignored_with)):
            return None
        name = f"contains_{self.parameter}".replace("[", "_").replace("]", "")
        return Chosen(("contains", self.parameter), lambda: [self._clause(name)], {name: containing(text)})

    def _clause(self, name: str) -> ColumnElement[bool]:
        found = [func.lower(column).like(bindparam(name), escape=ESCAPE) for column in self.columns]
        return found[0] if len(found) == 1 else found[0] | found[1]


@dataclass(frozen=True)
class OneOf:
    """One of several exact texts, comma-separated, without regard to case."""

    parameter: str
    column: Expression

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "Exact texts, comma-separated, without regard to case")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        texts = texts_of(arguments, self.parameter)
        if texts is None:
            return None
        name = f"one_of_{self.parameter}".replace("[", "_").replace("]", "")
        return Chosen(
            ("one of", self.parameter),
            lambda: [in_values(func.lower(self.column), values_param(name))],
            {name: [text.lower() for text in texts]},
        )


@dataclass(frozen=True)
class Equals:
    """Exactly one value, such as the id of a related resource."""

    parameter: str
    column: Expression

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "The exact value")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        text = text_of(arguments, self.parameter)
        if text is None:
            return None
        name = f"equals_{self.parameter}".replace("[", "_").replace("]", "")
        return Chosen(("equals", self.parameter), lambda: [self.column == bindparam(name)], {name: text})


@dataclass(frozen=True)
class Holds:
    """true keeps the rows for which the condition holds, false the others."""

    parameter: str
    condition: ColumnElement[bool]

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "true or false")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``; 400 for anything but true and false."""
        wanted = text_of(arguments, self.parameter)
        if wanted is None:
            return None
        if wanted not in ("true", "false"):
            raise BadParameter(f"{self.parameter} must be true or false", parameter=self.parameter)
        return Chosen(
            ("holds", self.parameter, wanted), lambda: [self.condition if wanted == "true" else not_(self.condition)]
        )


@dataclass(frozen=True)
class Permitted:
    """If the parameter is present, only the rows on which the caller has the permission."""

    parameter: str
    permission: P
    model: type[Base]

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, f"Presence keeps those on which the caller has {self.permission}")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:
        """See ``Filter``."""
        if self.parameter not in arguments:
            return None
        levels = rules.grant_levels(caller, self.permission, self.model, organization_id)
        return Chosen(
            ("permitted", self.permission, levels),
            lambda: [rules.visibility_clause(self.permission, self.model, levels)],
            rules.visibility_parameters(caller, self.permission, levels),
        )
