"""Holds auto-destroy back after a restore, until an operator says that it may go on.

A restored database has times that have long passed, for workspaces that people may have changed since. So each look of
the timer counts up a number in the database, and the same number is kept in a file of each host. A database whose
number is behind the file's was restored. A database that nobody has looked after for a while, on a host without the
file or with an old one, may have been, and so may one that was away for more than a day.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.service_marks import ServiceMark
from app.persistence import Base, now, upsert

LOOKS: Final = "auto-destroy-looks"
HELD: Final = "auto-destroy-held"
FILE: Final = "auto-destroy-looks"
# Several hosts look in turn, so a host without the file may have come to a service that runs.
RUNNING: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=1)
# Of several hosts, another one may have counted on meanwhile: while this transaction waited, or for some hours.
AHEAD: Final = 3
BEHIND: Final = 1_000


def look(session: Session, home: Path) -> bool:
    """Count this look; returns whether auto-destroy is held back. The caller writes the number after the commit."""
    moment = now()
    first = upsert(Base.metadata.tables[ServiceMark.__tablename__]).values(name=LOOKS, number=0, at=moment)
    # Two workers may look for the first time at once.
    is_new = session.connection().execute(first.on_conflict_do_nothing()).rowcount == 1
    mark = session.scalars(select(ServiceMark).where(ServiceMark.name == LOOKS).with_for_update()).one()
    if not is_new and is_suspicious(mark, _number_of(home)) and session.get(ServiceMark, HELD) is None:
        session.add(ServiceMark(name=HELD, number=mark.number, at=moment))
    mark.number, mark.at = max(mark.number, _number_of(home) or 0) + 1, moment
    session.flush()
    note(home, mark.number)
    return session.get(ServiceMark, HELD) is not None


def is_suspicious(mark: ServiceMark, number: int | None) -> bool:
    """Whether the database may have been restored since this host, or any, looked last."""
    if number is not None and number > mark.number + AHEAD:
        return True
    silent_for = now() - mark.at
    is_up_to_date = number is not None and mark.number - BEHIND <= number <= mark.number
    return silent_for > (LONGEST if is_up_to_date else RUNNING)


def release(session: Session) -> bool:
    """Let auto-destroy go on; returns whether it was held back."""
    mark = session.get(ServiceMark, HELD)
    if mark is None:
        return False
    session.delete(mark)
    return True


def held_since(session: Session) -> ServiceMark | None:
    """When it was held back; None if it is not."""
    return session.get(ServiceMark, HELD)


def note(home: Path, number: int) -> None:
    """Keep the number on this host."""
    temporary = home / f"{FILE}.new"
    temporary.write_text(f"{number}\n", encoding="ascii")
    temporary.replace(home / FILE)


def _number_of(home: Path) -> int | None:
    try:
        return int((home / FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
