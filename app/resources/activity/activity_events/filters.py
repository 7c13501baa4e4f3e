"""The filters of activity events."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func

from app.models.activity_events import ActivityEvent
from app.persistence import case_folded, fold_case
from app.web.filters import Equals, FilterClause, TextFilter, When

ANY = ".*"


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
