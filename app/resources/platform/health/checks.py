"""What the service needs to answer requests, looked at no more often than every few seconds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.models.agents import UNKNOWN_AFTER, Agent
from app.models.background_tasks import WAITING, BackgroundTask
from app.persistence import Base, Timestamp, now
from app.services import services
from app.storage.store import StoreUnavailable
from app.web.remembered import Remembered

# A probe comes every few seconds from every balancer; none of them costs more than one look.
LOOK_SECONDS: Final = 2.0
# A worker takes what is due within seconds. Later than this, there is none, or too few.
LATE_AFTER: Final = timedelta(minutes=2)
# No object has this name: the store is asked for it to see whether it answers.
NO_OBJECT: Final = "health/none"

OK: Final = "ok"
TASKS: Final = Base.metadata.tables[BackgroundTask.__tablename__]
AGENTS: Final = Base.metadata.tables[Agent.__tablename__]

_VERSION: Final = text("SELECT version_num FROM alembic_version")
_BESIDE: Final = select(
    select(func.count())
    .select_from(TASKS)
    .where(TASKS.c.status == WAITING, TASKS.c.run_at < bindparam("late", type_=Timestamp()), TASKS.c.owner.is_(None))
    .scalar_subquery()
    .label("late_tasks"),
    select(func.count())
    .select_from(AGENTS)
    .where(AGENTS.c.last_ping_at >= bindparam("alive", type_=Timestamp()))
    .scalar_subquery()
    .label("agents"),
)


@dataclass(frozen=True, slots=True)
class Health:
    """What was found: a word for each part, and whether requests can be answered."""

    is_ready: bool
    checks: dict[str, str]


def _look() -> Health:
    """Look at the database, its tables and the store. Workers and agents are told, but requests don't need them."""
    needed = {"database": OK, "migrations": OK, "store": _store()}
    beside = {"background-tasks": "unknown", "agents": "unknown"}
    try:
        with services().engines.reading.connect() as connection:
            versions = {str(version) for version in connection.scalars(_VERSION)}
            if versions != {services().schema_version()} and not _are_newer(versions):
                needed["migrations"] = "the tables are of an older version: run groundplan admin db upgrade"
            else:
                row = connection.execute(_BESIDE, {"late": now() - LATE_AFTER, "alive": now() - UNKNOWN_AFTER}).one()
                late = f"{row.late_tasks} are late: is a worker running?" if row.late_tasks else OK
                beside = {"background-tasks": late, "agents": str(row.agents)}
    except SQLAlchemyError:
        needed |= {"database": "does not answer, or has no tables", "migrations": "unknown"}
    return Health(all(found == OK for found in needed.values()), {**needed, **beside})


def _are_newer(versions: set[str]) -> bool:
    """Whether another host has upgraded the tables already. Migrations leave this program all that it needs."""
    return bool(versions) and not any(map(services().is_known_version, versions))


def _store() -> str:
    try:
        services().vault.exists(NO_OBJECT)
    except StoreUnavailable:
        return "does not answer"
    return OK


health: Final = Remembered(_look, LOOK_SECONDS)
