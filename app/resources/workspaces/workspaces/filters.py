"""The filters that only lists of workspaces have (spec: workspaces, list)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, bindparam, func, select, union_all
from sqlalchemy.orm import aliased

from app.authentication.callers import Caller
from app.jsonapi.query import Arguments, texts_of
from app.models.runs import Run
from app.models.tag_bindings import TagBinding
from app.models.workspaces import Workspace
from app.persistence import case_folded, fold_case, in_values, values_param
from app.web.filters import ESCAPE, Filter, FilterClause, ListFilter, TextFilter, containing


@dataclass(frozen=True)
class Wildcard(TextFilter):
    """A name, without regard to case, in which ``*`` at the beginning, the end or both stands for any text."""

    description = "A name with * for any text at its beginning, its end or both"

    def clause(self, text: str) -> FilterClause:
        """The name matches the pattern."""
        pattern = containing(text.removeprefix("*").removesuffix("*"))[1:-1]
        if text.startswith("*"):
            pattern = f"%{pattern}"
        if text.endswith("*"):
            pattern = f"{pattern}%"
        matches = case_folded(Workspace.name).like(bindparam("wildcard_name"), escape=ESCAPE)
        return FilterClause(("wildcard", self.parameter), lambda: [matches], {"wildcard_name": pattern})


@dataclass(frozen=True)
class RunStatus(ListFilter):
    """Statuses of the current run, comma-separated."""

    description = "Statuses of the current run, comma-separated"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The current run has one of the statuses."""

        def conditions() -> Sequence[ColumnElement[bool]]:
            run = Run.__table__.c
            has_status = in_values(run.status, values_param("run_status"))
            return [select(run.id).where(run.id == Workspace.current_run_id, has_status).correlate(Workspace).exists()]

        return FilterClause("run status", conditions, {"run_status": [fold_case(text) for text in texts]})


@dataclass(frozen=True)
class TagNames(Filter):
    """Comma-separated keys of tags that count for a workspace, its own and its project's, with or without values.

    A workspace must have all of them, or none.
    """

    wanted: bool

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """Its name, and whether a workspace must have the tags."""
        which = "all of which a workspace must have" if self.wanted else "none of which a workspace may have"
        return [(self.parameter, f"Tags, comma-separated, {which}")]

    def parse(self, arguments: Arguments, _caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The workspace has all of the tags, or none of them."""
        names = {fold_case(name) for name in texts_of(arguments, self.parameter) or ()}
        if not names:
            return None
        prefix = "with_tags" if self.wanted else "without_tags"
        parameters: dict[str, Any] = {prefix: names, f"{prefix}_in": organization_id}
        if self.wanted:
            parameters[f"{prefix}_count"] = len(names)
        return FilterClause((prefix,), lambda: [self._condition(prefix)], parameters, finds_ids=self.wanted)

    def _condition(self, prefix: str) -> ColumnElement[bool]:
        key = case_folded(TagBinding.key)
        is_named = (TagBinding.organization_id == bindparam(f"{prefix}_in"), in_values(key, values_param(prefix)))
        own = select(TagBinding.workspace_id.label("id"), key.label("key")).where(
            TagBinding.workspace_id.is_not(None), *is_named
        )
        tagged_here = aliased(Workspace)
        inherited = (
            select(tagged_here.id.label("id"), key.label("key"))
            .join(TagBinding, TagBinding.project_id == tagged_here.project_id)
            # The join implies it; but so PostgreSQL knows that few tags are those of projects, and begins with these.
            .where(TagBinding.project_id.is_not(None), *is_named)
        )
        tagged = union_all(own, inherited).subquery()
        if not self.wanted:
            return Workspace.id.not_in(select(tagged.c.id))
        having: ColumnExpressionArgument[bool] = func.count(tagged.c.key.distinct()) == bindparam(f"{prefix}_count")
        return Workspace.id.in_(select(tagged.c.id).group_by(tagged.c.id).having(having))
