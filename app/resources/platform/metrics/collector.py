"""What the database knows about the service, as metrics."""

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Select, bindparam, case, func, literal, select, union_all

from app.models.agents import UNKNOWN_AFTER, Agent
from app.models.background_tasks import WAITING, BackgroundTask
from app.models.runs import FINAL, Run
from app.models.service_marks import BACKUP_BYTES, BACKUP_FAILURES, BACKUP_SECONDS, KIBIBYTE, ServiceMark
from app.models.state_versions import StateVersion
from app.persistence import Base, Expression, Timestamp, now
from app.services import services
from app.storage.ledger import LEDGER
from app.web.remembered import Remembered

# Several collectors may ask; sums over large tables are not made each time.
LOOK_SECONDS: Final = 15.0
TASKS: Final = Base.metadata.tables[BackgroundTask.__tablename__]
AGENTS: Final = Base.metadata.tables[Agent.__tablename__]
RUNS: Final = Base.metadata.tables[Run.__tablename__]
STATES: Final = Base.metadata.tables[StateVersion.__tablename__]
MARKS: Final = Base.metadata.tables[ServiceMark.__tablename__]
MOMENT: Final = bindparam("moment", type_=Timestamp())

TEXTS: Final = {
    "runs": ("Runs that are not over, by status", "status"),
    "background_tasks": ("Background tasks, by what is the matter with them", "state"),
    "agents": ("Agents, by whether they have been heard lately", "state"),
    "stored_objects": ("Objects in the store, by whether they are in use", "state"),
    "state_bytes": ("Bytes of all states, as they were sent", "kind"),
}

# Of scheduled backups, which not every service makes.
BACKUPS: Final = {
    "backup_last_success_timestamp_seconds": "When the last scheduled backup was made that turned out to be good",
    "backup_seconds": "How long the last good backup took, with its verification",
    "backup_bytes": "How large the last good backup is",
    "backup_failures": "How often a scheduled backup failed",
}


def _counts(name: str, label: Expression, number: Expression, *conditions: Expression) -> Select[*tuple[Any, ...]]:
    return select(literal(name).label("name"), label.label("label"), number.label("number")).where(*conditions)


_TASK_STATE: Final = case(
    (TASKS.c.status != WAITING, "dead"),
    (TASKS.c.lease_until > MOMENT, "under way"),
    (TASKS.c.run_at <= MOMENT, "due"),
    else_="later",
)
_AGENT_STATE: Final = case((AGENTS.c.last_ping_at >= bindparam("heard", type_=Timestamp()), "alive"), else_="silent")
_OBJECT_STATE: Final = case((LEDGER.c.condemned_at.is_(None), "kept"), else_="to be removed")
_WANTED: Final = union_all(
    _counts("runs", RUNS.c.status, func.count(), RUNS.c.status.not_in(FINAL)).group_by(RUNS.c.status),
    _counts("background_tasks", _TASK_STATE, func.count()).group_by(_TASK_STATE),
    _counts("agents", _AGENT_STATE, func.count()).group_by(_AGENT_STATE),
    _counts("stored_objects", _OBJECT_STATE, func.count()).group_by(_OBJECT_STATE),
    _counts("state_bytes", literal("state"), func.coalesce(func.sum(STATES.c.size), 0)),
    _counts("state_bytes", literal("json-state"), func.coalesce(func.sum(STATES.c.json_state_size), 0)),
)


_BACKUPS: Final = select(MARKS).where(MARKS.c.name.in_((BACKUP_SECONDS, BACKUP_BYTES, BACKUP_FAILURES)))


def _backups(connection: Connection) -> list[tuple[str, str, int]]:
    marks = {mark.name: mark for mark in connection.execute(_BACKUPS)}
    numbers: dict[str, int] = {}
    if good := marks.get(BACKUP_SECONDS):
        numbers |= {"backup_last_success_timestamp_seconds": int(good.at.timestamp()), "backup_seconds": good.number}
    if size := marks.get(BACKUP_BYTES):
        numbers["backup_bytes"] = size.number * KIBIBYTE
    if good or BACKUP_FAILURES in marks:
        numbers["backup_failures"] = marks[BACKUP_FAILURES].number if BACKUP_FAILURES in marks else 0
    return [(name, "", number) for name, number in numbers.items()]


def _look() -> list[tuple[str, str, int]]:
    moment = now()
    with services().engines.reading.connect() as connection:
        rows = connection.execute(_WANTED, {"moment": moment, "heard": moment - UNKNOWN_AFTER})
        return [(row.name, row.label, int(row.number)) for row in rows] + _backups(connection)


_numbers: Final = Remembered(_look, LOOK_SECONDS)


class DatabaseMetrics(Collector):
    """Gives the numbers to a registry."""

    def collect(self) -> Iterator[Metric]:
        """Each metric with what the database knows, which may be some seconds old."""
        found = _numbers()
        for name, (text, label) in TEXTS.items():
            family = GaugeMetricFamily(f"groundplan_{name}", text, labels=[label])
            for of, value, number in found:
                if of == name:
                    family.add_metric([value], number)
            yield family
        for of, _, number in found:
            if of in BACKUPS:
                yield GaugeMetricFamily(f"groundplan_{of}", BACKUPS[of], value=number)
