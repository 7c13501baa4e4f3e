"""The filters of activity events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, bindparam, func

from app.jsonapi.errors import BadParameter
from app.jsonapi.fields import DateTime
from app.jsonapi.query import Arguments, text_of
from app.models.activity_events import ActivityEvent
from app.persistence import Timestamp, case_folded, fold_case
from app.web.filters import Equals, FilterClause, TextFilter

ANY = ".*"
_MOMENT = DateTime()


@dataclass(frozen=True)
class Action(TextFilter):
    """An action by its whole name, or all actions of a type: ``workspaces.*``."""

    parameter: str = "filter[action]"
    description = "An action such as workspaces.update, or workspaces.*"

    def clause(self, text: str) -> FilterClause:
        """The action is this one, or begins with the type."""
        if not text.endswith(ANY):
            return Equals(self.parameter, ActivityEvent.action).clause(text)
        # Not LIKE, which ignores case on one of the databases.
        begins = func.substr(ActivityEvent.action, 1, func.length(bindparam("kind"))) == bindparam("kind")
        return FilterClause(("action", "kind"), lambda: [begins], {"kind": text.removesuffix("*")})


@dataclass(frozen=True)
class Actor(TextFilter):
    """Who did it: an id, or a name without regard to case."""

    parameter: str = "filter[actor]"
    description = "The id of who did it, or the name, without regard to case"

    def clause(self, text: str) -> FilterClause:
        """The actor has this id or this name."""
        is_name = case_folded(ActivityEvent.actor_name) == bindparam("actor_name")
        is_actor = (ActivityEvent.actor_id == bindparam("actor")) | is_name
        return FilterClause("actor", lambda: [is_actor], {"actor": text, "actor_name": fold_case(text)})


@dataclass(frozen=True)
class When(TextFilter):
    """A time at which the events begin or end."""

    text: str
    condition: Callable[[Any], ColumnElement[bool]]

    @property
    def parameters(self) -> Sequence[tuple[str, str]]:
        """Its name and its description."""
        return [(self.parameter, self.text)]

    def clause(self, text: str) -> FilterClause:
        """The event is on this side of the time; 400 for a text that is not a time."""
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


FILTERS = (
    Action(),
    Actor(),
    Equals("filter[subject]", ActivityEvent.subject_id),
    Equals("filter[subject-type]", ActivityEvent.subject_type),
    Equals("filter[request-id]", ActivityEvent.request_id),
    When(
        "filter[from]", "From this moment on (ISO 8601, UTC unless it says)", lambda at: ActivityEvent.created_at >= at
    ),
    When("filter[to]", "Before this moment", lambda at: ActivityEvent.created_at < at),
)
