"""The one transaction of a change, with the event that tells of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.jsonapi.errors import ApiError, Conflict, Taken
from app.persistence import Base, violated_constraint
from app.resources.activity_events.model import ActivityEvent
from app.web.context import caller, engines, release_reader, request_id

_CHANGED_MEANWHILE = "The resource was changed by another request meanwhile; read it again and retry"


@contextmanager
def change() -> Iterator[Session]:
    """A transaction that is committed when the block ends and rolled back when it raises.

    A broken constraint becomes the error that the model names for it, so that the database has the last word on
    uniqueness however many requests come at once.
    """
    release_reader()
    with Session(engines().writing, expire_on_commit=False, autoflush=False) as session:
        try:
            yield session
            session.commit()
        except IntegrityError as error:
            raise _as_answer(error) from error


def _as_answer(error: IntegrityError) -> ApiError:
    name = violated_constraint(error)
    for mapper in Base.registry.mappers:
        member = mapper.class_.taken.get(name)
        if member:
            return Taken(member)
    return Conflict(_CHANGED_MEANWHILE)


def record(session: Session, action: str, subject: Any, changes: Mapping[str, Any] | None = None) -> None:  # noqa: ANN401
    """Write the event of a change, in its transaction.

    ``action`` is ``type.verb``; ``changes`` maps members to ``[before, after]``. Secrets never belong in it.
    """
    who = caller()
    table = subject.__tablename__
    session.add(
        ActivityEvent(
            action=action,
            actor_type=who.type,
            actor_id=who.id,
            actor_name=who.name,
            token_id=who.token_id,
            request_id=request_id(),
            organization_id=subject.id if table == "organizations" else getattr(subject, "organization_id", None),
            project_id=subject.id if table == "projects" else getattr(subject, "project_id", None),
            workspace_id=subject.id if table == "workspaces" else getattr(subject, "workspace_id", None),
            subject_type=table.replace("_", "-"),
            subject_id=subject.id,
            subject_name=getattr(subject, "name", None),
            changes=dict(changes or {}),
        ),
    )


def assign(entity: Base, members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set the members on the entity; what really changed, as ``{member: [before, after]}``."""
    changes: dict[str, list[Any]] = {}
    for name, value in members.items():
        before = getattr(entity, name)
        if before != value:
            setattr(entity, name, value)
            changes[name.replace("_", "-")] = [_shown(before), _shown(value)]
    return changes


def made(members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The members of something new, in the form of changes."""
    return {name.replace("_", "-"): [None, _shown(value)] for name, value in members.items() if value is not None}


def _shown(value: Any) -> Any:  # noqa: ANN401 - any attribute
    return value.isoformat() if hasattr(value, "isoformat") else value
