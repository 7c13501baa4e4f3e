"""The filters of activity events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import ColumnElement, bindparam, func

from app.authentication.callers import Caller
from app.jsonapi.errors import BadParameter
from app.jsonapi.fields import DateTime
from app.jsonapi.query import Arguments, text_of
from app.models.activity_events import ActivityEvent
from app.persistence import Timestamp
from app.web.filters import Chosen, Equals

ANY = ".*"
_MOMENT = DateTime()


class Action:
    """An action by its whole name, or by its type: ``workspaces.*``."""

    parameter = "filter[action]"
    documented: Sequence[tuple[str, str]] = [(parameter, "An action such as workspaces.update, or workspaces.*")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:
        """See ``Filter``."""
        text = text_of(arguments, self.parameter)
        if text is None or not text.endswith(ANY):
            return Equals(self.parameter, ActivityEvent.action).read(arguments, caller, organization_id)
        # Not LIKE, which takes capitals for small letters on one of the databases.
        begins = func.substr(ActivityEvent.action, 1, func.length(bindparam("kind"))) == bindparam("kind")
        return Chosen(("action", "kind"), lambda: [begins], {"kind": text.removesuffix("*")})


class Actor:
    """Who did it: an id, or a name without regard to case."""

    parameter = "filter[actor]"
    documented: Sequence[tuple[str, str]] = [(parameter, "The id of who did it, or the name, without regard to case")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``."""
        text = text_of(arguments, self.parameter)
        if text is None:
            return None
        values = {"actor": text, "actor_name": text.lower()}
        return Chosen("actor", self._clauses, values)

    @staticmethod
    def _clauses() -> Sequence[ColumnElement[bool]]:
        is_name = func.lower(ActivityEvent.actor_name) == bindparam("actor_name")
        return [(ActivityEvent.actor_id == bindparam("actor")) | is_name]


@dataclass(frozen=True)
class When:
    """A time at which the events begin or end."""

    parameter: str
    text: str
    clause: Callable[[Any], ColumnElement[bool]]

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, self.text)]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``; 400 for what is no moment."""
        moment = moment_of(arguments, self.parameter)
        if moment is None:
            return None
        bound = bindparam(self.parameter.strip("]").replace("[", "_"), type_=Timestamp())
        return Chosen(self.parameter, lambda: [self.clause(bound)], {bound.key: moment})


def moment_of(arguments: Arguments, parameter: str) -> datetime | None:
    """The time in a parameter; None if it is missing or empty, 400 if it is not a time."""
    text = text_of(arguments, parameter)
    if text is None:
        return None
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
