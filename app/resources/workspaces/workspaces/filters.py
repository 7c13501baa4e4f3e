"""The filters that only lists of workspaces have (spec: workspaces, list)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, bindparam, false, func, select

from app.authentication.callers import Caller
from app.jsonapi.query import Arguments, text_of, texts_of
from app.models.organizations import Organization
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import in_values, values_param
from app.web.filters import ESCAPE, Chosen, containing


@dataclass(frozen=True)
class Wildcard:
    """A name with ``*`` for any text at its beginning, its end or both, without regard to case."""

    parameter: str

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "A name with * for any text at its beginning, its end or both")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        text = text_of(arguments, self.parameter)
        if text is None:
            return None
        inner = text.removeprefix("*").removesuffix("*")
        pattern = containing(inner)[1:-1]
        if text.startswith("*"):
            pattern = f"%{pattern}"
        if text.endswith("*"):
            pattern = f"{pattern}%"
        return Chosen(("wildcard", self.parameter), self._clauses, {"wildcard_name": pattern})

    @staticmethod
    def _clauses() -> Sequence[ColumnElement[bool]]:
        return [func.lower(Workspace.name).like(bindparam("wildcard_name"), escape=ESCAPE)]


@dataclass(frozen=True)
class InOrganization:
    """The name of the organization, without regard to case."""

    parameter: str

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "Name of the organization, without regard to case")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        name = text_of(arguments, self.parameter)
        return Chosen("in organization", self._clauses, {"in_organization": name.lower()}) if name else None

    @staticmethod
    def _clauses() -> Sequence[ColumnElement[bool]]:
        found = select(Organization.id).where(func.lower(Organization.name) == bindparam("in_organization"))
        return [Workspace.organization_id == found.scalar_subquery()]


@dataclass(frozen=True)
class RunStatus:
    """Statuses of the current run, comma-separated. There are no runs, so it finds nothing."""

    parameter: str

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, "Statuses of the current run, comma-separated; no workspace has one")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        if not texts_of(arguments, self.parameter):
            return None
        return Chosen("run status", lambda: [false()])


@dataclass(frozen=True)
class TagNames:
    """Comma-separated keys of the workspaces' own tags, with or without values; a workspace must have all, or none."""

    parameter: str
    wanted: bool

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        which = "all of which a workspace must have" if self.wanted else "none of which a workspace may have"
        return [(self.parameter, f"Tags, comma-separated, {which}")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        names = {name.strip().lower() for name in texts_of(arguments, self.parameter) or ()} - {""}
        if not names:
            return None
        prefix = "with_tags" if self.wanted else "without_tags"
        parameters: dict[str, Any] = {prefix: names, f"{prefix}_in": organization_id}
        if self.wanted:
            parameters[f"{prefix}_count"] = len(names)
        return Chosen((prefix,), lambda: [self._clause(prefix)], parameters)

    def _clause(self, prefix: str) -> ColumnElement[bool]:
        key = func.lower(TagBinding.key)
        having: ColumnExpressionArgument[bool] = func.count(key.distinct()) == bindparam(f"{prefix}_count")
        tagged = (
            select(TagBinding.workspace_id)
            .where(
                TagBinding.workspace_id.is_not(None),
                TagBinding.organization_id == bindparam(f"{prefix}_in"),
                in_values(key, values_param(prefix)),
            )
            .group_by(TagBinding.workspace_id)
        )
        if self.wanted:
            return Workspace.id.in_(tagged.having(having))
        return Workspace.id.not_in(tagged)
