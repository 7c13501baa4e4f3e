"""The one transaction of a change, and the activity event that belongs to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import Any

from flask import g
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.analytics import AnalyticsEvent
from app.doorbells import FOLDER, RING, ring
from app.jsonapi.errors import ApiError, Conflict, Taken
from app.models.activity_events import ActivityEvent
from app.models.background_tasks import DELIVER_ANALYTICS, schedule
from app.models.recovery import IS_DRY
from app.models.workspaces import ProjectScoped, WorkspaceChild
from app.persistence import AnyRow, Base, ChangedRow, NewRow, identifier, new_row, now, violated_constraint, write_rows
from app.persistence.database import new_session
from app.services import services
from app.storage.ledger import TO_DELETE
from app.web.conditions import ensure_match_was_checked
from app.web.context import caller, forbid_retry, release_reader, request_id
from app.web.objects import delete_objects
from app.web.policy import ensure_policy_was_asked

_EVENTS = Base.metadata.tables[ActivityEvent.__tablename__]
_new_event_id = identifier("evt")
LOCATION = frozenset({"project_id", "environment_id", "cell"})
# The name of a subject in events is the first of these attributes that it has.
NAMES = ("name", "username", "key")
RECORDED = "recorded events"
# A task sends its events one by one; the service behind may take its time for each.
EVENTS_OF_A_TASK = 20
CAPTURED = tuple(each.name for each in fields(AnalyticsEvent) if each.name != "at")
Recorded = tuple[str, AnyRow, Mapping[str, Any] | None]
"""An activity event: its action, its subject and the changes."""
CHANGED_MEANWHILE = "The resource was changed by another request meanwhile; read it again and retry"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction whose block has ended, and which waits for the answer that is committed with it."""

    session: Session
    closing: ExitStack


@contextmanager
def transaction(*, at_once: bool = False, is_dry: bool = False) -> Iterator[Session]:
    """Open a transaction that is committed when the block ends and rolled back when it raises.

    A violated constraint becomes the error that the model names for it. So the database decides about uniqueness, even
    between concurrent requests. Objects marked for deletion in the transaction are removed after the commit.

    In a request whose answer is kept (``wait_for_answer``), the commit waits for the answer, or for the next
    transaction; but not with ``at_once``, for what counts even if the request fails.

    A dry run checks and does everything as if it were meant, so that it is refused for the same reasons, and is rolled
    back at the end.
    """
    commit_waiting()
    release_reader()
    with ExitStack() as closing:
        session = closing.enter_context(new_session())
        session.info[IS_DRY] = is_dry
        try:
            yield session
            ensure_policy_was_asked()
            if not at_once:
                ensure_match_was_checked()
            if is_dry:
                session.flush()
                session.rollback()
                return
            _schedule_analytics(session)
            if "waits_for_answer" in g and not at_once:
                session.flush()
                g.waiting = Waiting(session, closing.pop_all())
                return
            forbid_retry()
            session.commit()
        except IntegrityError as error:
            raise _api_error(error) from error
    _after_commit(session)


@contextmanager
def check_transaction() -> Iterator[Session]:
    """Open a transaction that checks what may be done, before something that takes long; it changes nothing."""
    release_reader()
    with new_session() as session:
        yield session


def wait_for_answer() -> None:
    """Let the transaction of this request wait for its answer: ``commit_waiting`` or ``drop_waiting`` must follow."""
    g.waits_for_answer = True


def commit_waiting(add: Callable[[Session], None] | None = None) -> bool:
    """Commit the transaction that waits, if there is one, with what ``add`` writes; returns whether there was one."""
    waiting: Waiting | None = g.pop("waiting", None)
    if waiting is None:
        return False
    with waiting.closing:
        if add is not None:
            add(waiting.session)
        forbid_retry()
        waiting.session.commit()
    _after_commit(waiting.session)
    return True


def drop_waiting() -> None:
    """Roll back the transaction that waits, if there is one."""
    waiting: Waiting | None = g.pop("waiting", None)
    if waiting is not None:
        waiting.closing.close()


def _after_commit(session: Session) -> None:
    if RING in session.info:
        ring(services().settings.home / FOLDER, session.info[RING])
    if TO_DELETE in session.info:
        delete_objects(session.info[TO_DELETE])


def _api_error(error: IntegrityError) -> ApiError:
    name = violated_constraint(error)
    for mapper in Base.registry.mappers:
        member = mapper.class_.unique_errors.get(name)
        if member:
            return Taken(member)
    return Conflict(CHANGED_MEANWHILE)


def insert(session: Session, entity: Base) -> None:
    """Insert a new entity by one plain statement. The entity gets its id and stays outside the session."""
    write_rows(session.connection(), new_row(entity))


def write(
    session: Session,
    *rows: NewRow | ChangedRow,
    event: Recorded,
    more_events: Sequence[Recorded] = (),
    of: type[Base] | None = None,
) -> None:
    """Write rows and the activity event of the change: in one statement, if the database can do that.

    The rows go past the session, so nothing is flushed before them, and no entity in the session learns of them. The
    subject of the event is an entity, or a row ``of`` a model. ``more_events`` are those of further changes, few enough
    to be written by the same statement.
    """
    events = [_event(*event, model=of), *(_event(*each) for each in more_events)]
    write_rows(session.connection(), *rows, *(NewRow(_EVENTS, values) for values in events))
    _note_for_analytics(session, events)


