"""The filters of lists of runs (spec: runs, list)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, false, not_, or_, select

from app.authentication.callers import Caller
from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, texts_of
from app.models.agent_pools import AgentPool
from app.models.runs import DISCARDABLE, FINAL, Run
from app.models.users import User
from app.models.workspaces import Workspace
from app.persistence import case_folded, fold_case, in_values, now, values_param
from app.web.filters import ESCAPE, Filter, FilterClause, ListFilter, TextFilter, containing

_ORDINARY: Final = and_(~Run.plan_only, ~Run.save_plan, ~Run.refresh_only, ~Run.is_destroy, ~Run.allow_empty_apply)
OPERATIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "plan_only": Run.plan_only.expression,
    "plan_and_apply": _ORDINARY,
    "save_plan": Run.save_plan.expression,
    "refresh_only": Run.refresh_only.expression,
    "destroy": Run.is_destroy.expression,
    "empty_apply": Run.allow_empty_apply.expression,
}
STATUS_GROUPS: Final[Mapping[str, ColumnElement[bool]]] = {
    "final": Run.status.in_(sorted(FINAL)),
    "non_final": Run.status.not_in(sorted(FINAL)),
    "discardable": Run.status.in_(sorted(DISCARDABLE)),
}
_YEARS: Final = range(2000, 3000)


@dataclass(frozen=True)
class Operations(Filter):
    """What the run does. Without the parameter, runs that only plan are left out."""

    parameter: str = "filter[operation]"
    description = f"{', '.join(OPERATIONS)}; commas separate several. Without it, runs that only plan are left out"

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause:  # noqa: ARG002
        """The run does one of these things."""
        wanted = tuple(sorted(set(texts_of(arguments, self.parameter) or ())))
        if not wanted:
            return FilterClause("not plan-only", lambda: [not_(Run.plan_only)])
        for each in wanted:
            if each not in OPERATIONS:
                raise BadParameter(f"{self.parameter} must be one of {', '.join(OPERATIONS)}", parameter=self.parameter)
        return FilterClause(("operations", wanted), lambda: [or_(*(OPERATIONS[each] for each in wanted))])


@dataclass(frozen=True)
class StatusGroup(TextFilter):
    """Runs that are over, those that are not, or those that can be discarded."""

    parameter: str = "filter[status_group]"
    description = ", ".join(STATUS_GROUPS)

    def clause(self, text: str) -> FilterClause:
        """The status is in the group."""
        if text not in STATUS_GROUPS:
            raise BadParameter(f"{self.parameter} must be one of {', '.join(STATUS_GROUPS)}", parameter=self.parameter)
        return FilterClause(("status group", text), lambda: [STATUS_GROUPS[text]])


@dataclass(frozen=True)
class Timeframe(TextFilter):
    """Runs that were created in a year, or in the last twelve months."""

    parameter: str = "filter[timeframe]"
    description = "A year, such as 2026, or year for the last twelve months"

    def clause(self, text: str) -> FilterClause:
        """The run was created between two moments."""
        if text == "year":
            first, last = now() - timedelta(days=365), now() + timedelta(days=1)
        elif text.isascii() and text.isdigit() and len(text) <= len("2026") and int(text) in _YEARS:
            first, last = datetime(int(text), 1, 1, tzinfo=UTC), datetime(int(text) + 1, 1, 1, tzinfo=UTC)
        else:
            raise BadParameter(f"{self.parameter} must be a year, such as 2026, or year", parameter=self.parameter)
        return FilterClause(
            "timeframe",
            lambda: [Run.created_at >= bindparam("timeframe_first"), Run.created_at < bindparam("timeframe_last")],
            {"timeframe_first": first, "timeframe_last": last},
        )


@dataclass(frozen=True)
class OfNamed(ListFilter):
    """Runs of what has one of these names: of workspaces, or of agent pools."""

    model: type[Workspace | AgentPool]
    key: Any
    description = "Exact names, comma-separated, without regard to case"

    def clause(self, texts: Sequence[str]) -> FilterClause:
        """The run's workspace or pool has one of the names."""
        name = f"named_{self.bind_name}"

        def conditions() -> Sequence[ColumnElement[bool]]:
            named = select(self.model.__table__.c.id).where(
                self.model.organization_id == Run.organization_id,
                in_values(case_folded(self.model.name), values_param(name)),
            )
            return [self.key.in_(named.correlate(Run.__table__))]

        return FilterClause(("named", self.parameter), conditions, {name: [fold_case(text) for text in texts]})


@dataclass(frozen=True)
class CreatedBy(TextFilter):
    """The exact name of the user who created the run."""

    parameter: str = "search[user]"
    description = "The exact name of a user, without regard to case"

    def clause(self, text: str) -> FilterClause:
        """The user of this name created the run."""
        user = select(User.id).where(case_folded(User.username) == bindparam("created_by")).scalar_subquery()
        return FilterClause("created by", lambda: [Run.created_by_id == user], {"created_by": fold_case(text)})


@dataclass(frozen=True)
class OfCommit(TextFilter):
    """A commit. The service is not connected to version control, so no run has one."""

    parameter: str = "search[commit]"
    description = "A commit; no run has one here, so nothing is found"

    def clause(self, text: str) -> FilterClause:  # noqa: ARG002 - none is found
        """Nothing."""
        return FilterClause("of commit", lambda: [false()])


@dataclass(frozen=True)
class Basic(TextFilter):
    """An id, a part of the message, or the name of the user who created it."""

    parameter: str = "search[basic]"
    description = "The id of a run, part of its message, or the exact name of the user who created it"

    def clause(self, text: str) -> FilterClause:
        """One of the three matches."""
        user = select(User.id).where(case_folded(User.username) == bindparam("basic_name")).scalar_subquery()

        def conditions() -> Sequence[ColumnElement[bool]]:
            found = case_folded(Run.message).like(bindparam("basic_part"), escape=ESCAPE)
            return [or_(Run.__table__.c.id == bindparam("basic_id"), found, Run.created_by_id == user)]

        return FilterClause(
            "basic",
            conditions,
            {"basic_id": text, "basic_part": containing(text), "basic_name": fold_case(text)},
        )