def record_event(session: Session, action: str, subject: AnyRow, changes: Mapping[str, Any] | None = None) -> None:
    """Write the activity event of a change, in its transaction. The subject must be flushed, so that it has its id.

    ``action`` is ``type.verb``; ``changes`` maps attributes to ``[before, after]`` and must never hold secrets. Name
    projects, environments and workspaces in it by their ids: an id is hidden from readers who can't see the resource.
    """
    record_events(session, action, [(subject, changes)])


def record_events(session: Session, action: str, subjects: Sequence[tuple[AnyRow, Mapping[str, Any] | None]]) -> None:
    """Write the activity events of one change to many subjects, each with its own changes."""
    record_all(session, [(action, subject, changes) for subject, changes in subjects])


def record_all(session: Session, recorded: Sequence[Recorded]) -> None:
    """Write several activity events, each with its action, subject and changes, by one statement."""
    # Plain inserts: events are never read back here, and the unit of work would take longer than the database.
    for _, subject, _ in recorded:
        _load_location(session, subject)
    if recorded:
        events = [_event(action, subject, changes) for action, subject, changes in recorded]
        session.connection().execute(_EVENTS.insert(), events)
        _note_for_analytics(session, events)


def _note_for_analytics(session: Session, events: Sequence[Mapping[str, Any]]) -> None:
    if services().analytics is not None:
        session.info.setdefault(RECORDED, []).extend(events)


def _schedule_analytics(session: Session) -> None:
    if services().analytics is None:
        return
    recorded = session.info.pop(RECORDED, ())
    at = now().isoformat()
    captured = [{"at": at, **{name: event[name] for name in CAPTURED}} for event in recorded]
    for begin in range(0, len(captured), EVENTS_OF_A_TASK):
        schedule(session, DELIVER_ANALYTICS, {"events": captured[begin : begin + EVENTS_OF_A_TASK]})


def capture_read(table: str, row: AnyRow) -> None:
    """Tell analytics that a resource was read, if the operator wants to know. Nothing is recorded here."""
    own = services()
    delivery, configured = own.analytics, own.settings.posthog
    if delivery is None or configured is None or not configured.reads:
        return
    who = caller()
    delivery.capture(
        [
            AnalyticsEvent(
                action=f"{table}.read",
                actor_type=who.type,
                actor_id=who.id,
                token_kind=who.kind if who.token_id else None,
                subject_type=table.replace("_", "-"),
                subject_id=row.id,
                organization_id=row.organization_id,
                project_id=row.id if table == "projects" else row.project_id,
                workspace_id=None,
            )
        ]
    )


def _load_location(session: Session, subject: AnyRow) -> None:
    # Rows below a workspace load project, environment and cell from it, and a flush expires them: load all at once.
    if isinstance(subject, WorkspaceChild) and subject in session:
        missing = LOCATION & inspect(subject).unloaded
        if missing:
            session.refresh(subject, missing)


def _event(
    action: str, subject: AnyRow, changes: Mapping[str, Any] | None, model: type[Base] | None = None
) -> dict[str, Any]:
    who = caller()
    model = model or type(subject)
    table = model.__tablename__
    # A role that is limited to an environment is not in it: its events belong to the whole project.
    scoped = subject if issubclass(model, ProjectScoped) else None
    return {
        "id": _new_event_id(),
        "created_at": now(),
        "action": action,
        "actor_type": who.type,
        "actor_id": who.id,
        "actor_name": who.name,
        "token_id": who.token_id,
        "token_kind": who.kind if who.token_id else None,
        "request_id": request_id(),
        "organization_id": subject.id if table == "organizations" else getattr(subject, "organization_id", None),
        "project_id": subject.id if table == "projects" else _project_of(subject),
        "environment_id": subject.id if table == "environments" else scoped.environment_id if scoped else None,
        "cell": scoped.cell if scoped else None,
        "workspace_id": subject.id if table == "workspaces" else getattr(subject, "workspace_id", None),
        "subject_type": table.replace("_", "-"),
        "subject_id": subject.id,
        "subject_name": next((getattr(subject, name) for name in NAMES if hasattr(model, name)), None),
        "is_about_access": model.access_sensitive,
        "changes": dict(changes or {}),
    }


def _project_of(subject: AnyRow) -> str | None:
    # An invitation is to a project or to a workspace, and has the project of its workspace in another column.
    of_workspace: str | None = getattr(subject, "workspace_project_id", None)
    return of_workspace or getattr(subject, "project_id", None)


def apply_changes(entity: Base, members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set the attributes of the entity, and return those that really changed, as ``{attribute: [before, after]}``."""
    changes: dict[str, list[Any]] = {}
    for name, value in members.items():
        before = getattr(entity, name)
        if before != value:
            setattr(entity, name, value)
            changes[name.replace("_", "-")] = [_shown(before), _shown(value)]
    return changes


def created_changes(members: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The attributes of a new resource, in the form of ``changes``: ``{attribute: [None, value]}``."""
    return {name.replace("_", "-"): [None, _shown(value)] for name, value in members.items() if value is not None}


def _shown(value: Any) -> Any:  # noqa: ANN401 - any attribute
    return value.isoformat() if hasattr(value, "isoformat") else value
